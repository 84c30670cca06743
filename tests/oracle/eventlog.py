#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""Reads a log file, CEL-JSON or CEL-CBOR and says which PCR value it implies.

Written from docs/formats/event.md and eventlog.md alone; standard library only.

    eventlog.py log|cel-json|cel-cbor FILE [--start ALG=HEX]... [--pcr ALG=HEX]...
    eventlog.py cmc-json FILE [--start sha256=HEX] [--pcr sha256=HEX]

--start: the value that the firmware's event log gives, in each bank; the register may begin with it or with zeros.
Prints what was found, and the value per bank. Exit status: 0 replays (and equals each --pcr), 1 does not, 2 usage.
"""
import base64
import hashlib
import json
import sys

ALGS = {4: "sha1", 11: "sha256", 12: "sha384", 13: "sha512"}
SIZES = {"sha1": 20, "sha256": 32, "sha384": 48, "sha512": 64}
HOWS = {1: "done", 2: "recovered", 3: "found", 4: "twice", 5: "lost"}


class Refused(Exception):
    pass


def need(condition, text):
    if not condition:
        raise Refused(text)


# ---- CBOR ----------------------------------------------------------------------------------------

class Cbor:
    """One deterministic item; byte strings are bytes, text is str, a map is a list of pairs."""

    def __init__(self, data):
        self.data, self.at = data, 0

    def take(self, n):
        need(self.at + n <= len(self.data), "CBOR: cut short")
        part = self.data[self.at:self.at + n]
        self.at += n
        return part

    def head(self):
        first = self.take(1)[0]
        major, info = first >> 5, first & 31
        if info < 24:
            return major, info
        need(info <= 27 and major != 7, "CBOR: float, indefinite length or reserved")
        size = 1 << (info - 24)
        value = int.from_bytes(self.take(size), "big")
        least = 24 if size == 1 else 1 << (8 * size // 2)
        need(value >= least, "CBOR: not the shortest form")
        return major, value

    def pair(self, depth, before):
        start = self.at
        key = self.item(depth)
        raw = self.data[start:self.at]
        need(before is None or before < raw, "CBOR: keys do not ascend")
        return raw, (key, self.item(depth))

    def item(self, depth=0):
        need(depth < 16, "CBOR: too deep")
        major, value = self.head()
        if major == 0:
            return value
        if major == 1:
            return -1 - value
        if major == 2:
            return bytes(self.take(value))
        if major == 3:
            try:
                return bytes(self.take(value)).decode("utf-8", "strict")
            except UnicodeDecodeError:
                raise Refused("CBOR: not UTF-8") from None
        if major == 4:
            return [self.item(depth + 1) for _ in range(value)]
        if major == 5:
            pairs, before = [], None
            for _ in range(value):
                before, pair = self.pair(depth + 1, before)
                pairs.append(pair)
            return Map(pairs)
        need(major == 7 and value in (20, 21, 22), "CBOR: tag or simple value")
        return {20: False, 21: True, 22: None}[value]


class Map(list):
    def get(self, key):
        for k, v in self:
            if k == key and type(k) is type(key):
                return v
        return None


def cbor(data):
    c = Cbor(data)
    item = c.item()
    need(c.at == len(data), "CBOR: bytes behind the item")
    return item


# ---- events --------------------------------------------------------------------------------------

def is_text(v):
    return isinstance(v, str) and len(v.encode()) <= 1024 and "\0" not in v


def is_bytes(n):
    return lambda v: isinstance(v, bytes) and len(v) == n


def is_uint(bits):
    return lambda v: type(v) is int and 0 <= v < 1 << bits


def is_programs(v):
    return isinstance(v, list) and not isinstance(v, Map) and 1 <= len(v) <= 8 and all(
        isinstance(p, list) and not isinstance(p, Map) and len(p) == 3 and is_text(p[0]) and
        is_text(p[1]) and is_bytes(32)(p[2]) for p in v)


def is_banks(v):
    return isinstance(v, Map) and 1 <= len(v) <= 4 and all(
        type(k) is int and k in ALGS and is_bytes(SIZES[ALGS[k]])(x) for k, x in v)


MEMBERS = {  # key: name, check
    3: ("container", is_text), 4: ("sandbox", is_text), 5: ("ns", is_text), 6: ("pod", is_text),
    7: ("pod_ns", is_text), 8: ("pod_uid", is_text), 9: ("name", is_text), 10: ("image", is_text),
    11: ("config", is_bytes(32)), 12: ("rootfs", is_bytes(32)), 13: ("listing", is_bytes(32)),
    14: ("key_id", is_bytes(8)), 15: ("raw_config", is_bytes(32)),
    16: ("terminal", lambda v: isinstance(v, bool)), 17: ("options", is_bytes(32)),
    18: ("checkpoint", is_text), 19: ("parent_checkpoint", is_text),
    20: ("decision", lambda v: type(v) is int and v == 1), 21: ("programs", is_programs),
    22: ("reason", is_text), 23: ("exit_status", is_uint(32)), 24: ("boot_id", is_bytes(16)),
    25: ("reset_count", is_uint(32)), 26: ("restart_count", is_uint(32)),
    27: ("profile", lambda v: type(v) is int and v in (1, 2)), 28: ("pcr", is_uint(32)),
    29: ("ignored_banks", is_text), 30: ("found", is_banks), 31: ("expected", is_banks),
    39: ("pid", is_uint(32)), 40: ("cgroup", is_text),
}
NAMES = {4, 6, 7, 8, 9, 10}
REGISTER = {24, 25, 26, 27, 28, 30}
TYPES = {  # required, optional
    "recorder-start": (REGISTER, {21, 29}),
    "container-create": ({3, 5, 11, 12, 14, 15, 16, 20}, NAMES | {13, 17, 18, 19, 21}),
    "container-delete": ({3, 5}, NAMES | {23}),
    "measurement-failed": ({3, 5, 16, 20, 22}, NAMES | {11, 12, 13, 14, 15, 17, 18, 19, 21}),
    "discontinuity": (REGISTER | {22, 31}, {21, 29}),
    "unmeasured": ({22, 39, 40}, NAMES | {3, 5}),
}


def event(content):
    need(len(content) <= 16384, "event: too long")
    m = cbor(content)
    need(isinstance(m, Map) and 3 <= len(m) <= 64, "event: not a map of 3 to 64 members")
    need([k for k, _ in m[:3]] == [0, 1, 2] and all(type(k) is int for k, _ in m[:3]), "event: head")
    need(m.get(0) == "cmc-event/1", "event: version")
    need(is_text(m.get(1)) and is_uint(64)(m.get(2)), "event: type or seq")
    got = {"type": m.get(1), "seq": m.get(2)}
    if got["type"] not in TYPES:
        return got
    required, optional = TYPES[got["type"]]
    keys = {k for k, _ in m[3:]}
    need(all(type(k) is int for k in keys), "event: key is no number")
    need(required <= keys <= required | optional, "event %s: members" % got["type"])
    need(len(keys & {11, 14, 15}) in (0, 3), "event: config without key_id or raw_config")
    for k, v in m[3:]:
        name, check = MEMBERS[k]
        need(check(v), "event: %s" % name)
        got[name] = {ALGS[a]: x for a, x in v} if isinstance(v, Map) else v
    return got


# ---- frames --------------------------------------------------------------------------------------

def crc_table():
    table = []
    for i in range(256):
        for _ in range(8):
            i = i >> 1 ^ (0x82F63B78 if i & 1 else 0)
        table.append(i)
    return table


CRC = crc_table()
MAGIC = bytes.fromhex("c34d434c")


def crc32c(data):
    crc = 0xFFFFFFFF
    for byte in data:
        crc = crc >> 8 ^ CRC[(crc ^ byte) & 255]
    return crc ^ 0xFFFFFFFF


def whole(data, at):
    """(type, body) of a frame at a position, or None."""
    head = data[at:at + 16]
    if len(head) < 16 or head[:5] != MAGIC + b"\1" or head[6:8] != b"\0\0":
        return None
    n = int.from_bytes(head[8:12], "big")
    body = data[at + 16:at + 16 + n]
    if n > 32752 or len(body) < n or crc32c(head[:12] + body) != int.from_bytes(head[12:], "big"):
        return None
    return head[5], body


def tlv(data, at, want):
    need(at + 5 <= len(data) and data[at] in want, "record: TLV type")
    n = int.from_bytes(data[at + 1:at + 5], "big")
    need(at + 5 + n <= len(data), "record: TLV length")
    return data[at], data[at + 5:at + 5 + n], at + 5 + n


def ascending(algs):
    return algs and algs == sorted(set(algs)) and len(algs) <= 4


def record(body):
    _, recnum, at = tlv(body, 0, {0})
    _, pcr, at = tlv(body, at, {1})
    _, inner, at = tlv(body, at, {3})
    _, content, at = tlv(body, at, {204})
    need(len(recnum) == 8 and len(pcr) == 1 and at == len(body), "record: lengths")
    digests, pos, algs = {}, 0, []
    while pos < len(inner):
        alg, value, pos = tlv(inner, pos, set(ALGS))
        need(len(value) == SIZES[ALGS[alg]], "record: digest length")
        algs.append(alg)
        digests[ALGS[alg]] = value
    need(not algs or ascending(algs), "record: banks")
    return {"recnum": int.from_bytes(recnum, "big"), "pcr": pcr[0], "digests": digests,
            "content": content, "how": "open", "values": None}


def mark(body):
    need(len(body) >= 10 and body[8] in HOWS, "mark: form")
    at, values, algs = 10, {}, []
    for _ in range(body[9]):
        alg = int.from_bytes(body[at:at + 2], "big")
        need(alg in ALGS, "mark: bank")
        size = SIZES[ALGS[alg]]
        values[ALGS[alg]] = body[at + 2:at + 2 + size]
        algs.append(alg)
        at += 2 + size
    need(at == len(body) and ascending(algs), "mark: form")
    return int.from_bytes(body[:8], "big"), HOWS[body[8]], values


def frames(data):
    """Yields (type, body); returns torn bytes through the list `torn`."""
    at, torn = 0, 0
    while at < len(data):
        frame = whole(data, at)
        if frame is None:
            need(data[at] == MAGIC[0], "no frame at byte %d" % at)
            nxt = at + 1
            while nxt < len(data) and whole(data, nxt) is None:
                nxt += 1
            torn += nxt - at
            need(nxt == len(data) or torn <= 256 << 10, "too many torn bytes")
            at = nxt
            continue
        need(frame[0] in (1, 2), "frame type")
        yield frame
        at += 16 + len(frame[1])
    yield None, torn


def from_log(data):
    """Records with their marks, and the torn bytes."""
    records, torn = [], 0
    for kind, body in frames(data):
        if kind is None:
            torn = body
        elif kind == 1:
            need(not records or records[-1]["how"] != "open", "record while one is open")
            records.append(record(body))
        else:
            number, how, values = mark(body)
            need(records and records[-1]["how"] == "open" and records[-1]["recnum"] == number,
                 "mark without its record")
            records[-1]["how"], records[-1]["values"] = how, values
    return records, torn


# ---- exports -------------------------------------------------------------------------------------

def digests_of(items):
    got = {}
    for d in items:
        need(d["hashAlg"] in SIZES and d["hashAlg"] not in got, "digest: bank")
        value = d["digest"] if isinstance(d["digest"], bytes) else bytes.fromhex(d["digest"])
        need(len(value) == SIZES[d["hashAlg"]], "digest: length")
        got[d["hashAlg"]] = value
    return got


def plain(v):
    if isinstance(v, Map):
        return {k: plain(x) for k, x in v}
    return [plain(x) for x in v] if isinstance(v, list) else v


def same_members(shown, ev):
    """The decoded members of CEL-JSON say what the content says."""
    for name, value in ev.items():
        if isinstance(value, bytes):
            value = value.hex()
        elif isinstance(value, dict):
            value = [{"hashAlg": a, "digest": x.hex()} for a, x in value.items()]
        elif name == "programs":
            value = [{"role": p[0], "path": p[1], "sha256": p[2].hex()} for p in value]
        need(shown.get(name) == value, "event member %s is not what the content says" % name)
    need(set(shown) == set(ev), "event has members that the content has not")


def from_cel(items):
    records = []
    for r in items:
        need(r["content_type"] == "cmc", "content_type")
        c = r["content"]
        raw = c["cbor"] if isinstance(c["cbor"], bytes) else base64.b64decode(c["cbor"], validate=True)
        need(c["how"] in HOWS.values() or c["how"] == "open", "how")
        if "event" in c:
            same_members(c["event"], event(raw))
        records.append({"recnum": r["recnum"], "pcr": r["pcr"], "digests": digests_of(r["digests"]),
                        "content": raw, "how": c["how"], "values": None})
    return records, 0


# ---- replay --------------------------------------------------------------------------------------

def extend(value, digests):
    return {a: hashlib.new(a, value[a] + digests[a]).digest() for a in value}


def to_extend(profile, ev, content, banks):
    """The digests of an event, none where it is not extended: the table of event.md."""
    if profile == 2 and ev["type"] == "container-create":
        content = ev["config"] + ev["rootfs"]
    elif profile == 2 and ev["type"] != "measurement-failed":
        return {}
    return {a: hashlib.new(a, content).digest() for a in banks}


class Replay:
    def __init__(self, banks, starts):
        self.starts = [{a: bytes(SIZES[a]) for a in banks}] + starts
        need(all(set(s) == set(banks) for s in self.starts), "start value: banks")
        self.value = dict(self.starts[0])
        self.events = self.segments = self.extended = 0
        self.open = self.lost = self.started = self.claimed = False
        self.pcr = self.reset = self.profile = None

    def segment(self, value):
        self.value = dict(value)
        self.segments += 1
        self.started = self.lost = self.claimed = False

    def same_register(self, ev, rec):
        begins = ev["type"] in ("recorder-start", "discontinuity")
        fresh = begins and (self.events == 0 or ev["reset_count"] != self.reset)
        need(begins or self.events, "log begins with another event")
        need(not begins or ev["pcr"] == rec["pcr"], "content names another PCR")
        need(fresh or rec["pcr"] == self.pcr, "PCR changed")
        need(fresh or not begins or ev["profile"] == self.profile, "profile changed")
        if begins:
            self.pcr, self.profile, self.reset = ev["pcr"], ev["profile"], ev["reset_count"]
        return fresh

    def start(self, ev, fresh):
        need(fresh or not self.started, "second recorder-start")
        if fresh:
            need(ev["found"] in self.starts, "recorder-start found no start value")
            self.segment(ev["found"])
        need(ev["found"] == self.value, "recorder-start found another value")
        self.started = True

    def discontinuity(self, ev, fresh, extended):
        need(ev["expected"] == self.value or (fresh and ev["expected"] in self.starts),
             "discontinuity expected another value")
        need(set(ev["found"]) == set(self.value), "discontinuity: banks")
        claimed = not extended and ev["found"] not in self.starts and (
            self.claimed or ev["found"] != ev["expected"])
        self.segment(ev["found"])
        self.claimed = claimed

    def add(self, rec):
        need(not self.open, "record while one is open")
        need(rec["recnum"] == self.events, "record number")
        ev = event(rec["content"])
        need(ev["seq"] == rec["recnum"], "seq")
        fresh = self.same_register(ev, rec)
        want = to_extend(self.profile, ev, rec["content"], self.value)
        need(rec["digests"] == want, "digests")
        if ev["type"] == "recorder-start":
            self.start(ev, fresh)
        elif ev["type"] == "discontinuity":
            self.discontinuity(ev, fresh, bool(want))
        need(not self.lost, "event behind a lost record")
        need(want or rec["how"] not in ("found", "twice"), "mark of a record that is extended")
        self.events += 1
        self.extended += bool(want)
        self.open = rec["how"] == "open"
        for _ in range({"open": 0, "lost": 0, "twice": 2}.get(rec["how"], 1) if want else 0):
            self.value = extend(self.value, want)
        self.lost = rec["how"] == "lost"
        need(rec["values"] is None or rec["values"] == self.value, "mark value")


def replay(records, start=None):
    """start: the firmware's value, or None."""
    banks = event(records[0]["content"]).get("found", {}) if records else {}
    r = Replay(banks, [start] if start else [])
    for rec in records:
        try:
            r.add(rec)
        except Refused as why:
            raise Refused("record %d: %s" % (rec["recnum"], why)) from None
    return r


