#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""attestation_result.py CMC_RESULT: results are what the schema says, and CBOR says the same as JSON.

The reports are those of the fuzz corpus; what of each must come out is below. The schema's keywords are read here, those that it uses.
"""
import json
import os
import re
import subprocess
import sys

TOP = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "..")
CORPUS = os.path.join(TOP, "tests", "fuzz", "corpus", "fuzz_cmc_verify")
with open(os.path.join(TOP, "docs", "formats", "attestation-result.schema.json"), encoding="utf-8") as schema_file:
    SCHEMA = json.load(schema_file)

TYPES = {"object": dict, "array": list, "string": str, "integer": int, "boolean": bool}
GOOD = {"good-json", "good-cbor", "by-rules", "digest-alone"}

# docs/formats/attestation-result.md, 1: names by key; a nested table where there is one
RESULT = {5: "details", "status": "status"}
SIGNATURE = {0: ("signatureVerification", RESULT), 1: ("certChainValidation", RESULT)}
DIGEST = {0: "success", 1: "launched", 2: "type", 3: "name", 4: "index", 5: "digest", 6: "hashAlg", 8: "description",
          10: ("ctrDetails", {0: "configSha256", 1: "rootfsSha256"})}
MEASUREMENT = {0: "type", 1: ("summary", RESULT), 2: ("freshness", RESULT), 3: ("signature", SIGNATURE), 4: ("artifacts", DIGEST),
               5: ("tpmResult", {1: ("aggPcrQuoteMatch", RESULT)})}
ITEM = {0: "type", 1: "name", 2: "version", 3: ("validity", {0: "notBefore", 1: "notAfter"}), 4: "description", 40: ("summary", RESULT),
        41: ("validityCheck", RESULT), 42: ("signatureValidation", SIGNATURE), 50: "manifestHash"}
METADATA = {0: ("imageDescriptionResult", ITEM), 1: ("manifestResults", ITEM), 2: ("companyDescriptionResult", ITEM), 3: ("unknownResults", ITEM),
            4: ("compatibilityResult", {0: ("result", RESULT)})}
ATTESTATION = {0: "version", 1: "type", 2: ("summary", RESULT), 3: ("prover", {0: "hostname"}), 5: "created", 6: ("freshness", RESULT), 7: "certLevel",
               8: ("measurements", MEASUREMENT), 9: ("metadata", METADATA)}


def check(value, schema, path="$"):
    """Ends with the first place that does not fit."""
    def need(good, why):
        if not good:
            sys.exit(f"schema: {path}: {why}: {value!r:.200}")
    known = {"$schema", "$defs", "title", "type", "properties", "required", "additionalProperties", "items", "minItems", "maxItems", "enum", "const",
             "pattern", "minimum", "maximum", "$ref", "dependentRequired"}
    need(set(schema) <= known, "a keyword that is not read here")
    if "$ref" in schema:
        check(value, SCHEMA["$defs"][schema["$ref"].removeprefix("#/$defs/")], path)
        return
    kind = schema.get("type")
    need(kind is None or (isinstance(value, TYPES[kind]) and (kind == "boolean" or not isinstance(value, bool))), f"no {kind}")
    need("enum" not in schema or value in schema["enum"], "none of the list")
    need("const" not in schema or value == schema["const"], "another value")
    need("pattern" not in schema or re.search(schema["pattern"], value), "another pattern")
    need("minimum" not in schema or value >= schema["minimum"], "too small")
    need("maximum" not in schema or value <= schema["maximum"], "too large")
    if isinstance(value, list):
        need(schema.get("minItems", 0) <= len(value) <= schema.get("maxItems", len(value)), "another length")
        for i, element in enumerate(value):
            check(element, schema["items"], f"{path}[{i}]")
    if isinstance(value, dict):
        need(set(schema.get("required", ())) <= set(value), "a member is missing")
        for name, others in schema.get("dependentRequired", {}).items():
            need(name not in value or set(others) <= set(value), f"{name} without others")
        for name, member in value.items():
            need(name in schema["properties"], f"unknown member {name}")
            check(member, schema["properties"][name], f"{path}.{name}")


class Cbor:
    """A reader of deterministic CBOR (RFC 8949 section 4.2.1), of what is used."""

    def __init__(self, data):
        self.data, self.at = data, 0

    def take(self, n):
        part = self.data[self.at:self.at + n]
        if len(part) != n:
            sys.exit("CBOR: truncated")
        self.at += n
        return part

    def head(self):
        first = self.take(1)[0]
        kind, low = first >> 5, first & 31
        if low < 24:
            return kind, low
        size = {24: 1, 25: 2, 26: 4, 27: 8}[low]
        value = int.from_bytes(self.take(size), "big")
        if value < (24 if size == 1 else 1 << (4 * size)):
            sys.exit("CBOR: not the shortest form")
        return kind, value

    def item(self):
        kind, n = self.head()
        if kind in (0, 1):
            return n if kind == 0 else -1 - n
        if kind == 2:
            return self.take(n).hex()
        if kind == 3:
            return self.take(n).decode()
        if kind == 4:
            return [self.item() for _ in range(n)]
        if kind == 7:
            return {20: False, 21: True}[n]
        pairs, before = {}, b""
        for _ in range(n):
            start = self.at
            key = self.item()
            if self.data[start:self.at] <= before:
                sys.exit("CBOR: keys do not ascend")
            before = self.data[start:self.at]
            pairs[key] = self.item()
        return pairs


def named(value, table):
    if isinstance(value, list):
        return [named(element, table) for element in value]
    out = {}
    for key, member in value.items():
        name = table[key]
        out[name if isinstance(name, str) else name[0]] = member if isinstance(name, str) else named(member, name[1])
    return out


def judge(name, text, cbor):
    result = json.loads(text)
    check(result, SCHEMA)
    plain = {key: result[key] for key in list(result) if key not in ("verdict", "words", "reason", "profile", "host", "key", "claims", "containers")}
    check(plain, SCHEMA)
    reader = Cbor(bytes.fromhex(cbor))
    same = named(reader.item(), ATTESTATION)
    if same != plain or reader.at != len(reader.data):
        sys.exit(f"{name}: CBOR says something else than JSON:\n{same}\n{plain}")
    if (result["verdict"] in ("trusted", "trusted-if-root")) != (name in GOOD):
        sys.exit(f"{name}: {result['verdict']}: {result.get('reason')}")
    if (name in GOOD) != (result["summary"]["status"] != "fail"):
        sys.exit(f"{name}: summary {result['summary']}")


def main():
    names = sorted(os.listdir(CORPUS))
    lines = "".join(os.path.join(CORPUS, name) + "\n" for name in names)
    out = subprocess.run([sys.argv[1]], input=lines, capture_output=True, text=True, check=True).stdout.splitlines()
    if len(out) != 2 * len(names) or not GOOD <= set(names):
        sys.exit(f"{len(names)} reports, {len(out)} lines")
    for i, name in enumerate(names):
        judge(name, out[2 * i], out[2 * i + 1])
    print(f"{len(names)} results fit the schema, in JSON and CBOR")


main()
