#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""Makes the golden trees below OUTDIR, as root: make_trees.py [--long] OUTDIR

T01 empty; T02 order, modes, owners, padding; T03 names that are split; T04 names that are not;
T07 symbolic links; T08 hard links; T09 devices, FIFO, socket; T11 a small root file system;
T12 (--long) a file of 8 GiB, which is sparse here and hashed in full.
"""
import os
import socket
import stat
import sys

CAPABILITY = bytes.fromhex("0100000200200000000000000000000000000000")  # CAP_NET_RAW, revision 2


def folder(path, mode=0o755, uid=0, gid=0):
    os.mkdir(path)
    own(path, mode, uid, gid)


def own(path, mode, uid=0, gid=0):
    os.chown(path, uid, gid)  # first: it clears the setuid bits
    os.chmod(path, mode)


def file(path, text="", mode=0o644, uid=0, gid=0):
    with open(path, "w", encoding="ascii") as f:
        f.write(text)
    own(path, mode, uid, gid)


def device(path, mode, major, minor, uid=0, gid=0):
    os.mknod(path, mode, os.makedev(major, minor))
    own(path, mode & 0o7777, uid, gid)


def t01():
    pass


def t02():
    folder("a")
    file("a/x", "x")
    folder("a/y")
    file("a/y/z", "z")
    for name, text in (("a-b", "dash"), ("a.txt", "dot"), ("ab", "ab"), ("B", "upper"),
                       ("0", "digit"), ("empty", "")):
        file(name, text)
    file("s512", "q" * 512, 0o640, 65534, 65534)
    file("s513", "q" * 513, 0o444, 0, 5)
    file("s511", "q" * 511, 0o600, 1000, 1001)
    file("suid", "s", 0o4755)
    file("sgid", "g", 0o2755, 0, 8)
    file("allbits", "7", 0o7777, 1, 1)
    file("zero", "0", 0)
    folder("tmp", 0o1777)
    folder("sgdir", 0o2775, 0, 50)


def t03():
    d = "d" * 60
    folder(d)
    file(f"{d}/{'f' * 60}", "121 bytes")
    folder(f"{d}/{d}")
    file(f"{d}/{d}/{'g' * 90}", "212 bytes")
    n = "n" * 99
    folder("p")
    folder(f"p/{n}")
    file(f"p/{n}/k", "in 102-byte dir")
    a, b = "a" * 77, "b" * 77
    folder(a)
    folder(f"{a}/{b}")
    file(f"{a}/{b}/{'c' * 100}", "256 bytes = max")


def t04():
    file("L" * 101, "101")
    file("M" * 255, "255")
    file("N" * 100, "100 fits: ustar")
    folder("D" * 100)
    file("D" * 100 + "/in", "child of 100-byte dir")
    folder("E" * 99)
    file("E" * 99 + "/in", "child of 99-byte dir")
    a, b = "a" * 77, "b" * 77
    folder(a)
    folder(f"{a}/{b}")
    file(f"{a}/{b}/{'c' * 101}", "257 bytes: too long")
    y, z = "y" * 97, "z" * 150
    folder("x")
    folder(f"x/{y}")
    folder(f"x/{y}/{z}")
    file(f"x/{y}/{z}/w", "cut ends in slash")


def t07():
    os.symlink("target", "rel")
    os.symlink("/abs/olute", "abs")
    os.symlink(".", "dot")
    folder("dir")
    os.symlink("dir", "todir")
    os.symlink("t" * 100, "l100")
    os.symlink("t" * 101, "l101")
    os.symlink("u" * 255 + "/" + "v" * 255, "l511")
    os.symlink("x", "S" * 120)
    os.symlink("own", "owned")
    os.chown("owned", 1000, 2097152, follow_symlinks=False)


def t08():
    folder("a")
    folder("z")
    file("a/orig", "hard")
    os.link("a/orig", "b-link")
    os.link("a/orig", "z/last")
    os.symlink("tgt", "sl1")
    os.link("sl1", "sl2", follow_symlinks=False)
    os.mkfifo("ff1")
    own("ff1", 0o644)
    os.link("ff1", "ff2")
    file("outer", "linked from outside the tree")
    os.link("outer", "../T08-outside")
    file("H" * 130, "long source")
    os.link("H" * 130, "zz-to-long")
    file("cap1", "c", 0o755)
    os.setxattr("cap1", "security.capability", CAPABILITY)
    os.link("cap1", "cap2")


def t09():
    device("null", stat.S_IFCHR | 0o666, 1, 3)
    device("sda", stat.S_IFBLK | 0o660, 8, 0, 0, 6)
    device("big", stat.S_IFCHR | 0o600, 4095, 1048575)
    device("whiteout", stat.S_IFCHR | 0o600, 0, 0)
    os.mkfifo("fifo")
    own("fifo", 0o600)
    with socket.socket(socket.AF_UNIX) as s:
        s.bind("sock")
    file("after", "regular")


def t11():
    for name in ("bin", "dev", "etc", "lib", "proc", "sys", "tmp", "usr", "var"):
        folder(name)
    own("tmp", 0o1777)
    file("bin/sh", "#!fake", 0o755)
    os.symlink("sh", "bin/ash")
    os.link("bin/sh", "bin/busybox")
    folder("usr/bin")
    os.symlink("../../bin/sh", "usr/bin/env")
    file("etc/passwd", "root:x:0:0:root:/root:/bin/sh\n")
    file("etc/shadow", "root:*:::::::\n", 0o640, 0, 42)
    folder("etc/a.d")
    file("etc/a.d/1", "1")
    file("etc/a", "a")
    file("etc/a-z", "az")


def t12():
    file("big")
    os.truncate("big", 8 << 30)
    file("small", "s")


def main(args):
    trees = [t01, t02, t03, t04, t07, t08, t09, t11]
    if args[0] == "--long":
        trees.append(t12)
    top = os.path.abspath(args[-1])
    for make in trees:
        path = os.path.join(top, make.__name__.upper())
        folder(path)
        os.chdir(path)
        make()


if __name__ == "__main__":
    main(sys.argv[1:])
