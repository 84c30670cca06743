#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""Compares config_digest with the oracle on random configurations, legal and illegal ones.

compare_config.py TOOL [--configs N] [--seed N] [--extra]
"""
import argparse
import glob
import os
import random
import subprocess
import sys
import tempfile
import time

sys.dont_write_bytecode = True
import oci_config as oracle  # noqa: E402
from oci_config import Object  # noqa: E402

HERE = os.path.dirname(os.path.abspath(__file__))
HEX = "0123456789abcdef" * 4
IDS = ["one", "args", "env", "sh", "HELLO", "a", "rootfs", "a/b", "/", "x:y", "id", "before", "\u00e9",
       HEX, HEX[::-1], "default", "[0]", '"', "\\"]
BUNDLES = ["", "/run/containerd/io.containerd.runtime.v2.task/default/one", "/b", "/", "/b/", "/b//c"]
TEXTS = ["", "a", "rootfs", "/bin/sh", "\u00e9\u20ac\U0001f600", "\x7f\x85\u2028", 'q"\\/\b\f\n\r\t\x01', "=", "HELLO",
         "null", "0", "\ufffd", "\u017f", "K" * 300]
NUMBERS = [0, 1, -1, 2**31 - 1, 2**31, -2**31, -2**31 - 1, 2**32 - 1, 2**32, 65535, 65536, 2**53, 2**53 + 1,
           2**63 - 1, 2**63, -2**63, -2**63 - 1, 2**64 - 1, 2**64, 10**30]
NAMES = ["x", "com.example.x", "", "Args", "K", "\u212a", "\u017f", "s", "\u00c9", "\u00e9", "a b", "zz", "ENV", "t\u00e9"]


class Raw(str):
    """Written as it is."""


class Maker:
    def __init__(self, rng):
        self.rng = rng
        self.cid = rng.choice(IDS)
        self.bundle = rng.choice(BUNDLES)
        self.sandbox = rng.choice([HEX, HEX[::-1], HEX[1:] + "g", "one", HEX.upper()])

    def text(self):
        pool = TEXTS + [self.cid, self.cid + "x", "/x/" + self.cid]
        return self.rng.choice(pool) + (self.rng.choice(TEXTS) if self.rng.random() < 0.2 else "")

    def any(self, depth=0):
        kind = self.rng.randrange(7 if depth < 4 else 4)
        if kind < 4:
            return [self.text(), self.rng.choice(NUMBERS[:18]), None, self.rng.random() < 0.5][kind]
        if kind < 6:
            return [self.any(depth + 1) for _ in range(self.rng.randrange(4))]
        return Object((n, self.any(depth + 1)) for n in self.rng.sample(["x", "y", "z", "A"], self.rng.randrange(4)))

    def special(self, place):
        rng, cid = self.rng, self.cid
        who = rng.choice([cid, cid, self.sandbox, "other", cid + "x"])
        if place == ("Linux", "cgroupsPath"):
            return rng.choice(["/default/%s", "%s", "a:b:%s", "a:%s", "a:b:c:%s", "/a:b:%s", "/%s/", "/x%s", "a/b:c:%s",
                               "/%s/%s", ":%s:", "::%s"]).replace("%s", who)
        if place == ("Mount", "source"):
            return (rng.choice(["", "/run/containerd", "/var/lib/containerd", "/x/io.containerd.grpc.v1.cri/y"]) +
                    "/io.containerd.grpc.v1.cri/" + rng.choice(["sandboxes/", "containers/", "sandboxes", "images/"]) +
                    who + rng.choice(["", "/", "/shm", "/volumes/" + cid, "x"]))
        if place == ("Root", "path"):
            return rng.choice([self.bundle, self.bundle.rstrip("/")]) + rng.choice(["", "/", "/rootfs", "x", "//rootfs"])
        if place == ("Process", "env"):
            return [rng.choice([None, self.text(), self.text() + "=" + self.text(), "VAL=HELLO", "VAL=" + cid])
                    for _ in range(rng.randrange(5))]
        return None

    def value(self, kind, place):
        rng = self.rng
        if rng.random() < 0.7:
            special = self.special(place)
            if special is not None:
                return special
        if rng.random() < 0.03:
            return None
        if kind[0] == "[":
            return [self.value(kind[1:-1], None) for _ in range(rng.randrange(4))]
        if kind[0] == "{":
            pairs = Object((n, self.value(kind[1:-1], None)) for n in rng.sample(NAMES, rng.randrange(4)))
            if place == ("Spec", "annotations") and rng.random() < 0.7:
                pairs.append(("io.kubernetes.cri.sandbox-id", rng.choice([self.sandbox, self.cid])))
            return pairs
        if kind in oracle.RANGES:
            low, high = oracle.RANGES[kind]
            return rng.choice([n for n in NUMBERS if low <= n <= high])
        if kind in ("string", "bool", "any"):
            return self.text() if kind == "string" else rng.random() < 0.5 if kind == "bool" else self.any()
        return self.struct(kind)

    def struct(self, name):
        listed = list(oracle.TYPES[name].items())
        some = self.rng.sample(listed, self.rng.randrange(len(listed) + 1))
        obj = Object((n, self.value(kind, (name, n))) for n, (kind, _) in some)
        if self.rng.random() < 0.05:
            obj.append((self.rng.choice(["x", "com.example", "newMember"]), self.any()))
        return obj


def containers(value, found):
    if isinstance(value, list):
        found.append(value)
        for item in value:
            containers(item[1] if isinstance(value, Object) else item, found)
    return found


def put_at(box, i, value):
    box[i] = (box[i][0], value) if isinstance(box, Object) else value


def change_value(rng, box, i):
    put_at(box, i, rng.choice([None, True, 5, -1, "x", [], Object(), 2**64 - 1, 2**64, ["x"], Object([("x", 1)]),
                               Raw("1.0"), Raw("1e3"), Raw("-0"), Raw("01"), Raw('"\\ud800"'), Raw('"\\u0000"'),
                               Raw('"\\ud83d\\ude00"'), Raw("nul"), Raw('"\x01"'), Raw('"\\x"'), Raw("\t5 ")]))


def variant(rng, name):
    forms = [name.upper(), name.lower(), name.capitalize(), name.replace("s", "\u017f"), name.replace("k", "\u212a"),
             name + "x"]
    return rng.choice(forms)


def edit(rng, config):
    """One change of the tree."""
    box = rng.choice([b for b in containers(config, []) if b] or [config])
    if not box:
        return
    i = rng.randrange(len(box))
    what = rng.randrange(8)
    if what < 2:
        change_value(rng, box, i)
    elif what == 2:
        del box[i]
    elif what == 3:
        j = rng.randrange(len(box))
        box[i], box[j] = box[j], box[i]
    elif what == 4:
        box.append(box[i])
    elif isinstance(box, Object):
        name = rng.choice([n for n, _ in box]) if what < 7 else rng.choice(NAMES)
        if what == 5:
            box[i] = (variant(rng, box[i][0]), box[i][1])
        else:
            box.append((variant(rng, name), rng.choice([None, "x", 1])))
    elif what == 5:
        nested = "x"
        for _ in range(rng.choice([3, 60, 61, 62, 63, 64, 70])):
            nested = [nested]
        box[i] = nested


def text_of(rng, value):
    """JSON with any legal spacing and escapes."""
    gap = lambda: rng.choice(["", "", "", " ", "\n", "\t\r\n"])  # noqa: E731
    if isinstance(value, Raw):
        return str(value)
    if isinstance(value, str):
        return '"' + "".join(
            "".join("\\u%04X" % int.from_bytes(c.encode("utf-16-be")[k:k + 2], "big")
                    for k in range(0, len(c.encode("utf-16-be")), 2))
            if rng.random() < 0.05 else oracle.canonical_text(c)[1:-1] for c in value) + '"'
    if isinstance(value, Object):
        return "{" + gap() + ",".join(text_of(rng, n) + gap() + ":" + text_of(rng, v) for n, v in value) + gap() + "}"
    if isinstance(value, list):
        return "[" + gap() + ",".join(text_of(rng, v) for v in value) + gap() + "]"
    return gap() + oracle.canonical(value) + gap()


def spoil(rng, data):
    """One change of the bytes."""
    at = rng.randrange(len(data) + 1)
    return rng.choice([lambda: data[:at], lambda: data + b"x", lambda: data + b"\n ", lambda: data + data,
                       lambda: data[:at] + bytes([rng.randrange(256)]) + data[at:],
                       lambda: data[:at] + bytes([rng.randrange(256)]) + data[at + 1:],
                       lambda: b"\xef\xbb\xbf" + data, lambda: data[:at] + b"\xed\xa0\x80" + data[at:],
                       lambda: data[:at] + data[at + 1:], lambda: b"", lambda: b" " + data])()


def make(rng, bases):
    maker = Maker(rng)
    config = maker.struct("Spec") if rng.random() < 0.6 else oracle.read(rng.choice(bases))
    for _ in range(rng.choice([0, 0, 0, 1, 1, 2, 5])):
        edit(rng, config)
    data = text_of(rng, config).encode("utf-8", "surrogatepass")
    if rng.random() < 0.1:
        data = spoil(rng, data)
    key = rng.randbytes(32) if rng.random() < 0.3 else None
    return data, maker.cid, maker.bundle, key


def expected(data, cid, bundle, key):
    try:
        digest, detail, terminal = oracle.measure(data, cid, bundle.rstrip("/"), key or bytes(32))
    except oracle.Refused as e:
        return "no", str(e)
    return "ok %s %s %d " % (digest, oracle.hashlib.sha256(data).hexdigest(), terminal), detail.decode()


def compare(tool, cases, folder):
    lines = []
    for i, (data, cid, bundle, key) in enumerate(cases):
        path = os.path.join(folder, "%d.json" % i)
        with open(path, "wb") as f:
            f.write(data)
        lines.append("\t".join((path, cid, bundle, key.hex() if key else "")) + "\n")
    run = subprocess.run([tool], input="".join(lines).encode(), stdout=subprocess.PIPE, check=True)
    answers = run.stdout.decode().split("\n")[:-1]
    if len(answers) != len(cases):
        sys.exit("%d answers to %d configurations" % (len(answers), len(cases)))
    accepted = 0
    for i, (case, answer) in enumerate(zip(cases, answers)):
        want, rest = expected(*case)
        accepted += want != "no"
        if answer != want + rest if want != "no" else not answer.startswith("no "):
            with open("compare_config-failed.json", "wb") as f:
                f.write(case[0])
            sys.exit("configuration %d (compare_config-failed.json), id %r, bundle %r\noracle: %s%s\ntool:   %s" %
                     (i, case[1], case[2], want + " ", rest[:2000], answer[:2000]))
    return accepted


def load_bases(extra):
    """The configurations to start from; leaves with 77 (skipped) when there are none."""
    pattern = HERE + "/../vectors/config/real/*.json"
    if extra:
        pattern = os.environ.get("CMC_EXTRA_VECTORS", "") + "/cmc-upstream/config/*.input.json"
    bases = []
    for name in sorted(glob.glob(pattern)):
        with open(name, "rb") as f:
            bases.append(f.read())
        oracle.read(bases[-1])
    if not bases:
        print("skipped: CMC_EXTRA_VECTORS names no folder with cmc-upstream/config")
        sys.exit(77)
    return bases


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("tool")
    parser.add_argument("--configs", type=int, default=1000)
    parser.add_argument("--seed", type=int, default=int(time.time()))
    parser.add_argument("--extra", action="store_true", help="start from those below $CMC_EXTRA_VECTORS")
    args = parser.parse_args()
    print("seed", args.seed, flush=True)
    rng = random.Random(args.seed)
    bases = load_bases(args.extra)
    cases = [make(rng, bases) for _ in range(args.configs)]
    with tempfile.TemporaryDirectory(prefix="cmc-config-") as folder:
        accepted = compare(args.tool, cases, folder)
    refused = args.configs - accepted
    if min(accepted, refused) < args.configs // 5:
        sys.exit("%d accepted, %d refused: too few of one kind to mean anything" % (accepted, refused))
    print("%d configurations alike: %d accepted, %d refused" % (args.configs, accepted, refused))


if __name__ == "__main__":
    main()
