#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""The exact root file system form, written from docs/formats/rootfs-tree.md alone.

rootfs_tree.py DIR              the digest
rootfs_tree.py --list DIR       the listing
rootfs_tree.py --listing FILE   the digest of a listing
"""
import hashlib
import os
import re
import stat
import struct
import sys

BLOCK = 4096
LETTERS = {stat.S_IFREG: b"f", stat.S_IFDIR: b"d", stat.S_IFLNK: b"l", stat.S_IFCHR: b"c",
           stat.S_IFBLK: b"b", stat.S_IFIFO: b"p", stat.S_IFSOCK: b"s"}
ROOT_PATH = bytes(32)


def tagged(domain, *parts):
    h = hashlib.sha256(domain.encode() + b"\0")
    for part in parts:
        h.update(part)
    return h.digest()


def u16(v):
    return struct.pack(">H", v)


def u32(v):
    return struct.pack(">I", v)


def verity(data):
    """The fs-verity digest of the bytes of a file object's size."""
    level = [hashlib.sha256(data[i:i + BLOCK].ljust(BLOCK, b"\0")).digest()
             for i in range(0, len(data), BLOCK)]
    while len(level) > 1:
        level = [hashlib.sha256(b"".join(level[i:i + 128]).ljust(BLOCK, b"\0")).digest()
                 for i in range(0, len(level), 128)]
    root = level[0] if level else bytes(32)
    return hashlib.sha256(bytes([1, 1, 12, 0]) + bytes(4) + struct.pack("<Q", len(data)) + root +
                          bytes(208)).digest()


class Map:
    """Ranges of (inside, outside, count)."""

    def __init__(self, ranges=()):
        self.ranges = ranges

    def get(self, host, unmapped):
        for inside, outside, count in self.ranges:
            if outside <= host < outside + count:
                return inside + host - outside
        return unmapped if self.ranges else host


def map_acl(value, uids, gids):
    assert len(value) >= 4 and len(value) % 8 == 4 and struct.unpack_from("<I", value)[0] == 2
    out = value[:4]
    for tag, perm, who in struct.iter_unpack("<HHI", value[4:]):
        if tag == 2:
            who = uids.get(who, 0xffffffff)
        elif tag == 8:
            who = gids.get(who, 0xffffffff)
        out += struct.pack("<HHI", tag, perm, who)
    return out


def map_capability(value, uids):
    revision = value[3]
    assert (revision, len(value)) in ((2, 20), (3, 24))
    host = struct.unpack_from("<I", value, 20)[0] if revision == 3 else 0
    inside = uids.get(host, None)
    if inside is None:
        inside = 0 if host == 0 else 0xffffffff
    if inside == 0:
        return value[:3] + b"\2" + value[4:20]
    return value[:3] + b"\3" + value[4:20] + struct.pack("<I", inside)


def covered(name):
    if name.startswith(b"user."):
        return not (name.startswith((b"user.overlay.", b"user.fuseoverlayfs.")) or
                    name == b"user.rootlesscontainers")
    return name in (b"security.capability", b"system.posix_acl_access", b"system.posix_acl_default")


class Entry:
    def __init__(self, letter, mode, uid, gid):
        self.letter, self.mode, self.uid, self.gid = letter, mode, uid, gid
        self.size = self.content = self.target = self.rdev = self.link = None
        self.xattrs = []      # (name, value), sorted
        self.children = {}    # name -> Entry

    def body(self):
        if self.letter == b"f":
            return struct.pack(">Q", self.size) + self.content
        if self.letter == b"d":
            return self.directory()
        if self.letter == b"l":
            return u32(len(self.target)) + self.target
        if self.letter in b"cb":
            return u32(self.rdev[0]) + u32(self.rdev[1])
        return b""

    def encoded_xattrs(self):
        return u32(len(self.xattrs)) + b"".join(u16(len(n)) + n + u32(len(v)) + v
                                                for n, v in self.xattrs)

    def digest(self, name):
        group = b"\0" if self.link is None else b"\1" + path_digest(self.link)
        return tagged("cmc-rootfs-entry-1", u16(len(name)), name, self.letter, u16(self.mode),
                      u32(self.uid), u32(self.gid), self.body(), group, self.encoded_xattrs())

    def directory(self):
        return tagged("cmc-rootfs-dir-1", *(self.children[n].digest(n) for n in sorted(self.children)))

    def root_digest(self):
        return tagged("cmc-rootfs-tree-1", self.directory(), self.encoded_xattrs())


def path_digest(path):
    p = ROOT_PATH
    for name in path.split(b"/")[1:]:
        p = tagged("cmc-rootfs-path-1", p, name)
    return p


