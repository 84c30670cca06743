#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""signatures_compare.py SIGNING_TOOL -- what cmc-signing-tool signs holds for signatures.py, what openssl signs holds
for the tool, and of what is damaged both say the same; with certificates of pki/setup-pki."""
import base64
import json
import os
import random
import re
import subprocess
import sys
import tempfile

import signatures

TOP = os.path.dirname(os.path.abspath(__file__)) + "/../.."
CBOR = bytes.fromhex("a30073") + b"Company Description" + b"\x01\x61n\x02\x74" + b"2026-11-22T00:00:00Z"
JSON = b'{"type":"Company Description","name":"n","version":"2026-11-22T00:00:00Z"}'
KEYS = {"P-256": ["ES256"], "P-384": ["ES384"], "P-521": ["ES512"],
        "RSA": ["RS256", "RS512", "PS256", "PS384", "PS512"]}


def must(*command, data=None):
    done = subprocess.run(command, input=data, capture_output=True, check=False)
    if done.returncode:
        sys.exit(f"{command}: {done.stderr.decode()}")
    return done.stdout


def write(path, data):
    with open(path, "wb") as f:
        f.write(data)


def make_pki(place):
    must(TOP + "/pki/setup-pki", place + "/pki")
    ca = place + "/pki/metadata-ca"
    with open(TOP + "/pki/profiles/signer.cnf", "rb") as f:
        write(place + "/ext", f.read())
    for kind in KEYS:
        key = f"{place}/{kind}.key"
        if kind == "RSA":
            must("openssl", "genpkey", "-algorithm", "RSA", "-pkeyopt", "rsa_keygen_bits:2048", "-out", key)
        else:
            must("openssl", "genpkey", "-algorithm", "EC", "-pkeyopt", "ec_paramgen_curve:" + kind, "-out", key)
        request = must("openssl", "req", "-new", "-key", key, "-subj", "/CN=" + kind)
        write(f"{place}/{kind}.pem", must("openssl", "x509", "-req", "-CA", ca + "/ca.pem", "-CAkey", ca + "/ca.key",
              "-extfile", place + "/ext", "-extensions", "profile", data=request))
    return place + "/pki/public/root.pem", ca + "/ca.pem"


class Pair:
    """The tool and the oracle, before the same root."""

    def __init__(self, tool, place):
        self.tool, self.place = tool, place
        self.root, self.ca = make_pki(place)

    def tool_says(self, item):
        write(self.place + "/item", item)
        done = subprocess.run([self.tool, "-verify", "-in", self.place + "/item", "-ca", self.root],
                              capture_output=True, check=False)
        if done.returncode not in (0, 1, 3) or (done.returncode and done.stdout):
            sys.exit(f"exit status {done.returncode}: {done.stderr.decode()}")
        return done.stdout if done.returncode == 0 else None

    def oracle_says(self, item):
        try:
            return signatures.verify(self.root, item)
        except signatures.Refused:
            return None

    def hold(self, item, payload, what):
        for name, said in (("tool", self.tool_says(item)), ("oracle", self.oracle_says(item))):
            if said != payload:
                sys.exit(f"{what}: {name} says {said!r}, expected {payload!r}")

    def sign(self, kinds, algs, form):
        out = self.place + "/out"
        must(self.tool, "-in", self.place + "/payload", "-out", out, "-format", form,
             "-keys", ",".join(f"{self.place}/{k}.key" for k in kinds), "-algs", ",".join(algs),
             "-x5cs", ":".join(f"{self.place}/{k}.pem,{self.ca}" for k in kinds))
        with open(out, "rb") as f:
            return f.read()

    def chain(self, kind):
        return [must("openssl", "x509", "-in", f, "-outform", "DER") for f in (f"{self.place}/{kind}.pem", self.ca)]

    def openssl_sign(self, kind, alg, signed):
        _, digest, size, salt = signatures.ALGS[alg]
        padding = ["-sigopt", "rsa_padding_mode:pss", "-sigopt", f"rsa_pss_saltlen:{salt}"] if salt else []
        sig = must("openssl", "dgst", "-" + digest, "-sign", f"{self.place}/{kind}.key", *padding, data=signed)
        if not size:
            return sig
        text = must("openssl", "asn1parse", "-inform", "DER", data=sig).decode()
        return b"".join(int(n, 16).to_bytes(size, "big") for n in re.findall(r"INTEGER +:([0-9A-F]+)", text))


def b64url(data):
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def make_jws(pair, kind, alg):
    head = b64url(json.dumps({"x5c": [base64.b64encode(c).decode() for c in pair.chain(kind)], "alg": alg}).encode())
    sig = pair.openssl_sign(kind, alg, f"{head}.{b64url(JSON)}".encode())
    return json.dumps({"protected": head, "signature": b64url(sig), "payload": b64url(JSON)}).encode()


def make_cose(pair, kind, alg):
    number = -1 - signatures.ALGS[alg][0]
    head = b"\xa1\x01" + (bytes([0x38, number]) if 24 <= number < 256 else
                          bytes([0x20 | number]) if number < 24 else b"\x39" + number.to_bytes(2, "big"))
    signed = b"\x85\x69Signature\x40" + signatures.bstr(head) + b"\x40" + signatures.bstr(CBOR)
    chain = b"".join(map(signatures.bstr, pair.chain(kind)))
    return (b"\xd8\x62\x84\x40\xa0" + signatures.bstr(CBOR) + b"\x81\x83" + signatures.bstr(head) +
            b"\xa1\x18\x21\x82" + chain + signatures.bstr(pair.openssl_sign(kind, alg, signed)))


def damaged(item, rng):
    at, data = rng.randrange(len(item)), bytearray(item)
    how = rng.randrange(4)
    if how == 0:
        data[at] ^= 1 << rng.randrange(8)
    elif how == 1:
        del data[at]
    elif how == 2:
        data.insert(at, rng.randrange(256))
    else:
        del data[at:]
    return bytes(data)


def main():
    rng, count = random.Random(9), 0
    with tempfile.TemporaryDirectory() as place:
        pair = Pair(sys.argv[1], place)
        write(place + "/payload", JSON)
        items = []
        for kind, algs in KEYS.items():
            for alg in algs:
                for form, payload, make in (("json", JSON, make_jws), ("cbor", CBOR, make_cose)):
                    items += [pair.sign([kind], [alg], form), make(pair, kind, alg)]
                    for item in items[-2:]:
                        pair.hold(item, payload, f"{alg} in {form}")
        for form, payload in (("json", JSON), ("cbor", CBOR)):
            items.append(pair.sign(["P-256", "RSA", "P-384"], ["", "PS256", "ES384"], form))
            pair.hold(items[-1], payload, f"three signatures in {form}")
        for _ in range(30):
            bad = damaged(rng.choice(items), rng)
            said = pair.tool_says(bad), pair.oracle_says(bad)
            count += said[0] is None
            if said[0] != said[1]:
                sys.exit(f"the tool says {said[0]!r}, the oracle {said[1]!r} of {bad!r}")
    print(f"{len(items)} items hold for both; of 30 that were damaged, both refuse {count}")


if __name__ == "__main__":
    main()
