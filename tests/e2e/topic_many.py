# SPDX-License-Identifier: Apache-2.0
"""topic_many.py -- many containers at once: each has its event, and the log replays to the PCR."""
import subprocess

from world import busybox, cmcctl, events, new_id, oracle, run_args, same


def test_64_at_once():
    names = [new_id("many") for _ in range(64)]
    ref = busybox()
    each = [subprocess.Popen(run_args(ref, "true", name=name), stdin=subprocess.DEVNULL,
                             stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
            for name in names]
    failed = [out for p in each for out in [p.communicate(timeout=300)[0]] if p.returncode != 0]
    same(failed, [], "runs that failed")
    created = [e["container"] for e in events("container-create")]
    same(sorted(set(created) & set(names)), sorted(names), "containers with an event")
    same(len([c for c in created if c in names]), 64, "events")
    cmcctl("--verify", timeout=60)
    oracle()