class Tree:
    """Reads a directory that is at rest."""

    def __init__(self, top, uids=Map(), gids=Map()):
        self.uids, self.gids = uids, gids
        self.inodes = {}      # (dev, ino) -> [(path, entry)], in walk order
        self.root = self.read(os.fsencode(top), b"")
        for members in self.inodes.values():
            if len(members) > 1:
                for _, entry in members:
                    entry.link = members[0][0]

    def attributes(self, real):
        found = []
        try:
            names = os.listxattr(real, follow_symlinks=False)
        except OSError as e:
            if e.errno != 95:
                raise
            return found
        for name in sorted(os.fsencode(n) for n in names):
            if not covered(name):
                continue
            value = os.getxattr(real, name, follow_symlinks=False)
            if name.startswith(b"system.posix_acl_"):
                value = map_acl(value, self.uids, self.gids)
            elif name == b"security.capability":
                value = map_capability(value, self.uids)
            found.append((name, value))
        return found

    def read(self, real, path):
        st = os.lstat(real)
        letter = LETTERS[stat.S_IFMT(st.st_mode)]
        entry = Entry(letter, 0o777 if letter == b"l" else st.st_mode & 0o7777,
                      self.uids.get(st.st_uid, 65534), self.gids.get(st.st_gid, 65534))
        entry.xattrs = self.attributes(real)
        if letter == b"d":
            for name in sorted(os.listdir(real)):
                entry.children[name] = self.read(real + b"/" + name, path + b"/" + name)
            return entry
        self.inodes.setdefault((st.st_dev, st.st_ino), []).append((path, entry))
        if letter == b"f":
            with open(real, "rb") as f:
                data = f.read()
            entry.size, entry.content = len(data), verity(data)
        elif letter == b"l":
            entry.target = os.readlink(real)
        elif letter in b"cb":
            entry.rdev = (os.major(st.st_rdev), os.minor(st.st_rdev))
        return entry


def escape(text):
    return b"".join(bytes([c]) if 0x20 < c < 0x7f and c != 0x5c else b"\\x%02x" % c for c in text)


def lines(entry, path=b""):
    out = b"%s %04o %d %d %s" % (entry.letter, entry.mode, entry.uid, entry.gid,
                                 escape(path) or b"/")
    if entry.letter == b"f":
        out += b" size=%d verity=%s" % (entry.size, entry.content.hex().encode())
    elif entry.letter == b"l":
        out += b" target=" + escape(entry.target)
    elif entry.letter in b"cb":
        out += b" rdev=%d:%d" % entry.rdev
    if entry.link is not None:
        out += b" link=" + escape(entry.link)
    for name, value in entry.xattrs:
        out += b" xattr=%s:%s" % (escape(name), value.hex().encode())
    yield out + b"\n"
    for name in sorted(entry.children):
        yield from lines(entry.children[name], path + b"/" + name)


def listing(root):
    return b"cmc-rootfs-listing 1\n" + b"".join(lines(root))


def unescape(text):
    return re.sub(rb"\\x([0-9a-f]{2})", lambda m: bytes([int(m[1], 16)]), text)


def parse(text):
    """The tree of a listing that is well-formed: reads, does not judge."""
    first, *rest = text.split(b"\n")
    assert first == b"cmc-rootfs-listing 1" and rest.pop() == b""
    entries = {}
    for line in rest:
        letter, mode, uid, gid, path, *fields = line.split(b" ")
        entry = Entry(letter, int(mode, 8), int(uid), int(gid))
        for key, value in (f.split(b"=", 1) for f in fields):
            if key == b"size":
                entry.size = int(value)
            elif key == b"verity":
                entry.content = bytes.fromhex(value.decode())
            elif key == b"target":
                entry.target = unescape(value)
            elif key == b"rdev":
                entry.rdev = tuple(int(v) for v in value.split(b":"))
            elif key == b"link":
                entry.link = unescape(value)
            elif key == b"xattr":
                name, value = value.rsplit(b":", 1)
                entry.xattrs.append((unescape(name), bytes.fromhex(value.decode())))
        if path == b"/":
            entries[b""] = entry
            continue
        path = unescape(path)
        parent, name = path.rsplit(b"/", 1)
        entries[parent].children[name] = entries[path] = entry
    return entries[b""]


def main(args):
    sys.setrecursionlimit(100000)
    if args[0] == "--listing":
        with open(args[1], "rb") as f:
            print(parse(f.read()).root_digest().hex())
    elif args[0] == "--list":
        sys.stdout.buffer.write(listing(Tree(args[1]).root))
    else:
        print(Tree(args[0]).root.root_digest().hex())


if __name__ == "__main__":
    main(sys.argv[1:])
