#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""signatures.py ROOT.pem ITEM -- verifies a signed item and writes its payload; from docs/formats/signatures.md
alone. Keys, numbers and chains are the openssl command's; the standard library has none."""
import base64
import json
import os
import re
import subprocess
import sys
import tempfile

# name: (COSE, digest, bytes of r and of s, salt of PSS)
ALGS = {"ES256": (-7, "sha256", 32, None), "ES384": (-35, "sha384", 48, None),
        "ES512": (-36, "sha512", 66, None), "RS256": (-257, "sha256", 0, None),
        "RS512": (-259, "sha512", 0, None), "PS256": (-37, "sha256", 0, 32),
        "PS384": (-38, "sha384", 0, 48), "PS512": (-39, "sha512", 0, 64)}
BITS = {256: 32, 384: 48, 521: 66}
METADATA = "1.3.6.1.5.5.7.3.36"


class Refused(Exception):
    pass


def refuse(what):
    raise Refused(what)


def run(*command, data=None):
    done = subprocess.run(command, input=data, capture_output=True, check=False)
    return done.stdout if done.returncode == 0 else None


# --- JWS ---

def once(pairs):
    if len({k for k, _ in pairs}) != len(pairs):
        refuse("a member twice")
    return dict(pairs)


def strict_json(data):
    try:
        return json.loads(data.decode("utf-8"), object_pairs_hook=once)
    except ValueError as e:
        raise Refused("no JSON") from e


def unbase64url(text):
    if not isinstance(text, str) or not re.fullmatch(r"[A-Za-z0-9_-]*", text):
        refuse("no base64url")
    try:
        data = base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))
    except ValueError as e:
        raise Refused("no base64url") from e
    if base64.urlsafe_b64encode(data).rstrip(b"=").decode() != text:
        refuse("base64url that is not canonical")
    return data


def unbase64(text):
    if not isinstance(text, str):
        refuse("x5c: no text")
    try:
        data = base64.b64decode(text, validate=True)
    except ValueError as e:
        raise Refused("x5c") from e
    if base64.b64encode(data).decode() != text:
        refuse("x5c that is not canonical")
    return data


def members(value, *names):
    if not isinstance(value, dict) or set(value) != set(names):
        refuse(f"not exactly the members {names}")
    return value


def parse_jws(data):
    item = strict_json(data)
    if not isinstance(item, dict):
        refuse("no object")
    if "signatures" in item:
        members(item, "payload", "signatures")
        signatures = item["signatures"]
    else:
        members(item, "payload", "protected", "signature")
        signatures = [{k: item[k] for k in ("protected", "signature")}]
    if not isinstance(signatures, list) or not 1 <= len(signatures) <= 8:
        refuse("number of signatures")
    payload, found = unbase64url(item["payload"]), []
    for s in signatures:
        members(s, "protected", "signature")
        head = members(strict_json(unbase64url(s["protected"])), "alg", "x5c")
        if not isinstance(head["x5c"], list) or not isinstance(head["alg"], str):
            refuse("header")
        found.append((head["alg"], [unbase64(c) for c in head["x5c"]],
                      f"{s['protected']}.{item['payload']}".encode(), unbase64url(s["signature"])))
    return payload, found


# --- COSE ---

class Cbor:
    def __init__(self, data):
        self.data, self.at = data, 0

    def take(self, n):
        if self.at + n > len(self.data):
            refuse("cut")
        self.at += n
        return self.data[self.at - n:self.at]

    def head(self, major):
        first = self.take(1)[0]
        if first >> 5 != major or first & 31 > 27:
            refuse(f"major type {first >> 5}, expected {major}")
        if first & 31 < 24:
            return first & 31
        n = int.from_bytes(self.take(1 << (first & 31) - 24), "big")
        if n < (24, 1 << 8, 1 << 16, 1 << 32)[(first & 31) - 24]:
            refuse("not the shortest form")
        return n

    def bytes(self):
        return self.take(self.head(2))

    def int(self):
        return -1 - self.head(1) if self.data[self.at:self.at + 1] >= b"\x20" else self.head(0)

    def count(self, major, want):
        if self.head(major) != want:
            refuse("number of elements")

    def end(self):
        if self.at != len(self.data):
            refuse("something follows")


def bstr(data):
    n = len(data)
    if n < 24:
        return bytes([0x40 | n]) + data
    size = next(i for i in range(4) if n < 1 << (8 << i))
    return bytes([0x58 + size]) + n.to_bytes(1 << size, "big") + data


