#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
# tests/oracle/oci_config.py -- the exact form of an OCI configuration, from docs/formats/oci-config.md alone.
"""oci_config.py [--key HEX] [--bundle DIR] ID CONFIG: prints digest and detail of one config.json."""
import argparse
import hashlib
import hmac
import json
import os
import re
import sys

PAGE = os.path.join(os.path.dirname(__file__), "../../docs/formats/oci-config.md")
BYTES_MAX, DEPTH_MAX, VALUES_MAX = 4194304, 64, 262144
RANGES = {"uint16": (0, 2**16 - 1), "uint32": (0, 2**32 - 1), "uint64": (0, 2**64 - 1),
          "int32": (-2**31, 2**31 - 1), "int64": (-2**63, 2**63 - 1)}


class Refused(Exception):
    pass


class Object(list):
    """Members of a JSON object as (name, value), in document order."""

    def get(self, name):
        return next((v for n, v in self if n == name), None)


def load_types(page=PAGE):
    """{type: {member: (its type, its rule)}}, read from the table of section 9."""
    types = {}
    with open(page, encoding="utf-8") as f:
        for line in f:
            cells = [c.strip() for c in line.strip().strip("|").split(" | ")]
            if len(cells) == 4 and cells[1] in ("measured", "normalised", "left out"):
                for name, kind in re.findall(r"`([^`]+)` (\S+?)(?:;|$)", cells[2]):
                    types.setdefault(cells[0], {})[name] = (kind, cells[1])
    return types


TYPES = load_types()


# ---- section 2
def integer(text):
    if text == "-0":
        raise Refused("-0")
    value = int(text) if len(text) <= 20 else 2**64
    if not -2**63 <= value < 2**64:
        raise Refused("integer out of range")
    return value


def no_float(text):
    raise Refused("number " + text)


def members(pairs):
    if len({name for name, _ in pairs}) != len(pairs):
        raise Refused("member twice")
    return Object(pairs)


def check_texts(value, depth=0):
    """Depth of nesting, NUL and lone surrogates, which Python's reader lets pass."""
    if isinstance(value, str):
        if "\0" in value or re.search("[\ud800-\udfff]", value):
            raise Refused("NUL or lone surrogate")
    elif isinstance(value, list):
        if depth == DEPTH_MAX:
            raise Refused("too deep")
        for item in value:
            for part in item if isinstance(value, Object) else (item,):
                check_texts(part, depth + 1)


def count_values(text):
    bare = re.sub(r'"(?:[^"\\]|\\.)*"?', "", text, flags=re.S)
    return 1 + sum(bare.count(c) for c in ",[{")


def read(data):
    if len(data) > BYTES_MAX:
        raise Refused("too long")
    try:
        text = data.decode("utf-8")
        if count_values(text) > VALUES_MAX:
            raise Refused("too many values")
        value = json.loads(text, parse_int=integer, parse_float=no_float,
                           parse_constant=no_float, object_pairs_hook=members)
    except (ValueError, RecursionError) as e:
        raise Refused(str(e)) from e
    check_texts(value)
    return value


# ---- section 3
def fold(name):
    return re.sub("[A-Z]", lambda m: m[0].lower(), name).replace("\u017f", "s").replace("\u212a", "k")


def check_names(obj, listed):
    folds = [fold(n) for n, _ in obj]
    if len(set(folds)) != len(folds):
        raise Refused("two spellings of one name")
    known = {fold(n) for n in listed}
    for name, _ in obj:
        if name not in listed and fold(name) in known:
            raise Refused("another spelling of a listed name")


def check_unlisted(value):
    if isinstance(value, Object):
        check_names(value, {})
    if isinstance(value, list):
        for item in value:
            check_unlisted(item[1] if isinstance(value, Object) else item)


def check(value, kind):
    if value is None:
        return
    if kind == "any":
        check_unlisted(value)
    elif kind in RANGES:
        low, high = RANGES[kind]
        if isinstance(value, bool) or not isinstance(value, int) or not low <= value <= high:
            raise Refused("expected " + kind)
    elif kind in ("string", "bool"):
        if not isinstance(value, str if kind == "string" else bool):
            raise Refused("expected " + kind)
    elif kind[0] == "[":
        if not isinstance(value, list) or isinstance(value, Object):
            raise Refused("expected " + kind)
        for item in value:
            check(item, kind[1:-1])
    elif not isinstance(value, Object):
        raise Refused("expected " + kind)
    elif kind[0] == "{":
        for _, item in value:
            check(item, kind[1:-1])
    else:
        check_names(value, TYPES[kind])
        for name, item in value:
            check(item, TYPES[kind].get(name, ("any",))[0])


# ---- section 4
def canonical_text(text):
    short = {'"': '\\"', "\\": "\\\\", "\b": "\\b", "\f": "\\f", "\n": "\\n", "\r": "\\r", "\t": "\\t"}
    return '"' + "".join(short.get(c) or ("\\u%04x" % ord(c) if c < " " else c) for c in text) + '"'


