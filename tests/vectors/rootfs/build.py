#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""Writes golden/ (listings and their digests, by the oracle) and reject/ (one fault each).

Run by hand after a change of docs/formats/rootfs-tree.md; the result is reviewed and committed.
"""
import os
import sys

sys.dont_write_bytecode = True
HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(HERE, "../../oracle"))
import rootfs_tree as oracle  # noqa: E402

FIRST = "cmc-rootfs-listing 1\n"
ROOT = "d 0755 0 0 /\n"


def file(path, data=b"", mode="0644", owner="0 0", more=""):
    return (f"f {mode} {owner} {path} size={len(data)} "
            f"verity={oracle.verity(data).hex()}{more}\n")


CAPABILITY = "0100000200040000000000000000000000000000"
ACL = "0200000001000700ffffffff02000500e803000004000500ffffffff10000500ffffffff20000100ffffffff"
VERITY = oracle.verity(b"").hex()

GOLDEN = {
    "empty": ROOT,
    "one-file": ROOT + file("/a"),
    "root-with-xattr": f"d 0755 0 0 / xattr=system.posix_acl_default:{ACL}\n",
    "all-types": ROOT + "b 0660 0 6 /block rdev=8:1\n" + file("/file", b"hello\n") + "c 0666 0 0 /null rdev=1:3\n" + "d 1777 0 0 /tmp\n" +
        "p 0600 1000 1000 /tmp/fifo\n" + "s 0755 33 33 /tmp/socket\n" +
        "l 0777 0 0 /tmp/to target=../file\n" + "c 0000 0 0 /whiteout rdev=0:0\n",
    "walk-order": ROOT + "d 0755 0 0 /a\n" + file("/a/b") + "d 0755 0 0 /a/b-\n" +
        file("/a/b-/c") + file("/a\\x01") + file("/a!") + file("/a-b") + file("/a0") + file("/aa"),
    "odd-names": ROOT + file("/\\x01") + file("/\\x0a") + file("/\\x20") + file("/-rf") +
        file("/...") + file("/=:%s") + file("/" + "~" * 255) + file("/\\x7f") +
        file("/\\xc3\\xa9") + file("/\\xff\\xfe"),
    "hard-links": ROOT + file("/a", b"x", more=" link=/a") + "d 0755 0 0 /b\n" +
        "p 0644 0 0 /b/p link=/b/p\n" + "d 0755 0 0 /c\n" +
        file("/c/a", b"x", more=" link=/a") + "p 0644 0 0 /c/p link=/b/p\n" +
        file("/d", b"x"),
    "xattrs": ROOT + file("/bin", b"\x7fELF", "0755", more=
        f" xattr=security.capability:{CAPABILITY} xattr=system.posix_acl_access:{ACL}"
        " xattr=user.a:b:62 xattr=user.empty: xattr=user.\\xff\\x20=:00"),
    "largest-numbers": ROOT + f"f 7777 4294967295 4294967294 /f size=9223372036854775807 "
        f"verity={'f' * 64}\n" + "c 0000 0 0 /z rdev=4294967295:4294967295\n",
    "deep": ROOT + "".join("d 0700 0 0 " + "/d" * n + "\n" for n in range(1, 200)) +
        file("/d" * 199 + "/f", b"y"),
}

REJECT = {
    "nothing": "",
    "other-version": "cmc-rootfs-listing 2\n" + ROOT,
    "first-line-cut": "cmc-rootfs-listing 1",
    "no-root": FIRST,
    "root-is-a-file": FIRST + file("/"),
    "root-not-first": FIRST + file("/a"),
    "root-twice": FIRST + ROOT + ROOT,
    "cut-in-a-line": FIRST + ROOT + "d 0755 0 0 /a",
    "empty-line": FIRST + ROOT + "\n",
    "trailing-space": FIRST + "d 0755 0 0 / \n",
    "two-spaces": FIRST + "d 0755  0 0 /\n",
    "carriage-return": FIRST + "d 0755 0 0 /\r\n",
    "unknown-type": FIRST + ROOT + "w 0755 0 0 /a\n",
    "mode-of-three-digits": FIRST + "d 755 0 0 /\n",
    "mode-of-five-digits": FIRST + "d 00755 0 0 /\n",
    "mode-with-an-8": FIRST + "d 0785 0 0 /\n",
    "uid-with-leading-zero": FIRST + "d 0755 00 0 /\n",
    "uid-too-large": FIRST + "d 0755 4294967296 0 /\n",
    "uid-negative": FIRST + "d 0755 -1 0 /\n",
    "uid-missing": FIRST + "d 0755 0 /\n",
    "relative-path": FIRST + ROOT + "p 0755 0 0 a\n",
    "dot": FIRST + ROOT + "d 0755 0 0 /.\n",
    "dot-dot": FIRST + ROOT + "d 0755 0 0 /..\n",
    "double-slash": FIRST + ROOT + "d 0755 0 0 //a\n",
    "slash-at-the-end": FIRST + ROOT + "d 0755 0 0 /a/\n",
    "name-too-long": FIRST + ROOT + "p 0755 0 0 /" + "a" * 4096 + "\n",
    "nul-in-a-name": FIRST + ROOT + "p 0755 0 0 /a\\x00\n",
    "raw-byte-in-a-name": FIRST + ROOT + "p 0755 0 0 /\xe9\n",
    "plain-byte-escaped": FIRST + ROOT + "p 0755 0 0 /\\x61\n",
    "upper-case-escape": FIRST + ROOT + "p 0755 0 0 /\\xFF\n",
    "escape-cut": FIRST + ROOT + "p 0755 0 0 /\\xf\n",
    "no-parent": FIRST + ROOT + "p 0755 0 0 /a/b\n",
    "parent-is-a-file": FIRST + ROOT + "p 0755 0 0 /a\n" + "p 0755 0 0 /a/b\n",
    "back-into-a-directory": FIRST + ROOT + "d 0755 0 0 /a\np 0755 0 0 /b\np 0755 0 0 /a/x\n",
    "not-in-order": FIRST + ROOT + "p 0755 0 0 /b\np 0755 0 0 /a\n",
    "not-in-walk-order": FIRST + ROOT + "d 0755 0 0 /a\np 0755 0 0 /a-\np 0755 0 0 /a/x\n",
    "twice": FIRST + ROOT + "p 0755 0 0 /a\np 0755 0 0 /a\n",
    "file-without-size": FIRST + ROOT + f"f 0755 0 0 /a verity={VERITY}\n",
    "file-without-verity": FIRST + ROOT + "f 0755 0 0 /a size=0\n",
    "size-too-large": FIRST + ROOT + f"f 0755 0 0 /a size=9223372036854775808 verity={VERITY}\n",
    "verity-short": FIRST + ROOT + f"f 0755 0 0 /a size=0 verity={VERITY[:-2]}\n",
    "verity-long": FIRST + ROOT + f"f 0755 0 0 /a size=0 verity={VERITY}00\n",
    "verity-upper-case": FIRST + ROOT + f"f 0755 0 0 /a size=0 verity={VERITY.upper()}\n",
    "directory-with-size": FIRST + ROOT + f"d 0755 0 0 /a size=0 verity={VERITY}\n",
    "symlink-without-target": FIRST + ROOT + "l 0777 0 0 /a\n",
    "symlink-with-empty-target": FIRST + ROOT + "l 0777 0 0 /a target=\n",
    "symlink-mode": FIRST + ROOT + "l 0755 0 0 /a target=b\n",
    "device-without-rdev": FIRST + ROOT + "c 0755 0 0 /a\n",
    "rdev-too-large": FIRST + ROOT + "c 0755 0 0 /a rdev=4294967296:0\n",
    "fifo-with-rdev": FIRST + ROOT + "p 0755 0 0 /a rdev=0:0\n",
    "link-of-a-directory": FIRST + ROOT + "d 0755 0 0 /a link=/a\n",
    "link-relative": FIRST + ROOT + "p 0755 0 0 /a link=a\n",
    "link-to-root": FIRST + ROOT + "p 0755 0 0 /a link=/\n",
    "link-after-xattr": FIRST + ROOT + "p 0755 0 0 /a xattr=user.a:00 link=/a\n",
    "xattr-not-covered": FIRST + ROOT + "p 0755 0 0 /a xattr=security.selinux:00\n",
    "xattr-excluded": FIRST + ROOT + "p 0755 0 0 /a xattr=user.overlay.opaque:79\n",
    "xattr-not-sorted": FIRST + ROOT + "p 0755 0 0 /a xattr=user.b:00 xattr=user.a:00\n",
    "xattr-twice": FIRST + ROOT + "p 0755 0 0 /a xattr=user.a:00 xattr=user.a:01\n",
    "xattr-without-colon": FIRST + ROOT + "p 0755 0 0 /a xattr=user.a\n",
    "xattr-half-a-byte": FIRST + ROOT + "p 0755 0 0 /a xattr=user.a:0\n",
    "xattr-upper-case": FIRST + ROOT + "p 0755 0 0 /a xattr=user.a:FF\n",
    "xattr-name-too-long": FIRST + ROOT + f"p 0755 0 0 /a xattr=user.{'a' * 251}:00\n",
    "unknown-field": FIRST + ROOT + "p 0755 0 0 /a mtime=0\n",
}


def write(folder, name, data):
    os.makedirs(os.path.join(HERE, folder), exist_ok=True)
    with open(os.path.join(HERE, folder, name), "wb") as f:
        f.write(data)


def main():
    for name, text in GOLDEN.items():
        data = (FIRST + text).encode("latin-1")
        root = oracle.parse(data).root_digest().hex()
        write("golden", name + ".listing", data)
        write("golden", name + ".digest", root.encode() + b"\n")
    for name, text in REJECT.items():
        write("reject", name + ".listing", text.encode("latin-1"))


if __name__ == "__main__":
    sys.setrecursionlimit(100000)
    main()
