#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""drive.py BUILD [--stacks N] [--seed N] [--only N] -- random stacks of layers: what is read from
the layers, in either form, must be what is read from the kernel's overlay of them, or be left to
the kernel by name.

Every stack has a seed of its own, SEED and its number: --only repeats one."""
import argparse
import os
import random
import re
import shutil
import subprocess
import sys
import tempfile
import time

from kernel import Overlay, Program
from stacks import Stack

# what a refusal says, and which feature must be in the stack then; a plain one has none
REASONS = {
    "the attribute": "attribute",
    "a redirect that is not followed": "redirect",
    "a redirect to no path": "odd redirect",
    "a redirect to too long a path": "odd redirect",
    "a file system of type 794c7630": "nested",
}
NO_ENTRY = "a whiteout in a directory of one layer"  # the kernel lists it, and has no entry there


def spoken(reason):
    """A refusal without what is particular: the path and the attribute's name."""
    found = re.search(r"not read as layers: (.*)", reason)
    return re.sub(r"(the attribute) .*", r"\1", found[1]) if found else reason


class Comparison:
    def __init__(self, program):
        self.program = program
        self.results, self.made = {}, {}

    def count(self, what):
        self.results[what] = self.results.get(what, 0) + 1

    def judge_cmc(self, seen, read):
        """The same stack in the other form: it is refused where this is, or one form is."""
        if isinstance(read, str):
            self.count(f"form cmc: {'neither' if isinstance(seen, str) else 'left to the kernel'}")
            return None
        if read != seen:
            return f"form cmc: the kernel's overlay has {seen}, the layers {read}"
        self.count("form cmc: alike")
        return None

    def judge(self, stack, seen, read):
        """None, or what is wrong."""
        plain = "" if stack.exotic else "plain, "
        if isinstance(seen, str):
            if not isinstance(read, str):
                return f"the kernel's overlay cannot be measured ({seen}), the layers can"
            if plain and not (spoken(read) == NO_ENTRY and "vanished" in seen):
                return f"a plain stack cannot be measured: {seen}"
            self.count(f"{plain}neither: {spoken(read)}")
            return None
        if not isinstance(read, str):
            if read != seen:
                return f"another {'listing' if read[0] == seen[0] else 'digest'}"
            self.count(f"{plain}alike")
            return None
        reason = spoken(read)
        if REASONS.get(reason) not in stack.features:
            return f"refused without a reason: {read}"
        self.count(f"{plain}left to the kernel: {reason}")
        return None

    def compare(self, stack, top):
        layers, upper = stack.layers, None
        if len(layers) < 2 or stack.rng.random() < 0.5:
            upper = stack.place("upper")
            if stack.rng.random() < 0.5:
                os.chmod(upper, 0o700)
        try:
            if upper and stack.rng.random() < 0.5:  # as cmc-measure mounts: the upper as a lower
                overlay = Overlay(top + "/mounted", [upper, *layers], stack.options)
            else:
                overlay = Overlay(top + "/mounted", layers, stack.options, upper)
            with overlay as where:
                seen, seen_cmc = self.program.tree(where), self.program.tree(where, "c")
        except OSError as why:
            seen = seen_cmc = f"not mounted: {why}"
        layers = ([upper] if upper else []) + layers
        read = self.program.layers(layers, stack.options)
        read_cmc = self.program.layers(layers, stack.options, "c")
        for what, n in stack.made.items():
            self.made[what] = self.made.get(what, 0) + n
        wrong = self.judge(stack, seen, read) or self.judge_cmc(seen_cmc, read_cmc)
        if not wrong and not isinstance(read, str) and isinstance(read_cmc, str) and \
                "on two devices" not in read_cmc:
            wrong = f"form cmc alone is refused: {read_cmc}"
        return wrong, seen, read


def run_one(comparison, places, seed, number):
    rng = random.Random(seed * 1000003 + number)
    here = [os.path.join(p, str(number)) for p in places]
    for path in here:
        os.mkdir(path)
    stack = Stack(rng, here, exotic=rng.random() < 0.4)
    wrong, seen, read = comparison.compare(stack, here[0])
    if wrong:
        print(f"not ok stack {number} of seed {seed} - {wrong}")
        print(f"layers {stack.layers}, options {stack.options}")
        for name, what in (("kernel", seen), ("layers", read)):
            print(name, what if isinstance(what, str) else what[1].decode())
        if sys.stdin.isatty():
            subprocess.run(["bash"], check=False, cwd=here[0])  # to look around
    stack.undo()
    for path in here:
        shutil.rmtree(path)
    return not wrong


def holds_layers(program, place):
    """Not where this runs on an overlay itself."""
    layers = [os.path.join(place, name) for name in "ab"]
    for layer in layers:
        os.mkdir(layer)
    return not isinstance(program.layers(layers, []), str)


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("build")
    parser.add_argument("--stacks", type=int, default=10000 if os.environ.get("CMC_LONG") else 300)
    parser.add_argument("--seed", type=int, default=int(os.environ.get("CMC_SEED", time.time())))
    parser.add_argument("--only", type=int)
    args = parser.parse_args()
    os.umask(0o022)
    print(f"seed {args.seed}", flush=True)
    program = Program(os.path.join(args.build, "tests/layers_digest"))
    comparison = Comparison(program)
    numbers = range(args.stacks) if args.only is None else [args.only]
    with tempfile.TemporaryDirectory() as memory, \
            tempfile.TemporaryDirectory(dir="/var/tmp", prefix="cmc-layers-") as disk:
        places = [place for place in (memory, disk) if holds_layers(program, place)]
        print("layers on", " and ".join(places), flush=True)
        good = sum(run_one(comparison, places, args.seed, n) for n in numbers)
    for what, n in sorted(comparison.made.items()):
        print(f"made {n}: {what}")
    for what, n in sorted(comparison.results.items()):
        print(f"{n} stacks {what}")
    if program.close() != 0:
        print("not ok the program ended badly")
        sys.exit(1)
    print("ok" if good == len(numbers) else "not ok", f"{good} of {len(numbers)} stacks")
    sys.exit(good != len(numbers))


main()
