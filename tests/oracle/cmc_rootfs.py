#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""The root file system form of profile cmc, written from docs/formats/cmc-rootfs.md alone.

cmc_rootfs.py DIR               the digest
cmc_rootfs.py --stream DIR      the archive
"""
import errno
import hashlib
import os
import stat
import sys

BLOCK = 512
CHUNK = 1 << 20
MAX_ID, MAX_SIZE = 8**7 - 1, 8**11 - 1
CAPABILITY = "security.capability"
TYPES = {stat.S_IFREG: b"0", stat.S_IFDIR: b"5", stat.S_IFLNK: b"2", stat.S_IFCHR: b"3",
         stat.S_IFBLK: b"4", stat.S_IFIFO: b"6"}


class Entry:
    """The values of one entry."""

    def __init__(self, name, kind, mode=0, uid=0, gid=0, size=0, link=b"", rdev=(0, 0), cap=b""):
        self.name, self.kind, self.mode, self.uid, self.gid = name, kind, mode, uid, gid
        self.size, self.link, self.rdev, self.cap = size, link, rdev, cap


def plain(text):
    return all(1 <= c <= 0x7f for c in text)


def fits(text):
    return len(text) <= 100 and plain(text)


def number(value, width):
    text = b"%0*o" % (width - 1, value)
    return (text if len(text) == width - 1 else b"0" * (width - 1)) + b"\0"


def header(name, kind, values, prefix=b"", link=b"", rdev=None):
    mode, uid, gid, size = values
    block = bytearray(BLOCK)

    def put(at, text, width):
        assert len(text) <= width
        block[at:at + len(text)] = text

    put(0, name, 100)
    put(100, number(mode, 8), 8)
    put(108, number(uid, 8), 8)
    put(116, number(gid, 8), 8)
    put(124, number(size, 12), 12)
    put(136, number(0, 12), 12)
    put(148, b" " * 8, 8)
    put(156, kind, 1)
    put(157, link, 100)
    put(257, b"ustar\0" b"00", 8)
    if rdev:
        put(329, number(rdev[0], 8), 8)
        put(337, number(rdev[1], 8), 8)
    put(345, prefix, 155)
    put(148, b"%06o\0 " % sum(block), 8)
    return bytes(block)


def split(name):
    if len(name) <= 100 or not plain(name):
        return None
    end = 156 if len(name) > 156 else len(name) - name.endswith(b"/")
    i = name.rfind(b"/", 0, end)
    if i < 1 or i > 155 or not 1 <= len(name) - i - 1 <= 100:
        return None
    return name[:i], name[i + 1:]


def record(key, value):
    rest = b" " + key + b"=" + value + b"\n"
    for digits in range(1, 8):
        length = b"%d" % (len(rest) + digits)
        if len(length) == digits:
            return length + rest
    raise AssertionError("no length")


def records(e):
    out = []
    if e.cap:
        out.append(record(b"SCHILY.xattr.security.capability", e.cap))
    if e.gid > MAX_ID:
        out.append(record(b"gid", b"%d" % e.gid))
    if not fits(e.link):
        out.append(record(b"linkpath", e.link))
    if not fits(e.name):
        out.append(record(b"path", e.name))
    if e.size > MAX_SIZE:
        out.append(record(b"size", b"%d" % e.size))
    if e.uid > MAX_ID:
        out.append(record(b"uid", b"%d" % e.uid))
    return b"".join(out)


def needs_records(e):
    return bool((not fits(e.name) and not split(e.name)) or not fits(e.link) or e.cap or
                e.uid > MAX_ID or e.gid > MAX_ID or e.size > MAX_SIZE)


def ascii_only(text):
    return bytes(c for c in text if c < 0x80)


def shortened(text):
    text = ascii_only(text)
    cut = text[:100]
    if len(text) > 100 and cut.endswith(b"/"):
        bare = cut.rstrip(b"/")
        cut = bare + b"\0" + cut[len(bare) + 1:]
    return cut


def extended_name(name):
    at = name.rfind(b"/") + 1
    whole = name[:at] + b"PaxHeaders.0" + (b"/" + name[at:] if name[at:] else b"")
    return ascii_only(whole)[:100].rstrip(b"/")


def pad(data):
    return data + bytes(-len(data) % BLOCK)


def encode(e):
    """Everything of an entry but its content."""
    values = (e.mode, e.uid, e.gid, e.size)
    if not needs_records(e):
        prefix, name = (b"", e.name) if fits(e.name) else split(e.name)
        return header(name, e.kind, values, prefix, e.link, e.rdev)
    data = records(e)
    return header(extended_name(e.name), b"x", (0, 0, 0, len(data))) + pad(data) + \
        header(shortened(e.name), e.kind, values, b"", shortened(e.link), e.rdev)


def capability(path):
    try:
        return os.getxattr(path, CAPABILITY, follow_symlinks=False)
    except OSError as e:
        if e.errno not in (errno.ENODATA, errno.ENOTSUP):
            raise
        return b""


class Archive:
    """Feeds the archive of a directory that is at rest to out(bytes)."""

    def __init__(self, top, out):
        self.top, self.out = os.fsencode(top), out
        self.first = {}
        self.directory(b"")
        out(bytes(1024))

    def directory(self, inside):
        for name in sorted(os.listdir(self.top + b"/" + inside)):
            self.entry(inside + name)

    def entry(self, path):
        real = self.top + b"/" + path
        st = os.lstat(real)
        if stat.S_ISSOCK(st.st_mode):
            return
        e = Entry(path, TYPES[stat.S_IFMT(st.st_mode)], stat.S_IMODE(st.st_mode), st.st_uid,
                  st.st_gid, cap=capability(real))
        if e.kind in b"34":
            e.rdev = os.major(st.st_rdev), os.minor(st.st_rdev)
        if e.kind == b"5":
            e.name += b"/"
            self.out(encode(e))
            self.directory(e.name)
            return
        if st.st_nlink > 1 and st.st_ino in self.first:
            e.kind, e.link = b"1", self.first[st.st_ino]
        elif st.st_nlink > 1:
            self.first[st.st_ino] = path
        if e.kind == b"2":
            e.link = os.readlink(real)
        if e.kind == b"0":
            e.size = st.st_size
        self.out(encode(e))
        if e.size:
            self.content(real, e.size)

    def content(self, real, size):
        left = size
        with open(real, "rb", buffering=0) as f:
            while left:
                data = f.read(min(left, CHUNK))
                assert data, "shrank"
                left -= len(data)
                self.out(data)
        self.out(bytes(-size % BLOCK))


def digest(top):
    h = hashlib.sha256()
    Archive(top, h.update)
    return h.hexdigest()


def main(args):
    sys.setrecursionlimit(100000)
    if args[0] == "--stream":
        Archive(args[1], sys.stdout.buffer.write)
    else:
        print(digest(args[0]))


if __name__ == "__main__":
    main(sys.argv[1:])
