# SPDX-License-Identifier: Apache-2.0
"""topic_stale.py -- an image is measured once, until anything of it is touched: then anew."""
import hashlib
import mmap
import os
import re
import shutil
import time

from topic_bundle import in_profile, offline, unpack
from world import (CMC, PLACE, Skip, busybox, ctr, events, expect, new_id, oracle, run, same, sh,
                   verify)

HELPER_LOG, CACHE = "/run/cmc/shim.log", "/run/cmc/cache"
SNAPSHOTS = f"{PLACE}/containerd/root/io.containerd.snapshotter.v1.overlayfs/snapshots"
SALT, REST = "stale", 0.25  # seconds until what was changed may be kept
WHERE = re.compile(r'msg="(took the digest measured before|took the digest of another measuring|'
                   r'measured, and others may use it|a digest is not kept)" task="([^"]+)"')
KEPT, LANDED, NOT = ("took the digest measured before", "measured, and others may use it",
                     "a digest is not kept")


def layer_with(name, content=None):
    """The directory of the layer that has this file."""
    for number in sorted(os.listdir(SNAPSHOTS), key=int):
        path = f"{SNAPSHOTS}/{number}/fs"
        if os.path.isfile(f"{path}/{name}"):
            with open(f"{path}/{name}", "rb") as f:
                if content is None or f.read() == content:
                    return path
    raise AssertionError(f"no layer with {name}")


class Image:
    """Two layers; the upper one has files to change in /stale."""

    def __init__(self):
        self.ref = busybox(layers=2, salt=SALT)
        run(self.ref, "true")
        self.top, self.base = layer_with("salt", SALT.encode()), layer_with("bin/busybox")
        if sh("stat", "-f", "-c", "%T", self.top).stdout.strip() not in ("ext2/ext3", "xfs"):
            raise Skip("no disk: images are on a file system of which nothing is kept")
        self.config = unpack() + "/config.json"
        self.refill()

    def refill(self):
        here = f"{self.top}/stale"
        shutil.rmtree(here, ignore_errors=True)
        os.makedirs(here + "/dir")
        for name, text in (("file", "hello"), ("other", "world"), ("dir/inner", "inner")):
            with open(f"{here}/{name}", "w", encoding="ascii") as f:
                f.write(text)
        os.symlink("file", here + "/link")
        os.link(here + "/other", here + "/dir/twin")
        shutil.rmtree(f"{self.top}/bin", ignore_errors=True)
        time.sleep(REST)

    def fresh(self, upper=None, profile="exact"):
        """What measure-bundle says of the layers, mounted as a container would get them."""
        place = f"{PLACE}/stale"
        os.makedirs(place, exist_ok=True)
        lowers = ":".join(([upper] if upper else []) + [self.top, self.base])
        sh("mount", "-t", "overlay", "-o", f"ro,lowerdir={lowers}", "stale", place)
        try:
            return offline("-profile", profile, "-config", self.config, "-rootfs",
                           place)["ctrData"]["rootfsSha256"]
        finally:
            sh("umount", place)


_made = []


def image():
    if not _made:
        _made.append(Image())
    _made[0].refill()
    return _made[0]


def said_of(name):
    """Where the helper says that the digest of a container came from."""
    with open(HELPER_LOG, encoding="utf-8", errors="replace") as log:
        return [what for what, task in WHERE.findall(log.read()) if task == name]


def create(img):
    """Runs a container: its event, and where its digest came from."""
    name = new_id("stale")
    run(img.ref, "true", name=name)
    created = events("container-create", name)
    same(len(created), 1, "events")
    return created[0], said_of(name)


def keep(img):
    """The image is measured and kept: the event."""
    first, where = create(img)
    expect(where in ([LANDED], [KEPT]), f"measured first: {where}")
    second, where = create(img)
    same(where, [KEPT], "unchanged")
    same((second["rootfs"], second["listing"]), (first["rootfs"], first["listing"]), "digests")
    return second


# what may happen to a layer; "another": the digest must be another one then

