# SPDX-License-Identifier: Apache-2.0
"""Runs one program and says how long it took, or how much memory and how many threads it had."""

import contextlib
import os
import pathlib
import re
import subprocess
import threading
import time

LOOK = 0.002  # s between looks at a watched program


def run(command):
    """(what it printed, seconds from its start to its end)."""
    begin = time.perf_counter()
    done = subprocess.run(command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, check=True)
    return done.stdout.decode(), time.perf_counter() - begin


def look(pid, seen):
    """Keeps the peaks; a program that has just ended has no memory any more."""
    text = pathlib.Path(f"/proc/{pid}/status").read_text(encoding="utf-8")
    for name, old in seen.items():
        found = re.search(rf"^{name}:\s+(\d+)", text, re.M)
        seen[name] = max(old, int(found[1])) if found else old


def nothing():
    return {"VmHWM": 0, "Threads": 0}


def peak(seen):
    if not seen["VmHWM"]:
        raise RuntimeError("it ended before it was seen: the tree is too small")
    return seen["VmHWM"] * 1024, seen["Threads"]


def peaks(command):
    """(bytes of memory, threads), each at most. Watching takes time: such a run is not timed.

    The kernel's ru_maxrss is of no use here: it begins with the memory of whoever starts the
    program. VmHWM begins anew, but is gone with the program: so it is read until then.
    """
    seen = nothing()
    with subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL) as process:
        while os.waitid(os.P_PID, process.pid, os.WEXITED | os.WNOWAIT | os.WNOHANG) is None:
            look(process.pid, seen)
            time.sleep(LOOK)
    if process.returncode:
        raise subprocess.CalledProcessError(process.returncode, command)
    return peak(seen)


def pids_of(name):
    for entry in pathlib.Path("/proc").iterdir():
        with contextlib.suppress(OSError):
            if entry.name.isdigit() and (entry / "comm").read_text() == f"{name}\n":
                yield int(entry.name)


@contextlib.contextmanager
def program(name, seen):
    """Keeps the peaks of each program of that name that runs meanwhile, whoever starts it."""
    ends = threading.Event()

    def watch_all():
        while not ends.wait(LOOK):
            for pid in pids_of(name):
                with contextlib.suppress(OSError):
                    look(pid, seen)

    watcher = threading.Thread(target=watch_all)
    watcher.start()
    try:
        yield
    finally:
        ends.set()
        watcher.join()
