#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""cases.py [TOPIC...] -- runs the test_* functions of topic_*.py, in order, a line for each.

Every case starts from no containers, and must leave none: no process, no mount, no snapshot.
"""
import importlib
import os
import sys
import time
import traceback

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import world  # pylint: disable=wrong-import-position

# faults last: they take the TPM and the log away. versions: ctr 1.7 warns of it ever after
TOPICS = ["proof", "proof_cmc", "proof_load", "run", "task", "log", "layers", "userns", "many", "restart",
          "start", "bundle", "dryrun", "image", "cri", "cri_pods", "cri_upgrade", "cri_versions", "docker",
          "versions", "slow", "stale", "kills", "faults"]


def one(name, case):
    begin = time.monotonic()
    try:
        numbers = case()
        world.nothing_left()
        line = f"ok {name} ({time.monotonic() - begin:.1f} s)" + (f" - {numbers}" if numbers else "")
    except world.Skip as why:
        line = f"skip {name} - {why}"
    except Exception as why:  # pylint: disable=broad-except
        text = str(why).strip() or type(why).__name__
        line = f"not ok {name} - {text.splitlines()[0][:300]}"
        traceback.print_exc(limit=-4)
        world.show_logs()
        world.clean()
    print(line, flush=True)
    return line.startswith("not ok")


def main():
    failed = 0
    for topic in sys.argv[1:] or TOPICS:
        module = importlib.import_module("topic_" + topic)
        for name, case in list(vars(module).items()):
            if name.startswith("test_"):
                failed += one(f"{topic}/{name[5:]}", case)
    sys.exit(failed > 0)


main()