def content_and_mtime_back(img):
    before = os.stat(img.top + "/stale/file")
    with open(img.top + "/stale/file", "r+", encoding="ascii") as f:
        f.write("jello")
    os.utime(img.top + "/stale/file", ns=(before.st_atime_ns, before.st_mtime_ns))
    return "another"


def flip(path):
    before = os.stat(path)
    with open(path, "r+b") as f:
        f.seek(-1, os.SEEK_END)
        last = f.read(1)
        f.seek(-1, os.SEEK_END)
        f.write(bytes([last[0] ^ 1]))
    os.utime(path, ns=(before.st_atime_ns, before.st_mtime_ns))


def content_of_the_lowest_layer(img):
    flip(img.base + "/bin/busybox")
    return "another"


def store_through_a_mapping(img):
    with open(img.top + "/stale/file", "r+b") as f, mmap.mmap(f.fileno(), 5) as at:
        at[0:1] = b"J"
    return "another"


def names_exchanged(img):
    here = img.top + "/stale"
    os.rename(here + "/file", here + "/was")
    os.rename(here + "/other", here + "/file")
    os.rename(here + "/was", here + "/other")
    return "another"


def directory_renamed(img):
    os.rename(img.top + "/stale/dir", img.top + "/stale/dor")
    return "another"


def attribute(img):
    os.setxattr(img.top + "/stale/file", "user.stale", b"1")
    return "another"


def attribute_of_a_directory(img):
    os.setxattr(img.top + "/stale/dir", "user.stale", b"1")
    return "another"


def capability(img):
    os.setxattr(img.top + "/stale/file", "security.capability",
                bytes.fromhex("0100000200040000000000000000000000000000"))
    return "another"


def mode(img):
    os.chmod(img.top + "/stale/file", 0o4755)
    return "another"


def mode_of_a_directory(img):
    os.chmod(img.top + "/stale/dir", 0o700)
    return "another"


def owner(img):
    os.chown(img.top + "/stale/link", 7, 8, follow_symlinks=False)
    return "another"


def hard_link(img):
    os.link(img.top + "/stale/file", img.top + "/stale/again")
    return "another"


def hard_link_from_elsewhere(img):
    """No name of the tree; only the inode's ctime tells."""
    os.link(img.top + "/stale/file", f"{os.path.dirname(img.top)}/aside")
    os.unlink(f"{os.path.dirname(img.top)}/aside")
    return "the same"


def link_to_elsewhere(img):
    os.unlink(img.top + "/stale/link")
    os.symlink("dir", img.top + "/stale/link")
    return "another"


def another_file_of_that_size(img):
    with open(img.top + "/stale/new", "w", encoding="ascii") as f:
        f.write("hallo")
    shutil.copystat(img.top + "/stale/file", img.top + "/stale/new")
    os.rename(img.top + "/stale/new", img.top + "/stale/file")
    return "another"


def file_added(img):
    with open(img.top + "/stale/dir/new", "w", encoding="ascii"):
        pass
    return "another"


def file_removed(img):
    os.unlink(img.top + "/stale/dir/inner")
    return "another"


def device(img):
    os.mknod(img.top + "/stale/null", 0o20666, os.makedev(1, 3))
    return "another"


def whiteout(img):
    """bin/ is merged: a name of the lowest layer vanishes."""
    os.makedirs(img.top + "/bin")
    shutil.copystat(img.base + "/bin", img.top + "/bin")
    os.mknod(img.top + "/bin/wc", 0o20000, os.makedev(0, 0))
    return "another"


def touched(img):
    os.utime(img.top + "/stale/file")
    return "the same"


# One after the other to the same files, so those that take some away come late.
CHANGES = [content_and_mtime_back, store_through_a_mapping, names_exchanged, attribute,
           attribute_of_a_directory, capability, mode, mode_of_a_directory, owner, hard_link,
           hard_link_from_elsewhere, link_to_elsewhere, another_file_of_that_size, touched, file_added,
           device, file_removed, directory_renamed, whiteout, content_of_the_lowest_layer]

# What is kept is the helper's, whatever containerd there is: with others than the machine's, one kind for
# each way to change layers is enough.
ELSEWHERE = [content_and_mtime_back, file_removed, whiteout, content_of_the_lowest_layer]


