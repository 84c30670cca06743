#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""Replays a firmware's event log, or writes a made-up one; from docs/formats/fwlog.md alone, standard library only.

    fwlog.py replay [--pcr N] FILE
    fwlog.py write [--banks sha1,sha256] [--old] [--locality L] FILE [PCR:TYPE:TEXT]...

replay prints "PCR BANK HEX" for each register that the log extends (or N). write makes one event per argument, its digests those of
TEXT; --old: format 1. Exit status: 0 done, 1 the log is refused, 2 usage.
"""
import argparse
import hashlib
import struct
import sys

ALGS = {4: "sha1", 11: "sha256", 12: "sha384", 13: "sha512"}
IDS = {name: number for number, name in ALGS.items()}
SIZES = {4: 20, 11: 32, 12: 48, 13: 64}
NO_ACTION = 3
LOG_MAX, ALGS_MAX = 16 << 20, 16
SPEC = b"Spec ID Event03\0"
LOCALITY = b"StartupLocality\0"


class Refused(Exception):
    pass


def need(condition, text):
    if not condition:
        raise Refused(text)


class Bytes:
    def __init__(self, data):
        self.data, self.at = data, 0

    def take(self, n):
        need(self.at + n <= len(self.data), "cut short")
        self.at += n
        return self.data[self.at - n:self.at]

    def number(self, size):
        return int.from_bytes(self.take(size), "little")


def old_event(log):
    pcr, kind, digest = log.number(4), log.number(4), log.take(20)
    return pcr, kind, {4: digest}, log.take(log.number(4))


def new_event(log, sizes):
    pcr, kind, count = log.number(4), log.number(4), log.number(4)
    need(count <= len(sizes), "too many digests")
    digests = {}
    for _ in range(count):
        alg = log.number(2)
        need(alg in sizes, "a digest of an unnamed algorithm")
        need(alg not in digests, "two digests of one algorithm")
        digests[alg] = log.take(sizes[alg])
    return pcr, kind, digests, log.take(log.number(4))


def spec_sizes(data):
    spec = Bytes(data)
    spec.take(24)
    count = spec.number(4)
    need(1 <= count <= ALGS_MAX, "number of algorithms")
    sizes = {}
    for _ in range(count):
        alg, size = spec.number(2), spec.number(2)
        need(SIZES.get(alg, size) == size and 1 <= size <= 64, "digest size")
        need(alg not in sizes, "algorithm named twice")
        sizes[alg] = size
    return sizes


def events(data):
    """The algorithms, and all events; a Spec ID event is none of them."""
    need(0 < len(data) <= LOG_MAX, "size of the log")
    log = Bytes(data)
    first = old_event(log)
    sizes = None
    if first[1] == NO_ACTION and first[3].startswith(SPEC):
        sizes = spec_sizes(first[3])
    else:
        log.at = 0
    found = []
    while log.at < len(data):
        found.append(new_event(log, sizes) if sizes else old_event(log))
    return sizes or {4: 20}, found


def replay(data, pcr, banks=None):
    """How many events extend pcr, and its value per bank ({name: bytes}; None: all banks of the log)."""
    sizes, found = events(data)
    if banks is None:
        banks = [ALGS[alg] for alg in sorted(sizes) if alg in SIZES]
    need(all(IDS[bank] in sizes for bank in banks), "a bank that the log does not have")
    values = {bank: bytes(SIZES[IDS[bank]]) for bank in banks}
    count = 0
    for number, kind, digests, text in found:
        if number != pcr:
            continue
        if kind != NO_ACTION:
            count += 1
            need(all(IDS[bank] in digests for bank in banks), "an event without a digest of a bank")
            values = {bank: hashlib.new(bank, value + digests[IDS[bank]]).digest() for bank, value in values.items()}
        elif pcr == 0 and len(text) == 17 and text.startswith(LOCALITY):
            need(count == 0, "late StartupLocality")
            values = {bank: value[:-1] + text[16:] for bank, value in values.items()}
    return count, values


def extended(data):
    return sorted({pcr for pcr, kind, _, _ in events(data)[1] if kind != NO_ACTION})


# ---- writing -------------------------------------------------------------------------------------

def put_old(pcr, kind, digest, text):
    return struct.pack("<II", pcr, kind) + digest + struct.pack("<I", len(text)) + text


def put_new(pcr, kind, digests, text):
    out = struct.pack("<III", pcr, kind, len(digests))
    for alg, digest in digests:
        out += struct.pack("<H", alg) + digest
    return out + struct.pack("<I", len(text)) + text


def put_spec(algs):
    """algs: (id, size) each."""
    data = SPEC + struct.pack("<I4BI", 0, 0, 2, 0, 2, len(algs))
    return put_old(0, NO_ACTION, bytes(20), data + b"".join(struct.pack("<HH", *a) for a in algs) + b"\0")


def make(banks, made, old=False, locality=None):
    """A log of events (pcr, type, text); banks: algorithm names. Digests are those of the text, of no-action events zeros."""
    ids = [4] if old else [IDS[bank] for bank in banks]
    out = b"" if old else put_spec([(alg, SIZES[alg]) for alg in ids])
    if locality is not None:
        made = [(0, NO_ACTION, LOCALITY + bytes([locality]))] + list(made)
    for pcr, kind, text in made:
        digests = [(alg, bytes(SIZES[alg]) if kind == NO_ACTION else hashlib.new(ALGS[alg], text).digest())
                   for alg in ids]
        out += put_old(pcr, kind, digests[0][1], text) if old else put_new(pcr, kind, digests, text)
    return out


# ---- command line --------------------------------------------------------------------------------

def event_argument(text):
    pcr, kind, data = text.split(":", 2)
    return int(pcr, 0), int(kind, 0), data.encode()


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    commands = parser.add_subparsers(dest="command", required=True)
    reading = commands.add_parser("replay")
    reading.add_argument("file")
    reading.add_argument("--pcr", type=int)
    writing = commands.add_parser("write")
    writing.add_argument("file")
    writing.add_argument("--banks", default="sha1,sha256")
    writing.add_argument("--old", action="store_true")
    writing.add_argument("--locality", type=int)
    writing.add_argument("event", nargs="*", type=event_argument)
    args = parser.parse_args()
    if args.command == "write":
        with open(args.file, "wb") as out:
            out.write(make(args.banks.split(","), args.event, args.old, args.locality))
        return
    with open(args.file, "rb") as log:
        data = log.read(LOG_MAX + 1)
    try:
        for pcr in extended(data) if args.pcr is None else [args.pcr]:
            for bank, value in replay(data, pcr)[1].items():
                print(pcr, bank, value.hex())
    except Refused as why:
        sys.exit("%s: %s" % (args.file, why))


if __name__ == "__main__":
    main()
