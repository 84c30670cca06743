# SPDX-License-Identifier: Apache-2.0
"""topic_cri_upgrade.py -- our programs are replaced while a pod runs, as a package manager does."""
import contextlib
import os
import shutil

import cri
import world
from cri import Pod, case, case_with_failures, created, ctr
from world import CMC, PLACE, configure, expect, holds, same, wait_until

SHIM = PLACE + "/tree/bin/containerd-shim-cmc-v1"
HELPER = PLACE + "/tree/libexec/cmc/cmc-measure"
ROLES = {"shim": SHIM, "measure": HELPER}


def digest(path):
    return world.sh("sha256sum", path).stdout.split()[0]


def programs(name, member="sha256"):
    """{role: digest} in a container's event."""
    return {p["role"]: p[member] for p in created(name)["programs"]}


def another_build(path):
    """Another file that does the same: what stands behind an ELF file's end is not loaded."""
    shutil.copyfile(path, path + ".other")
    with open(path + ".other", "ab") as f:
        f.write(b"another build")
    cri.place(path, path + ".other")
    os.unlink(path + ".other")


def program(path, body):
    """A program with main() { body } in the place of another."""
    world.sh("gcc", "-x", "c", "-o", path + ".other", "-",
             input=f"#include <unistd.h>\nint main(void) {{ {body} }}\n")
    cri.place(path, path + ".other")
    os.unlink(path + ".other")


@contextlib.contextmanager
def replaceable(*paths):
    """They are as before afterwards."""
    for path in paths:
        shutil.copyfile(path, path + ".first")
    try:
        yield
    finally:
        for path in paths:
            cri.place(path, path + ".first")
            os.unlink(path + ".first")


@case
def test_both_replaced_under_a_pod():
    """The old proxy has the old helper by descriptor; the new start joins it; new pods are new."""
    with replaceable(SHIM, HELPER), Pod("old") as pod:
        old = {role: digest(path) for role, path in ROLES.items()}
        proxy = cri.proxies()
        for path in ROLES.values():
            another_build(path)
        new = {role: digest(path) for role, path in ROLES.items()}
        name = pod.run("second")
        same(cri.proxies(), proxy, "proxies")
        for one in (pod.id, name):
            same({role: programs(one)[role] for role in ROLES}, old, "programs of the old pod")
        with Pod("new") as other:
            fresh = other.run("main")
            for one in (other.id, fresh):
                same({role: programs(one)[role] for role in ROLES}, new, "programs of the new pod")
        cri.restart()
        third = pod.run("third")
        same({role: programs(third)[role] for role in ROLES}, old, "after containerd's restart")


@case
def test_helper_replaced_by_one_that_cannot_work():
    """As if it spoke another protocol: the old pod does not need it."""
    with replaceable(HELPER), Pod("old") as pod:
        program(HELPER, "return 7;")
        created(pod.run("second"))


def lacking(path, key):
    """A build of the helper that does not know a key of the configuration."""
    with open(path, "rb") as f:
        data = f.read()
    expect(key.encode() in data, f"{key} is not in {path}")
    with open(path + ".other", "wb") as f:
        f.write(data.replace(key.encode(), b"x" * len(key)))
    cri.place(path, path + ".other")
    os.unlink(path + ".other")


@case_with_failures(1)
def test_key_that_the_old_helper_does_not_know():
    """It is set while an old pod lives: loud, and recorded late as soon as it can be."""
    with replaceable(HELPER):
        lacking(HELPER, "file_max")
        pod = Pod("old").run_sandbox()
    with contextlib.closing(pod):
        mark = os.path.getsize(cri.LOG)
        configure(file_max=1 << 40)
        try:
            name = pod.run("second")
        finally:
            configure()
        with open(cri.LOG, encoding="utf-8") as f:
            f.seek(mark)
            said = f.read()
        for part in ("NOT RECORDED", "file_max", name):
            holds(said, part, "containerd's log")
        same(cri.events(name), [], "events")
        created(pod.run("third"))
        wait_until(lambda: cri.events(name), "a late event")
        same(cri.events(name)[0][0], "measurement-failed", "the late event")


@case
def test_helper_removed():
    with replaceable(HELPER), Pod("old") as pod:
        os.unlink(HELPER)
        created(pod.run("second"))


@case
def test_real_shim_replaced():
    """What runs is recorded, not what now has its name."""
    inner = PLACE + "/tree/bin/own-inner-shim"
    cri.place(inner, world.sh("sh", "-c", "command -v containerd-shim-runc-v2").stdout.strip())
    configure(inner_shim=inner)
    try:
        with Pod("old") as pod:
            old = digest(inner)
            another_build(inner)
            name = pod.run("second")
            same(programs(name)["inner-shim"], old, "real shim of the old pod")
            same(programs(name, "path")["inner-shim"], inner + " (deleted)", "its name")
            with Pod("new") as other:
                same(programs(other.id)["inner-shim"], digest(inner), "that of the new one")
    finally:
        configure()
        os.unlink(inner)


@case
def test_replaced_under_a_group_of_ctr():
    with replaceable(SHIM, HELPER):
        old = {role: digest(path) for role, path in ROLES.items()}
        for name in ("first", "second"):
            ctr("run", "-d", "--runtime", CMC, "--annotation", "io.containerd.runc.v2.group=g",
                cri.BUSYBOX, name, "sleep", "1000")
            for path in ROLES.values():
                another_build(path)
        same(len(cri.proxies()), 1, "proxies")
        same({role: programs("second")[role] for role in ROLES}, old, "programs")
        for name in ("first", "second"):
            ctr("task", "delete", "-f", name, status=None)
            ctr("container", "delete", name)
        expect(cri.events("second")[-1][0] == "container-delete", "no event of the end")