# ---- CMC JSON ------------------------------------------------------------------------------------

def properties(e):
    return {p["name"]: p["value"] for p in e["properties"]}


def cmc_json(doc, start=None):
    """Number of events and the PCR's SHA-256 value, as a verifier that knows only this page."""
    need(doc["type"] == "PCR Eventlog" and type(doc["index"]) is int, "not a PCR Eventlog")
    value, count = bytes(32), 0
    for e in doc["events"]:
        hashes = [bytes.fromhex(h["content"]) for h in e["hashes"] if h["alg"] == "SHA-256"]
        need(len(hashes) == 1 and len(hashes[0]) == 32, "hashes")
        need(properties(e) == {"cmc.ta": "TPM", "cmc.index": str(doc["index"])}, "properties")
        if e["name"] == "TPM_PCR_INIT_VALUE" and e["type"] == "firmware":
            need(count == 0 and start == hashes[0], "another start value than the firmware's")
            value = hashes[0]
            continue
        need(e["type"] == "application" and e["name"], "event: type or name")
        if "ctrData" in e:
            c = e["ctrData"]
            pair = bytes.fromhex(c["configSha256"] + c["rootfsSha256"])
            need(len(pair) == 64 and hashlib.sha256(pair).digest() == hashes[0], "template hash")
        else:
            need(e.get("description"), "neither ctrData nor description")
        value, count = hashlib.sha256(value + hashes[0]).digest(), count + 1
    return count, value


