# SPDX-License-Identifier: Apache-2.0
"""What was read of a layer once is not read again, unless it was touched: on a disk, whose ctimes
can be relied on."""
import json
import mmap
import os
import re
import shutil
import subprocess
import tempfile
import time

from world import RUNTIME, Skip, expect, overlay, same, spec, tree

CASES = []
LARGE = 200 << 20


def case(function):
    def with_a_disk(world):
        # a layer's parent must be root's alone
        with tempfile.TemporaryDirectory(dir="/var/tmp", prefix="cmc-known-") as top:
            shutil.rmtree(RUNTIME + "/cache", ignore_errors=True)
            function(world, top)
    with_a_disk.__name__ = function.__name__
    CASES.append(with_a_disk)
    return function


def rest():
    """Until what was written is long enough ago to be relied on."""
    time.sleep(0.15)


class Image:
    """Layers, top first, below a directory that each container gets anew."""

    def __init__(self, world, layers):
        self.world, self.layers = world, layers
        self.upper = world.dir()

    def fresh(self):
        """What measure-bundle says of the mounted overlay."""
        where, bundle = self.world.dir(), self.world.bundle(rootfs=False)
        data = "index=off,lowerdir=" + ":".join([self.upper, *self.layers])
        subprocess.run(["mount", "-t", "overlay", "-o", "ro," + data, "none", where], check=True)
        try:
            with open(bundle + "/config.json", "w", encoding="utf-8") as f:
                json.dump(spec(root={"path": where}), f)
            done = subprocess.run([self.world.build + "/bin/measure-bundle", "--config",
                                   bundle + "/config.json"], capture_output=True, check=True)
        finally:
            subprocess.run(["umount", where], check=True)
        return json.loads(done.stdout)[0]["ctrData"]["rootfsSha256"]

    def measure(self):
        """The bytes that were read, when files were known, else None; the digest must be right."""
        want = self.fresh()
        answer = self.world.ask(create={"mounts": [overlay(self.upper, self.layers)]})
        same(self.world.event(answer, "container-create")["rootfs"], want, "the digest")
        said = re.search(r"knew files of layers.* known=\"?(\d+)\"? bytes=\"?(\d+)", answer.log)
        return said and (int(said[1]), int(said[2]))


def layer(top, name, files):
    return tree(f"{top}/{name}", files)


FILES = {"a": "aaaa", "b": "bbbbbb", "d/c": "cccccccc", "d/e": ""}


class Base:
    """A layer below images that are never the same."""

    def __init__(self, world, top):
        self.world, self.top, self.count = world, top, 0
        self.path = layer(top, "base", FILES)
        rest()
        same(self.image().measure(), None, "never seen")

    def image(self):
        self.count += 1
        files = {f"own{self.count}": "x" * 10}
        return Image(self.world, [layer(self.top, f"own{self.count}", files), self.path])


@case
def a_layer_of_two_images_is_read_once(world, top):
    base = layer(top, "base", FILES)
    with open(base + "/large", "wb") as f:
        for i in range(LARGE >> 20):
            f.write(bytes([i]) * (1 << 20))
    first = Image(world, [layer(top, "1", {"one": "1"}), base])
    second = Image(world, [layer(top, "2", {"two": "22", "a": "hides"}), base])
    rest()
    same(first.measure(), None, "never seen")
    same(second.measure(), (3, 7), "all of the base but what is hidden; two new files")
    with open(base + "/b", "r+", encoding="utf-8") as f:
        f.write("B")
    rest()
    third = Image(world, [layer(top, "3", {"three": "333"}), base])
    same(third.measure(), (3, 9), "the changed one, and the new one")


@case
def what_has_times_to_come_is_read_again(world, top):
    """As what was written just now, which a busy machine cannot be asked to measure in time."""
    base, ahead = layer(top, "base", FILES), time.time() + 3600
    for name in FILES:
        os.utime(f"{base}/{name}", (ahead, ahead))
    for i in range(2):
        same(Image(world, [layer(top, f"own{i}", {"x": "y"}), base]).measure(), None, "too young")


