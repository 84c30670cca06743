#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""image_compare.py MEASURE_BUNDLE -- images of hard trees and of random ones: measure-bundle and image.py
give one listing and equal digests, or both refuse."""
import json
import os
import random
import shutil
import subprocess
import sys
import tarfile
import tempfile

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(HERE, "..", "integration", "image"))
import cases_rootfs  # noqa: E402  pylint: disable=wrong-import-position
import image  # noqa: E402  pylint: disable=wrong-import-position
import layers  # noqa: E402  pylint: disable=wrong-import-position
import rootfs_tree  # noqa: E402  pylint: disable=wrong-import-position

NAMES = ["a", "b", "c", "a/b", "a/c", "b/a", "a/b/c", "../a", "./b", "c/../a", ".wh.a", ".wh.b", "a/.wh.b",
         "a/b/.wh.c", "a/.wh..wh..opq", ".wh..wh..opq", "b/.wh..wh..opq", "c/a/b", "/a", "b/"]
TARGETS = ["a", "b", "a/b", "/a", "../b", "nowhere", ".", "c", "/"]
VALUES = {"user.x": [b"1", b""], layers.ACCESS: [layers.NAMED_ACL, layers.PLAIN_ACL, b""],
          layers.DEFAULT: [layers.NAMED_ACL, layers.PLAIN_ACL, b""],
          layers.CAPABILITY: [layers.CAP_NET_RAW, layers.CAP_ROOTID_0, layers.CAP_ROOTID_7]}
KINDS = [tarfile.REGTYPE] * 5 + [tarfile.DIRTYPE] * 4 + [tarfile.SYMTYPE, tarfile.LNKTYPE] * 2 + \
    [tarfile.FIFOTYPE, tarfile.CHRTYPE]


def member(rng):
    name, kind = rng.choice(NAMES), rng.choice(KINDS)
    if ".wh." in name:
        kind = tarfile.REGTYPE
    attributes = {}
    if rng.random() < 0.2:
        key = rng.choice(list(VALUES))
        attributes[key.replace(".", "__")] = rng.choice(VALUES[key])
    data = bytes(rng.randrange(256) for _ in range(rng.randrange(20))) if kind == tarfile.REGTYPE else b""
    return layers.entry(name, kind=kind, data=data, mode=rng.choice([0o644, 0o755, 0o4711, 0o700]),
                        link=rng.choice(TARGETS), dev=(rng.randrange(2), rng.randrange(2)),
                        own=(rng.randrange(3), rng.randrange(3)), **attributes)


def ours(program, archive, place):
    out = []
    for profile in ("exact", "cmc"):
        done = subprocess.run([program, "--image", archive, "--as", "ctr-1.6", "--profile", profile,
                               "--listing", place + "/listing"], capture_output=True, text=True,
                              check=False, env=dict(os.environ, TMPDIR=place))
        if done.returncode:
            return done.stderr.strip()
        out.append(json.loads(done.stdout)[0]["ctrData"]["rootfsSha256"])
    with open(place + "/listing", "rb") as f:
        return out, f.read()


def theirs(archive):
    try:
        made = image.Image(image.Layout(archive))
    except image.Refused as why:
        return f"refused: {why}"
    return ([made.root.root_digest().hex(), made.archive.hexdigest()], rootfs_tree.listing(made.root))


def check(program, place, name, stack, how="tar"):
    """True when the image was taken."""
    archive = place + "/image.tar"
    layers.write(archive, "x", stack, how)
    got, want = ours(program, archive, place), theirs(archive)
    if isinstance(got, str) != isinstance(want, str) or (isinstance(got, tuple) and got != want):
        sys.exit(f"{name}: ours {got}, the oracle's {want}")
    return isinstance(got, tuple)


def main():
    program, count = sys.argv[1], int(sys.argv[2]) if len(sys.argv) > 2 else 150
    seed = int(os.environ.get("CMC_SEED", random.SystemRandom().randrange(1 << 32)))
    rng = random.Random(seed)
    print(f"CMC_SEED={seed}")
    with tempfile.TemporaryDirectory() as place:
        for name, stack in cases_rootfs.GOOD.items():
            if not check(program, place, name, stack):
                sys.exit(f"{name}: refused")
        for name, stack in cases_rootfs.BAD.items():
            if check(program, place, name, stack):
                sys.exit(f"{name}: taken")
        check(program, place, "gzip", cases_rootfs.GOOD["many layers"], "gzip")
        if shutil.which("zstd"):
            check(program, place, "zstd", cases_rootfs.GOOD["many layers"], "zstd")
        taken = sum(check(program, place, f"random image {n}",
                          [layers.layer(*(member(rng) for _ in range(rng.randrange(1, 7))))
                           for _ in range(rng.randrange(1, 4))]) for n in range(count))
        print(f"{count} random images, {taken} of them taken")
        if not taken:
            sys.exit("no random image was taken")


if __name__ == "__main__":
    main()
