#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""Runs the benches by name and prints their tables. Started by tests/bench/run."""

import argparse
import importlib
import json
import os
import platform
import subprocess
import sys

import report

BENCHES = ("create", "pss", "digest", "ctr", "tree")
PAIRS = {"create": 300, "tree": 7}  # of others: 100


def tree_name(text):
    return text if text in ("min", "big") else os.path.abspath(text)


def parse_options():
    parser = argparse.ArgumentParser(
        prog="tests/bench/run",
        description="Measures cmc in a private world with a software TPM. A slow result is never an"
        " error: the exit status is 0 unless something could not run.",
    )
    add = parser.add_argument
    add("names", nargs="*", metavar="NAME", help=f"{', '.join(BENCHES)}; default: all")
    add("--json", metavar="FILE", help="also write the tables there")
    add("--pairs", type=int, metavar="N", help="interleaved pairs (default: 100; create:"
        " 300; tree: 7 rounds)")
    tree = "for digest and tree: min or big, which are made once and kept, or this directory; may" \
        " be repeated (default: min for digest, both for tree)"
    add("--tree", metavar="TREE", action="append", default=[], type=tree_name, help=tree)
    add("--parse-only", action="store_true", help=argparse.SUPPRESS)
    options = parser.parse_args()
    unknown = set(options.names) - set(BENCHES)
    if unknown:
        parser.error(f"no bench named {', '.join(sorted(unknown))}")
    return options


def first_line(*command):
    return subprocess.run(command, capture_output=True, text=True, check=True).stdout.split("\n")[0]


def machine():
    """What the numbers depend on."""
    with open("/proc/cpuinfo", encoding="ascii") as info:
        models = [line.split(":")[1].strip() for line in info if line.startswith("model name")]
    return {
        "cpu": f"{os.cpu_count()} x {models[0] if models else platform.machine()}",
        "kernel": platform.release(),
        "containerd": first_line("containerd", "--version"),
        "runc": first_line("runc", "--version"),
    }


def run_bench(name, options, results):
    """Prints and keeps one bench's tables; returns what went wrong, or None."""
    module = importlib.import_module(name)
    pairs = options.pairs or PAIRS.get(name, 100)
    try:
        results[name] = module.bench(argparse.Namespace(**{**vars(options), "pairs": pairs}))
    except report.Skip as skip:
        print(f"\n{name}: skipped: {skip}")
    except (OSError, RuntimeError, ValueError, subprocess.CalledProcessError) as error:
        return f"{name}: {error}"
    for table in results.get(name, []):
        report.show(table)
    sys.stdout.flush()
    return None


def main():
    options, results = parse_options(), {}
    if options.parse_only:
        return 0
    about = machine()
    print("; ".join(about.values()))
    names = options.names or BENCHES
    faults = [fault for name in names if (fault := run_bench(name, options, results))]
    if options.json:
        with open(options.json, "w", encoding="utf-8") as out:
            json.dump({"machine": about, "benches": results}, out, indent=1)
    for fault in faults:
        print(f"could not run: {fault}", file=sys.stderr)
    return 1 if faults else 0


if __name__ == "__main__":
    sys.exit(main())