def content_with_its_mtime_put_back(path):
    was = os.stat(path + "/b")
    with open(path + "/b", "r+", encoding="utf-8") as f:
        f.write("BBBBBB")
    os.utime(path + "/b", ns=(was.st_atime_ns, was.st_mtime_ns))


def a_store_through_a_mapping(path):
    with open(path + "/b", "r+b") as f, mmap.mmap(f.fileno(), 0) as m:
        m[0:1] = b"B"


def another_in_its_place(path):
    with open(path + "/n", "w", encoding="utf-8") as f:
        f.write("BBBBBB")
    os.rename(path + "/n", path + "/b")


def two_that_change_places(path):
    for old, new in (("a", "t"), ("b", "a"), ("t", "b")):
        os.rename(f"{path}/{old}", f"{path}/{new}")


def grown(path):
    with open(path + "/b", "a", encoding="utf-8") as f:
        f.write("more")


def another_mode(path):
    os.chmod(path + "/b", 0o600)


def another_owner(path):
    os.chown(path + "/b", 1, 1)


def an_attribute(path):
    os.setxattr(path + "/b", "user.x", b"y")


def one_more_name(path):
    os.link(path + "/b", path + "/d/b")


def one_gone(path):
    os.unlink(path + "/b")


def a_link_in_its_place(path):
    os.unlink(path + "/b")
    os.symlink("a", path + "/b")


def a_restored_copy(path):
    """With the inode number and all times that can be had."""
    was = os.stat(path + "/b")
    for _ in range(100):
        os.unlink(path + "/b")
        with open(path + "/b", "w", encoding="utf-8") as f:
            f.write("BBBBBB")
        if os.stat(path + "/b").st_ino == was.st_ino:
            break
    os.utime(path + "/b", ns=(was.st_atime_ns, was.st_mtime_ns))


CHANGES = {  # what is known then of three files that are not empty
    content_with_its_mtime_put_back: 2, a_store_through_a_mapping: 2, another_in_its_place: 2,
    two_that_change_places: 1, grown: 2, another_mode: 2, another_owner: 2, an_attribute: 2,
    one_more_name: 2, one_gone: 2, a_link_in_its_place: 2, a_restored_copy: 2,
}


@case
def each_change_is_seen(world, top):
    for i, (change, known) in enumerate(CHANGES.items()):
        base = Base(world, f"{top}/{i}")
        same(base.image().measure(), (3, 10), f"{change.__name__}: known before")
        image = base.image()
        was = image.fresh()
        change(base.path)
        expect(image.fresh() != was, f"{change.__name__} changes the digest")
        got = image.measure()
        same(got and got[0], known, f"{change.__name__}: known files")
        rest()
        base.image().measure()
        got = base.image().measure()
        same(got and got[1], 10, f"{change.__name__}: bytes read a second time")


@case
def what_may_be_written_is_read_again(world, top):
    base = Base(world, top)
    with open(base.path + "/b", "r+b") as f:
        f.write(b"B")
        f.flush()
        rest()
        same(base.image().measure(), (2, 16), "a writer has it open")
        same(base.image().measure(), (2, 16), "still")
        m = mmap.mmap(f.fileno(), 0)
    same(base.image().measure(), (2, 16), "mapped")
    m[1:2] = b"B"
    same(base.image().measure(), (2, 16), "stored")
    m.close()
    rest()
    same(base.image().measure(), (2, 16), "nobody any more")
    same(base.image().measure(), (3, 10), "known now")


