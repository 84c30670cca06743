#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""Compares rootfs_digest with the oracle on random trees, and content digests with fsverity.

compare_rootfs.py TOOL [--trees N] [--seed N] [--fsverity] [--dir DIR]
"""
import argparse
import os
import random
import shutil
import socket
import stat
import struct
import subprocess
import sys
import tempfile
import time

sys.dont_write_bytecode = True
import rootfs_tree as oracle  # noqa: E402

BATCH = 50
NAMES = [b"a", b"ab", b"a-b", b"a.b", b"b\n", b" ", b"\\x41", b"\xff\xfe", b"\xc3\xa9", b"~" * 255,
         b"-rf", b"\x01", b"\x7f", b"link=x", b"A", b"a b", b"=", b":", b"...", b"%s%n"]
SIZES = [0, 1, 2, 4095, 4096, 4097, 8192, 20000, 131071, 131072, 131073, 128 * 4096, 128 * 4096 + 1]
XATTRS = [b"user.a", b"user.a.b", b"user.\xff =:", b"user.overlay.opaque", b"user.overlay",
          b"user.rootlesscontainers", b"user.rootlesscontainers2", b"user.fuseoverlayfs.x",
          b"trusted.x"]


def skip_errors(call, *args, **kwargs):
    """What this file system or user cannot make is not in the tree: both sides see the same."""
    try:
        call(*args, **kwargs)
        return True
    except OSError:
        return False


class Grower:
    def __init__(self, rng):
        self.rng = rng
        self.files = []
        self.made = {}

    def count(self, what):
        self.made[what] = self.made.get(what, 0) + 1

    def name(self):
        if self.rng.random() < 0.5:
            return self.rng.choice(NAMES)
        n = self.rng.randrange(1, 9)
        return bytes(self.rng.choice(b"abc-.\x80\xf0 ") for _ in range(n)).replace(b"..", b"x")

    def write(self, path):
        size = self.rng.choice(SIZES) if self.rng.random() < 0.3 else self.rng.randrange(300)
        with open(path, "wb") as f:
            if size > 4096 and self.rng.random() < 0.5:
                f.truncate(size)
                self.count("sparse")
                for _ in range(self.rng.randrange(3)):
                    f.seek(self.rng.randrange(size))
                    f.write(b"\x01")
                f.truncate(size)
            else:
                f.write(self.rng.randbytes(size))

    def special(self, path):
        kind = self.rng.choice(["fifo", "socket", "char", "block", "whiteout"])
        if kind == "fifo":
            ok = skip_errors(os.mkfifo, path)
        elif kind == "socket":
            with socket.socket(socket.AF_UNIX) as s:
                ok = skip_errors(s.bind, path) if len(path) < 100 else False
        else:
            device = os.makedev(0, 0) if kind == "whiteout" else \
                os.makedev(self.rng.randrange(300), self.rng.randrange(70000))
            mode = stat.S_IFBLK if kind == "block" else stat.S_IFCHR
            ok = skip_errors(os.mknod, path, mode | 0o600, device)
        if ok:
            self.count(kind)
        return ok

    def acl(self):
        entries = [(1, 7, 0xffffffff), (2, 5, self.rng.randrange(3000)), (4, 5, 0xffffffff),
                   (8, 4, self.rng.randrange(3000)), (16, 5, 0xffffffff), (32, 1, 0xffffffff)]
        return struct.pack("<I", 2) + b"".join(struct.pack("<HHI", *e) for e in entries)

    def decorate(self, path, kind):
        roll = self.rng.random
        is_link = stat.S_ISLNK(os.lstat(path).st_mode)  # also as a second name: never follow one
        if roll() < 0.3:
            owner = self.rng.randrange(170000), self.rng.randrange(70000)
            skip_errors(os.chown, path, *owner, follow_symlinks=False)
        if not is_link and roll() < 0.4:
            skip_errors(os.chmod, path, self.rng.randrange(0o10000) | 0o700)
        if roll() < 0.2:
            for name in self.rng.sample(XATTRS, self.rng.randrange(1, 4)):
                if skip_errors(os.setxattr, path, name, self.rng.randbytes(self.rng.randrange(40)),
                               follow_symlinks=False):
                    self.count("xattr")
        if not is_link and roll() < 0.1:
            if skip_errors(os.setxattr, path, "system.posix_acl_access", self.acl()):
                self.count("acl")
        if kind == "dir" and roll() < 0.1:
            if skip_errors(os.setxattr, path, "system.posix_acl_default", self.acl()):
                self.count("default acl")
        if kind == "file" and roll() < 0.1:
            capability = struct.pack("<5I", 0x02000001, 0x2000, 0, 0, 0) if roll() < 0.5 else \
                struct.pack("<6I", 0x03000000, 0x400, 0x400, 0, 0, self.rng.choice([0, 100000]))
            if skip_errors(os.setxattr, path, "security.capability", capability):
                self.count("capability")

    def entry(self, path, depth):
        what = self.rng.choices(["file", "dir", "link", "special", "hard"], [5, 3, 2, 1, 2])[0]
        if what == "dir" and depth < 5:
            os.mkdir(path)
            self.grow(path, depth + 1)
        elif what == "link":
            os.symlink(self.rng.choice([b"/no/such/target", b"..", b"x\n \xff", b"a" * 300]), path)
        elif what == "hard" and self.files:
            if not skip_errors(os.link, self.rng.choice(self.files), path, follow_symlinks=False):
                return
        elif what == "special":
            if not self.special(path):
                return
        else:
            what = "file"
            self.write(path)
        self.count(what)
        if what != "dir":
            self.files.append(path)
        self.decorate(path, what)

    def grow(self, path, depth=0):
        for _ in range(self.rng.randrange(7)):
            child = path + b"/" + self.name()
            if os.path.basename(child) not in (b".", b"..") and not os.path.lexists(child):
                self.entry(child, depth)


def run(tool, *args):
    done = subprocess.run([tool, *args], stdout=subprocess.PIPE, check=False)
    if done.returncode != 0:
        sys.exit(f"{tool} {args!r}: exit {done.returncode}")
    return done.stdout


def compare(tool, dirs, ids, threads):
    flags = ["-j", str(threads)] + (["-m", "%d:%d:%d" % ids] if ids else [])
    ranges = oracle.Map([ids] if ids else [])
    digests = run(tool, *flags, *dirs).split()
    listings = run(tool, "-l", *flags, *dirs)
    at = 0
    for path, digest in zip(dirs, digests, strict=True):
        root = oracle.Tree(path, ranges, ranges).root
        want, text = root.root_digest().hex().encode(), oracle.listing(root)
        if want != digest:
            return f"{path}: digest {digest.decode()}, the oracle says {want.decode()}"
        if listings[at:at + len(text)] != text:
            return f"{path}: another listing than the oracle's"
        if oracle.parse(text).root_digest().hex().encode() != digest:
            return f"{path}: the oracle reads its own listing otherwise"
        listing_file = path + b".listing"
        with open(listing_file, "wb") as f:
            f.write(text)
        at += len(text)
    if at != len(listings):
        return "listings hold more than the oracle's"
    for path, digest in list(zip(dirs, digests))[::10]:  # a process each: one in ten will do
        if run(tool, "-L", path + b".listing").strip() != digest:
            return f"{path}: the digest of the listing is another"
    return None


def random_trees(tool, top, seed, trees):
    made = {}
    for start in range(0, trees, BATCH):
        dirs = []
        for i in range(start, min(start + BATCH, trees)):
            grower = Grower(random.Random(seed * 1000003 + i))
            dirs.append(top + b"/%d" % i)
            os.mkdir(dirs[-1])
            grower.grow(dirs[-1])
            for what, n in grower.made.items():
                made[what] = made.get(what, 0) + n
        ids = [None, (0, 100000, 65536), (1000, 0, 70000), (5, 1000, 100)][start // BATCH % 4]
        threads = [1, 0, 2, 16, 5][start // BATCH % 5]
        fault = compare(tool, dirs, ids, threads)
        if fault:
            sys.exit(f"seed {seed}, {threads} threads: {fault}; the tree is kept")
        for path in dirs:
            shutil.rmtree(path)
    return made


def against_fsverity(tool, top):
    if not shutil.which("fsverity"):
        return "fsverity is not installed"
    path = top + b"/verity"
    os.mkdir(path)
    sizes = [0, 1, 4095, 4096, 4097, 128 * 4096 - 1, 128 * 4096, 128 * 4096 + 1,
             3 * 128 * 4096 - 1, 3 * 128 * 4096, 3 * 128 * 4096 + 1, (10 << 20) + 1, (65 << 20) + 1]
    rng = random.Random(1)
    for size in sizes:
        with open(path + b"/%d" % size, "wb") as f:
            f.write(rng.randbytes(size))
        with open(path + b"/%d-hole" % size, "wb") as f:
            f.truncate(size)
            f.seek(size // 2)
            f.write(b"x" if size else b"")
    shown = {}
    listing = run(tool, "-l", path)
    for threads in "1", "2", "16":
        if run(tool, "-l", "-j", threads, path) != listing:
            sys.exit(f"{threads} threads: another listing")
    for line in listing.splitlines()[2:]:
        fields = line.split(b" ")
        shown[fields[4]] = fields[6].removeprefix(b"verity=")
    for name in os.listdir(path):
        want = run("fsverity", "digest", "--compact", path + b"/" + name).strip()
        if shown[b"/" + name] != want:
            sys.exit(f"{name}: {shown[b'/' + name]}, fsverity says {want}")
    return f"{len(shown)} files as fsverity digests them"


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("tool")
    parser.add_argument("--trees", type=int, default=1000)
    parser.add_argument("--seed", type=int, default=int(time.time()))
    parser.add_argument("--dir", default=None)
    args = parser.parse_args()
    sys.setrecursionlimit(100000)
    os.umask(0o022)
    print(f"seed {args.seed}", flush=True)
    top = os.fsencode(tempfile.mkdtemp(prefix="cmc-rootfs-", dir=args.dir))
    print(against_fsverity(args.tool, top))
    made = random_trees(args.tool, top, args.seed, args.trees)
    shutil.rmtree(top)
    print(f"{args.trees} trees alike:", ", ".join(f"{n} {what}" for what, n in sorted(made.items())))


if __name__ == "__main__":
    main()
