# SPDX-License-Identifier: Apache-2.0
"""case_world.py -- processes that die, what they cost, and what stays when they are gone."""
import os
import signal
import subprocess
import time

from ttrpc import field
from world import REAL, Client, Task, expect, kill, same, wait_until


def runc_knows(w, t):
    root = f"/run/containerd/runc/{os.environ['CMC_NS']}"
    done = subprocess.run(["runc", "--root", root, "state", t.name], capture_output=True, check=False)
    return done.returncode == 0


def parent(pid):
    with open(f"/proc/{pid}/stat", encoding="ascii") as stat:
        return int(stat.read().rsplit(")", 1)[1].split()[1])


def case_containerd_restarts(w):
    """All connections end, later ones find the container as it was; SIGTERM changes nothing."""
    t = Task(w)
    t.create()
    t.start()
    t.client.close()
    os.close(t.fifo)
    for pid in t.shims()[0]:
        os.kill(pid, signal.SIGTERM)
    time.sleep(0.3)
    t.fifo = os.open(t.bundle + "/log", os.O_RDWR | os.O_NONBLOCK)
    t.client = Client(t.path)
    same(t.client.state(t.name), 2, "running")
    t.finish()


def case_proxy_killed(w):
    """The real shim dies with the proxy; delete ends the container; nothing is left."""
    t = Task(w)
    pid = t.create().payload[1]
    t.start()
    proxies, real = t.shims()
    kill(proxies[0])
    t.client.closed()
    wait_until(lambda: t.shims() == ([], []), "real shim gone")
    expect(os.path.exists(t.path), "a killed proxy leaves its socket's name")
    done = w.run(w.args(t.name, "-bundle", t.bundle, "delete"), cwd=t.bundle)
    expect(done.stdout.startswith(b"\x08"), f"DeleteResponse: {done.stdout!r}")
    wait_until(lambda: not os.path.exists(f"/proc/{pid}"), "container gone")
    expect(not runc_knows(w, t), "runc's state")
    expect(not os.path.exists(t.path), "delete removes the stale socket")
    expect(real[0] not in w.processes(REAL), "real shim")
    os.close(t.fifo)


def case_start_after_a_killed_proxy(w):
    """A stale socket is replaced."""
    note = {"io.containerd.runc.v2.group": "stale"}
    t = Task(w, annotations=note)
    kill(t.shims()[0][0])
    wait_until(lambda: t.shims() == ([], []), "gone")
    again = Task(w, annotations=note)
    same(again.path, t.path, "the same name")
    again.create()
    again.finish()
    os.close(t.fifo)


def case_helper_dies_with_the_proxy(w):
    t = Task(w, "-slow-9000")
    t.client.send("Create", t.request())
    wait_until(lambda: w.calls(t.name), "helper runs")
    proxy = t.shims()[0][0]
    helpers = [pid for pid in w.processes("cmc-measure") if parent(pid) == proxy]
    expect(helpers, "a helper of this proxy")
    kill(proxy)
    wait_until(lambda: not set(helpers) & set(w.processes("cmc-measure")), "helper gone", 3)
    wait_until(lambda: t.shims() == ([], []), "gone")
    w.run(w.args(t.name, "-bundle", t.bundle, "delete"), cwd=t.bundle, status=None)
    os.close(t.fifo)


def case_real_shim_killed(w):
    t = Task(w)
    t.create()
    t.start()
    kill(t.shims()[1][0])
    t.client.closed()
    wait_until(lambda: t.shims() == ([], []), "proxy gone")
    expect(not os.path.exists(t.path), "socket removed")
    w.run(w.args(t.name, "-bundle", t.bundle, "delete"), cwd=t.bundle)
    expect(not runc_knows(w, t), "runc's state")
    os.close(t.fifo)


def case_delete_leaves_a_living_group_alone(w):
    note = {"io.containerd.runc.v2.group": "living"}
    a, b = Task(w, annotations=note), Task(w, annotations=note)
    b.create()
    b.start()
    w.run(w.args(a.name, "-bundle", a.bundle, "delete"), cwd=a.bundle, status=None)
    same(b.client.state(b.name), 2, "the other runs")
    a.client.close()
    b.finish()
    os.close(a.fifo)


def case_delete_without_a_configuration(w):
    t = Task(w)
    t.create()
    kill(t.shims()[0][0])
    w.configure(mode="strict")
    try:
        w.run(w.args(t.name, "-bundle", t.bundle, "delete"), cwd=t.bundle)
    finally:
        w.configure()
    expect(not runc_knows(w, t), "runc's state")
    os.close(t.fifo)


def case_oom_score(w):
    mine = int(open("/proc/self/oom_score_adj", encoding="ascii").read())
    t = Task(w)
    for pid in t.shims()[0] + t.shims()[1]:
        same(int(open(f"/proc/{pid}/oom_score_adj", encoding="ascii").read()), mine + 1, "score")
    t.leave()


def case_descriptors(w):
    """No descriptor of containerd or of `start` lives on, and none leaks."""
    t = Task(w)
    count = lambda pid: len(os.listdir(f"/proc/{pid}/fd"))
    t.client.call("Connect", field(1, t.name))
    before = count(t.shims()[0][0])
    for _ in range(20):
        c = Client(t.path)
        c.call("Connect", field(1, t.name))
        c.close()
    t.create()
    wait_until(lambda: count(t.shims()[0][0]) <= before, "descriptors are back")
    t.finish()
    return f" ({before})"


def case_memory(w):
    """One container, measured once: at most 1 MB of memory of its own share."""
    t = Task(w)
    t.create()
    t.start()
    text = open(f"/proc/{t.shims()[0][0]}/smaps_rollup", encoding="ascii").read()
    pss = int([line for line in text.splitlines() if line.startswith("Pss:")][0].split()[1])
    static = b"INTERP" not in subprocess.run(["readelf", "-lW", w.shim], capture_output=True,
                                             check=True).stdout
    expect(pss <= 1024 or not static, f"PSS {pss} kB")
    t.finish()
    return f" (PSS {pss} kB{'' if static else ', sanitized build: not judged'})"
