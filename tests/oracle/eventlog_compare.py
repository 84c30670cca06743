#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""eventlog_compare.py MAKE_LOG COUNT: C and oracle say the same of COUNT random logs and their exports.

Then one bit of each log file without torn frames is changed: the oracle must notice.
"""
import os
import random
import subprocess
import sys
import tempfile

import eventlog


def told(kind, data, start=None):
    records, torn = eventlog.READERS[kind](data)
    r = eventlog.replay(records, start)
    banks = sorted(r.value, key=lambda a: eventlog.SIZES[a])
    return (r.events, r.extended, r.segments, r.open, r.claimed, [(a, r.value[a].hex()) for a in banks]), torn


def expected(path):
    with open(path) as f:
        lines = [line.split() for line in f]
    head = {k: int(v) for k, v in lines if k in ("events", "extended", "segments", "torn", "open", "claimed")}
    start = {k[6:]: bytes.fromhex(v) for k, v in lines if k.startswith("start-")}
    values = [(k, v) for k, v in lines if k in eventlog.SIZES]
    want = (head["events"], head["extended"], head["segments"], head["open"] == 1,
            head["claimed"] == 1, values), head["torn"]
    return want, start or None


def read(path):
    with open(path, "rb") as f:
        return f.read()


def changed_is_noticed(data, start, want, rng):
    at = rng.randrange(len(data))
    bad = data[:at] + bytes([data[at] ^ 1 << rng.randrange(8)]) + data[at + 1:]
    try:
        got = told("log", bad, start)
    except eventlog.Refused:
        return True
    return got != want


def main(argv):
    make_log, count = argv[1], int(argv[2])
    rng = random.Random(1)
    with tempfile.TemporaryDirectory() as tmp:
        for seed in range(1, count + 1):
            prefix = os.path.join(tmp, "l")
            subprocess.run([make_log, str(seed), str(rng.randrange(30)), prefix], check=True)
            want, start = expected(prefix + ".txt")
            data = read(prefix + ".log")
            assert told("log", data, start) == want, "seed %d: log" % seed
            for kind, ext in (("cel-json", ".json"), ("cel-cbor", ".cbor")):
                assert told(kind, read(prefix + ext), start)[0] == want[0], "seed %d: %s" % (seed, kind)
            assert want[1] or changed_is_noticed(data, start, want, rng), "seed %d: a changed byte went unnoticed" % seed
    print("%d logs agree" % count)


if __name__ == "__main__":
    main(sys.argv)
