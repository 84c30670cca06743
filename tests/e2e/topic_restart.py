# SPDX-License-Identifier: Apache-2.0
"""topic_restart.py -- containerd dies and comes back while containers run."""
import os
import signal

from world import (CMC, RUNC, busybox, ctr, detach, expect, life, pid_of, processes, remove, same,
                   status_of, version, wait_until, world_sh)


def restart():
    pid = pid_of("containerd")
    os.kill(pid, signal.SIGKILL)
    wait_until(lambda: not any(p == pid for p, _ in processes("containerd -c")), "containerd gone")
    world_sh("world_containerd")


def survives(runtime):
    name = detach(busybox(), "sleep", "1000", runtime=runtime)
    before = sorted(processes("containerd-shim"))
    restart()
    same(status_of(name), "RUNNING", "after the restart")
    same(sorted(processes("containerd-shim")), before, "shims")
    same(ctr("task", "exec", "--exec-id", "e", name, "echo", "in").stdout, "in\n", "exec")
    ctr("task", "pause", name)
    ctr("task", "resume", name)
    remove(name)


def test_killed_and_restarted_under_runc():
    survives(RUNC)


def test_killed_and_restarted():
    survives(CMC)


def test_container_ends_while_containerd_is_away():
    """Since 1.7 the task is gone if it had ended before containerd looked, else it is stopped."""
    name = detach(busybox(), "sh", "-c", "sleep 1; exit 9")
    os.kill(pid_of("containerd"), signal.SIGKILL)
    wait_until(lambda: not processes("; exit 9"), "the container has ended")
    world_sh("world_containerd")
    wait_until(lambda: status_of(name) in ("STOPPED", "gone"), "stopped")
    expect(status_of(name) == "STOPPED" or version() >= (1, 7), "gone, under this version")
    ctr("task", "delete", name, status=None)
    ctr("container", "delete", name)
    life(name)
