#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
# tests/oracle/oci_rules.py -- judges a configuration by ociRules, from docs/formats/oci-rules.md alone.
"""judge(reference, measured, rules) -> None (allowed), or the path of the first violation. Raises Wrong for rules that are none."""
import json
import re

TEXT_MAX, ENTRIES_MAX = 65536, 1024
ABSENT = object()


class Wrong(Exception):
    """The rules allow nothing."""


class Violation(Exception):
    """At this path."""


def canonical(value):
    return json.dumps(value, ensure_ascii=False, sort_keys=True, separators=(",", ":"))


def equal(a, b):
    """True is no integer here."""
    if type(a) is not type(b):
        return False
    if isinstance(a, dict):
        return a.keys() == b.keys() and all(equal(a[k], b[k]) for k in a)
    if isinstance(a, list):
        return len(a) == len(b) and all(equal(x, y) for x, y in zip(a, b))
    return a == b


def pairs(text):
    """NAME=VALUE of a list; what is no such pair is left out."""
    found = []
    for part in text.split(","):
        name, sign, value = part.partition("=")
        if sign and name:
            found.append((name, value))
    return found


class Text:
    """A text rule."""

    def __init__(self, text):
        if len(text.encode()) > TEXT_MAX:
            raise Wrong("too long")
        clauses = text.split(";")
        self.words, self.replace, self.allowed = set(), None, None
        for clause in clauses:
            word, value = self.read(clause)
            if word in self.words:
                raise Wrong(f"{word} twice")
            self.words.add(word)
            if word == "replace":
                self.replace = value
            if word == "additional":
                self.allowed = value
        if self.words & {"mandatory", "modifiable"} and len(clauses) > 1:
            raise Wrong("not alone")

    @staticmethod
    def read(clause):
        if clause in ("mandatory", "optional", "modifiable", "subset", "additional"):
            return clause, None
        if clause.startswith("additional:"):
            return "additional", clause[len("additional:"):]
        if clause.startswith("replace:") and re.fullmatch(r"[^=,;]+=\*(,[^=,;]+=\*)*", clause[len("replace:"):], re.S):
            return "replace", {name for name, _ in pairs(clause[len("replace:"):])}
        raise Wrong(f"no clause: {clause}")

    def __contains__(self, word):
        return word in self.words


def check_rules(rule, top=True):
    if top and not isinstance(rule, dict):
        raise Wrong("no object")
    if isinstance(rule, str):
        Text(rule)
    elif isinstance(rule, dict):
        for value in rule.values():
            check_rules(value, False)
    elif isinstance(rule, list):
        for value in rule:
            check_rules(value, False)
    elif rule is not None:
        raise Wrong("no rule")


def entry(element):
    """(name, value), value None: withheld. None: it has no name."""
    if isinstance(element, str):
        name, sign, value = element.partition("=")
        return (name, value) if sign and name else None
    if isinstance(element, dict) and len(element) == 2 and isinstance(element.get("name"), str) and element["name"]:
        if isinstance(element.get("value"), str):
            return element["name"], element["value"]
        if isinstance(element.get("commitment"), str):
            return element["name"], None
    return None


def drops(rule, names, element):
    """An entry that R, whose entries have these names, does not have."""
    e = entry(element)
    if "additional" not in rule or e is None or e[0] in names:
        return False
    return rule.allowed is None or any(n == e[0] and (v == "*" or v == e[1]) for n, v in pairs(rule.allowed))


def array(rule, reference, measured):
    if max(len(reference), len(measured)) > ENTRIES_MAX:
        raise Wrong("too many")
    named = [(entry(x), x) for x in reference]
    names = {e[0] for e, _ in named if e}
    seen, rest = {}, []
    for element in measured:
        e = entry(element)
        nth = seen.get(e[0], 0) if e else 0
        if e:
            seen[e[0]] = nth + 1
        if drops(rule, names, element):
            continue
        if rule.replace and e and e[0] in rule.replace:
            same = [x for o, x in named if o and o[0] == e[0]]
            element = same[nth] if nth < len(same) else element
        rest.append(element)
    if "subset" in rule:
        return all(any(equal(x, y) for y in reference) for x in rest)
    return equal(rest, reference)


def extra(rule, measured):
    if "additional" not in rule:
        return False
    if rule.allowed is None:
        return True
    if isinstance(measured, list):
        if len(measured) > ENTRIES_MAX:
            raise Wrong("too many")
        return all(drops(rule, (), x) for x in measured)
    return (measured if isinstance(measured, str) else canonical(measured)) == rule.allowed


def step(path, name):
    if re.fullmatch(r"[A-Za-z0-9_]+", name):
        return f"{path}.{name}"
    shown = "".join(chr(b) if 32 <= b < 127 and chr(b) not in '"\\' else f"\\x{b:02x}" for b in name.encode())
    return f'{path}["{shown}"]'


def need(good, path):
    if not good:
        raise Violation(path)


def text(rule, reference, measured, path):
    if reference is ABSENT:
        need(extra(rule, measured), path)
        return
    if "modifiable" in rule or ("optional" in rule and measured is ABSENT):
        return
    need(measured is not ABSENT, path)
    arrays = isinstance(reference, list) and isinstance(measured, list)
    for_arrays = "subset" in rule or rule.replace is not None
    if arrays and (for_arrays or "additional" in rule):
        need(array(rule, reference, measured), path)
    else:
        need(not for_arrays and equal(reference, measured), path)


def walk(reference, measured, rule, path):
    if isinstance(rule, str):
        text(Text(rule), reference, measured, path)
    elif reference is ABSENT:
        raise Violation(path)
    elif rule is None:
        need(measured is not ABSENT and equal(reference, measured), path)
    elif isinstance(rule, dict):
        need(isinstance(reference, dict) and isinstance(measured, dict), path)
        for name in sorted(reference, key=str.encode):
            walk(reference[name], measured.get(name, ABSENT), rule.get(name), step(path, name))
        for name in sorted(measured, key=str.encode):
            if name not in reference:
                walk(ABSENT, measured[name], rule.get(name), step(path, name))
    else:
        need(isinstance(reference, list) and isinstance(measured, list) and len(reference) == len(measured), path)
        for i, (r, m) in enumerate(zip(reference, measured)):
            walk(r, m, rule[i] if i < len(rule) else None, f"{path}[{i}]")


def judge(reference, measured, rules=None):
    if rules is not None:
        check_rules(rules)
    try:
        walk(reference, measured, rules, "$")
    except Violation as v:
        return v.args[0]
    return None
