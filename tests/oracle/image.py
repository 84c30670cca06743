#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""The tree of an image and its digests, written from docs/formats/image-references.md 1 to 4 alone.

image.py LAYOUT                 the digests of both profiles
image.py --list LAYOUT          the listing
"""
import hashlib
import json
import os
import struct
import subprocess
import sys
import zlib

import cmc_rootfs
import rootfs_tree

ACCESS, DEFAULT = b"system.posix_acl_access", b"system.posix_acl_default"
CAPABILITY = b"security.capability"
LETTERS = {b"0": b"f", b"2": b"l", b"3": b"c", b"4": b"b", b"5": b"d", b"6": b"p"}


class Refused(Exception):
    """By name, in section 1 to 6."""


def need(good, what):
    if not good:
        raise Refused(what)


# section 1

class Layout:
    def __init__(self, path):
        self.path, self.members = path, None
        if not os.path.isdir(path):
            with open(path, "rb") as f:
                self.members = {m.name[2:] if m.name.startswith(b"./") else m.name: m.content
                                for m in members(f.read()) if m.kind == b"0"}

    def file(self, name):
        if self.members is not None:
            need(name.encode() in self.members, name)
            return self.members[name.encode()]
        with open(f"{self.path}/{name}", "rb") as f:
            return f.read()

    def blob(self, descriptor):
        hexes = descriptor["digest"].removeprefix("sha256:")
        data = self.file(f"blobs/sha256/{hexes}")
        need(len(data) == descriptor["size"] and hashlib.sha256(data).hexdigest() == hexes, hexes)
        return data

    def layers(self):
        need(json.loads(self.file("oci-layout"))["imageLayoutVersion"] == "1.0.0", "version")
        (entry,) = json.loads(self.file("index.json"))["manifests"]
        manifest = json.loads(self.blob(entry))
        ids = json.loads(self.blob(manifest["config"]))["rootfs"]["diff_ids"]
        need(len(ids) == len(manifest["layers"]), "layers")
        for descriptor, diff_id in zip(manifest["layers"], ids):
            data = unpack(self.blob(descriptor))
            need("sha256:" + hashlib.sha256(data).hexdigest() == diff_id, "diff_ids")
            yield data


def unpack(data):
    if data[:2] == b"\x1f\x8b":
        return zlib.decompress(data, 31)
    if data[:4] == b"\x28\xb5\x2f\xfd":
        return subprocess.run(["zstd", "-dc"], input=data, capture_output=True, check=True).stdout
    return data


# section 2

class Member:
    def __init__(self):
        self.xattrs, self.content = {}, b""


def number(field):
    if field[0] & 0x80:
        value = int.from_bytes(bytes([field[0] & 0x7f]) + field[1:], "big")
        need(value < 2**63, "number")
        return value
    text = field.lstrip(b" \0").split(b"\0")[0].rstrip(b" ")
    need(all(c in b"01234567" for c in text), "number")
    return int(text or b"0", 8)


def text(field):
    return field.split(b"\0")[0]


def full_name(block):
    magic, prefix = block[257:263], b""
    if magic == b"ustar\0":
        prefix = text(block[345:476] if block[508:] == b"tar\0" else block[345:500])
    elif magic == b"ustar " and block[263:265] == b" \0":
        try:
            for at in (345, 357):
                if block[at]:
                    number(block[at:at + 12])
        except Refused:
            prefix = text(block[345:500])
    return (prefix + b"/" if prefix else b"") + text(block[:100])


def records(data):
    while data:
        length = data.split(b" ", 1)[0]
        need(length.isdigit() and len(length) + 3 < int(length) <= len(data), "record")
        line, data = data[:int(length)], data[int(length):]
        key, equals, value = line[len(length) + 1:-1].partition(b"=")
        need(line.endswith(b"\n") and key and equals and b"\0" not in key, "record")
        yield key, value


def checksum(block):
    taken = block[:148] + b" " * 8 + block[156:]
    signed = sum(c - 256 if c > 127 else c for c in taken)
    need(number(block[148:156]) in (sum(taken), signed), "checksum")


def header(block, special):
    m = Member()
    m.kind, m.name = block[156:157], full_name(block)
    m.link, m.mode = text(block[157:257]), number(block[100:108]) & 0o7777
    m.uid, m.gid, m.size = (number(block[a:b]) for a, b in ((108, 116), (116, 124), (124, 136)))
    m.rdev = (0, 0)
    if block[257:262] == b"ustar" and block[262] in b"\0 ":
        m.rdev = number(block[329:337]), number(block[337:345])
    for key, value in records(special.get(b"x", b"")):
        need(not key.startswith(b"GNU.sparse."), "sparse")
        if key.startswith(b"SCHILY.xattr."):
            m.xattrs[key[13:]] = value
        elif value and key in (b"path", b"linkpath"):
            need(b"\0" not in value, "path")
            setattr(m, {b"path": "name", b"linkpath": "link"}[key], value)
        elif value and key in (b"uid", b"gid", b"size"):
            need(value.isdigit(), "record")
            setattr(m, key.decode(), int(value))
    m.name = text(special.get(b"L", m.name))
    m.link = text(special.get(b"K", m.link))
    if m.kind == b"\0":
        m.kind = b"5" if m.name.endswith(b"/") else b"0"
    need(m.kind in b"0123456", "type")
    need(max(m.uid, m.gid) < 2**32 - 1, "owner")
    need(m.kind not in b"34" or (m.rdev[0] < 4096 and m.rdev[1] < 2**20), "device")
    if m.kind != b"0":
        m.size = 0
    return m


def members(data):
    at, special = 0, {}

    def take(size):
        nonlocal at
        need(at + size <= len(data), "cut")
        at += size
        return data[at - size:at]

    while at < len(data):
        block = take(512)
        if not any(block):
            need(at == len(data) or not any(take(512)), "data behind the end")
            break
        checksum(block)
        kind = block[156:157]
        if kind in (b"x", b"g", b"L", b"K"):
            size = number(block[124:136])
            need(size <= 2**20, "record")
            special[kind] = take(size)
            take(-size % 512)
            continue
        m = header(block, special)
        m.content, special = take(m.size), {}
        take(-m.size % 512)
        yield m
    need(not set(special) & {b"x", b"L", b"K"}, "cut")


# section 4

class Inode:
    def __init__(self, letter):
        self.letter, self.mode, self.uid, self.gid = letter, 0, 0, 0
        self.xattrs, self.children, self.opaque = {}, {}, False
        self.content = self.target = self.rdev = None

    @property
    def whiteout(self):
        return self.letter == b"c" and self.rdev == (0, 0)

    def chown(self, uid, gid):
        self.uid, self.gid = uid, gid
        if self.letter != b"d":
            self.xattrs.pop(CAPABILITY, None)

    def chmod(self, mode):
        if self.letter == b"l":
            return
        self.mode = mode
        if ACCESS in self.xattrs:
            entries = acl(self.xattrs[ACCESS])
            group = 16 if any(tag == 16 for tag, _, _ in entries) else 4
            bits = {1: mode >> 6 & 7, group: mode >> 3 & 7, 32: mode & 7}
            self.xattrs[ACCESS] = put_acl([(t, bits.get(t, p), i) for t, p, i in entries])

    def inherit(self, parent):
        if self.letter == b"l" or DEFAULT not in parent.xattrs:
            return
        if len(acl(parent.xattrs[DEFAULT])) > 3:
            self.xattrs[ACCESS] = parent.xattrs[DEFAULT]
        if self.letter == b"d":
            self.xattrs[DEFAULT] = parent.xattrs[DEFAULT]

    def setxattr(self, name, value):
        if not rootfs_tree.covered(name):
            return
        need(len(name) <= 255 and len(value) <= 65536 and name != b"user.", "attribute")
        if name in (ACCESS, DEFAULT):
            self.set_acl(name, value)
        elif name == CAPABILITY:
            need((len(value), value[3:4]) in ((20, b"\2"), (24, b"\3")), "capability")
            if len(value) == 24 and value[20:] == bytes(4):
                value = value[:3] + b"\2" + value[4:20]
            self.xattrs[name] = value
        elif self.letter in b"fd":
            self.xattrs[name] = value

    def set_acl(self, name, value):
        if self.letter == b"l":
            return
        if len(value) in (0, 4):
            self.xattrs.pop(name, None)
            return
        need(len(value) > 4 and len(value) % 8 == 4 and value[:4] == b"\2\0\0\0", "ACL")
        entries = acl(value)
        tags = [tag for tag, _, _ in entries]
        need(set(tags) <= {1, 2, 4, 8, 16, 32} and tags == sorted(tags), "ACL")
        need(all(tags.count(tag) == 1 for tag in (1, 4, 32)) and tags.count(16) <= 1, "ACL")
        need(16 in tags or not {2, 8} & set(tags), "ACL")
        need(all(p <= 7 and (t not in (2, 8) or i != 2**32 - 1) for t, p, i in entries), "ACL")
        need(name == ACCESS or self.letter == b"d", "ACL")
        value = put_acl([(t, p, i if t in (2, 8) else 2**32 - 1) for t, p, i in entries])
        if name == DEFAULT:
            self.xattrs[name] = value
            return
        said = {t: p for t, p, _ in entries}
        self.mode = self.mode & 0o7000 | said[1] << 6 | said.get(16, said[4]) << 3 | said[32]
        self.xattrs.pop(name, None)
        if len(entries) > 3:
            self.xattrs[name] = value


def acl(value):
    return [struct.unpack_from("<HHI", value, at) for at in range(4, len(value), 8)]


def put_acl(entries):
    return b"\2\0\0\0" + b"".join(struct.pack("<HHI", *e) for e in entries)


# section 3

def parts(path):
    return [part for part in path.split(b"/") if part]


def follow(root, path):
    """[(name, inode or None)] from the root to where a path leads in one layer's tree."""
    way, todo, links = [], parts(path), 0
    while todo:
        part = todo.pop(0)
        here = way[-1][1] if way else root
        if part == b".":
            continue
        if part == b"..":
            way = way[:-1]
            continue
        need(here is None or here.letter == b"d", "in the way")
        found = here.children.get(part) if here else None
        if found is not None and found.letter == b"l":
            links += 1
            need(links <= 255, "links")
            todo = parts(found.target) + todo
            if found.target.startswith(b"/"):
                way = []
            continue
        way.append((part, found))
    return way


