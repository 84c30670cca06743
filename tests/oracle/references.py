#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""references.py FILE [--key HEX] -- checks a document of references, by docs/formats/references.md alone.

Recomputes templates and configuration digests from ctrData, and compares the bytes with the one
way to write them. Prints "PROFILE CONFIG ROOTFS TEMPLATE" for each component. --key: the
redaction key, to recompute configurations that show values."""
import hashlib
import hmac
import json
import re
import struct
import sys

WIDE = {18446744073709551615: "18446744073709552000", 9223372036854775807: "9223372036854776000",
        -9223372036854775808: "-9223372036854776000"}


def fail(why):
    print("references: " + why, file=sys.stderr)
    sys.exit(1)


def unique(pairs):
    if len({name for name, _ in pairs}) != len(pairs):
        fail("a member twice")
    return dict(pairs)


def text(value):
    """A JSON string as oci-config.md 4 writes it."""
    short = {'"': '\\"', "\\": "\\\\", "\b": "\\b", "\f": "\\f", "\n": "\\n", "\r": "\\r",
             "\t": "\\t"}
    return '"' + "".join(short.get(c) or (c if c >= " " else f"\\u{ord(c):04x}")
                         for c in value) + '"'


def write(value, number, order):
    """Canonical JSON: `number` writes integers, `order` sorts member names."""
    if value is None or isinstance(value, bool):
        return json.dumps(value)
    if isinstance(value, int):
        return number(value)
    if isinstance(value, str):
        return text(value)
    if isinstance(value, list):
        return "[" + ",".join(write(v, number, order) for v in value) + "]"
    return "{" + ",".join(f"{text(k)}:{write(value[k], number, order)}"
                          for k in sorted(value, key=order)) + "}"


def rfc8785(value):
    """Integers go through a double: ECMAScript's shortest digits, then zeros."""
    if value in WIDE:
        return WIDE[value]
    digits = repr(float(value))
    if "e" in digits:
        mantissa, exponent = digits.split("e")
        whole, _, rest = mantissa.partition(".")
        return whole + (rest if rest != "0" else "").ljust(int(exponent), "0")
    return digits[:-2]


def by_bytes(name):
    return name.encode()


def by_utf16(name):
    return name.encode("utf-16-be")


def exact_digest(spec, key):
    """The canonical form: values become commitments."""
    spec = json.loads(json.dumps(spec))
    for entry in (spec.get("process") or {}).get("env") or []:
        if entry and "value" in entry:
            name, value = entry["name"].encode(), entry.pop("value").encode()
            message = struct.pack(">I", len(name)) + name + value
            entry["commitment"] = hmac.new(key, message, "sha256").hexdigest()
    return b"cmc-oci-config-1\0" + write(spec, str, by_bytes).encode()


def key_id(key):
    if not any(key):
        return "0" * 16
    return hashlib.sha256(b"cmc-redaction-key-1\0" + key).hexdigest()[:16]


def check(component, key):
    if list(component) != ["type", "name", "hashes", "properties", "ctrData"]:
        fail(f"members {list(component)}")
    data = component["ctrData"]
    if component["type"] != "application" or list(data) != ["configSha256", "rootfsSha256",
                                                            "ociSpec"]:
        fail("not a container's component")
    properties = [(p["name"], p["value"]) for p in component["properties"]]
    wanted = [("cmc.ta", "TPM"), ("cmc.index", None), ("cmc.profile", None)]
    profile = dict(properties).get("cmc.profile")
    if profile == "exact":
        wanted.append(("cmc.keyId", None))
    if [n for n, _ in properties] != [n for n, _ in wanted] or properties[0] != wanted[0]:
        fail(f"properties {properties}")
    if not re.fullmatch("[0-9]|1[0-9]|2[0-3]", properties[1][1]):
        fail("cmc.index")
    pair = bytes.fromhex(data["configSha256"]) + bytes.fromhex(data["rootfsSha256"])
    if len(pair) != 64:
        fail("digests of another length")
    algorithms = ["SHA-256"] if profile == "exact" else ["SHA-256", "SHA-384"]
    for alg, found in zip(algorithms, component["hashes"], strict=True):
        want = hashlib.new(alg.replace("-", "").lower(), pair).hexdigest()
        if (found["alg"], found["content"]) != (alg, want):
            fail(f"template {found}, expected {alg} {want}")
    if profile == "exact":
        named = dict(properties)["cmc.keyId"]
        form = exact_digest(data["ociSpec"], key)
        shows = any(e and "value" in e for e in (data["ociSpec"].get("process") or {}).get("env")
                    or [])
        if named != key_id(key) and shows:
            fail("values made with a key are shown, and that key is not given")
    elif profile == "cmc":
        form = write(data["ociSpec"], rfc8785, by_utf16).encode()
    else:
        fail(f"profile {profile}")
    if hashlib.sha256(form).hexdigest() != data["configSha256"]:
        fail("configSha256 is not that of ociSpec")
    print(profile, data["configSha256"], data["rootfsSha256"], component["hashes"][0]["content"])


def canonical(component):
    """The one way to write a component, whose members are in order already."""
    def plain(value):
        if isinstance(value, dict):
            return "{" + ",".join(f"{text(k)}:{plain(v)}" for k, v in value.items()) + "}"
        if isinstance(value, list):
            return "[" + ",".join(map(plain, value)) + "]"
        return write(value, str, by_bytes)
    return plain(component)


def main():
    args = sys.argv[1:]
    key = bytes(32)
    if len(args) == 3 and args[1] == "--key":
        key = bytes.fromhex(args[2])
    elif len(args) != 1:
        print(__doc__, file=sys.stderr)
        sys.exit(2)
    with open(args[0], encoding="utf-8", newline="") as f:
        raw = f.read()
    components = json.loads(raw, object_pairs_hook=unique)
    for component in components:
        check(component, key)
    lines = ",\n".join(map(canonical, components))
    if raw != "[\n" + lines + ("\n" if lines else "") + "]\n":
        fail("the bytes are not those of the one way to write it")


main()
