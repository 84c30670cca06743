#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""Checks reports as docs/formats/report.md and CMC 3.3.0 say, in as few lines as that takes: the
quote is over the nonce, its PCR values have its digest, and the register's value is what a prefix
of the log (exact), or the artifact (cmc), replays to. Signatures: tpm2_checkquote, of the first.

check.py AK.pem FILE...   a file is named by its nonce; prints a line, and exits 1 when one fails
"""
import base64
import hashlib
import json
import os
import struct
import subprocess
import sys
import tempfile


def sha256(data):
    return hashlib.sha256(data).digest()


def unbase64(text):
    return base64.b64decode(text, validate=True)


def cbor(data, at=0):
    """One item of deterministic CBOR; returns it and where it ends."""
    major, n = data[at] >> 5, data[at] & 31
    at += 1
    if n >= 24:
        size = {24: 1, 25: 2, 26: 4, 27: 8}[n]
        n, at = int.from_bytes(data[at:at + size], "big"), at + size
    if major == 0:
        return n, at
    if major in (2, 3):
        raw = data[at:at + n]
        return (raw if major == 2 else raw.decode()), at + n
    if major == 4:
        items = []
        for _ in range(n):
            item, at = cbor(data, at)
            items.append(item)
        return items, at
    if major == 5:
        members = {}
        for _ in range(n):
            key, at = cbor(data, at)
            members[key], at = cbor(data, at)
        return members, at
    return {20: False, 21: True, 22: None}[n], at


def attest(raw):
    """extraData, resetCount, selection (bank, mask) and pcrDigest of a TPMS_ATTEST."""
    magic, kind, size = struct.unpack_from(">IHH", raw)
    assert magic == 0xff544347 and kind == 0x8018, "no quote"
    at = 8 + size
    size, = struct.unpack_from(">H", raw, at)
    extra, at = raw[at + 2:at + 2 + size], at + 2 + size
    resets, = struct.unpack_from(">I", raw, at + 8)
    at += 17 + 8  # clockInfo, firmwareVersion
    count, bank, width = struct.unpack_from(">IHB", raw, at)
    assert count == 1, "more than one bank"
    mask, at = int.from_bytes(raw[at + 7:at + 7 + width], "little"), at + 7 + width
    size, = struct.unpack_from(">H", raw, at)
    digest = raw[at + 2:at + 2 + size]
    assert at + 2 + size == len(raw), "trailing bytes"
    return extra, resets, bank, mask, digest


def records(log):
    """Digests by bank, and content, of each record of a log; a torn tail ends it."""
    at = 0
    while at + 16 <= len(log) and log[at:at + 4] == b"\xc3MCL":
        kind, size = log[at + 5], struct.unpack_from(">I", log, at + 8)[0]
        body, at = log[at + 16:at + 16 + size], at + 16 + size
        if len(body) < size:
            return
        if kind != 1:
            continue
        digests, content, pos = {}, None, 0
        while pos < len(body):
            tag, length = struct.unpack_from(">BI", body, pos)
            value, pos = body[pos + 5:pos + 5 + length], pos + 5 + length
            content = cbor(value)[0] if tag == 204 else content
            inner = 0
            while tag == 3 and inner < len(value):
                # the type of a digest is a TPM_ALG_ID in one byte
                alg, n = struct.unpack_from(">BI", value, inner)
                digests[alg] = value[inner + 5:inner + 5 + n]
                inner += 5 + n
        yield digests, content


def prefix(log, want):
    """How many records replay to the value, and the reset that they are of; 0: none do."""
    value, resets = bytes(32), None
    for n, (digests, content) in enumerate(records(log), 1):
        resets = content.get(25, resets)
        value = sha256(value + digests[0x0b])
        if value == want:
            return n, resets
    return 0, None


def exact(raw, nonce):
    if raw[:1] == b"{":
        r = json.loads(raw)
        e = r["evidence"]
        quote, signature = unbase64(e["attest"]), unbase64(e["signature"])
        pcrs = {p["index"]: unbase64(p["value"]) for p in e["pcrs"]}
        log = unbase64(r["log"])
    else:
        r, end = cbor(raw)
        assert end == len(raw), "trailing bytes"
        quote, signature, log = r[3][1], r[3][2], r[4]
        pcrs = {p[1]: p[2] for p in r[3][4]}
    q = sha256(b"cmc-exact 1.0\0" + nonce)
    extra, resets, bank, mask, digest = attest(quote)
    assert extra == q, "the quote is over something else"
    assert bank == 0x0b and mask == sum(1 << i for i in pcrs), "selection"
    assert sha256(b"".join(pcrs[i] for i in sorted(pcrs))) == digest, "values are not the quoted"
    n, of = prefix(log, pcrs[13])
    assert n > 0, "no prefix of the log is what was quoted"
    assert of == resets, f"the log is of reset {of}, the quote of {resets}"
    return quote, signature, q, n


def cmc(raw, nonce):
    if raw[:1] == b"{":
        r = json.loads(raw)
        q = sha256(r["context"].encode())
        c = json.loads(base64.urlsafe_b64decode(r["context"] + "=" * (-len(r["context"]) % 4)))
        e = r["evidences"][0]
        quote, signature = unbase64(e["evidence"]), unbase64(e["signature"])
        got, col = unbase64(c["nonce"]), c["collateral"][0]
        artifacts = [(a["type"], a["index"],
                      [(v.get("name"), bytes.fromhex(v["hashes"][0]["content"]))
                       for v in a.get("events", [])]) for a in col["artifacts"]]
    else:
        r, end = cbor(raw)
        assert end == len(raw), "trailing bytes"
        c, e = r[5], r[4][0]
        at = raw.rindex(b"gContext") - 2  # the map's head and its first key
        while cbor(raw, at)[0] != c:
            at -= 1
        q = sha256(raw[at:cbor(raw, at)[1]])
        quote, signature, got, col = e[1], e[3], c[2], c[3][0]
        artifacts = [(a[0], a[1], [(v.get(1), v[2][0][1]) for v in a.get(2, [])]) for a in col[3]]
    assert got == nonce, "another nonce"
    extra, _, bank, mask, digest = attest(quote)
    assert extra == q, "the quote is over another context"
    assert bank == 0x0b and mask == sum(1 << a[1] for a in artifacts), "selection"
    values, n = b"", 0
    for kind, _, events in artifacts:
        if kind == "PCR Summary":
            (_, value), = events
        else:
            value, n = bytes(32), len(events)
            for _, h in events:
                value = sha256(value + h)
        values += value
    assert sha256(values) == digest, "the artifacts are not what was quoted"
    return quote, signature, q, n


def checkquote(ak, quote, signature, q):
    with tempfile.TemporaryDirectory() as d:
        for name, data in (("m", quote), ("s", signature)):
            with open(os.path.join(d, name), "wb") as f:
                f.write(data)
        subprocess.run(["tpm2_checkquote", "-u", ak, "-m", d + "/m", "-s", d + "/s", "-q", q.hex(),
                        "-g", "sha256"], check=True, stdout=subprocess.DEVNULL)


def main():
    ak, files = sys.argv[1], sys.argv[2:]
    failed, covered = 0, []
    for i, path in enumerate(files):
        with open(path, "rb") as f:
            raw = f.read()
        nonce = bytes.fromhex(os.path.basename(path).split(".")[0])
        try:
            check = exact if b"cmc-exact" in raw[:64] else cmc
            quote, signature, q, n = check(raw, nonce)
            if i < 20:
                checkquote(ak, quote, signature, q)
            covered.append(n)
        except (AssertionError, KeyError, ValueError, subprocess.CalledProcessError) as e:
            print(f"{path}: {e!r}")
            failed += 1
    print(f"{len(files)} reports, {failed} wrong, of logs with {min(covered, default=0)} to "
          f"{max(covered, default=0)} events")
    return 1 if failed or not files else 0


if __name__ == "__main__":
    sys.exit(main())