def clean(name):
    out = []
    for part in parts(name):
        if part == b"..":
            out = out[:-1]
        elif part != b".":
            out.append(part)
    return out


class Layer:
    def __init__(self, below):
        self.root, self.below = Inode(b"d"), below
        self.root.chmod(0o755)
        self.listed = set()  # (id of directory, name): has had a member

    def parent(self, path):
        here, done = self.root, []
        for name, _ in follow(self.root, path):
            done.append(name)
            found = here.children.get(name)
            if found is None:
                found = here.children[name] = Inode(b"d")
                self.listed.discard((id(here), name))
                found.inherit(here)
                found.chmod(0o755)
                self.copy(found, b"/".join(done))
            need(found.letter == b"d", "in the way")
            here = found
        return here

    def copy(self, made, path):
        for layer in reversed(self.below):
            way = follow(layer.root, path)
            lower = way[-1][1] if way else layer.root
            if lower is None:
                continue
            if lower.letter == b"d":
                made.chown(lower.uid, lower.gid)
                made.chmod(lower.mode)
                for name, value in sorted(lower.xattrs.items()):
                    made.setxattr(name, value)
            return

    def clear(self, top):
        for name, inode in list(top.children.items()):
            if (id(top), name) not in self.listed:
                del top.children[name]
            elif inode.letter == b"d":
                self.clear(inode)

    def remove(self, parent, base):
        if base == b".wh..wh..opq":
            parent.opaque = bool(self.below)
            if not self.below:
                self.clear(parent)
            return
        name = base[4:]
        need(name not in (b"", b".", b".."), "whiteout")
        if self.below:
            need(name not in parent.children, "whiteout")
            parent.children[name] = Inode(b"c")
            parent.children[name].rdev = (0, 0)
        else:
            parent.children.pop(name, None)

    def new(self, m, parent):
        if m.kind == b"1":
            directory, _, base = m.link.rpartition(b"/")
            way = follow(self.root, directory)
            where = way[-1][1] if way else self.root
            found = where.children.get(base) if where and where.letter == b"d" else None
            need(found and found.letter != b"d", "hard link")
            return found
        inode = Inode(LETTERS[m.kind])
        need(inode.letter != b"l" or 1 <= len(m.link) <= 4095, "target")
        inode.content, inode.target, inode.rdev = m.content, m.link, m.rdev
        inode.inherit(parent)
        return inode

    def apply(self, m):
        name = clean(m.name)
        if not name:
            return
        need(all(len(part) <= 255 for part in name), "name")
        base = name.pop()
        parent = self.parent(b"/".join(name))
        if base.startswith(b".wh."):
            self.remove(parent, base)
            return
        inode = parent.children.get(base)
        if not (inode and inode.letter == b"d" and m.kind == b"5"):
            parent.children.pop(base, None)
            inode = self.new(m, parent)
        parent.children[base] = inode
        self.listed.add((id(parent), base))
        inode.chown(m.uid, m.gid)
        for key, value in m.xattrs.items():
            inode.setxattr(key, value)
        inode.chmod(m.mode)


