#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""Reads a report of profile exact and writes it in either encoding; written from docs/formats/report.md alone.

    exact_report.py FILE            says what is in it; exit status 1: it is refused
    exact_report.py FILE json|cbor  writes it to standard output
"""
import base64
import binascii
import json
import re
import sys

LIST = 4096


class Refused(Exception):
    pass


def need(condition, text):
    if not condition:
        raise Refused(text)


# ---- the shape: (key, JSON name, type); a type is a text, or a list of one, or members -------------

PCR = [(0, "bank", "u32"), (1, "index", "u32"), (2, "value", "bytes 1..64")]
EVIDENCE = [(0, "kind", "tpm|sw"), (1, "attest", "bytes 0..2048"), (2, "signature", "bytes 0..2048"),
            (3, "certificates", ["bytes 0..8192", 1, 8]), (4, "pcrs", [PCR, 0, 64])]
DETAIL = [(0, "kind", "config"), (1, "digest", "bytes 32..32"), (2, "data", "bytes")]
BOOT_LOG = [(0, "kind", "tcg|ima"), (1, "data", "bytes")]
REPORT = [(0, "type", "cmc-exact"), (1, "version", "1.0"), (2, "name", "text"), (3, "evidence", EVIDENCE), (4, "log", "bytes"),
          (5, "details", [DETAIL, 0, LIST]), (6, "digests", ["bytes 32..32", 0, LIST]), (7, "metadata", ["bytes", 0, LIST]),
          (8, "bootLogs", [BOOT_LOG, 0, 2])]


def is_members(kind):
    return isinstance(kind, list) and isinstance(kind[0], tuple)


def check(value, kind, js):
    """value as it was read; returns it with the names of JSON, and bytes as bytes."""
    if is_members(kind):
        need(isinstance(value, dict), "no object")
        names = {(name if js else key): (name, inner) for key, name, inner in kind}
        need(set(value) == set(names), "members")
        return {names[k][0]: check(v, names[k][1], js) for k, v in value.items()}
    if isinstance(kind, list):
        need(isinstance(value, list) and kind[1] <= len(value) <= kind[2], "list")
        return [check(v, kind[0], js) for v in value]
    if kind == "u32":
        need(type(value) is int and 0 <= value < 1 << 32, "number")
    elif kind.startswith("bytes"):
        if js:
            need(isinstance(value, str), "no string")
            value = unbase64(value)
        need(isinstance(value, bytes), "no bytes")
        low, high = ([int(x) for x in kind[6:].split("..")] + [0, 1 << 26])[:2] if kind[6:] else (0, 1 << 26)
        need(low <= len(value) <= high, "length")
    else:
        need(isinstance(value, str) and "\0" not in value, "text")
        need(len(value.encode()) <= 1024 if kind == "text" else value in kind.split("|"), "value")
    return value


def unbase64(text):
    try:
        data = base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError):
        raise Refused("base64")
    need(base64.b64encode(data).decode() == text, "base64 with loose bits")
    return data


# ---- JSON ----------------------------------------------------------------------------------------

def pairs(items):
    out = dict(items)
    need(len(out) == len(items), "a member twice")
    return out


def integer(text):
    need(text != "-0" and -(1 << 63) <= int(text) < 1 << 64, "number")
    return int(text)


def no_number(text):
    raise Refused("number")


def read_json(data):
    try:
        text = data.decode()
        need(not re.search(r"(?<!\\)(\\\\)*\\u0000", text), "U+0000")
        value = json.loads(text, object_pairs_hook=pairs, parse_int=integer, parse_float=no_number, parse_constant=no_number)
        json.dumps(value, ensure_ascii=False).encode()  # lone surrogates
    except (ValueError, RecursionError) as e:
        raise Refused(str(e))
    return value


# ---- CBOR ----------------------------------------------------------------------------------------

class Reader:
    def __init__(self, data):
        self.data, self.at = data, 0

    def take(self, n):
        need(n <= len(self.data) - self.at, "cut short")
        self.at += n
        return self.data[self.at - n:self.at]

    def item(self):
        first = self.take(1)[0]
        major, value = first >> 5, first & 31
        need(major < 6 and value < 28, "not an item of this format")
        if value > 23:
            size = 1 << value - 24
            value = int.from_bytes(self.take(size), "big")
            need(value >= (24 if size == 1 else 1 << 4 * size), "not the shortest form")
        if major == 0:
            return value
        if major in (2, 3):
            part = self.take(value)
            try:
                return part if major == 2 else part.decode()
            except UnicodeDecodeError:
                raise Refused("text that is not UTF-8")
        need(major in (4, 5) and value <= len(self.data), "negative, or too many")
        return [self.item() for _ in range(value)] if major == 4 else self.map(value)

    def map(self, count):
        out, last = {}, b""
        for _ in range(count):
            start = self.at
            key = self.item()
            raw = self.data[start:self.at]
            need(raw > last and isinstance(key, int), "keys")
            last = raw
            out[key] = self.item()
        return out


def read_cbor(data):
    r = Reader(data)
    value = r.item()
    need(r.at == len(data), "more behind the end")
    return value


def head(major, n):
    if n < 24:
        return bytes([major << 5 | n])
    size = next(s for s in (1, 2, 4, 8) if n < 1 << 8 * s)
    return bytes([major << 5 | 23 + size.bit_length()]) + n.to_bytes(size, "big")


# ---- both ----------------------------------------------------------------------------------------

def decode(data):
    need(len(data) <= 1 << 26, "too large")
    js = data.lstrip(b" \t\r\n")[:1] == b"{"
    report = check(read_json(data) if js else read_cbor(data), REPORT, js)
    need(all(a < b for a, b in zip(report["digests"], report["digests"][1:])), "digests do not ascend")
    return report


def to_json(value, kind=None):
    kind = kind or REPORT
    if is_members(kind):
        return {name: to_json(value[name], inner) for _, name, inner in kind}
    if isinstance(kind, list):
        return [to_json(v, kind[0]) for v in value]
    return base64.b64encode(value).decode() if isinstance(value, bytes) else value


def encode_json(report):
    text = json.dumps(to_json(report), separators=(",", ":"), ensure_ascii=False)
    for c in "<>&\u2028\u2029":
        text = text.replace(c, "\\u%04x" % ord(c))
    return text.encode()


def encode_cbor(value, kind=None):
    kind = kind or REPORT
    if is_members(kind):
        return head(5, len(kind)) + b"".join(head(0, key) + encode_cbor(value[name], inner) for key, name, inner in kind)
    if isinstance(kind, list):
        return head(4, len(value)) + b"".join(encode_cbor(v, kind[0]) for v in value)
    if isinstance(value, int):
        return head(0, value)
    data = value if isinstance(value, bytes) else value.encode()
    return head(2 if isinstance(value, bytes) else 3, len(data)) + data


def main(argv):
    if len(argv) not in (2, 3) or argv[2:] not in ([], ["json"], ["cbor"]):
        print(__doc__, file=sys.stderr)
        return 2
    with open(argv[1], "rb") as f:
        data = f.read()
    try:
        report = decode(data)
    except Refused as e:
        print("refused: %s" % e)
        return 1
    if len(argv) == 3:
        sys.stdout.buffer.write(encode_json(report) if argv[2] == "json" else encode_cbor(report))
    else:
        print("%s: %s, %d PCRs, log of %d bytes, %d details, %d of %d items" %
              (report["name"], report["evidence"]["kind"], len(report["evidence"]["pcrs"]), len(report["log"]),
               len(report["details"]), len(report["metadata"]), len(report["digests"])))
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv))
