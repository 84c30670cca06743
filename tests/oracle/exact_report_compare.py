#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""exact_report_compare.py META_RECODE COUNT: C and oracle read COUNT random reports of profile exact alike.

Each is also damaged: a member dropped, doubled, renamed or of another type, a byte changed, the end cut. Both refuse the same ones.
"""
import copy
import hashlib
import json
import os
import random
import subprocess
import sys
import tempfile

import exact_report as oracle


def some_bytes(rng, low=0, high=40):
    return rng.randbytes(rng.randrange(low, high + 1))


def some_text(rng):
    return "".join(rng.choice(["a", "host", ".", "\u00e9", "<", "&", "\u2028", "\"", "\\", "\n", "\x7f", "\U0001f600"])
                   for _ in range(rng.randrange(6)))


def random_report(rng):
    many = lambda low, high, make: [make() for _ in range(rng.randrange(low, high + 1))]
    return {
        "type": "cmc-exact", "version": "1.0", "name": some_text(rng),
        "evidence": {"kind": rng.choice(["tpm", "sw"]), "attest": some_bytes(rng), "signature": some_bytes(rng),
                     "certificates": many(1, 8, lambda: some_bytes(rng)),
                     "pcrs": many(0, 5, lambda: {"bank": rng.choice([4, 11, 65536]), "index": rng.randrange(30),
                                                 "value": some_bytes(rng, 1, 64)})},
        "log": some_bytes(rng, 0, 300),
        "details": many(0, 3, lambda: {"kind": "config", "digest": rng.randbytes(32), "data": some_bytes(rng)}),
        "digests": sorted(many(0, 4, lambda: rng.randbytes(32))),
        "metadata": many(0, 3, lambda: some_bytes(rng)),
        "bootLogs": many(0, 2, lambda: {"kind": rng.choice(["tcg", "ima"]), "data": some_bytes(rng)})}


def places(value):
    """Every object and list in value."""
    if isinstance(value, (dict, list)):
        yield value
        for v in value.values() if isinstance(value, dict) else value:
            yield from places(v)


def damaged_json(rng, report):
    value = copy.deepcopy(oracle.to_json(report))
    place = rng.choice([p for p in places(value) if p])
    key = rng.choice(list(place)) if isinstance(place, dict) else rng.randrange(len(place))
    how = rng.randrange(5)
    if how == 0:
        del place[key]
    elif how == 1:
        place[key] = rng.choice([None, True, 0, -1, 1 << 32, "", "AA==", "AB==", "A", [], {}, "tpm", "ima", 1.5])
    elif how == 2 and isinstance(place, dict):
        place[rng.choice(["x", key.upper(), key + " "])] = place.pop(key)
    elif how == 3 and isinstance(place, list):
        place.append(copy.deepcopy(place[key]))
    elif how == 4 and isinstance(place, list):
        place.reverse()
    return json.dumps(value, indent=rng.choice([None, 1])).encode()


def damaged_cbor(rng, data):
    data = bytearray(data)
    at = rng.randrange(len(data))
    how = rng.randrange(4)
    if how == 0:
        data[at] ^= 1 << rng.randrange(8)
    elif how == 1:
        del data[at:at + rng.randrange(1, 4)]
    elif how == 2:
        data[at:at] = rng.randbytes(rng.randrange(1, 3))
    else:
        del data[at:]
    return bytes(data)


def cases(rng, count):
    for _ in range(count):
        report = random_report(rng)
        js, cbor = oracle.encode_json(report), oracle.encode_cbor(report)
        yield from (js, cbor, damaged_json(rng, report), damaged_json(rng, report), damaged_cbor(rng, js),
                    damaged_cbor(rng, cbor), damaged_cbor(rng, cbor))


def expected(data):
    try:
        report = oracle.decode(data)
    except oracle.Refused as e:
        return "refused", str(e)
    return [hashlib.sha256(x).hexdigest() for x in (oracle.encode_json(report), oracle.encode_cbor(report))], report


def main(argv):
    tool, count = argv[1], int(argv[2])
    rng = random.Random(4)
    refused = 0
    with tempfile.TemporaryDirectory() as tmp:
        inputs = list(cases(rng, count))
        paths = [os.path.join(tmp, str(i)) for i in range(len(inputs))]
        for path, data in zip(paths, inputs):
            with open(path, "wb") as f:
                f.write(data)
        out = subprocess.run([tool, "exact"] + paths, check=True, stdout=subprocess.PIPE, text=True, errors="replace").stdout
        for data, line in zip(inputs, out.splitlines()):
            want, why = expected(data)
            have = line.split()
            have = "refused" if have[0] == "refused" else have
            assert have == want, "%r: C says %s, the oracle %s (%s)" % (data, line, want, why)
            refused += want == "refused"
    assert len(out.splitlines()) == len(inputs) and count < refused < len(inputs) - count, "nothing was compared"
    print("%d reports agree, %d of them refused" % (len(inputs), refused))


if __name__ == "__main__":
    main(sys.argv)
