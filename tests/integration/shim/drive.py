#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""drive.py BUILD [CASE...] -- runs the cases of case_*.py; prints "ok NAME" or "not ok NAME - why"."""
import os
import sys
import threading
import traceback

import case_create
import case_frames
import case_start
import case_world
import world


def run(name, case, w):
    try:
        print(f"ok {name}{case(w) or ''}", flush=True)
        return True
    except Exception as why:  # whatever it is, it is this case's verdict
        trace = traceback.extract_tb(why.__traceback__)
        at = [f"{os.path.basename(t.filename)}:{t.lineno}" for t in trace][-3:]
        print(f"not ok {name} - {why!r} at {' '.join(at)}", flush=True)
        return False


def main():
    os.makedirs(world.PLACE, exist_ok=True)
    w = world.World(sys.argv[1])
    wanted = sys.argv[2:]
    cases = [(name[5:], case) for module in (case_start, case_create, case_frames, case_world)
             for name, case in vars(module).items() if name.startswith("case_")]
    chosen = [(n, c) for n, c in cases if not wanted or n in wanted]
    good = True
    slow = [(n, c) for n, c in chosen if n.startswith("slow_")]
    results = []
    threads = [threading.Thread(target=lambda n=n, c=c: results.append(run(n, c, w)))
               for n, c in slow]  # they mostly wait, so they wait beside the others
    for thread in threads:
        thread.start()
    for name, case in chosen:
        if not name.startswith("slow_"):
            good &= run(name, case, w)
    for thread in threads:
        thread.join()
    sys.exit(0 if good and all(results) else 1)


main()
