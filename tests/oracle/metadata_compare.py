#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""metadata_compare.py META_RECODE COUNT: C and oracle read COUNT random documents of each type alike.

Items, components, artifacts and reports; each also damaged. Both refuse the same ones, and write the rest in the same bytes.
"""
import copy
import hashlib
import json
import os
import random
import subprocess
import sys
import tempfile

import metadata as oracle


def some_text(rng):
    return "".join(rng.choice(["a", "b", "host", ".", "\u00e9", "<", "&", "\u2028", "\"", "\\", "\n", "\x7f", "\U0001f600"])
                   for _ in range(rng.randrange(4)))


def some_tree(rng, depth=3):
    how = rng.randrange(8 if depth else 6)
    if how < 6:
        return [rng.choice([0, -1, 255, 1 << 63, (1 << 64) - 1, -(1 << 63)]), some_text(rng), True, False, some_text(rng), 24][how]
    if how == 6:
        return [rng.choice([None, some_tree(rng, depth - 1)]) for _ in range(rng.randrange(3))]
    return oracle.Pairs({some_text(rng): some_tree(rng, depth - 1) for _ in range(rng.randrange(4))}.items())


def some(rng, kind):
    """A value of a type of the tables."""
    if isinstance(kind, oracle.Only):
        return rng.choice(kind.texts)
    if isinstance(kind, oracle.List):
        return [some(rng, kind.of) for _ in range(rng.randrange(3))]
    if isinstance(kind, list):
        return {m.rstrip("?!"): None if m[-1] != "!" and oracle.nullable(k) and rng.random() < 0.3 else some(rng, k)
                for m, _, k in kind}
    if kind == "map":
        return {some_text(rng): rng.randbytes(rng.randrange(3)) for _ in range(rng.randrange(4))}
    return {"text": lambda: some_text(rng), "bool": lambda: rng.random() < 0.5, "tree": lambda: some_tree(rng),
            "int": lambda: rng.choice([0, 1, -1, 23, 24, 65536, (1 << 63) - 1, -(1 << 63)])
            }.get(kind, lambda: rng.randbytes(rng.randrange(5)))()


def places(value):
    if isinstance(value, (dict, list)):
        yield value
        for v in value.values() if isinstance(value, dict) else value:
            yield from places(v)


def damage_value(rng, value):
    """Changes one member or element of a JSON value, in place."""
    found = [p for p in places(value) if p]
    if not found:
        return
    place = rng.choice(found)
    key = rng.choice(list(place)) if isinstance(place, dict) else rng.randrange(len(place))
    how = rng.randrange(4)
    if how == 0:
        del place[key]
    elif how == 1:
        place[key] = rng.choice([None, True, 0, -1, 1 << 63, "", "AA==", "AB==", "0", "00fF", [], {}, "Manifest", "CycloneDX", 1.5])
    elif how == 2 and isinstance(place, dict):
        place[rng.choice(["x", key.upper(), key + " "])] = place.pop(key)
    elif how == 3 and isinstance(place, list):
        place.append(copy.deepcopy(place[key]))


def damaged_json(rng, data, report):
    value = json.loads(data)
    if report and rng.random() < 0.7:
        raw = json.loads(oracle.base64.urlsafe_b64decode(value["context"] + "=="))
        damage_value(rng, raw)
        value["context"] = oracle.base64.urlsafe_b64encode(json.dumps(raw).encode()).decode().rstrip("=")
    else:
        damage_value(rng, value)
    return json.dumps(value, indent=rng.choice([None, 1])).encode()


def damaged_bytes(rng, data):
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


def table_of(rng, what):
    if what == "item":
        return rng.choice(list(oracle.ITEMS.values()))
    return {"components": oracle.COMPONENTS, "artifact": oracle.ARTIFACT, "report": oracle.report_of(oracle.CONTEXT, "b64")}[what]


def cases(rng, what, count):
    for _ in range(count):
        table = table_of(rng, what)
        value = some(rng, table)
        js, cbor = oracle.encode(value, table, True), oracle.encode(value, table, False)
        yield js
        yield cbor
        for _ in range(2):
            yield damaged_json(rng, js, what == "report")
            yield damaged_bytes(rng, cbor)
        yield damaged_bytes(rng, js)


def expected(what, data):
    try:
        value, table, hashed = oracle.decode(what, data)
    except oracle.Refused as e:
        return "refused", str(e)
    parts = [hashed] if hashed is not None else []
    parts += [oracle.encode(value, table, True), oracle.encode(value, table, False)]
    return [hashlib.sha256(x).hexdigest() for x in parts], parts


def compare(tool, what, inputs, tmp):
    paths = [os.path.join(tmp, "%s-%d" % (what, i)) for i in range(len(inputs))]
    for path, data in zip(paths, inputs):
        with open(path, "wb") as f:
            f.write(data)
    out = subprocess.run([tool, what] + paths, check=True, stdout=subprocess.PIPE, text=True, errors="replace").stdout
    refused = 0
    for data, line in zip(inputs, out.splitlines()):
        want, why = expected(what, data)
        have = "refused" if line.startswith("refused") else line.split()
        assert have == want, "%s %r:\nC says %s\nthe oracle %s (%s)" % (what, data, line, want, why)
        refused += want == "refused"
    assert len(out.splitlines()) == len(inputs), "lines are missing"
    return refused


def main(argv):
    tool, count = argv[1], int(argv[2])
    rng = random.Random(5)
    with tempfile.TemporaryDirectory() as tmp:
        for what in ("item", "components", "artifact", "report"):
            inputs = list(cases(rng, what, count))
            refused = compare(tool, what, inputs, tmp)
            assert count < refused < len(inputs) - 2 * count, "%s: %d refused" % (what, refused)
            print("%s: %d agree, %d of them refused" % (what, len(inputs), refused))


if __name__ == "__main__":
    main(sys.argv)
