#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""drive.py BUILD [CASE...] -- runs the cases and prints a line for each."""
import os
import sys
import traceback

import cases
from host import Host


def main():
    host = Host(os.path.abspath(sys.argv[1]))
    wanted = set(sys.argv[2:])
    good = True
    for case in cases.CASES:
        name = case.__name__.replace("_", " ")
        if wanted and case.__name__ not in wanted:
            continue
        try:
            case(host)
            print(f"ok {name}", flush=True)
        except Exception as why:  # noqa: BLE001 -- whatever it is, the case failed
            traceback.print_exc()
            sys.stderr.write(host.log()[-3000:])
            print(f"not ok {name} - {str(why)[:300]!r}", flush=True)
            good = False
    host.end()
    sys.exit(0 if good else 1)


main()