def is_elsewhere():
    return bool(os.environ.get("CMC_CONTAINERD"))


def test_changes():
    img = image()
    before = keep(img)
    changes = ELSEWHERE if is_elsewhere() else CHANGES
    for change in changes:
        what = change.__name__.replace("_", " ")
        expected = change(img)
        event, where = create(img)
        expect(KEPT not in where, f"{what}: {where}")
        same(event["rootfs"], img.fresh(), f"digest after: {what}")
        same(event["rootfs"] != before["rootfs"], expected == "another", f"another digest: {what}")
        time.sleep(REST)
        create(img)
        before, where = create(img)
        same(where, [KEPT], f"at rest, after: {what}")
        same(before["rootfs"], event["rootfs"], f"digest at rest, after: {what}")
    flip(img.base + "/bin/busybox")  # other images have this layer
    verify()
    oracle()
    return f"{len(changes)} kinds of change"


def test_unchanged():
    """Neither reading, nor time, nor other containers make it another image."""
    img = image()
    first = keep(img)
    for path, _, files in os.walk(img.top):
        for name in files:
            sh("cat", f"{path}/{name}")
    run(busybox(layers=2, salt="another"), "true")
    for _ in range(3):
        event, where = create(img)
        same(where, [KEPT], "unchanged")
        same((event["rootfs"], event["listing"]), (first["rootfs"], first["listing"]), "digests")
    same(first["rootfs"], img.fresh(), "digest")


def test_a_mapping_that_stays():
    """Once its page is dirty, stores change no ctime: nothing is kept as long as it is there."""
    img = image()
    with open(img.top + "/stale/file", "r+b") as f, mmap.mmap(f.fileno(), 5) as at:
        f.close()
        for letter in b"abc":
            at[0] = letter
            time.sleep(REST)
            event, where = create(img)
            same(where, [NOT], "with a mapping")
            same(event["rootfs"], img.fresh(), f"digest with {letter}")
    time.sleep(REST)
    event = keep(img)
    same(event["rootfs"], img.fresh(), "digest")


def test_open_for_writing():
    """Since it was changed; or since it was read, which a look at it tells from a change."""
    img = image()
    with open(img.top + "/stale/file", "r+b") as f:
        f.write(b"jello")
        f.flush()
        time.sleep(REST)
        for _ in range(2):
            event, where = create(img)
            same(where, [NOT], "while it is open")
            same(event["rootfs"], img.fresh(), "digest")
    before = keep(img)
    with open(img.top + "/stale/file", "r+b") as f, mmap.mmap(f.fileno(), 5) as at:
        event, where = create(img)
        same(where, [KEPT], "open, and mapped, but not written to")
        at[0] = b"c"[0]
        event, where = create(img)
        expect(KEPT not in where, f"written to: {where}")
        same(event["rootfs"], img.fresh(), "digest")
        expect(event["rootfs"] != before["rootfs"], "another digest")


def test_mounts():
    """overlayfs shows what is below a mount in a layer, and so does the digest."""
    img = image()
    before = keep(img)
    other = f"{PLACE}/tmp/other"
    os.makedirs(other + "/dir", exist_ok=True)
    with open(other + "/file", "w", encoding="ascii") as f:
        f.write("jello")
    for name in ("file", "dir"):
        sh("mount", "--bind", f"{other}/{name}", f"{img.top}/stale/{name}")
        try:
            event, where = create(img)
            same(where, [NOT], f"mounted over {name}: read through an overlay")
            same(event["rootfs"], before["rootfs"], f"digest with a mount over {name}")
            same(event["rootfs"], img.fresh(), f"digest with a mount over {name}")
        finally:
            sh("umount", f"{img.top}/stale/{name}")
    create(img)
    same(create(img)[1], [KEPT], "without a mount")


def entries():
    return sorted(name for name in os.listdir(CACHE) if re.fullmatch("[0-9a-f]{64}", name))


