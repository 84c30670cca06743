# SPDX-License-Identifier: Apache-2.0
"""topic_userns.py -- containers in user namespaces: measured is what they see of the root file system."""
import io
import os
import tarfile

import image
import world
from world import PLACE, ctr, events, expect, new_id, run, same

FIRST, SECOND, SHORT = "0:100000:65536", "0:200000:65536", "0:100000:1000"
OWNERS = {"root": (0, 0), "user": (1000, 1001)}
SEEN = {"root": "0:0", "user": "1000:1001", "twin": "1000:1001", "link": "1000:0"}
NOBODY = "65534:65534"


def layer(owners):
    """Files of several owners, and the directories that runc cannot make in a foreign root."""
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w", format=tarfile.PAX_FORMAT) as tar:
        def put(name, kind=tarfile.REGTYPE, mode=0o644, owner=(0, 0), target=""):
            entry = tarfile.TarInfo(name)
            entry.type, entry.mode, entry.linkname, (entry.uid, entry.gid) = kind, mode, target, owner
            tar.addfile(entry)

        for name in ("dev", "proc", "sys", "run", "etc", "owners"):
            put(name, tarfile.DIRTYPE, 0o755)
        for name, owner in owners.items():
            put("owners/" + name, owner=owner)
        put("owners/link", tarfile.SYMTYPE, 0o777, (1000, 0), "user")
        put("owners/twin", tarfile.LNKTYPE, 0o644, OWNERS["user"], "owners/user")
    return out.getvalue()


def owners_image(**more):
    ref = "example.org/cmc/owners:" + ("more" if more else "1")
    if ref not in ctr("images", "ls", "-q").stdout.split():
        archive = f"{PLACE}/tmp/owners.tar"
        image.write(archive, ref, 1, "", [], more=[layer({**OWNERS, **more})])
        ctr("images", "import", archive)
        os.unlink(archive)
    return ref


def run_mapped(ref, *command, **more):
    """ctr finds a mapped parent that an earlier container left, and containerd, which collects what nobody
    refers to, may take it away before ctr has a snapshot of it: then there never was a container."""
    for _ in range(3):
        done = run(ref, *command, status=None, **more)
        if not ("parent snapshot" in done.stderr and "does not exist" in done.stderr):
            break
    same(done.returncode, 0, f"exit status: {done.stderr}")
    return done.stdout


def start(ref, mapping=None, *flags):
    """What a container sees, {name: owner}, and the event about it."""
    name = new_id()
    os.chmod(f"{PLACE}/containerd", 0o711)  # as a machine's: the bundle is reached with any host id
    maps = ["--uidmap", mapping, "--gidmap", mapping] if mapping else []
    text = run_mapped(ref, "ls", "-ln", "/owners", name=name, opts=[*maps, *flags])
    lines = [line.split() for line in text.splitlines()[1:]]
    created = events("container-create", name)
    same(len(created), 1, "events: " + str(events(name=name)))
    return {fields[8]: f"{fields[2]}:{fields[3]}" for fields in lines}, created[0]


def two_mappings(ref, *flags):
    """One image under two mappings: seen alike and measured alike; what differs is the mapping."""
    seen, created = start(ref, FIRST, *flags)
    seen_too, created_too = start(ref, SECOND, *flags)
    same(seen_too, seen, "owners under another mapping")
    same(created_too["rootfs"], created["rootfs"], "rootfs digest under another mapping")
    expect(created_too["config"] != created["config"], "the mapping is not in the config digest")
    _, again = start(ref, FIRST, *flags)
    same((again["rootfs"], again["config"]), (created["rootfs"], created["config"]), "the digests")
    return seen, created["rootfs"]


def test_remapped_snapshots():
    """ctr copies the snapshot, file by file to its new owner: the container sees the image's."""
    seen, _ = two_mappings(owners_image())
    same(seen, SEEN, "owners")


def test_snapshots_by_label():
    """Left to the snapshotter: 1.6 knows no such labels, 1.7 copies, 2.x maps the layers' ids."""
    seen, rootfs = two_mappings(owners_image(), "--remap-labels")
    plain_seen, plain = start(owners_image())
    same(plain_seen, SEEN, "owners without a user namespace")
    if world.version() < (1, 7):
        same(seen, {name: NOBODY for name in SEEN}, "owners of an unmapped snapshot")
        expect(rootfs != plain["rootfs"], "owners that nobody maps are not in the digest")
        return
    same(seen, SEEN, "owners")
    if world.version() >= (2, 0):
        same(rootfs, plain["rootfs"], "rootfs digest with and without a user namespace")


def test_ids_beyond_the_mapping():
    if world.version() >= (2, 0):
        raise world.Skip("containerd 2.x makes no snapshot of an image with such ids")
    ref = owners_image(away=(70000, 70001))
    seen, _ = two_mappings(ref)
    same(seen, {**SEEN, "away": NOBODY}, "owners")


def test_ids_mapped_away():
    if world.version() >= (2, 0):
        raise world.Skip("containerd 2.x makes no snapshot of an image with such ids")
    _, whole = start(owners_image(), FIRST)
    seen, created = start(owners_image(), SHORT)
    same(seen, {"root": "0:0", "user": NOBODY, "twin": NOBODY, "link": "65534:0"}, "owners")
    expect(created["rootfs"] != whole["rootfs"], "a mapping that hides owners is not in the digest")


def test_a_written_upper_above_changed_ids():
    """Started anew over what it wrote: its files have the host's ids, those below the image's."""
    if world.version() < (2, 0):
        raise world.Skip("only containerd 2.x changes ids of layers")
    name = world.detach(owners_image(), "touch", "/written", opts=[
        "--uidmap", FIRST, "--gidmap", FIRST, "--remap-labels"])
    world.wait_until(lambda: world.status_of(name) == "STOPPED", "the container is at its end")
    ctr("task", "delete", name)
    same(events(name=name)[0]["type"], "container-create", "the first event")
    ctr("task", "start", name, status=None)
    same(len(events("measurement-failed", name)), 1, "failures to measure")
    ctr("container", "delete", name)
