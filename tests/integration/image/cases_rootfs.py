# SPDX-License-Identifier: Apache-2.0
"""cases_rootfs.py -- trees that are hard to get right: name, layers, and how they are packed."""
import tarfile

from layers import (ACCESS, CAP_NET_RAW, CAP_ROOTID_0, CAP_ROOTID_7, CAPABILITY, DEFAULT, GROUP_OBJ,
                    MASK, NAMED_ACL, OTHER, PLAIN_ACL, UNSET, USER_OBJ, acl, entry, file, folder,
                    hardlink, layer, symlink)

BASE = layer(
    folder("etc"), file("etc/passwd", b"root:x:0:0:root:/:/bin/sh\n"), folder("bin"),
    file("bin/sh", b"#!" + b"x" * 9000, mode=0o755), symlink("sh", "bin/sh"),
    folder("d", mode=0o750, own=(5, 6)), file("d/a", b"a"), file("d/b", b"b" * 4096),
    folder("d/e"), file("d/e/f", b"f" * 4097), file("top", b"top", mode=0o4755, own=(1, 2)))


def xattr(name, value):
    return {name.replace(".", "__"): value}


MINIMAL_ACL = acl((USER_OBJ, 7, UNSET), (GROUP_OBJ, 7, UNSET), (MASK, 5, UNSET), (OTHER, 0, UNSET))

