# SPDX-License-Identifier: Apache-2.0
"""topic_kills.py -- kill -9 of proxies, helpers, real shims and containerd while containers come and
go: no event is lost, log and PCR agree, everything can be deleted, nothing is orphaned.

CMC_KILLS: how many (40; 4000 with CMC_LONG). CMC_SEED: of the random numbers, printed."""
import collections
import glob
import os
import random
import shutil
import signal
import subprocess
import threading
import time

from world import (NAMESPACE, PLACE, busybox, cmcctl, ctr, events, expect, new_id, nothing_left,
                   oracle, pid_of, remove_sockets, run_args, same, world_sh)

KILLS = int(os.environ.get("CMC_KILLS", 4000 if os.environ.get("CMC_LONG") else 40))
WORKERS, BETWEEN_MS, RUN_S = 4, 60, 60
STATE = f"{PLACE}/containerd/state/io.containerd.runtime.v2.task/{NAMESPACE}"
KINDS = {"proxy": 4, "helper": 6, "real shim": 4, "containerd": 1}


def name_of(pid):
    """What a process is, by its first argument and its parent's; None when it is none of ours."""
    try:
        with open(f"/proc/{pid}/cmdline", "rb") as f:
            argv = f.read().split(b"\0")
    except OSError:
        return None
    if argv[0] == b"cmc-measure":
        return "helper"
    if argv[0].endswith(b"/containerd-shim-runc-v2") and b"start" not in argv and b"delete" not in argv:
        return "real shim"
    if argv[0].endswith(b"/containerd-shim-cmc-v1") and b"delete" not in argv:
        return "proxy"  # or its `start`, which is to be killed as well
    return None


def victim(kind):
    """A process of that kind, at random; None when there is none."""
    if kind == "containerd":
        return pid_of("containerd")
    pids = [int(pid) for pid in filter(str.isdigit, os.listdir("/proc")) if name_of(pid) == kind]
    return random.choice(pids) if pids else None


def kill(kind):
    """Kills one, waiting for one to come; True when there was one."""
    end = time.monotonic() + 5
    while time.monotonic() < end:
        pid = victim(kind)
        if not pid:
            time.sleep(0.001)
            continue
        time.sleep(random.random() * (0.004 if kind == "helper" else 0.02))
        if kind != "containerd" and name_of(pid) != kind:
            continue
        try:
            os.kill(pid, signal.SIGKILL)
        except ProcessLookupError:
            continue
        return True
    return False


class Load:
    """Workers that run containers until they are told to stop."""

    def __init__(self):
        self.ref, self.over, self.lock = busybox(), False, threading.Lock()
        self.ran, self.failed, self.stuck = [], [], []
        self.threads = [threading.Thread(target=self.work) for _ in range(WORKERS)]
        for one in self.threads:
            one.start()

    def work(self):
        while not self.over:
            with self.lock:
                name = new_id("kill")
            one = subprocess.Popen(run_args(self.ref, "echo", "up", name=name),
                                   stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                                   stderr=subprocess.PIPE, text=True)
            try:
                out = one.communicate(timeout=RUN_S)[0]
            except subprocess.TimeoutExpired:
                one.kill()
                out = one.communicate()[0]
                self.stuck.append(name)
            (self.ran if "up" in out else self.failed).append(name)

    def end(self):
        self.over = True
        for one in self.threads:
            one.join()


def delete_all():
    """As an operator does. Returns what would not go within half a minute."""
    end, left = time.monotonic() + 30, ["?"]
    while left and time.monotonic() < end:
        for task in ctr("task", "ls", "-q", status=None).stdout.split():
            ctr("task", "kill", "-s", "KILL", task, status=None)
            ctr("task", "delete", "-f", task, status=None)
        for name in ctr("container", "ls", "-q", status=None).stdout.split():
            ctr("container", "delete", name, status=None)
        left = ctr("container", "ls", "-q").stdout.split() + ctr("task", "ls", "-q").stdout.split()
    return left


def cgroups():
    """Groups with processes in them. (runc, when killed at the right moment, leaves empty ones.)"""
    found = []
    for root in ("/sys/fs/cgroup", "/sys/fs/cgroup/*"):
        for path in glob.glob(f"{root}/{NAMESPACE}/*/cgroup.procs"):
            with open(path, encoding="ascii") as f:
                if f.read():
                    found.append(path)
    return found


