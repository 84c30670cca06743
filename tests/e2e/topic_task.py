# SPDX-License-Identifier: Apache-2.0
"""topic_task.py -- everything ctr can do to a running container."""
import re
import subprocess
import threading

from world import (CMC, RUNC, both, busybox, ctr, detach, expect, holds, new_id, processes, remove,
                   remove_sockets, same, status_of, wait_until)


def with_sleeper(call):
    """both() with a container that sleeps: call(id)."""
    def one(runtime):
        name = detach(busybox(), "sleep", "1000", runtime=runtime)
        try:
            return call(name)
        finally:
            remove(name)
    return both(one)


def test_exec():
    def call(name):
        done = ctr("task", "exec", "--exec-id", "e", name, "sh", "-c", "echo in; exit 4", status=4)
        return done.stdout, done.stderr
    same(with_sleeper(call), ("in\n", ""), "output")


def test_exec_of_an_unknown_command():
    def call(name):
        text = ctr("task", "exec", "--exec-id", "e", name, "/nothing", status=None).stderr
        return text.replace(name, "ID")
    holds(with_sleeper(call), "/nothing", "the error")


def test_exec_twice_at_once():
    def call(name):
        each = [subprocess.Popen(["ctr", "task", "exec", "--exec-id", f"e{n}", name, "sh", "-c",
                                  f"sleep 0.2; echo {n}"], stdout=subprocess.PIPE, text=True)
                for n in range(8)]
        return [p.communicate(timeout=30)[0] for p in each]
    same(with_sleeper(call), [f"{n}\n" for n in range(8)], "output")


def test_pause_and_resume():
    def call(name):
        seen = [status_of(name)]
        ctr("task", "pause", name)
        seen.append(status_of(name))
        ctr("task", "resume", name)
        return seen + [status_of(name)]
    same(with_sleeper(call), ["RUNNING", "PAUSED", "RUNNING"], "states")


def test_kill():
    def call(runtime):
        name = detach(busybox(), "sleep", "1000", runtime=runtime)
        ctr("task", "kill", "-s", "KILL", name)
        wait_until(lambda: status_of(name) == "STOPPED", "stopped")
        code = ctr("task", "delete", name, status=None).returncode
        ctr("container", "delete", name)
        return code
    both(call)


def test_metrics():
    def call(name):
        text = ctr("task", "metrics", name).stdout
        return [line.split()[0] for line in text.splitlines()[2:] if line.split()]
    expect(any("memory" in key for key in with_sleeper(call)), "no memory in the metrics")


def test_ps():
    def call(name):
        return len(ctr("task", "ps", name).stdout.splitlines())
    same(with_sleeper(call), 2, "lines")


def test_attach():
    def call(runtime):
        name = detach(busybox(), "sh", "-c", "while true; do echo tick; sleep 0.1; done",
                      runtime=runtime)
        task = subprocess.Popen(["ctr", "task", "attach", name], stdout=subprocess.PIPE, text=True)
        line = task.stdout.readline()
        threading.Timer(0.3, lambda: ctr("task", "kill", "-s", "KILL", name)).start()
        rest = task.communicate(timeout=20)[0]
        wait_until(lambda: status_of(name) in ("STOPPED", "gone"), "stopped")
        if status_of(name) != "gone":
            ctr("task", "delete", name, status=None)
        ctr("container", "delete", name)
        return line, set(rest.split()) - {"tick"}
    same(both(call), ("tick\n", set()), "output")


def test_memory_limit_is_kept():
    def call(runtime):
        name = detach(busybox(), "sleep", "1000", runtime=runtime,
                      opts=["--memory-limit", str(64 << 20)])
        try:
            text = ctr("task", "metrics", name).stdout
            return re.findall(r"memory\.\w*limit\w*\s+(\d+)", text)
        finally:
            remove(name)
    same(both(call), [str(64 << 20)], "the limit in the metrics")


def group(runtime):
    """Two containers of one group; returns the number of shim processes by program."""
    pod = new_id("pod")
    opts = ["--annotation", f"io.containerd.runc.v2.group={pod}"]
    one = detach(busybox(), "sleep", "1000", runtime=runtime, opts=opts)
    two = detach(busybox(), "sleep", "1000", runtime=runtime, opts=opts)
    found = [len(processes(r"containerd-shim-runc-v2")), len(processes(r"containerd-shim-cmc-v1"))]
    same([status_of(one), status_of(two)], ["RUNNING"] * 2, "states")
    ctr("task", "exec", "--exec-id", "e", two, "true")
    remove(one)
    same(status_of(two), "RUNNING", "the second, after the first is gone")
    ctr("task", "exec", "--exec-id", "f", two, "true")
    remove(two)
    return found


def test_a_group_shares_one_shim():
    same(group(RUNC), [1, 0], "runc's shims, ours")
    wait_until(lambda: not processes("containerd-shim"), "runc's shim has ended")
    remove_sockets()  # since 2.0 runc's shim leaves that of a group
    same(group(CMC), [1, 1], "runc's shims, ours")
