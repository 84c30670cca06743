#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""Reads items of metadata, components, artifacts and reports of CMC 3.3.0, and writes them in either encoding.

Written from docs/formats/metadata.md and cmc-report.md alone; standard library only.

    metadata.py item|components|artifact|report FILE            JSON of what is in it; exit status 1: it is refused
    metadata.py item|components|artifact|report FILE json|cbor  writes it in this encoding
"""
import base64
import binascii
import json
import re
import sys


class Refused(Exception):
    pass


def need(condition, text):
    if not condition:
        raise Refused(text)


class List:
    def __init__(self, of, most=131072):
        self.of, self.most = of, most


class Group(list):
    """An object that counts as empty when all its members are."""


class Only:
    def __init__(self, *texts):
        self.texts = texts


class Const(Only):
    """Not a value of its own."""


# ---- tables: (name and mark, key, type) ------------------------------------------------------------

HASH = [("alg!", 0, "text"), ("content!", 1, "hex 64")]
PROPERTY = [("name!", 0, "text"), ("value", 1, "text")]
CTR = [("configSha256", 0, "hex 32"), ("rootfsSha256", 1, "hex 32"), ("ociSpec", "ociSpec", "tree")]
COMPONENT = [("type", 0, "text"), ("name", 1, "text"), ("hashes", 2, List(HASH, 16)), ("version?", 3, "text"),
             ("optional?", 4, "bool"), ("description?", 5, "text"), ("properties?", 6, List(PROPERTY, 256)),
             ("eventdata?", 7, "tree"), ("ctrData?", 8, CTR), ("intelCollateral?", 9, "tree"), ("purl?", 10, "text")]
COMPONENTS = List(COMPONENT)
ARTIFACT = [("type", 0, "text"), ("index", 1, "int"), ("events?", 2, List(COMPONENT))]


def item_of(kind, *members):
    return [("type!", 0, Only(kind)), ("name?", 1, "text"), ("version?", 2, "text"),
            ("validity?", 3, Group([("notBefore", 0, "text"), ("notAfter", 1, "text")])), ("description?", 4, "text")] + list(members)


ITEMS = {
    "Manifest": item_of("Manifest",
        ("sbom?", 10, Group([("bomFormat!", 0, Const("CycloneDX")), ("specVersion", 1, "text"), ("version?", 2, "int"),
                             ("components?", 3, List(COMPONENT))])),
        ("developerCommonName?", 11, "text"), ("baseLayers", 12, List("text", 256)), ("certLevel", 13, "int"),
        ("caFingerprints", 14, List("text", 256)), ("snpPolicy?", 15, "tree"), ("tdxPolicy?", 16, "tree"),
        ("sgxPolicy?", 17, "tree"), ("details?", 18, "tree"), ("omspServer?", 20, "text")),
    "Image Description": item_of("Image Description",
        ("location", 20, "text"),
        ("descriptions", 21, List([("type!", 0, Only("Manifest Description")), ("name", 1, "text"), ("description?", 2, "text"),
                                   ("manifest?", 3, "text"), ("ociRules?", 4, "tree")], 4096))),
    "Company Description": item_of("Company Description"),
    "OMSP Response": item_of("OMSP Response"),
}
EVIDENCE = [("type", 0, "text"), ("evidence", 1, "bytes"), ("addData?", 2, "bytes"), ("signature?", 3, "bytes")]
COLLATERAL = [("type", 0, "text"), ("certs?", 1, List("bytes", 16)), ("key?", 2, "bytes"), ("artifacts?", 3, List(ARTIFACT, 256))]
CONTEXT = [("type!", 0, Only("Context")), ("alg!", 1, "text"), ("nonce", 2, "bytes"), ("collateral", 3, List(COLLATERAL, 16)),
           ("digests", 4, List("text", 4096)), ("metadata?", 5, "map"), ("certs?", 6, List("bytes", 64))]


def report_of(context, encoding):
    return [("version!", 0, Only("3.3.0")), ("type!", 1, Only("Attestation Report")), ("name?", 2, "text"),
            ("encoding!", 3, Only(encoding)), ("evidences", 4, List(EVIDENCE, 16)), ("context!", 5, context)]


# ---- texts of JSON ---------------------------------------------------------------------------------

class Pairs(list):
    """An object, in its order."""


def pairs(items):
    need(len({k for k, _ in items}) == len(items), "a member twice")
    return Pairs(items)


def integer(text):
    need(text != "-0" and -(1 << 63) <= int(text) < 1 << 64, "number")
    return int(text)


def no_number(text):
    raise Refused("number %s" % text)


def read_json(data):
    try:
        text = data.decode()
        need(not re.search(r"(?<!\\)(\\\\)*\\u0000", text), "U+0000")
        value = json.loads(text, object_pairs_hook=pairs, parse_int=integer, parse_float=no_number, parse_constant=no_number)
        json.dumps(value, ensure_ascii=False).encode()  # lone surrogates
    except (ValueError, RecursionError) as e:
        raise Refused(str(e))
    return value


def write_text(text):
    out = json.dumps(text, ensure_ascii=False)
    for c in "<>&\u2028\u2029":
        out = out.replace(c, "\\u%04x" % ord(c))
    return out


def write_json(value):
    if isinstance(value, Pairs):
        return "{" + ",".join(write_text(k) + ":" + write_json(v) for k, v in value) + "}"
    if isinstance(value, list):
        return "[" + ",".join(map(write_json, value)) + "]"
    return write_text(value) if isinstance(value, str) else json.dumps(value)


# ---- CBOR ------------------------------------------------------------------------------------------

class Reader:
    def __init__(self, data):
        self.data, self.at = data, 0

    def take(self, n):
        need(n <= len(self.data) - self.at, "cut short")
        self.at += n
        return self.data[self.at - n:self.at]

    def item(self, depth=0):
        need(depth <= 64, "deep")
        first = self.take(1)[0]
        major, value = first >> 5, first & 31
        if major == 7:
            need(20 <= value <= 22, "float or simple value")
            return {20: False, 21: True, 22: None}[value]
        need(major != 6 and value < 28, "tag, indefinite length or reserved")
        if value > 23:
            size = 1 << value - 24
            value = int.from_bytes(self.take(size), "big")
            need(value >= (24 if size == 1 else 1 << 4 * size), "not the shortest form")
        if major < 2:
            return value if major == 0 else -1 - value
        if major < 4:
            part = self.take(value)
            try:
                return part if major == 2 else part.decode()
            except UnicodeDecodeError:
                raise Refused("text that is not UTF-8")
        need(value <= len(self.data), "too many")
        return [self.item(depth + 1) for _ in range(value)] if major == 4 else self.map(value, depth + 1)

    def map(self, count, depth):
        out, last = Pairs(), b""
        for _ in range(count):
            start = self.at
            key = self.item(depth)
            need(isinstance(key, (int, str)) and not isinstance(key, bool), "key")
            raw = self.data[start:self.at]
            need(raw > last, "keys do not ascend")
            last = raw
            out.append((key, self.item(depth)))
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


def write_cbor(value):
    if value is None or isinstance(value, bool):
        return {None: b"\xf6", True: b"\xf5", False: b"\xf4"}[value]
    if isinstance(value, int):
        return head(0, value) if value >= 0 else head(1, -1 - value)
    if isinstance(value, (str, bytes)):
        data = value if isinstance(value, bytes) else value.encode()
        return head(2 if isinstance(value, bytes) else 3, len(data)) + data
    if isinstance(value, Pairs):
        return head(5, len(value)) + b"".join(a + b for a, b in sorted((write_cbor(k), write_cbor(v)) for k, v in value))
    return head(4, len(value)) + b"".join(map(write_cbor, value))


# ---- tables applied ----------------------------------------------------------------------------------

def unbase64(text):
    try:
        data = base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError):
        raise Refused("base64")
    need(base64.b64encode(data).decode() == text, "base64 with loose bits")
    return data


def text(value):
    need(isinstance(value, str) and "\0" not in value and len(value.encode()) <= 65536, "text")
    return value


def tree(value, levels=48):
    """A tree as JSON has it."""
    if isinstance(value, bytes):
        return base64.b64encode(value).decode()
    if isinstance(value, list):
        need(levels > 0, "deep")
    if isinstance(value, Pairs):
        out = Pairs((k if isinstance(k, str) else str(k), tree(v, levels - 1)) for k, v in value)
        need(len(dict(out)) == len(out) and not any("\0" in k for k, _ in out), "names")
        return out
    if isinstance(value, list):
        return [tree(v, levels - 1) for v in value]
    if isinstance(value, str):
        need("\0" not in value, "U+0000")
    if isinstance(value, int):
        need(-(1 << 63) <= value < 1 << 64, "number")
    return value


def to_bytes(value, js):
    if js:
        need(isinstance(value, str), "no string")
        return unbase64(value)
    need(isinstance(value, bytes), "no bytes")
    return value


def to_hex(value, js, most):
    if js:
        need(isinstance(value, str) and re.fullmatch("([0-9a-fA-F]{2})*", value), "hex")
        value = bytes.fromhex(value)
    need(isinstance(value, bytes) and len(value) <= most, "hex")
    return value


def scalar(value, kind, js):
    if kind == "text":
        return text(value)
    if kind == "bytes":
        return to_bytes(value, js)
    if kind == "tree":
        return tree(value)
    if kind == "bool":
        need(isinstance(value, bool), "boolean")
        return value
    if kind == "int":
        need(type(value) is int and -(1 << 63) <= value < 1 << 63, "number")
        return value
    if kind == "map":
        need(isinstance(value, Pairs) and len(value) <= 4096, "object")
        return {text(k): to_bytes(v, js) for k, v in value}
    return to_hex(value, js, int(kind[4:]))


def nullable(kind):
    return not isinstance(kind, Only) and kind not in ("text", "bool", "int")


def read(value, kind, js):
    if isinstance(kind, Only):
        need(text(value) in kind.texts, "%r" % value)
        return value
    if isinstance(kind, List):
        need(type(value) is list and len(value) <= kind.most, "list")
        return [read(v, kind.of, js) for v in value]
    if isinstance(kind, str):
        return scalar(value, kind, js)
    need(isinstance(value, Pairs), "object")
    have, out = dict(value), {}
    for marked, key, inner in kind:
        name, mark = marked.rstrip("?!"), marked[-1] if marked[-1] in "?!" else ""
        at = name if js else key
        if at not in have:
            need(mark != "!", "%s is missing" % name)
            out[name] = None if mark == "?" or nullable(inner) else {"text": "", "int": 0, "bool": False}[inner]
            continue
        v = have.pop(at)
        if v is None:
            need(not mark and nullable(inner), "%s: null" % name)
            out[name] = None
        else:
            out[name] = read(v, inner, js)
    known = {marked.rstrip("?!").encode().lower() for marked, _, _ in kind}
    for unknown in have:
        need(isinstance(unknown, int) or unknown.encode().lower() not in known, "case of %r" % unknown)
    return out


def is_empty(value, kind):
    if isinstance(kind, Group) and value is not None:
        return all(is_empty(value[m.rstrip("?!")], k) for m, _, k in kind)
    if isinstance(kind, list) or kind == "tree":
        return value is None
    return isinstance(kind, Const) or not value


def write(value, kind, js):
    """What write_json() and write_cbor() take."""
    if value is None:
        return None
    if isinstance(kind, List):
        return [write(v, kind.of, js) for v in value]
    if kind == "map":
        return Pairs(sorted((k, write(v, "bytes", js)) for k, v in value.items()))
    if isinstance(value, bytes) and js:
        return value.hex() if kind.startswith("hex") else base64.b64encode(value).decode()
    if not isinstance(kind, list):
        return value
    return Pairs((m.rstrip("?!") if js else key, write(value[m.rstrip("?!")], inner, js)) for m, key, inner in kind
                 if m[-1] != "?" or not is_empty(value[m[:-1]], inner))


# ---- documents -----------------------------------------------------------------------------------------

def is_json(data):
    first = data.lstrip(b" \t\r\n")[:1]
    js = first in (b"{", b"[")
    need(js or data[:1] and 0x80 <= data[0] <= 0xdb, "neither JSON nor CBOR")
    return js


def item_table(value, js):
    need(isinstance(value, Pairs), "object")
    kind = dict(value).get("type" if js else 0)
    need(isinstance(kind, str) and kind in ITEMS, "type %r" % kind)
    return ITEMS[kind]


def decode(what, data):
    """(value, table, bytes that the evidence nonce is the hash of)"""
    js = is_json(data)
    value = read_json(data) if js else read_cbor(data)
    if what != "report":
        table = {"components": COMPONENTS, "artifact": ARTIFACT}.get(what) or item_table(value, js)
        return read(value, table, js), table, None
    need(isinstance(value, Pairs), "object")
    inner = dict(value).get("context" if js else 5)
    if js:
        need(isinstance(inner, str) and re.fullmatch("[A-Za-z0-9_-]*", inner) and len(inner) % 4 != 1, "base64url")
        raw = base64.urlsafe_b64decode(inner + "=" * (-len(inner) % 4))
        need(base64.urlsafe_b64encode(raw).decode().rstrip("=") == inner and is_json(raw), "base64url")
        hashed, inner = inner.encode(), read_json(raw)
    else:
        hashed = write_cbor(inner)  # deterministic, so that it is what was there
    table = report_of(CONTEXT, "b64" if js else "cbor")
    value = Pairs((k, inner if k == ("context" if js else 5) else v) for k, v in value)
    return read(value, table, js), table, hashed


def encode(value, table, js):
    if not isinstance(table, list) or table[-1][0] != "context!":
        out = write(value, table, js)
    else:
        value = dict(value, encoding="b64" if js else "cbor")
        out = write(value, table, js)
        if js:
            inner = write_json(dict(out)["context"]).encode()
            out[-1] = ("context", base64.urlsafe_b64encode(inner).decode().rstrip("="))
    return write_json(out).encode() if js else write_cbor(out)


def main(argv):
    if len(argv) not in (3, 4) or argv[1] not in ("item", "components", "artifact", "report") or argv[3:] not in ([], ["json"], ["cbor"]):
        print(__doc__, file=sys.stderr)
        return 2
    with open(argv[2], "rb") as f:
        data = f.read()
    try:
        value, table, _ = decode(argv[1], data)
    except Refused as e:
        print("refused: %s" % e)
        return 1
    sys.stdout.buffer.write(encode(value, table, argv[3:] != ["cbor"]))
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv))