class Image:
    """What a container sees, as rootfs_tree's entries, and the archive of profile cmc."""

    def __init__(self, layout):
        self.layers = []
        for data in layout.layers():
            layer = Layer(self.layers)
            for m in members(data):
                layer.apply(m)
            self.layers = self.layers + [layer]
        self.first, self.seen, self.archive = {}, {}, hashlib.sha256()
        self.root = rootfs_tree.Entry(b"d", 0o755, 0, 0)
        self.merge(self.root, [layer.root for layer in reversed(self.layers)], b"")
        self.archive.update(bytes(1024))

    def merge(self, entry, stack, path):
        for name in sorted({name for inode in stack for name in inode.children}):
            there = [inode.children[name] for inode in stack if name in inode.children]
            if not there[0].whiteout:
                self.show(entry, name, there, path + b"/" + name)

    def show(self, entry, name, there, path):
        top = there[0]
        e = entry.children[name] = rootfs_tree.Entry(
            top.letter, 0o777 if top.letter == b"l" else top.mode, top.uid, top.gid)
        e.xattrs = sorted(top.xattrs.items())
        if top.letter == b"f":
            e.size, e.content = len(top.content), rootfs_tree.verity(top.content)
        e.target = top.target if top.letter == b"l" else None
        e.rdev = top.rdev if top.letter in b"cb" else None
        self.feed(top, e, path)
        if top.letter != b"d":
            return
        stack = []
        for inode in there:
            if inode.letter != b"d":
                break
            stack.append(inode)
            if inode.opaque:
                break
        self.merge(e, stack, path)

    def feed(self, top, e, path):
        kind = next(k for k, letter in LETTERS.items() if letter == top.letter)
        c = cmc_rootfs.Entry(path[1:], kind, e.mode, e.uid, e.gid,
                             cap=top.xattrs.get(CAPABILITY, b""))
        if kind == b"5":
            c.name += b"/"
        elif id(top) in self.seen:
            c.kind, c.link = b"1", self.first[id(top)][1:]
            e.link = self.seen[id(top)].link = self.first[id(top)]
        else:
            self.first[id(top)], self.seen[id(top)] = path, e
        if kind in b"34":
            c.rdev = top.rdev
        if c.kind == b"2":
            c.link = top.target
        if c.kind == b"0":
            c.size = len(top.content)
        self.archive.update(cmc_rootfs.encode(c))
        if c.kind == b"0":
            self.archive.update(cmc_rootfs.pad(top.content))


def main(args):
    sys.setrecursionlimit(100000)
    try:
        image = Image(Layout(args[-1]))
    except Refused as why:
        sys.exit(f"refused: {why}")
    if args[0] == "--list":
        sys.stdout.buffer.write(rootfs_tree.listing(image.root))
    else:
        print(image.root.root_digest().hex(), image.archive.hexdigest())


if __name__ == "__main__":
    main(sys.argv[1:])
