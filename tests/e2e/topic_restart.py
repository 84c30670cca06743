# SPDX-License-Identifier: Apache-2.0
"""topic_restart.py -- containerd dies and comes back while containers run."""
import os
import signal

from world import (CMC, RUNC, busybox, ctr, detach, expect, pid_of, processes, remove, same,
                   status_of, wait_until, world_sh)


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
    name = detach(busybox(), "sh", "-c", "sleep 1; exit 9")
    pid = pid_of("containerd")
    os.kill(pid, signal.SIGKILL)
    wait_until(lambda: not processes("^sleep"), "the container has ended")
    world_sh("world_containerd")
    wait_until(lambda: status_of(name) == "STOPPED", "stopped")
    done = ctr("task", "delete", name, status=None)
    expect(done.returncode in (0, 9), f"delete: {done.stderr}")
    ctr("container", "delete", name)
