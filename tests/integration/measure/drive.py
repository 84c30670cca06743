#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""drive.py BUILD [CASE...] -- runs the cases and prints a line for each."""
import os
import sys
import traceback

import cases_faults
import cases_known
import cases_request
import cases_rootfs
from world import Skip, World


def mounts():
    with open("/proc/self/mountinfo", encoding="utf-8") as f:
        return sorted(line.split(" ", 1)[1] for line in f)


def run(case, world):
    name = case.__name__.replace("_", " ")
    try:
        case(world)
        print(f"ok {name}", flush=True)
        return True
    except Skip as why:
        print(f"skip {name} - {why}", flush=True)
        return True
    except Exception as why:  # noqa: BLE001 -- whatever it is, the case failed
        traceback.print_exc()
        print(f"not ok {name} - {str(why)[:300]!r}", flush=True)
        return False


def main():
    world = World(os.path.abspath(sys.argv[1]))
    wanted = set(sys.argv[2:])
    cases = [c for m in (cases_rootfs, cases_known, cases_request, cases_faults) for c in m.CASES]
    before = mounts()
    good = True
    for case in cases:
        if not wanted or case.__name__ in wanted:
            good = run(case, world) and good

    def nothing_is_left(w):
        w.verify()
        if mounts() != before:
            raise AssertionError(f"mounts: {set(mounts()) ^ set(before)}")

    good = run(nothing_is_left, world) and good
    world.stop_tpm()
    sys.exit(0 if good else 1)


main()
