# SPDX-License-Identifier: Apache-2.0
"""topic_faults.py -- mode audit: when measuring or recording fails, the container starts, loudly."""
import os
import re
import signal
import subprocess

from world import (PLACE, Skip, busybox, configure, events, expect, log_mark, log_since, new_id,
                   nothing_left, pid_of, run, same, sh, world_sh)


def start(**more):
    """The container runs. Returns its name and what our programs logged of errors meanwhile."""
    mark, name = log_mark(), new_id()
    same(run(busybox(), "echo", "up", name=name, **more).stdout, "up\n", "output")
    return name, "\n".join(line for line in log_since(mark).splitlines()
                           if re.match(r"(error|warning) msg=", line))  # containerd's have a time


def starts_loudly(*parts, **more):
    name, text = start(**more)
    expect(text, "nothing is said in containerd's log")
    for part in parts:
        expect(part in text.lower(), f"containerd's log does not say {part!r}: {text[-800:]!r}")
    return name


def recovers():
    name = new_id()
    run(busybox(), "true", name=name)
    same(len(events("container-create", name)), 1, "events afterwards")


def with_helper(body, *parts):
    """A helper that is a program of its own (the shim executes a descriptor: no script would do)."""
    path = f"{PLACE}/helper"
    sh("gcc", "-x", "c", "-o", path, "-",
       input=f"#include <unistd.h>\nint main(void) {{ {body} }}\n")
    configure(helper=path)
    try:
        starts_loudly(*parts, timeout=120)
    finally:
        configure()
    recovers()


def test_helper_that_fails():
    with_helper("return 7;", "exit status 7", "not recorded")


def test_helper_that_crashes():
    with_helper("__builtin_trap();", "signal", "not recorded")


def test_helper_that_lies():
    with_helper(r'return write(0, "\1\2\3\4\5\6\7\10", 8) + write(3, "\1\2", 2) < 0;',
                "not recorded")


def test_helper_that_hangs():
    if not os.environ.get("CMC_LONG"):
        raise Skip("waits 30 s and more: sudo tests/run long")
    with_helper("for (;;) pause();", "progress")
    nothing_left(60)  # the helper of the delete event hangs as well


def test_log_that_cannot_be_written():
    sh("mount", "-o", "remount,ro", "/run/cmc")
    try:
        starts_loudly()
    finally:
        sh("mount", "-o", "remount,rw", "/run/cmc")
    recovers()


def test_no_space_for_the_log():
    subprocess.run(["dd", "if=/dev/zero", "of=/run/cmc/full", "bs=4k"], capture_output=True,
                   check=False)
    loud = 0
    try:
        for _ in range(10):
            name, text = start()
            expect(text or events("container-create", name), f"{name}: not recorded, and nothing said")
            loud += bool(text)
    finally:
        os.unlink("/run/cmc/full")
    expect(loud, "ten events found room in a full file system")
    recovers()


def test_tpm_that_is_gone():
    os.kill(pid_of("tpm"), signal.SIGKILL)
    before = len(events())
    try:
        starts_loudly("tpm")
    finally:
        world_sh("world_tpm")
    recovers()
    expect(len(events()) > before + 1, "nothing says that the TPM was reset, or events are missing")
