#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""oci_rules_compare.py OCI_RULES COUNT: C and oracle judge COUNT random cases, and those of the fuzz corpus, alike."""
import copy
import json
import os
import random
import subprocess
import sys

import oci_rules

CORPUS = os.path.join(os.path.dirname(__file__), "..", "fuzz", "corpus", "fuzz_rules")
TEXTS = ("mandatory", "optional", "modifiable", "subset", "additional", "additional:A=*", "additional:B=1,C=*", "additional:1", "additional:x",
         "replace:A=*", "replace:A=*,B=*", "replace:A=*;additional:C=*", "subset;optional", "additional;optional", "subset;additional:C=3")
WRONG = ("", "free", "optional;", "mandatory;optional", "replace:A", "replace:A=1", "subset;subset", 1, True)
SCALARS = (1, 0, -1, True, None, "x", "A=1", "A=2", "B=1", "C=3", "A=1", "=1", "A", {"name": "A", "value": "1"}, {"commitment": "00", "name": "C"})


def value(rng, depth):
    kind = rng.randrange(4) if depth else 3
    if kind == 0:
        return {name: value(rng, depth - 1) for name in rng.sample(("a", "b", "c", "a.b"), rng.randrange(4))}
    if kind in (1, 2):
        return [value(rng, depth - 1 if rng.random() < 0.3 else 0) for _ in range(rng.randrange(5))]
    return copy.deepcopy(rng.choice(SCALARS))


def changed(rng, v):
    """The same but for a little."""
    if rng.random() < 0.08:
        return value(rng, 1)
    if isinstance(v, dict):
        out = {k: changed(rng, x) for k, x in v.items() if rng.random() > 0.1}
        if rng.random() < 0.2:
            out[rng.choice("abcd")] = value(rng, 1)
        return out
    if isinstance(v, list):
        out = [changed(rng, x) for x in v if rng.random() > 0.05]
        if rng.random() < 0.2:
            out.insert(rng.randrange(len(out) + 1), value(rng, 0))
        return out
    return v


def rule(rng, v, top=True):
    """Shaped like v, mostly."""
    if top or (isinstance(v, dict) and rng.random() < 0.6):
        names = list(v) if isinstance(v, dict) else []
        return {k: rule(rng, v[k] if k in names else None, False) for k in set(names + ["d"]) if rng.random() < 0.8}
    if isinstance(v, list) and rng.random() < 0.3:
        return [rule(rng, x, False) for x in v[:rng.randrange(len(v) + 1)]]
    if rng.random() < 0.02:
        return rng.choice(WRONG)
    return rng.choice(TEXTS) if rng.random() < 0.9 else None


def random_case(rng):
    reference = {name: value(rng, 3) for name in rng.sample(("a", "b", "c", "env"), rng.randrange(1, 4))}
    case = {"reference": reference, "measured": changed(rng, reference)}
    if rng.random() < 0.9:
        case["rules"] = rule(rng, reference)
    return case


def from_corpus():
    for name in sorted(os.listdir(CORPUS)):
        with open(os.path.join(CORPUS, name), encoding="utf-8", errors="replace") as f:
            try:
                case = json.load(f)
            except ValueError:
                continue
        if isinstance(case, dict) and {"reference", "measured"} <= set(case):
            yield case


def by_oracle(case):
    try:
        found = oci_rules.judge(case["reference"], case["measured"], case.get("rules"))
    except oci_rules.Wrong:
        return "wrong"
    return found or "allowed"


def main():
    rng = random.Random(os.environ.get("CMC_SEED", "rules"))
    cases = list(from_corpus()) + [random_case(rng) for _ in range(int(sys.argv[2]))]
    lines = "".join(json.dumps(case) + "\n" for case in cases)
    out = subprocess.run([sys.argv[1]], input=lines, capture_output=True, text=True, check=True).stdout.splitlines()
    counts = {"wrong": 0, "allowed": 0, "violations": 0}
    if len(out) != len(cases):
        sys.exit(f"{len(cases)} cases, {len(out)} answers")
    for case, have in zip(cases, out):
        want = by_oracle(case)
        if have != want:
            sys.exit(f"oracle: {want}, C: {have}: {json.dumps(case)}")
        counts[want if want in counts else "violations"] += 1
    print(f"{len(cases)} cases alike: " + ", ".join(f"{n} {what}" for what, n in counts.items()))
    if min(counts.values()) < 10:
        sys.exit("too few of one kind")


main()