def parse_cose(data):
    if data[:2] != b"\xd8\x62":
        refuse("tag")
    r = Cbor(data)
    r.take(2)
    r.count(4, 4)
    if r.bytes() != b"":
        refuse("protected header of the body")
    r.count(5, 0)
    payload, found = r.bytes(), []
    number = r.head(4)
    if not 1 <= number <= 8:
        refuse("number of signatures")
    for _ in range(number):
        r.count(4, 3)
        protected = r.bytes()
        p = Cbor(protected)
        p.count(5, 1)
        if p.int() != 1:
            refuse("label")
        alg = p.int()
        p.end()
        chain = []
        if r.head(5) != 1 or r.int() != 33:
            refuse("unprotected header")
        for _ in range(r.head(4)):
            chain.append(r.bytes())
        name = next((k for k, v in ALGS.items() if v[0] == alg), "?")
        found.append((name, chain, b"\x85\x69Signature\x40" + bstr(protected) + b"\x40" + bstr(payload),
                      r.bytes()))
    r.end()
    return payload, found


# --- keys, signatures, chains ---

def der_int(n):
    data = n.to_bytes(n.bit_length() // 8 + 1, "big")
    return bytes([2, len(data)]) + data


def ecdsa_der(sig, size):
    if len(sig) != 2 * size:
        refuse("length of r || s")
    body = der_int(int.from_bytes(sig[:size], "big")) + der_int(int.from_bytes(sig[size:], "big"))
    return b"\x30" + (bytes([len(body)]) if len(body) < 128 else bytes([0x81, len(body)])) + body


def check_signature(place, alg, leaf, signed, sig):
    if alg not in ALGS:
        refuse(f"algorithm {alg}")
    _, digest, size, salt = ALGS[alg]
    public = run("openssl", "x509", "-in", leaf, "-noout", "-pubkey")
    text = run("openssl", "pkey", "-pubin", "-noout", "-text", data=public).decode()
    bits = int(re.search(r"Public-Key: \((\d+) bit\)", text)[1])
    if size != (0 if "Modulus:" in text else BITS.get(bits, -1)) or (size == 0 and not 2048 <= bits <= 8192):
        refuse(f"{alg} with this key")
    for name, data in (("pub", public), ("sig", ecdsa_der(sig, size) if size else sig), ("in", signed)):
        with open(f"{place}/{name}", "wb") as f:
            f.write(data)
    padding = ["-sigopt", "rsa_padding_mode:pss", "-sigopt", f"rsa_pss_saltlen:{salt}"] if salt else []
    if run("openssl", "dgst", "-" + digest, "-verify", f"{place}/pub", *padding, "-signature",
           f"{place}/sig", f"{place}/in") is None:
        refuse("signature")


def check_chain(place, root, chain):
    if not 1 <= len(chain) <= 8 or max(map(len, chain)) > 8192:
        refuse("chain")
    files = []
    for i, der in enumerate(chain):
        files.append(f"{place}/{i}.pem")
        pem = run("openssl", "x509", "-inform", "DER", data=der)
        # openssl skips what follows; its own bytes tell
        if pem is None or run("openssl", "x509", "-outform", "DER", data=pem) != der:
            refuse("certificate")
        with open(files[-1], "wb") as f:
            f.write(pem)
    untrusted = [x for f in files[1:] for x in ("-untrusted", f)]
    if run("openssl", "verify", "-auth_level", "2", "-policy_check", "-CAfile", root, *untrusted,
           files[0]) is None:
        refuse("chain")
    used = files + ([root] if open(files[-1], "rb").read() != run("openssl", "x509", "-in", root) else [])
    for i, name in enumerate(used):
        text = run("openssl", "x509", "-in", name, "-noout", "-text", "-nameopt", "RFC2253").decode()
        usage = re.search(r"Extended Key Usage:.*\n *(.*)", text)
        if (i == 0 and not usage) or (usage and METADATA not in usage[1] and "Document Signing" not in usage[1]
                                      and (i == 0 or "Any Extended Key Usage" not in usage[1])):
            refuse("extended key usage")
        if ("CA:TRUE" in text) != (i > 0):
            refuse("CA")


def verify(root, data):
    """The payload, or Refused."""
    payload, found = parse_cose(data) if data[:1] >= b"\x80" else parse_jws(data)
    with tempfile.TemporaryDirectory() as place:
        for alg, chain, signed, sig in found:
            check_chain(place, root, chain)
            check_signature(place, alg, f"{place}/0.pem", signed, sig)
            for name in os.listdir(place):
                os.unlink(f"{place}/{name}")
    return payload


if __name__ == "__main__":
    try:
        with open(sys.argv[2], "rb") as f:
            sys.stdout.buffer.write(verify(sys.argv[1], f.read()))
    except Refused as e:
        sys.exit(f"refused: {e}")