def canonical(value):
    if value is None or isinstance(value, bool):
        return {None: "null", True: "true", False: "false"}[value]
    if isinstance(value, int):
        return str(value)
    if isinstance(value, str):
        return canonical_text(value)
    if isinstance(value, Object):
        order = sorted(value, key=lambda m: m[0].encode())
        return "{" + ",".join(canonical_text(n) + ":" + canonical(v) for n, v in order) + "}"
    return "[" + ",".join(canonical(v) for v in value) + "]"


# ---- section 5
def cgroups_path(value, cid):
    if value.rsplit("/", 1)[-1] == cid or (
            "/" not in value and value.count(":") == 2 and value.rsplit(":", 1)[1] == cid):
        return Object([("before", value[:len(value) - len(cid)]), ("id", "container")])
    return value


def mount_source(value, cid, sandbox):
    mark = "/io.containerd.grpc.v1.cri/"
    before, found, rest = value.partition(mark)
    for folder in ("sandboxes/", "containers/"):
        if found and rest.startswith(folder):
            name, slash, after = rest[len(folder):].partition("/")
            who = "container" if name == cid else "sandbox" if name == sandbox else None
            if who:
                return Object([("after", slash + after), ("before", before + found + folder), ("id", who)])
    return value


def root_path(value, bundle):
    if bundle and value.startswith(bundle + "/"):
        return Object([("bundle", value[len(bundle) + 1:])])
    return value


# ---- section 6
def entry(text):
    name, equal, value = text.partition("=")
    return Object([("name", name), ("value", value)] if equal else [("name", name)])


def commitment(name, value, key):
    message = len(name.encode()).to_bytes(4, "big") + name.encode() + value.encode()
    return hmac.new(key, message, hashlib.sha256).hexdigest()


def change(obj, name, edit):
    """obj with the member called name edited when it is there and not null."""
    if not isinstance(obj, Object):
        return obj
    return Object((n, edit(v) if n == name and v is not None else v) for n, v in obj)


def each(edit):
    return lambda array: [v if v is None else edit(v) for v in array]


def make_detail(config, cid, bundle):
    notes = config.get("annotations")
    mark = "io.kubernetes.cri.sandbox-id"
    sandbox = notes.get(mark) if notes else None
    if not (isinstance(sandbox, str) and re.fullmatch("[0-9a-f]{64}", sandbox)):
        sandbox = None
    else:
        token = Object([("id", "container" if sandbox == cid else "sandbox")])
        config = change(config, "annotations", lambda o: change(o, mark, lambda _: token))
    config = change(config, "linux", lambda o: change(o, "cgroupsPath", lambda v: cgroups_path(v, cid)))
    source = lambda v: mount_source(v, cid, sandbox)  # noqa: E731
    config = change(config, "mounts", each(lambda m: change(m, "source", source)))
    config = change(config, "root", lambda o: change(o, "path", lambda v: root_path(v, bundle)))
    config = change(config, "process", lambda o: Object(
        m for m in o if m[0] not in ("terminal", "consoleSize")))
    return change(config, "process", lambda o: change(o, "env", each(entry)))


# ---- section 7
def withhold(item, key):
    shape = sorted(n for n, _ in item) if isinstance(item, Object) else None
    if shape not in (["name"], ["name", "value"], ["commitment", "name"]) or not all(
            isinstance(v, str) for _, v in item):
        raise Refused("no environment entry")
    if shape == ["name", "value"]:
        return Object([("name", item.get("name")),
                       ("commitment", commitment(item.get("name"), item.get("value"), key))])
    if len(shape) == 2 and not re.fullmatch("[0-9a-f]{64}", item.get("commitment")):
        raise Refused("no commitment")
    return item


def detail_digest(data, key):
    detail = read(data)
    if not isinstance(detail, Object):
        raise Refused("no object")

    def env(value):
        if not isinstance(value, list) or isinstance(value, Object):
            raise Refused("no array")
        return each(lambda item: withhold(item, key))(value)

    def process(value):
        if not isinstance(value, Object):
            raise Refused("no object")
        return change(value, "env", env)
    text = canonical(change(detail, "process", process))
    return hashlib.sha256(b"cmc-oci-config-1\0" + text.encode()).hexdigest()


def measure(data, cid, bundle=None, key=bytes(32)):
    """(digest, detail, terminal) of the bytes of a config.json; Refused otherwise."""
    if cid in ("", ".", ".."):
        raise Refused("no container id")
    config = read(data)
    if not isinstance(config, Object):
        raise Refused("expected an object")
    check(config, "Spec")
    detail = canonical(make_detail(config, cid, bundle)).encode()
    process = config.get("process") or Object()
    return detail_digest(detail, key), detail, process.get("terminal") is True


def main():
    ap = argparse.ArgumentParser(description=__doc__)
    ap.add_argument("--key", default="00" * 32)
    ap.add_argument("--bundle")
    ap.add_argument("id")
    ap.add_argument("config")
    a = ap.parse_args()
    with open(a.config, "rb") as f:
        data = f.read()
    try:
        digest, detail, _ = measure(data, a.id, a.bundle, bytes.fromhex(a.key))
    except Refused as e:
        sys.exit("refused: %s" % e)
    print(digest)
    sys.stdout.buffer.write(detail + b"\n")


if __name__ == "__main__":
    main()
