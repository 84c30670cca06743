#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""One image, unpacked by umoci as root and as an ordinary user: the same digests, or a want.

compare_rootless.py TOOL [--images N] [--seed N]
"""
import argparse
import hashlib
import io
import json
import os
import random
import shutil
import subprocess
import sys
import tarfile
import tempfile
import time

USER = 65534
SKIP = 77
LAYER = "application/vnd.oci.image.layer.v1.tar"
CONFIG = "application/vnd.oci.image.config.v1+json"
MANIFEST = "application/vnd.oci.image.manifest.v1+json"


def entry(name, kind=tarfile.REGTYPE, data=b"", mode=0o644, owner=(0, 0), **more):
    e = tarfile.TarInfo(name)
    e.type, e.mode, (e.uid, e.gid), e.size = kind, mode, owner, len(data)
    e.linkname = more.get("link", "")
    e.devmajor, e.devminor = more.get("device", (0, 0))
    e.pax_headers = {"SCHILY.xattr." + k: v for k, v in more.get("xattrs", {}).items()}
    return e, data


def layer(entries):
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w", format=tarfile.PAX_FORMAT) as tar:
        for e, data in entries:
            tar.addfile(e, io.BytesIO(data))
    return out.getvalue()


def write_image(path, entries):
    os.makedirs(path + "/blobs/sha256")

    def blob(data, kind):
        digest = hashlib.sha256(data).hexdigest()
        with open(f"{path}/blobs/sha256/{digest}", "wb") as f:
            f.write(data)
        return {"mediaType": kind, "digest": "sha256:" + digest, "size": len(data)}

    data = blob(layer(entries), LAYER)
    config = blob(json.dumps({"architecture": "amd64", "os": "linux", "config": {}, "rootfs": {
        "type": "layers", "diff_ids": [data["digest"]]}}).encode(), CONFIG)
    manifest = blob(json.dumps({"schemaVersion": 2, "mediaType": MANIFEST, "config": config,
                                "layers": [data]}).encode(), MANIFEST)
    manifest["annotations"] = {"org.opencontainers.image.ref.name": "image"}
    with open(path + "/index.json", "w", encoding="ascii") as f:
        json.dump({"schemaVersion": 2, "manifests": [manifest]}, f)
    with open(path + "/oci-layout", "w", encoding="ascii") as f:
        json.dump({"imageLayoutVersion": "1.0.0"}, f)


def random_entries(rng):
    owners = [(0, 0), (0, 42), (33, 33), (1000, 0), (4294967294, 70000)]
    made, files, folders = [entry(".", tarfile.DIRTYPE, mode=0o755)], [], [""]
    for i in range(rng.randrange(3, 25)):
        name = rng.choice(folders) + rng.choice(["file", "caf\u00e9", "-x", "n" * 120]) + str(i)
        owner = rng.choice(owners)
        kind = rng.choice(["file", "file", "dir", "link", "hard"])
        if kind == "dir":
            made.append(entry(name, tarfile.DIRTYPE, mode=rng.choice([0o755, 0o1777, 0o2775, 0o700]),
                              owner=owner))
            folders.append(name + "/")
        elif kind == "link":
            made.append(entry(name, tarfile.SYMTYPE, link="target", mode=0o777))
        elif kind == "hard" and files:
            first = rng.choice(files)
            twin, _ = entry(name, tarfile.LNKTYPE, mode=first[1], owner=first[2], link=first[0])
            made.append((twin, b""))
        else:
            mode = rng.choice([0o644, 0o600, 0o4755, 0o2755, 0o7777, 0o444])
            owner = owner if mode & 0o200 else (0, 0)  # what is read-only keeps no attribute
            xattrs = {"user.a": "b"} if rng.random() < 0.3 and mode & 0o200 else {}
            made.append(entry(name, data=rng.randbytes(rng.randrange(3000)), mode=mode, owner=owner,
                              xattrs=xattrs))
            if not xattrs:
                files.append((name, mode, owner))
    return made


def unpack(image, where, *flags, user=None):
    who = ["setpriv", f"--reuid={user}", f"--regid={user}", "--clear-groups"] if user else []
    done = subprocess.run([*who, "umoci", "unpack", *flags, "--image", image + ":image", where],
                          capture_output=True, text=True, check=False)
    if done.returncode:
        sys.exit(f"umoci: {done.stdout}{done.stderr}")
    return where + "/rootfs"


def digests(tool, tree, *flags, user=None):
    """Of both forms; or what the exact form says of it."""
    who = ["setpriv", f"--reuid={user}", f"--regid={user}", "--clear-groups"] if user else []
    found = []
    for form in ([], ["-c"]):
        done = subprocess.run([*who, tool, *flags, *form, tree], capture_output=True, text=True,
                              check=False)
        if done.returncode:
            return done.stderr
        found.append(done.stdout.strip())
    return found


class World:
    def __init__(self, tool, top):
        self.tool, self.top, self.count = tool, top, 0

    def both(self, entries):
        """What root's unpacking and a user's give."""
        self.count += 1
        place = f"{self.top}/{self.count}"
        os.makedirs(place + "/user")
        os.chmod(place, 0o755)
        os.chown(place + "/user", USER, USER)
        write_image(place + "/image", entries)
        as_root = digests(self.tool, unpack(place + "/image", place + "/root"))
        tree = unpack(place + "/image", place + "/user/bundle", "--rootless", user=USER)
        as_user = digests(self.tool, tree, "-r", user=USER)
        if digests(self.tool, tree, "-r") != as_user and isinstance(as_user, list):
            sys.exit(f"{tree}: root reads other owners in it than the user")
        shutil.rmtree(place)
        return as_root, as_user


LOST = {
    "device in /dev": ([entry("dev", tarfile.DIRTYPE, mode=0o755),
                        entry("dev/null", tarfile.CHRTYPE, mode=0o666, device=(1, 3))],
                       "/dev/null: an empty file in /dev"),
    "FIFO": ([entry("pipe", tarfile.FIFOTYPE)], "/pipe: neither file, directory nor link"),
    "mode 0": ([entry("secret", data=b"x", mode=0)], "/secret: open: Permission denied"),
    # lost without a trace: another digest, exact and of profile cmc, which no container has
    "device elsewhere": ([entry("null", tarfile.CHRTYPE, mode=0o666, device=(1, 3))], [True, True]),
    "capability": ([entry("ping", data=b"x", mode=0o755, xattrs={
        "security.capability": "\x01\0\0\x02\0\x20" + 14 * "\0"})], [True, True]),
    "owner of a read-only file": ([entry("x", data=b"x", mode=0o444, owner=(7, 7))],
                                 [True, True]),
    "attribute of a read-only file": ([entry("x", mode=0o555, xattrs={"user.a": "b"})],
                                      [True, False]),
    "owner of a link": ([entry("to", tarfile.SYMTYPE, link="x", mode=0o777, owner=(7, 7))],
                                 [True, True]),
}


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("tool")
    parser.add_argument("--images", type=int, default=20)
    parser.add_argument("--seed", type=int, default=int(time.time()))
    args = parser.parse_args()
    if os.geteuid() != 0 or not shutil.which("umoci"):
        print("needs root and umoci")
        sys.exit(SKIP)
    print(f"seed {args.seed}", flush=True)
    top = tempfile.mkdtemp(prefix="cmc-rootless-")
    os.chmod(top, 0o755)
    tool = shutil.copy(args.tool, top + "/tool")  # where the user can reach it
    world = World(tool, top)
    rng = random.Random(args.seed)
    for i in range(args.images):
        as_root, as_user = world.both(random_entries(rng))
        if as_root != as_user or not isinstance(as_root, list):
            sys.exit(f"seed {args.seed}, image {i}: root {as_root}, user {as_user}")
    for what, (entries, want) in LOST.items():
        as_root, as_user = world.both(entries)
        lost = [r != u for r, u in zip(as_root, as_user)] if isinstance(as_user, list) else as_user
        if (want not in lost) if isinstance(lost, str) else (lost != want):
            sys.exit(f"{what}: root {as_root}, user {as_user}")
    shutil.rmtree(top)
    print(f"{args.images} images alike, {len(LOST)} kinds of loss as documented")


if __name__ == "__main__":
    main()