# Trees that containerd makes: the digests must be those of what it made.
GOOD = {
    "one layer": [BASE],
    "nothing": [layer()],
    "an empty directory": [layer(folder("a"))],
    "parents that no layer lists": [layer(file("a/b/c/d", b"x"))],
    "parents after those below": [
        BASE, layer(file("d/new", b"x")),
        layer(file("d/e/newer", b"y"), file("fresh/way/down", b"z"))],
    "parents through a link of the layer": [
        layer(folder("usr/lib"), symlink("lib", "usr/lib"), file("lib/x", b"x"))],
    "parents through a link of the layer below": [
        layer(folder("usr"), folder("usr/lib", mode=0o711, own=(3, 4)), file("usr/lib/y", b"y"),
              symlink("lib", "usr/lib")),
        layer(file("lib/x", b"x"))],
    "parents through a link of the layer below, to its root": [
        layer(symlink("a", "/", own=(2, 0))), layer(file("a/b/c", b"c"))],
    "a link that leads out": [
        layer(symlink("out", "../../../etc"), file("out/x", b"x"), symlink("abs", "/var/lib"),
              file("abs/y", b"y"))],
    "a link to nothing in between": [layer(symlink("a", "nowhere/b"), file("a/c", b"c"))],
    "whiteouts": [
        BASE, layer(file("d/.wh.a"), file("bin/.wh.sh"), file(".wh.sh"), file("d/.wh.absent"))],
    "a directory removed": [BASE, layer(file(".wh.d"))],
    "removed and made again": [BASE, layer(file(".wh.d")), layer(folder("d"), file("d/z", b"z"))],
    "removed and replaced in one layer": [BASE, layer(file("d/.wh.a"), file("d/a", b"again"))],
    "a directory removed and made again in one layer": [
        BASE, layer(file(".wh.d"), folder("d"), file("d/z", b"z"))],
    "opaque": [BASE, layer(folder("d"), file("d/.wh..wh..opq"), file("d/z", b"z"))],
    "opaque without its directory": [BASE, layer(file("d/.wh..wh..opq"), file("d/z", b"z"))],
    "opaque after its entries": [BASE, layer(folder("d"), file("d/z", b"z"), file("d/.wh..wh..opq"))],
    "opaque inside": [BASE, layer(folder("d/e"), file("d/e/.wh..wh..opq")),
                      layer(file("d/e/g", b"g"))],
    "opaque root": [BASE, layer(file(".wh..wh..opq"), file("z", b"z"))],
    "opaque in the first layer": [
        layer(folder("a"), file("a/b", b"b"), file("a/c/d", b"d"), file("a/.wh..wh..opq"),
              file("a/e", b"e"))],
    "whiteout in the first layer": [layer(file("a", b"a"), file(".wh.a"), file(".wh.b"))],
    "hidden parents": [
        BASE, layer(folder("d"), file("d/.wh..wh..opq")), layer(file("d/e/new", b"n"))],
    "file over directory": [BASE, layer(file("d", b"now a file"))],
    "directory over file": [BASE, layer(folder("top"), file("top/x", b"x"))],
    "directory over file, then under it": [
        BASE, layer(folder("top", mode=0o700), file("top/x", b"x")), layer(file("top/y", b"y"))],
    "link over directory": [BASE, layer(symlink("d", "etc"))],
    "directory over link": [BASE, layer(folder("sh"), file("sh/x", b"x"))],
    "the same name twice": [
        layer(file("a", b"1"), file("a", b"22"), folder("b"), file("b/c"), file("b", b"file"),
              file("c"), folder("c"), file("c/d"))],
    "directory merged": [BASE, layer(folder("d", mode=0o1777, own=(9, 8)))],
    "hard links": [
        layer(file("a", b"one", mode=0o600), hardlink("b", "a", mode=0o640, own=(1, 1)),
              folder("z"), hardlink("z/c", "./a"), hardlink("z/d", "/z/c"))],
    "hard links, one replaced above": [
        layer(file("a", b"one"), hardlink("b", "a"), hardlink("c", "a")),
        layer(file("a", b"two"))],
    "hard links, all but one gone": [
        layer(file("a", b"one"), hardlink("b", "a")), layer(file(".wh.a"))],
    "a hard link to a link": [
        layer(symlink("l", "/nowhere"), hardlink("m", "l"), folder("x"), hardlink("x/n", "m"))],
    "a hard link through a link": [
        layer(folder("real"), file("real/f", b"f"), symlink("way", "real"), hardlink("g", "way/f"))],
    "hard link whose target was replaced": [
        layer(file("a", b"one"), hardlink("b", "a"), file("a", b"two"), hardlink("c", "a"))],
    "hard link drops a capability": [
        layer(file("a", b"x", **xattr(CAPABILITY, CAP_NET_RAW)), hardlink("b", "a"))],
    "devices and pipes": [
        layer(entry("null", kind=tarfile.CHRTYPE, mode=0o666, dev=(1, 3)),
              entry("disk", kind=tarfile.BLKTYPE, mode=0o660, dev=(259, 65536), own=(0, 6)),
              entry("pipe", kind=tarfile.FIFOTYPE, mode=0o622), hardlink("pipe2", "pipe"))],
    "a device that removes": [
        BASE, layer(folder("d"), entry("d/a", kind=tarfile.CHRTYPE, dev=(0, 0)))],
    "set-id and sticky": [
        layer(file("a", mode=0o6755, own=(4, 5)), folder("b", mode=0o3777), file("c", mode=0o7000))],
    "odd modes": [layer(file("a", mode=0), file("b", mode=0o111), folder("c", mode=0o000))],
    "large ids": [layer(file("a", own=(2097152, 4294967294)), folder("b", own=(100000, 65534)))],
    "long names": [
        layer(file("n" * 255, b"x"), file("/".join(["d" * 60] * 20), b"y"),
              symlink("l", "t" * 300), file("f" * 100), file("p" * 90 + "/" + "q" * 90))],
    "long names, as GNU writes them": [
        layer(file("n" * 255, b"x"), symlink("l" * 120, "t" * 300), file("a/" + "b" * 200, b"z"),
              form=tarfile.GNU_FORMAT)],
    "as ustar": [
        layer(file("a", b"a"), file("p" * 90 + "/" + "q" * 90, b"pq"), form=tarfile.USTAR_FORMAT)],
    "names that are not ASCII": [
        layer(file("ä/ö", b"1"), file("a\udcff b", b"2"), file("a\nb"), file("a\\b"), file("a/x"),
              file("a-x"), symlink("ü", "ä/ö"), form=tarfile.GNU_FORMAT)],
    "names to be cleaned": [
        layer(folder("./"), file("./a", b"a"), file("/b", b"b"), file("x/../c", b"c"),
              file("../../d", b"d"), file("e//f", b"f"), folder("g/"), folder("..", mode=0o700))],
    "sizes at the limits of blocks": [
        layer(*[file(f"s{n}", b"s" * n) for n in (0, 1, 511, 512, 513, 4095, 4096, 4097, 131072,
                                                  131073, 524288, 524289)])],
    "capabilities": [
        layer(file("a", b"x", **xattr(CAPABILITY, CAP_NET_RAW)),
              file("b", b"x", **xattr(CAPABILITY, CAP_ROOTID_0)),
              file("c", b"x", **xattr(CAPABILITY, CAP_ROOTID_7)))],
    "attributes": [
        layer(file("a", b"x", **xattr("user.one", b"1"), **xattr("user.two", b"\xff\x00="),
                   **xattr("user.empty", b""), **xattr("trusted.x", b"t"),
                   **xattr("user.overlay.opaque", b"y"), **xattr("nothing.known", b"n")),
              folder("b", **xattr("user.b", b"b")), symlink("c", "a", **xattr("user.c", b"c")),
              entry("p", kind=tarfile.FIFOTYPE, **xattr("user.p", b"p")))],
    "attributes of a parent that is not listed": [
        layer(folder("a", mode=0o710, own=(7, 7), **xattr("user.b", b"b"), **xattr(ACCESS, NAMED_ACL))),
        layer(file("a/new", b"n"))],
    "attributes of a merged directory": [
        layer(folder("a", **xattr("user.b", b"b"))), layer(folder("a", **xattr("user.c", b"c"))),
        layer(folder("a"))],
    "ACLs": [
        layer(file("a", b"x", mode=0o640, **xattr(ACCESS, NAMED_ACL)),
              file("b", b"x", mode=0o777, **xattr(ACCESS, NAMED_ACL)),
              file("c", b"x", mode=0o604, **xattr(ACCESS, PLAIN_ACL)),
              file("d", b"x", mode=0o2751, **xattr(ACCESS, MINIMAL_ACL)),
              symlink("l", "a", **xattr(ACCESS, NAMED_ACL)))],
    "default ACLs are inherited": [
        layer(folder("d", mode=0o770, **xattr(DEFAULT, NAMED_ACL)), file("d/f", b"x", mode=0o640),
              folder("d/g", mode=0o711), file("d/g/h", mode=0o777), symlink("d/l", "f"),
              entry("d/p", kind=tarfile.FIFOTYPE, mode=0o600), file("d/n/o", b"o"),
              hardlink("d/hard", "d/f", mode=0o444))],
    "default ACLs of three entries": [
        layer(folder("d", **xattr(DEFAULT, PLAIN_ACL)), file("d/f", b"x", mode=0o755),
              folder("d/g"), file("d/g/h"))],
    "default ACL of the layer below": [
        layer(folder("d", **xattr(DEFAULT, NAMED_ACL))), layer(file("d/f", b"x", mode=0o640))],
    "an empty ACL": [layer(file("a", b"x", **xattr(ACCESS, b"")))],
    "many layers": [BASE, layer(file("l0/x"))] + [layer(file(f"d/{n}", str(n).encode()), file(f"l{n - 1}/.wh.x"),
                                                        file(f"l{n}/x")) for n in range(1, 40)],
}

