# SPDX-License-Identifier: Apache-2.0
"""topic_upgrade.py -- containerd is replaced by a newer one, with root and state, under containers.

The world starts with the older one (CMC_CONTAINERD); CMC_NEWER is a PATH that finds the newer one.
"""
import os
import signal

import cri
from world import (ALIAS, CMC, PLACE, RUNC, Skip, busybox, cmcctl, configure, ctr, detach, events,
                   expect, forget_images, life, new_id, oracle, pid_of, processes, remove, run,
                   same, sh, status_of, version, wait_until, world_sh)

OLD_PATH = os.environ["PATH"]


def stop():
    pid = pid_of("containerd")
    os.kill(pid, signal.SIGKILL)
    wait_until(lambda: not any(p == pid for p, _ in processes("containerd -c")), "containerd gone")


def start(path):
    os.environ["PATH"] = path
    world_sh("world_containerd")


def older():
    """At the begin of a case: the older containerd, with nothing that a newer one has written."""
    if not os.environ.get("CMC_NEWER"):
        raise Skip("needs two containerds: tests/run e2e gets others")
    if os.environ["PATH"] != OLD_PATH:
        stop()
        sh("rm", "-rf", f"{PLACE}/containerd/root", f"{PLACE}/containerd/state")
        forget_images()
        start(OLD_PATH)


def upgrade(meanwhile=lambda: None):
    before = version()
    stop()
    meanwhile()
    start(os.environ["CMC_NEWER"])
    expect(version() > before, f"{version()} is not newer than {before}")


def alive(name):
    same(status_of(name), "RUNNING", f"{name} after the upgrade")
    same(ctr("task", "exec", "--exec-id", new_id("e"), name, "echo", "in").stdout, "in\n", "exec")


def replays():
    cmcctl("--verify")
    oracle()
    same(events("discontinuity"), [], "discontinuities")


def test_running_containers_survive_and_end_well():
    older()
    names = [detach(busybox(), "sleep", "1000", runtime=runtime) for runtime in (RUNC, CMC, ALIAS)]
    shims = sorted(processes("containerd-shim"))
    upgrade()
    for name in names:
        alive(name)
    same(sorted(processes("containerd-shim")), shims, "shims")
    ctr("task", "pause", names[1])
    ctr("task", "resume", names[1])
    further = new_id()
    same(run(busybox(), "echo", "new", name=further).stdout, "new\n", "a further container")
    life(further)
    for name in names:
        remove(name)
    same(events(name=names[0]), [], "events of the container under runc")
    life(names[1])
    life(names[2])
    replays()


def test_a_group_goes_on_in_the_shim_it_has():
    older()
    opts = ["--annotation", "io.containerd.runc.v2.group=upgrade"]
    one = detach(busybox(), "sleep", "1000", opts=opts)
    upgrade()
    two = detach(busybox(), "sleep", "1000", opts=opts)
    same(len(processes("containerd-shim")), 2, "shims, ours and runc's")
    for name in (one, two):
        alive(name)
    remove(one)
    alive(two)
    remove(two)
    life(one)
    life(two)
    replays()


def test_container_ends_meanwhile():
    older()
    names = [detach(busybox(), "sh", "-c", "sleep 1; exit 9", runtime=r) for r in (RUNC, CMC)]
    upgrade(lambda: wait_until(lambda: not processes("; exit 9"), "the containers have ended"))
    for name in names:
        wait_until(lambda n=name: status_of(n) in ("gone", "STOPPED"), f"{name} stopped")
        ctr("task", "delete", name, status=None)
        ctr("container", "delete", name)
    life(names[1])
    replays()


def test_created_before_started_after():
    older()
    name = new_id()
    ctr("container", "create", "--runtime", CMC, busybox(), name, "sleep", "1000")
    upgrade()
    ctr("task", "start", "-d", name)
    alive(name)
    remove(name)
    life(name)


def test_the_older_real_shim_under_the_newer_containerd():
    older()
    shim = sh("sh", "-c", "command -v containerd-shim-runc-v2").stdout.strip()
    upgrade()
    configure(inner_shim=shim)
    try:
        name = detach(busybox(), "sleep", "1000")
        try:
            same([line.split()[0] for _, line in processes("containerd-shim-runc-v2")], [shim],
                 "runc's shim")
            alive(name)
        finally:
            remove(name)
    finally:
        configure()
    life(name)


@cri.case
def pod_survives():
    """In CRI's own containerd: a pod that runs, one that is new, and a container for each."""
    with cri.Pod("web") as pod:
        one = pod.run("one")
        proxies = cri.proxies()
        os.environ["PATH"] = os.environ["CMC_NEWER"]
        cri.restart()
        same(cri.state(one), "RUNNING", "after the upgrade")
        same(cri.run_in(one, "echo", "in"), "in\n", "exec")
        two = pod.run("two")
        same(cri.proxies(), proxies, "proxies of the pod")
        for name in (pod.id, one, two):
            same(cri.created(name)["sandbox"], pod.id, "the sandbox in the event")
        with cri.Pod("later") as later:
            three = later.run("three")
    for name in (one, two, pod.id, three, later.id):
        life(name)


def test_pod_survives_and_takes_another_container():
    older()
    pod_survives()