def check_log(load, before):
    """Each container that ran has its event, and nobody finds a discontinuity."""
    cmcctl("--verify", timeout=120)
    oracle()
    found = events()[before:]
    same([e for e in found if e["type"] == "discontinuity"], [], "discontinuities")
    known = {e.get("container") for e in found
             if e["type"] in ("container-create", "measurement-failed")}
    lost = [name for name in load.ran if name not in known]
    if lost:
        with open("/run/cmc/shim.log", encoding="utf-8", errors="replace") as log:
            print("\n".join(line[:300] for line in log if any(f'"{n}"' in line for n in lost)))
    same(lost, [], "containers that ran and have no event")
    return collections.Counter(e["type"] for e in found)


def settle():
    """Nothing is left, at the latest when a shim whose `start` was killed has waited for its minute;
    but for what runc leaves when it is killed in the middle of a create: its init goes on for a
    moment and makes /dev in a bundle that was deleted meanwhile. Returns how many of those."""
    remains = [path for path in glob.glob(f"{STATE}/*") + glob.glob(f"{STATE}/.kill*")
               if not os.path.exists(path + "/config.json")
               and not os.path.exists(path + "/work") and set(os.listdir(path)) <= {"rootfs"}]
    for path in remains:
        shutil.rmtree(path)
    nothing_left(75)
    return len(remains)


def clear_orphans():
    """containerd 1.6 forgets shims whose Create it was killed in, runc's as well as ours. Ends them;
    returns how many."""
    found = [pid for pid in filter(str.isdigit, os.listdir("/proc")) if name_of(pid) == "proxy"]
    for pid in found:
        try:
            os.kill(int(pid), signal.SIGKILL)
        except ProcessLookupError:
            pass
    if found:
        time.sleep(0.5)
        for bundle in glob.glob(f"{STATE}/*"):
            subprocess.run(["umount", "-l", bundle + "/rootfs"], capture_output=True, check=False)
            shutil.rmtree(bundle)
        remove_sockets()
    return len(found)


def under_load(kinds_of, kills_wanted):
    seed = int(os.environ.get("CMC_SEED", time.time_ns() % 1000000))
    random.seed(seed)
    before, begin, kills, missing = len(events()), time.monotonic(), collections.Counter(), 0
    load = Load()
    try:
        while sum(kills.values()) < kills_wanted:
            kind = random.choices(list(kinds_of), kinds_of.values())[0]
            if not kill(kind):
                missing += 1
                expect(missing < 20, f"no {kind} to kill: nothing runs")
                continue
            kills[kind] += 1
            if kind == "containerd":
                world_sh("world_containerd")
            time.sleep(random.random() * BETWEEN_MS / 1000)
    finally:
        load.end()
    same(delete_all(), [], "containers and tasks that cannot be deleted")
    orphans = clear_orphans() if "containerd" in kinds_of else 0
    time.sleep(1)  # for a runc that dies slowly
    run_args_ = run_args(load.ref, "true")  # its start removes the socket of one that was killed
    same(subprocess.run(run_args_, check=False).returncode, 0, "a container afterwards")
    remains = settle()
    same(cgroups(), [], "control groups with processes")
    kinds = check_log(load, before)
    print(f"    seed {seed}, {time.monotonic() - begin:.0f} s, {len(load.ran)} containers ran, "
          f"{len(load.failed)} did not, {len(load.stuck)} clients were stuck")
    print("    killed: " + ", ".join(f"{kind} {kills[kind]}" for kind in kinds_of) +
          (f"; {orphans} shims were forgotten by containerd" if orphans else "") +
          (f"; {remains} bundles were made again by a dying runc" if remains else ""))
    print("    events: " + ", ".join(f"{kind} {count}" for kind, count in sorted(kinds.items())))
    same(load.stuck, [], "clients that had to be killed")


def test_of_ours():
    under_load({"proxy": 4, "helper": 6, "real shim": 4}, KILLS * 3 // 4)


def test_of_containerd_too():
    under_load(KINDS, KILLS // 4)