@case
def a_container_that_writes_its_layer(world, top):
    """A layer that is an overlay's upper directory, written through it."""
    base = Base(world, top)
    lower, where = layer(top, "lower", {"x": "y"}), world.dir()
    os.mkdir(top + "/work")
    data = f"index=off,lowerdir={lower},upperdir={base.path},workdir={top}/work"
    subprocess.run(["mount", "-t", "overlay", "-o", data, "none", where], check=True)
    try:
        with open(where + "/b", "r+b") as f:
            f.write(b"B")
            f.flush()
            rest()
            same(base.image().measure(), (2, 16), "open through the overlay")
            same(base.image().measure(), (2, 16), "still")
            with mmap.mmap(f.fileno(), 0) as m:
                m[2:3] = b"B"
                same(base.image().measure(), (2, 16), "mapped through it")
    finally:
        subprocess.run(["umount", where], check=True)
    rest()
    same(base.image().measure(), (2, 16), "at rest")
    same(base.image().measure(), (3, 10), "known now")


@case
def a_layer_that_others_may_replace(world, top):
    os.mkdir(top + "/open")
    os.chmod(top + "/open", 0o777)
    base = Base(world, top + "/open")
    same(base.image().measure(), None, "nothing is known there")
    os.chmod(top + "/open", 0o755)
    same(base.image().measure(), None, "nor was it learned")
    same(base.image().measure(), (3, 10), "it is now")


@case
def a_layer_in_memory(world, _):
    base = Base(world, world.dir())
    same(base.image().measure(), None, "a store through a mapping changes no time there")


class Disk:
    """A file system in a file, for the length of a with block."""

    def __init__(self, world, top, *options):
        self.path, self.where = top + "/disk", world.dir()
        for program in ("mkfs.ext4", "fsverity"):
            if not shutil.which(program):
                raise Skip(program + " is not installed")
        subprocess.run(["truncate", "-s", "64M", self.path], check=True)
        if subprocess.run(["mkfs.ext4", "-q", "-F", *options, self.path], check=False).returncode:
            raise Skip("mkfs.ext4 makes no such file system")

    def __enter__(self):
        done = subprocess.run(["mount", "-o", "loop", self.path, self.where], capture_output=True,
                              text=True, check=False)
        if done.returncode:
            raise Skip("not mounted: " + done.stderr.strip().replace("\n", " "))
        return self.where

    def __exit__(self, *_):
        subprocess.run(["umount", self.where], check=True)

    def damage(self, marker):
        """Where the content is that begins with these bytes, others are from now on."""
        with open(self.path, "r+b") as f, mmap.mmap(f.fileno(), 0) as m:
            at = m.find(marker)
            expect(at >= 0, "the content is on the disk")
            m[at:at + 4] = b"xxxx"


VERITY = {  # options of fsverity enable: is the kernel's digest ours?
    "ours": ([], True),
    "salted": (["--salt=00ff"], False),
}


@case
def a_file_with_verity_is_not_read(world, top):
    disk = Disk(world, top, "-O", "verity", "-b", "4096")
    with disk as where:
        base = layer(where, "base", {name: name * 5000 for name in VERITY})
        layer(where, "own", {"x": "y"})
        for name, (options, _) in VERITY.items():
            done = subprocess.run(["fsverity", "enable", *options, f"{base}/{name}"],
                                  capture_output=True, text=True, check=False)
            if done.returncode:
                raise Skip("no fs-verity: " + done.stderr.strip().replace("\n", " "))
        image = Image(world, [where + "/own", base])
        want = image.fresh()
        same(image.measure(), None, "never seen")
    for name, (_, is_ours) in VERITY.items():
        disk.damage(name.encode() * 100)
        with disk as where:
            shutil.rmtree(RUNTIME + "/cache")
            try:
                with open(f"{where}/base/{name}", "rb") as f:
                    f.read()
                raise AssertionError(f"{name}: damage is not seen")
            except OSError:
                pass
            layers = [where + "/own", where + "/base"]
            mounts = [overlay(world.dir(), layers)]
            if is_ours:
                same(world.create(mounts)["rootfs"], want, "of a file that cannot be read")
            else:
                world.refuses("Input/output error", mounts)
