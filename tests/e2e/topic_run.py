# SPDX-License-Identifier: Apache-2.0
"""topic_run.py -- a container under our shim behaves as under runc's, by each of its names."""
import hashlib
import os

import world
from world import ALIAS, CMC, PATH, RUNC, both, busybox, expect, holds, on_terminal, run, same


def hello(runtime):
    done = run(busybox(), "sh", "-c", 'echo "$VAL"; echo err >&2; exit 7', runtime=runtime,
               opts=["--env", "VAL=HELLO"], status=7)
    return done.stdout, done.stderr


def test_runtime_v1_linux_cmc():
    same(hello(ALIAS), ("HELLO\n", "err\n"), "output")


def test_cmc_v1():
    same(hello(CMC), ("HELLO\n", "err\n"), "output")


def test_absolute_path():
    same(hello(PATH), ("HELLO\n", "err\n"), "output")


def test_absolute_path_into_the_build_tree():
    shim = f"{os.environ['CMC_BUILD']}/bin/containerd-shim-cmc-v1"
    helper = f"{os.environ['CMC_BUILD']}/libexec/cmc/cmc-measure"
    if os.stat(helper).st_uid != 0:
        raise world.Skip("the build tree is not root's (sudo), so the shim refuses its helper")
    same(hello(shim), ("HELLO\n", "err\n"), "output")


def test_exit_codes():
    for code in (0, 1, 126, 255):
        both(lambda r, c=code: run(busybox(), "sh", "-c", f"exit {c}", runtime=r,
                                   status=c).returncode)


def test_terminal():
    """On a busy host what a short one writes may be lost: 3 of 780 with runc's shim, 2 with ours."""
    def call(runtime):
        for _ in range(4):
            status, out = on_terminal(world.run_args(
                busybox(), "sh", "-c", "test -t 0 && test -t 1 && echo terminal; exit 3",
                runtime=runtime, opts=["-t"]))
            if out:
                break
        return status, out
    status, out = both(call)
    same(status, 3, "exit status")
    holds(out, "terminal", "output")


def test_unknown_command_has_the_same_error():
    def call(runtime):
        done = run(busybox(), "/bin/no-such-program", runtime=runtime, name="unknown", status=None)
        expect(done.returncode != 0, "it started")
        return done.returncode, done.stdout, done.stderr
    holds(both(call)[2], "no-such-program", "the error")


def test_three_megabytes_of_output():
    """On a busy host ctr may end before it has copied all, with runc's shim as well."""
    whole = hashlib.sha256(b"x" * (3 << 20)).hexdigest()

    def call(runtime):
        for _ in range(4):
            done = run(busybox(), "sh", "-c", "dd if=/dev/zero bs=1024 count=3072 2>/dev/null | "
                       "tr '\\0' x", runtime=runtime)
            digest = hashlib.sha256(done.stdout.encode()).hexdigest()
            if digest == whole:
                break
        return digest
    same(both(call), whole, "what was written")


def test_rootfs_directory():
    path = world.rootfs()
    both(lambda r: sh_rootfs(r, path))


def sh_rootfs(runtime, path):
    return world.sh("ctr", "run", "--rm", "--runtime", runtime, "--rootfs", path, world.new_id(),
                    "/bin/sh", "-c", "echo rootfs").stdout


def test_read_only():
    done = both(lambda r: result(run(busybox(), "touch", "/new", runtime=r, opts=["--read-only"],
                                     status=None)))
    expect(done[0] != 0, "the root was writable")
    holds(done[2], "Read-only file system", "the error")


def test_changes_of_the_container_stay_its_own():
    same(run(busybox(), "sh", "-c", "echo new >/f; cat /f").stdout, "new\n", "output")
    expect(run(busybox(), "cat", "/f", status=None).returncode != 0, "the file of another run")


def result(done):
    return done.returncode, done.stdout, done.stderr