def banks_arg(text):
    alg, _, value = text.partition("=")
    if alg not in SIZES or len(value) != 2 * SIZES[alg]:
        raise ValueError(text)
    return alg, bytes.fromhex(value)


READERS = {"log": lambda d: from_log(d), "cel-json": lambda d: from_cel(json.loads(d)),
           "cel-cbor": lambda d: from_cel(plain(cbor(d)))}


def judge(kind, data, start):
    """What is printed, and the PCR value that the file implies."""
    if kind == "cmc-json":
        count, value = cmc_json(json.loads(data), start.get("sha256"))
        return ["events %d" % count], {"sha256": value}
    records, torn = READERS[kind](data)
    r = replay(records, start)
    return ["events %d" % r.events, "extended %d" % r.extended, "segments %d" % r.segments,
            "torn %d" % torn, "open %d" % r.open, "claimed %d" % r.claimed], r.value


def main(argv):
    try:
        kind, path, rest = argv[1], argv[2], argv[3:]
        given = {"--start": {}, "--pcr": {}}
        while rest:
            alg, value = banks_arg(rest[1])
            given[rest[0]][alg] = value
            rest = rest[2:]
        if kind != "cmc-json" and kind not in READERS:
            raise ValueError(kind)
    except (IndexError, KeyError, ValueError):
        sys.stderr.write(__doc__)
        return 2
    with open(path, "rb") as f:
        data = f.read()
    try:
        lines, values = judge(kind, data, given["--start"])
    except (Refused, ValueError, KeyError, TypeError) as why:
        print("refused: %s" % why)
        return 1
    print("\n".join(lines))
    for a in sorted(values, key=lambda a: SIZES[a]):
        print(a, values[a].hex())
    wrong = [a for a, v in given["--pcr"].items() if values.get(a) != v]
    for a in wrong:
        print("disagrees: the PCR's %s bank holds another value" % a)
    if given["--pcr"] and "claimed 1" in lines:
        print("not vouched for: a discontinuity that is not extended says where the value came from")
        return 1
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv))
