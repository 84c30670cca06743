#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""Compares config_cmc_digest with the oracle of profile cmc on random configurations and numbers.

cmc_config_compare.py TOOL [--configs N] [--numbers N] [--seed N] [--extra]
"""
import argparse
import glob
import hashlib
import os
import random
import re
import struct
import subprocess
import sys
import tempfile
import time

sys.dont_write_bytecode = True
import cmc_config as oracle  # noqa: E402
from oci_config import RANGES, TYPES  # noqa: E402

HERE = os.path.dirname(os.path.abspath(__file__))
HEX = "8d6f55b059bca4d130b60e29807c5a5f63014b8673ad7cee69b7fb84b03b6443"
IDS = [HEX, HEX, "web1", "web1", "one", "args", "id", "e", '"', "\\", "mounts", "container-id", "<", "\u00e9", "process",
       "0123456789ab", "0123456789abc", "aaaaaaaaaaaaaaaaaaaaa", "a"]
TEXTS = [b"", b"a", b"b", b"aa", b"HELLO", b"/bin/sh", b"<>&'\x7f", "\u00e9\u20ac\U0001f600\u2028".encode(), b"\xff", b"\xc3",
         b"\xed\xa0\x80", b"\xf0\x9f\x98", b"\\ud83d", b"\\ud83d\\ude00", b"\\ude00\\ud83d", b"\\ud83d\\u0041", b"\\u0000",
         b"\\n\\t\\b\\f\\r\\\"\\\\\\/", b"\\u001F", "\ufffd".encode(), b"\\ufffd", b"\\u00E9"]
KEYS = TEXTS + ["\U00010000".encode(), "\uffff".encode(), "\ue000".encode(), b"x", b"y", b"net.core"]
NUMBERS = [0, 0, 1, 1, 2, -1, 5, 8, 2**31 - 1, 2**31, -2**31, -2**31 - 1, 2**32 - 1, 2**32, 65535, 65536, 2**53, 2**53 + 1,
           2**63 - 1, 2**63, -2**63, -2**63 - 1, 2**64 - 1, 2**64, 131072, 131080, 4294967295, 10**17 + 1]
REALS = [b"1.5", b"1e3", b"-0", b"-0.0", b"1e-7", b"0.000001", b"1e21", b"1e20", b"123456789012345678901", b"5e-324", b"1e-400",
         b"1.7976931348623157e308", b"1e400", b"0.1", b"2.2250738585072014e-308", b"-1E+2", b"9007199254740993", b"333333333.33333329"]
SORTED = {("Process", "env"), ("Spec", "mounts"), ("Linux", "maskedPaths"), ("Linux", "namespaces"), ("LinuxResources", "devices"),
          ("LinuxSeccomp", "syscalls"), ("LinuxSeccomp", "flags"), ("LinuxCapabilities", "bounding"), ("LinuxSyscall", "names")}
SOURCES = [b"/var/lib/docker/volumes/%s/_data", b"/var/lib/docker/volumes", b"/run/kata-containers/shared/containers/%s-0123456789abcdef-resolv.conf",
           b"/run/kata-containers/shared/containers/%s-0123456789abcdef-hosts2", b"/run/kata-containers/shared/containers/%s-0123456789abcde-h",
           b"/run/kata-containers/shared/containers/%s-0123456789abcdef-2h", b"/run/kata-containers/shared/containers/%s-0123456789ABCDEF-h",
           b"/run/kata-containers/shared/containers/%s-0123456789abcdef-h\\n", b"/x/%s", b"tmpfs", b"proc", b""]


class Maker:
    def __init__(self, rng):
        self.rng = rng
        self.cid = rng.choice(IDS).encode()
        self.wrong = rng.choice([0, 0, 0, 0, 0.002, 0.02])
        self.wild = rng.choice([0.0, 0.02, 0.2])

    def text(self):
        rng = self.rng
        pool = TEXTS if rng.random() < 0.5 else TEXTS[1:5] + [self.cid, b"/x/" + self.cid, self.cid[:12] + b"z"]
        return b"".join(rng.choice(pool) for _ in range(rng.choice([1, 1, 1, 2])))

    def quoted(self, text):
        return b'"' + text + b'"'

    def gap(self):
        return self.rng.choice([b"", b"", b"", b"", b" ", b"\n\t\r "])

    def any(self, depth=0):
        rng = self.rng
        kind = rng.randrange(7 if depth < 3 else 5)
        if kind == 0:
            return self.quoted(self.text())
        if kind < 3:
            return rng.choice(REALS) if rng.random() < 0.9 else b"%d" % rng.choice(NUMBERS)
        if kind < 5:
            return rng.choice([b"null", b"true", b"false", b"[]", b"{}"])
        if kind == 5:
            return b"[" + b",".join(self.any(depth + 1) for _ in range(rng.randrange(4))) + b"]"
        return self.object((rng.choice(KEYS), self.any(depth + 1)) for _ in range(rng.randrange(5)))

    def object(self, pairs):
        return b"{" + self.gap() + b",".join(self.gap() + self.quoted(n) + self.gap() + b":" + self.gap() + v + self.gap()
                                             for n, v in pairs) + b"}"

    def spelling(self, name):
        rng = self.rng
        if rng.random() >= self.wild:
            return name.encode()
        form = rng.choice([name.upper(), name.lower(), name.capitalize(), name.replace("s", "\u017f"), name.replace("k", "\u212a"),
                           name.replace("S", "\\u017F"), name.swapcase(), name + "x", name + "\\u0000", name[:-1]])
        return form.encode()

    def number(self, kind):
        low, high = RANGES[kind]
        if self.rng.random() < self.wrong:
            return self.rng.choice([b"1.0", b"1e2", b"-0", b"%d" % self.rng.choice(NUMBERS)])
        return b"%d" % self.rng.choice([n for n in NUMBERS if low <= n <= high] + [self.rng.randint(low, high)])

    def special(self, place):
        rng = self.rng
        if place == ("Mount", "source"):
            cid = rng.choice([self.cid, self.cid, b"other", self.cid[:12]])
            source = rng.choice(SOURCES)
            return self.quoted(source.replace(b"%s", cid))
        if place == ("Hook", "path") and rng.random() < 0.95:
            return self.quoted(rng.choice([b"/bin/ls", b"/proc/1/exe", b"/" + self.cid, "/\u00e9".encode(), b"/\xff"]) if rng.random() > self.wrong
                               else rng.choice([b"bin", b"", b"/missing", b"/x\\u0000"]))
        if place == ("Hook", "args") and rng.random() < 0.7:
            args = [rng.choice([b"libnetwork-setkey", b"libnetwork-setkey", b"x", b"libnetwork-setkey\\u0000"]), b"-x", self.cid,
                    rng.choice([b"99b3e86f39be", b"99B3E86F39bE", b"99b3e86f39bg", b"99b3e86f39b", self.cid[:12]]), b"99b3e86f39be"]
            return b"[" + b",".join(self.quoted(a) for a in args[:rng.randrange(3, 6)]) + b"]"
        if place in (("LinuxSyscall", "names"), ("LinuxSyscall", "action"), ("LinuxNamespace", "type"), ("Mount", "destination")):
            one = lambda: self.quoted(rng.choice([b"read", b"write", b"personality", b"a,b", b""]))  # noqa: E731
            return b"[" + b",".join(one() for _ in range(rng.randrange(3))) + b"]" if place[1] == "names" else one()
        if place[0] == "LinuxDeviceCgroup" and place[1] in ("major", "minor"):
            return rng.choice([b"null", b"0", b"-1", b"1", b"5"])
        return None

    def value(self, kind, place=(None, None)):
        rng = self.rng
        if rng.random() < self.wrong:
            return self.any()
        if rng.random() < 0.03:
            return b"null"
        special = self.special(place)
        if special is not None:
            return special
        if kind[0] == "[":
            count = rng.randrange(4)
            if place in SORTED and rng.random() < 0.5:
                count = rng.choice([12, 13, 14, 20, 49, 50, 51, 64, 90])
            return b"[" + b",".join(self.value(kind[1:-1]) for _ in range(count)) + b"]"
        if kind[0] == "{":
            return self.object((rng.choice(KEYS), self.value(kind[1:-1])) for _ in range(rng.randrange(5)))
        if kind in RANGES:
            return self.number(kind)
        if kind == "bool":
            return rng.choice([b"true", b"false"])
        if kind == "any":
            return self.any()
        return self.quoted(self.text()) if kind == "string" else self.struct(kind)

    def struct(self, name):
        rng = self.rng
        listed = list(TYPES[name].items())
        if name == "Spec":
            few = ["process", "process", "mounts", "linux", "hooks"] + [n for n, _ in listed if rng.random() < 0.3]
            some = [(n, TYPES[name][n]) for n in few if n == "process" or rng.random() < 0.8]
            rng.shuffle(some)
        else:
            some = rng.sample(listed, min(len(listed), rng.choice([0, 1, 2, 3, 5, 17])))
        some += [m for m in some if rng.random() < self.wild]
        pairs = [(self.spelling(n), self.value(kind, (name, n))) for n, (kind, _) in some]
        if rng.random() < 0.05:
            pairs.append((rng.choice(KEYS), self.any()))
        return self.object(pairs)


def spoil(rng, data):
    """One change of the bytes."""
    at = rng.randrange(len(data) + 1)
    return rng.choice([lambda: data[:at], lambda: data + b"x", lambda: data + b"\n ", lambda: data + data,
                       lambda: data[:at] + bytes([rng.randrange(256)]) + data[at:],
                       lambda: data[:at] + bytes([rng.randrange(256)]) + data[at + 1:], lambda: b"\xef\xbb\xbf" + data,
                       lambda: data[:at] + data[at + 1:], lambda: b"", lambda: b" " + data,
                       lambda: data[:at] + b"[" * rng.choice([1, 60, 63, 64]) + data[at:],
                       lambda: b'{"x":' + b"[" * rng.choice([62, 63, 64]) + b"]" * 63 + b"," + data[1:]])()


def make(rng, bases):
    maker = Maker(rng)
    if rng.random() < 0.1:
        with open(rng.choice(bases), "rb") as f:
            return f.read(), maker.cid
    data = maker.struct("Spec")
    return (spoil(rng, data) if rng.random() < 0.1 else data), maker.cid


def resolve(path):
    if "missing" in path:
        raise oracle.Refused(path)
    return "/real" + path if path.startswith("/proc/") else path


def expected(data, cid):
    try:
        digest, form, terminal = oracle.measure(data, cid, resolve)
    except oracle.Refused as e:
        return "no", str(e)
    return "ok %s %s %d " % (digest, hashlib.sha256(data).hexdigest(), terminal), form.decode()


def answers_of(tool, lines):
    run = subprocess.run([tool], input="".join(line + "\n" for line in lines).encode(), stdout=subprocess.PIPE, check=True)
    answers = run.stdout.decode().split("\n")[:-1]
    if len(answers) != len(lines):
        sys.exit("%d answers to %d questions" % (len(answers), len(lines)))
    return answers


def compare_configs(tool, cases, folder):
    lines = []
    for i, (data, cid) in enumerate(cases):
        lines.append("%s/%d.json\t%s" % (folder, i, cid.hex()))
        with open("%s/%d.json" % (folder, i), "wb") as f:
            f.write(data)
    accepted = 0
    for i, (case, answer) in enumerate(zip(cases, answers_of(tool, lines))):
        want, rest = expected(*case)
        accepted += want != "no"
        if answer != want + rest if want != "no" else not answer.startswith("no "):
            with open("cmc_config_compare-failed.json", "wb") as f:
                f.write(case[0])
            sys.exit("configuration %d (cmc_config_compare-failed.json), id %r\noracle: %s%s\ntool:   %s" %
                     (i, case[1], want + " ", rest[:3000], answer[:3000]))
    return accepted


def random_number(rng):
    kind = rng.randrange(5)
    if kind == 0:
        return struct.unpack("<d", struct.pack("<Q", rng.getrandbits(64)))[0]
    if kind == 1:
        return float(rng.getrandbits(64))
    if kind == 2:
        return round(rng.uniform(-1e6, 1e6), rng.randrange(8))
    if kind == 3:
        return rng.choice([1, -1]) * rng.randrange(1, 10**rng.randrange(1, 18)) * 10.0**rng.randrange(-330, 290)
    return 2.0**rng.randrange(-1074, 1024) * (1 + rng.randrange(-2, 3) * 2.0**-52)


def compare_numbers(tool, numbers):
    numbers = [n for n in numbers if n - n == 0]
    for number, answer in zip(numbers, answers_of(tool, [n.hex() for n in numbers])):
        if answer != oracle.number_text(number):
            sys.exit("number %s: oracle %s, tool %s" % (number.hex(), oracle.number_text(number), answer))
    return len(numbers)


def compare_extra(tool):
    """The vectors of the Go CMC's own tests, which are not ours to keep."""
    folder = os.environ.get("CMC_EXTRA_VECTORS", "") + "/cmc-upstream/config/"
    if not os.path.isdir(folder):
        print("skipped: CMC_EXTRA_VECTORS names no folder with cmc-upstream/config")
        sys.exit(77)
    docker = b"8d6f55b059bca4d130b60e29807c5a5f63014b8673ad7cee69b7fb84b03b6443"
    # the reference that a verifier sorts still has the host name, which measuring removes
    cases = [("v1-umoci.input.json", b"mycontainer", "v1-umoci.normalized.json"),
             ("v2-docker.input.json", docker, "v2-docker.normalized.json"),
             ("v3-ubuntu-refspec.input.json", b"no-such-id", "v3-ubuntu-refspec.canonical.json")]
    lines = ["%s%s\t%s" % (folder, name, cid.hex()) for name, cid, _ in cases]
    lines.append("%sv3b-ubuntu-other.input.json\t%s" % (folder, b"no-such-id".hex()))
    forms = [answer.split(" ", 4)[4] for answer in answers_of(tool, lines)]
    for (name, _, want), form in zip(cases, forms):
        with open(folder + want, encoding="utf-8") as f:
            if form != re.sub('"hostname":"[^"]*",', "", f.read()):
                sys.exit("%s differs: %s" % (name, form))
    if forms[3] == forms[2]:
        sys.exit("v3b-ubuntu-other.input.json must differ from v3-ubuntu-refspec.input.json")
    print("%d vectors alike, and one that differs" % len(cases))


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("tool")
    parser.add_argument("--configs", type=int, default=1000)
    parser.add_argument("--numbers", type=int, default=5000)
    parser.add_argument("--seed", type=int, default=int(time.time()))
    parser.add_argument("--extra", action="store_true", help="the vectors below $CMC_EXTRA_VECTORS alone")
    args = parser.parse_args()
    if args.extra:
        compare_extra(args.tool)
        return
    print("seed", args.seed, flush=True)
    rng = random.Random(args.seed)
    bases = sorted(glob.glob(HERE + "/../vectors/config/real/*.json"))
    cases = [make(rng, bases) for _ in range(args.configs)]
    with tempfile.TemporaryDirectory(prefix="cmc-config-") as folder:
        accepted = compare_configs(args.tool, cases, folder)
    refused = args.configs - accepted
    if min(accepted, refused) < args.configs // 10:
        sys.exit("%d accepted, %d refused: too few of one kind to mean anything" % (accepted, refused))
    powers = [m * 2.0**e for e in range(-1074, 1024) for m in (1, -1)]
    numbers = compare_numbers(args.tool, powers + [random_number(rng) for _ in range(args.numbers)])
    print("%d configurations alike: %d accepted, %d refused; %d numbers alike" % (args.configs, accepted, refused, numbers))


if __name__ == "__main__":
    main()
