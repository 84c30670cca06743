#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""Compares rootfs_digest -c with the oracle on random trees, and both with the golden trees.

compare_cmc_rootfs.py TOOL [--trees N] [--seed N] [--long] [--dir DIR] [--keep]
"""
import argparse
import gzip
import hashlib
import os
import random
import shutil
import subprocess
import sys
import tempfile
import time

sys.dont_write_bytecode = True
import cmc_rootfs as oracle  # noqa: E402
import compare_rootfs as random_tree  # noqa: E402

VECTORS = os.path.join(os.path.dirname(os.path.abspath(__file__)), "../vectors/cmc-rootfs")
LENGTHS = [1, 77, 97, 98, 99, 100, 101, 154, 155, 156, 254, 255]
IDS = [0, 1, 2097151, 2097152, 2**31, 2**32 - 2]
BATCH = 50


class Grower(random_tree.Grower):
    """Random trees with names, targets and owners about the limits of the form."""

    def name(self):
        roll = self.rng.random()
        if roll < 0.5:
            return super().name()
        text = self.rng.choice([b"n", b"m", b"\xc3\xa9", b"\xff", b"\x7f\x01"])
        self.count("long name")
        return (text * 255)[:self.rng.choice(LENGTHS)]

    def decorate(self, path, kind):
        super().decorate(path, kind)
        if self.rng.random() < 0.2:
            owner = self.rng.choice(IDS), self.rng.choice(IDS)
            if random_tree.skip_errors(os.chown, path, *owner, follow_symlinks=False):
                self.count("large id")

    def entry(self, path, depth):
        if self.rng.random() < 0.1:
            target = self.rng.choice([b"t" * n for n in (99, 100, 101, 1000)] + [b"\xe2\x82\xac"])
            os.symlink(target, path)
            self.count("long target")
            self.files.append(path)
            self.decorate(path, "link")
        else:
            super().entry(path, depth)


def run(tool, *args):
    done = subprocess.run([tool, "-c", *args], stdout=subprocess.PIPE, check=False)
    if done.returncode != 0:
        sys.exit(f"{tool} {args!r}: exit {done.returncode}")
    return done.stdout.decode().split()


def golden_trees(tool, top, long):
    if os.geteuid() != 0:
        return "golden trees need root"
    script = os.path.join(VECTORS, "make_trees.py")
    subprocess.run([script, *(["--long"] if long else []), top], check=True)
    seen = 0
    with open(os.path.join(VECTORS, "expected.txt"), encoding="ascii") as f:
        expected = dict(line.split() for line in f if not line.startswith("#"))
    for name, want in expected.items():
        path = os.path.join(top, os.fsencode(name))
        if not os.path.isdir(path):
            continue
        stream = os.path.join(VECTORS, "streams", name + ".stream.gz")
        if os.path.exists(stream):
            made = []
            oracle.Archive(path, made.append)
            with gzip.open(stream) as f:
                archive = f.read()
            if archive != b"".join(made) or hashlib.sha256(archive).hexdigest() != want:
                sys.exit(f"{name}: the oracle makes another archive")
        elif oracle.digest(path) != want:
            sys.exit(f"{name}: the oracle has another digest")
        if run(tool, path) != [want]:
            sys.exit(f"{name}: {run(tool, path)}, not {want}")
        seen += 1
    if seen != len(expected) - (not long):
        sys.exit(f"{seen} golden trees of {len(expected)}")
    return f"{seen} golden trees alike"


def random_trees(tool, top, args):
    made = {}
    for start in range(0, args.trees, BATCH):
        dirs = []
        for i in range(start, min(start + BATCH, args.trees)):
            grower = Grower(random.Random(args.seed * 1000003 + i))
            dirs.append(top + b"/%d" % i)
            os.mkdir(dirs[-1])
            grower.grow(dirs[-1])
            for what, n in grower.made.items():
                made[what] = made.get(what, 0) + n
        for path, digest in zip(dirs, run(tool, *dirs), strict=True):
            if oracle.digest(path) != digest:
                sys.exit(f"seed {args.seed}: {path}: {digest}, the oracle says "
                         f"{oracle.digest(path)}; the tree is kept")
        if not args.keep:
            for path in dirs:
                shutil.rmtree(path)
    return made


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("tool")
    parser.add_argument("--trees", type=int, default=1000)
    parser.add_argument("--seed", type=int, default=int(time.time()))
    parser.add_argument("--dir", default=None)
    parser.add_argument("--long", action="store_true", default=bool(os.environ.get("CMC_LONG")))
    parser.add_argument("--keep", action="store_true")
    args = parser.parse_args()
    sys.setrecursionlimit(100000)
    os.umask(0o022)
    print(f"seed {args.seed}", flush=True)
    top = os.fsencode(tempfile.mkdtemp(prefix="cmc-rootfs-", dir=args.dir))
    print(golden_trees(args.tool, top, args.long), flush=True)
    made = random_trees(args.tool, top, args)
    print(f"{args.trees} trees alike:", ", ".join(f"{n} {what}" for what, n in sorted(made.items())))
    if args.keep:
        print(os.fsdecode(top))
    else:
        shutil.rmtree(top)


if __name__ == "__main__":
    main()