# What containerd refuses to unpack: here it is refused as well.
BAD = {
    "hard link to nothing": [layer(hardlink("b", "a"))],
    "hard link into the layer below": [BASE, layer(hardlink("b", "top"))],
    "hard link to a directory": [layer(folder("a"), hardlink("b", "a"))],
    "hard link to itself": [layer(file("a"), hardlink("a", "a"))],
    "a file in the way": [layer(file("a"), file("a/b"))],
    "a file of the layer below in the way": [BASE, layer(file("top/x/y"))],
    "links in a circle": [layer(symlink("a", "b"), symlink("b", "a"), file("a/x"))],
    "a whiteout of nothing": [BASE, layer(file("d/.wh."))],
    "a whiteout of the parent": [BASE, layer(file("d/.wh..."))],
    "a whiteout of what came before": [BASE, layer(file("x"), file(".wh.x"))],
    "a contiguous file": [layer(entry("a", kind=tarfile.CONTTYPE))],
    "a name of 256 bytes": [layer(file("n" * 256))],
    "a link to nothing at all": [layer(symlink("a", ""))],
    "a capability that is none": [layer(file("a", **xattr(CAPABILITY, b"xx")))],
    "an ACL out of order": [
        layer(file("a", **xattr(ACCESS, acl((OTHER, 4, 0), (USER_OBJ, 4, 0), (GROUP_OBJ, 4, 0)))))],
    "an ACL without a mask": [
        layer(file("a", **xattr(ACCESS, acl((USER_OBJ, 4, 0), (2, 4, 5), (GROUP_OBJ, 4, 0),
                                            (OTHER, 4, 0)))))],
    "a default ACL of a file": [layer(file("a", **xattr(DEFAULT, NAMED_ACL)))],
}