def test_clock_set_back():
    """As found after the clock was an hour late when all of it was measured, and was set right."""
    img = image()
    for _ in range(2):
        run(busybox(layers=2, salt="another"), "true")
        time.sleep(REST)
    before = keep(img)
    expect(len(entries()) > 1, "no more than one image is kept")
    for name in entries():
        with open(f"{CACHE}/{name}", "r+b") as f:
            data = f.read()
            lead = int.from_bytes(data[96:104], "big") + 3600 * 10**9
            data = data[:96] + lead.to_bytes(8, "big") + data[104:200]
            f.seek(0)
            f.write(data + hashlib.sha256(data).digest())
    event, where = create(img)
    same(where, [LANDED], "after the clock was set")
    same(event["rootfs"], before["rootfs"], "digest")
    same(len(entries()), 1, "what is kept then")
    same(create(img)[1], [KEPT], "measured by the right clock")


def test_damage():
    """Bits that are not what was written, other boots and kinds of file: measured again."""
    if is_elsewhere():
        raise Skip("with the machine's containerd only")
    img = image()
    for at in (3, 20, 40, 70, 99, 128, 140, 170, 231):
        keep(img)
        for name in entries():
            with open(f"{CACHE}/{name}", "r+b") as f:
                f.seek(at)
                byte = f.read(1)
                f.seek(at)
                f.write(bytes([byte[0] ^ 1]))
        event, where = create(img)
        same(where, [LANDED], f"with another bit at {at}")
        same(event["rootfs"], img.fresh(), "digest")
    shutil.rmtree(CACHE)
    same(create(img)[1], [LANDED], "with the directory gone")


def test_a_listing_that_is_gone():
    img = image()
    event = keep(img)
    path = f"{PLACE}/state/details/listing-{event['listing']}"
    os.unlink(path)
    again, where = create(img)
    same(where, [LANDED], "without its listing")
    same(again["listing"], event["listing"], "listing")
    expect(os.path.exists(path), "the listing is stored again")


def upper_of(name):
    text = ctr("snapshots", "mounts", "/nowhere", name).stdout
    return re.search(r"upperdir=([^, ]+)", text)[1]


def test_upper_directories():
    """An image's containers differ in what is in their upper directory, and in what it is."""
    img = image()
    plain = keep(img)

    def put(upper):
        with open(upper + "/more", "w", encoding="ascii") as f:
            f.write("more")
    for what, act, another in (
            ("a mode", lambda upper: os.chmod(upper, 0o711), False),
            ("an owner", lambda upper: os.chown(upper, 5, 6), False),
            ("an attribute", lambda upper: os.setxattr(upper, "user.stale", b"1"), True),
            ("a file", put, True)):
        for _ in range(2):
            name = new_id("upper")
            ctr("container", "create", "--runtime", CMC, img.ref, name, "true")
            upper = upper_of(name)
            act(upper)
            want = img.fresh(upper)  # runc adds mount points
            time.sleep(REST)
            ctr("task", "start", name)
            event = events("container-create", name)[0]
            same(event["rootfs"] != plain["rootfs"], another, f"{what}: another digest")
            same(event["rootfs"], want, f"{what}: digest")
            expect(event["listing"] != plain["listing"], f"{what}: another listing")
            ctr("task", "delete", name, status=None)
            ctr("container", "delete", name)
    create(img)  # what was kept is of an upper directory of another kind
    event, where = create(img)
    same(where, [KEPT], "a plain one")
    same((event["rootfs"], event["listing"]), (plain["rootfs"], plain["listing"]), "digests")


def test_profile_cmc():
    def three():
        img, names = image(), [new_id("cmc") for _ in range(3)]
        for name in names:
            run(img.ref, "true", name=name)
        found = {events("container-create", name)[0]["rootfs"] for name in names}
        same(found, {img.fresh(profile="cmc")}, "digests")
        with open("/run/cmc-cmc/shim.log", encoding="utf-8", errors="replace") as log:
            where = {task: what for what, task in WHERE.findall(log.read())}
        same([where.get(name) for name in names[1:]], [KEPT, KEPT], "after the first")
    in_profile("cmc", three)
