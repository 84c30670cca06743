# SPDX-License-Identifier: Apache-2.0
"""Where the root file system comes from, and that it is measured as the container will see it."""
import glob
import os
import socket
import subprocess
import threading
import time

from world import PLACE, expect, has, mount, overlay, same, spec, tree

CASES = []


def case(function):
    CASES.append(function)
    return function


def layers(world, count):
    """Lowers, top first; each adds a file and changes a common one."""
    top = world.dir()
    made = [tree(f"{top}/{i}", {f"d/{i}": str(i), "common": str(i)}) for i in range(count)]
    return made[::-1]


def flat(world, count, more=None):
    """The tree that layers() shows when they lie on each other."""
    files = {f"d/{i}": str(i) for i in range(count)}
    files["common"] = str(count - 1)
    files.update(more or {})
    return tree(world.dir(), files)


def digest_of(world, path):
    return world.create(config=spec(root={"path": path}))["rootfs"]


def many(world, count):
    upper = tree(world.dir(), {"up": "x"})
    event = world.create([overlay(upper, layers(world, count))])
    same(event["rootfs"], digest_of(world, flat(world, count, {"up": "x"})), f"{count} layers")


@case
def an_overlay_of_1_layer(world):
    many(world, 1)


@case
def an_overlay_of_2_layers(world):
    many(world, 2)


@case
def an_overlay_of_60_layers(world):
    many(world, 60)


@case
def an_overlay_of_127_layers(world):
    many(world, 127)


@case
def an_overlay_of_500_layers_with_the_upper(world):
    many(world, 499)


@case
def an_overlay_of_501_layers_is_named(world):
    upper = world.dir()
    event = world.refuses("more than 500 layers", [overlay(upper, layers(world, 500))])
    expect("config" in event, "the configuration was measured")


@case
def layers_without_an_upper(world):
    event = world.create([overlay(None, layers(world, 3))])
    same(event["rootfs"], digest_of(world, flat(world, 3)), "three lowers")
    event = world.create([overlay(None, layers(world, 1))])
    same(event["rootfs"], digest_of(world, flat(world, 1)), "a lone lower")


@case
def a_whiteout_hides_its_file(world):
    upper = world.dir()
    os.mkdir(upper + "/d")
    os.mknod(upper + "/d/0", 0o600 | 0o020000, os.makedev(0, 0))
    event = world.create([overlay(upper, layers(world, 2))])
    want = flat(world, 2)
    os.unlink(want + "/d/0")
    same(event["rootfs"], digest_of(world, want), "without the file")


@case
def userxattr_is_passed_on(world):
    upper = tree(world.dir(), {"d/new": "n"})
    os.setxattr(upper + "/d", "user.overlay.opaque", b"y")
    lowers = layers(world, 2)
    seen = world.create([overlay(upper, lowers)])
    hidden = world.create([overlay(upper, lowers, "userxattr")])
    same(hidden["rootfs"], digest_of(world, tree(world.dir(), {"d/new": "n", "common": "1"})),
         "an opaque directory")
    same(seen["rootfs"], digest_of(world, flat(world, 2, {"d/new": "n"})), "not opaque")


def stack(world, marks=()):
    """Two lowers that show more than one name can: a whiteout, an opaque directory, one that was
    renamed. marks: attributes of d in the upper of them. And what they show, without marks."""
    low = tree(world.dir(), {"gone": "x", "d/0": "0", "o/0": "0", "was/0": "0"})
    top = tree(world.dir(), {"d/1": "1", "o/1": "1", "now/1": "1"})
    for name in ("gone", "was"):
        os.mknod(f"{top}/{name}", 0o600 | 0o020000, os.makedev(0, 0))
    os.setxattr(top + "/o", "trusted.overlay.opaque", b"y")
    os.setxattr(top + "/now", "trusted.overlay.redirect", b"was")
    for name, value in marks:
        os.setxattr(top + "/d", name, value)
    shown = {"d/0": "0", "d/1": "1", "o/1": "1", "now/0": "0", "now/1": "1"}
    return [top, low], tree(world.dir(), shown)


NO_MOUNT = "overlay: unshare: Operation not permitted"


@case
def layers_are_read_without_a_mount(world):
    lowers, shown = stack(world)
    want = digest_of(world, shown)
    for upper in (None, world.dir(), tree(world.dir(), {"up": "x"})):
        one = [overlay(upper, lowers, "redirect_dir=on")]
        two = [overlay(upper, lowers, "redirect_dir=on", "metacopy=off")]  # too much to be judged
        read = world.create(one, may_mount=False)
        same(read["rootfs"], world.create(two)["rootfs"], f"upper {upper}: layers and a mount")
        world.refuses(NO_MOUNT, two, may_mount=False)
        same(read["rootfs"] == want, not upper or not os.listdir(upper), f"upper {upper}")


@case
def layers_that_only_a_mount_can_show(world):
    lowers, shown = stack(world, [("trusted.overlay.other", b"y")])
    want, mounts = digest_of(world, shown), [overlay(world.dir(), lowers, "redirect_dir=on")]
    answer = world.ask(create={"mounts": mounts})
    has(answer.log, "mounted, as its layers cannot be read one by one")
    has(answer.log, "/d: not read as layers: the attribute trusted.overlay.other")
    same(world.event(answer, "container-create")["rootfs"], want, "mounted")
    world.refuses(NO_MOUNT, mounts, may_mount=False)


@case
def a_file_with_its_data_in_another_layer(world):
    low, upper, work = tree(world.dir(), {"f": "data"}), world.dir(), world.dir()
    where = world.dir()
    data = f"lowerdir={low},upperdir={upper},workdir={work},metacopy=on"
    subprocess.run(["mount", "-t", "overlay", "-o", data, "none", where], check=True)
    try:
        os.chmod(where + "/f", 0o600)
        want = digest_of(world, where)
    finally:
        subprocess.run(["umount", where], check=True)
    expect("trusted.overlay.metacopy" in os.listxattr(upper + "/f"), "metacopy")
    mounts = [overlay(world.dir(), [upper, low], "metacopy=on")]
    same(world.create(mounts)["rootfs"], want, "mounted")
    world.refuses(NO_MOUNT, mounts, may_mount=False)
    world.refuses("/f: ", [overlay(world.dir(), [upper, low], "metacopy=off")])  # the kernel's word


@case
def a_changed_byte_shows(world):
    upper, lowers = world.dir(), layers(world, 2)
    first = world.create([overlay(upper, lowers)])
    again = world.create([overlay(upper, lowers)])
    tree(lowers[1], {"d/0": "1"})
    second = world.create([overlay(upper, lowers)])
    same(first["rootfs"], again["rootfs"], "measured twice")
    expect(first["rootfs"] != second["rootfs"], "the change is not seen")


def is_open(name):
    """Some process has opened a file of this name."""
    for link in glob.iglob("/proc/[0-9]*/fd/*"):
        try:
            if os.readlink(link).endswith(name):
                return True
        except OSError:
            pass
    return False


@case
def an_upper_that_is_filled_meanwhile(world):
    upper, lowers = world.dir(), layers(world, 2)
    with open(lowers[0] + "/large", "wb") as f:
        for _ in range(128):
            f.write(b"x" * (1 << 20))

    def fill():
        deadline = time.monotonic() + 30
        while not is_open("/large") and time.monotonic() < deadline:
            pass
        tree(upper, {"late": "x"})

    filler = threading.Thread(target=fill)
    filler.start()
    try:
        event = world.refuses("filled while it was measured", [overlay(upper, lowers)])
    finally:
        filler.join()
        os.unlink(lowers[0] + "/large")
    expect("rootfs" not in event and "config" in event, "no digest of what was there before")


@case
def options_that_cannot_be_measured_are_named(world):
    for option in ("uidmap=0:100000", "gidmap=0:100000:0", "X-containerd.mkdir.path=/x",
                   "remount", "loop", "verity=on", "redirect_dir=else", "lowerdir+=/x"):
        world.refuses(option, [overlay(world.dir(), layers(world, 1), option)])
    world.refuses("uidmap or gidmap without the other",
                  [overlay(world.dir(), layers(world, 1), "uidmap=0:100000:65536")])
    world.refuses("lowerdir is given twice", [overlay(None, layers(world, 1), "lowerdir=/x")])
    world.refuses("upperdir is given twice", [overlay("/x", layers(world, 1), "upperdir=/x")])
    world.refuses("no lowerdir", [mount("overlay", "overlay", "upperdir=/x")])
    world.refuses("comma or a backslash", [mount("overlay", "overlay", "lowerdir=/a\\:b:/c")])
    world.refuses("not an absolute path", [mount("overlay", "overlay", "lowerdir=/a::/b")])


@case
def options_without_meaning_are_passed_over(world):
    upper, lowers = world.dir(), layers(world, 2)
    plain = world.create([overlay(upper, lowers)])
    more = world.create([overlay(upper, lowers, "volatile", "xino=off", "ro", "noatime",
                                 'context="system_u:object_r:x:s0:c1,c2"', "metacopy=off",
                                 "redirect_dir=nofollow")])
    same(more["rootfs"], plain["rootfs"], "the same tree")


@case
def other_mounts_are_named(world):
    lowers = layers(world, 1)
    world.refuses('type "erofs"', [mount("erofs", "/dev/loop0", "ro")])
    world.refuses('type "bind"', [mount("bind", lowers[0], "ro")])
    world.refuses("2 mounts", [overlay(None, lowers), overlay(None, lowers)])
    below = mount("bind", lowers[0], "rbind") + b"\x1a\x04/sub"
    world.refuses('"/sub"', [below])


@case
def a_bind_mount(world):
    path = flat(world, 2)
    want = digest_of(world, path)
    for options in (("rbind", "rw"), ("ro", "rbind"), ("bind",), ("bind", "ro")):
        same(world.create([mount("bind", path, *options)])["rootfs"], want, str(options))


@case
def a_mount_below_a_bind(world):
    path = flat(world, 1, {"m/hidden": "h"})
    want = digest_of(world, path)
    subprocess.run(["mount", "-t", "tmpfs", "none", path + "/m"], check=True)
    try:
        same(world.create([mount("bind", path, "bind")])["rootfs"], want, "bind does not show it")
        has(world.refuses("m", [mount("bind", path, "rbind")])["reason"], "mount")
        has(world.refuses("m", config=spec(root={"path": path}))["reason"], "mount")
    finally:
        subprocess.run(["umount", path + "/m"], check=True)


@case
def layers_are_not_reached_over_links(world):
    real = flat(world, 1)
    link = f"{PLACE}/{world.name()}"
    os.symlink(real, link)
    world.refuses("symbolic link", [overlay(None, [link, real])])
    world.refuses("symbolic link", [mount("bind", link, "rbind")])
    world.refuses("symbolic link", config=spec(root={"path": link}))
    world.refuses("symbolic link", config=spec(root={"path": link + "/d"}))
    world.refuses("No such file", [overlay(None, [real, real + "/no"])])
    world.refuses("Not a directory", [overlay(None, [real + "/common", real])])


@case
def root_path_in_the_bundle(world):
    bundle = world.bundle()
    tree(bundle + "/rootfs", {"a": "1"})
    want = digest_of(world, tree(world.dir(), {"a": "1"}))
    same(world.create(bundle=bundle)["rootfs"], want, "relative root.path")
    world.refuses("root file system", config=spec(root={"path": "../elsewhere"}))
    world.refuses("no root.path", config=spec(root=None))
    linked = world.bundle(rootfs=False)
    os.symlink(bundle + "/rootfs", linked + "/rootfs")
    world.refuses("symbolic link", bundle=linked)


@case
def mounts_that_are_not_the_root_are_named(world):
    lowers = layers(world, 1)
    world.refuses('root.path is "/"', [overlay(None, lowers)], spec(root={"path": "/"}))
    bundle = world.bundle()
    with open(bundle + "/config.json", "w", encoding="utf-8") as f:
        f.write('{"ociVersion":"1.0.2","root":{"path":"%s/rootfs"}}' % bundle)
    world.create([overlay(None, lowers)], bundle=bundle)


@case
def a_user_namespace_shifts_owners(world):
    maps = [{"containerID": 0, "hostID": 100000, "size": 65536}]
    linux = {"namespaces": [{"type": "user"}, {"type": "mount"}], "uidMappings": maps,
             "gidMappings": maps}
    plain, shifted = tree(world.dir(), {"a": "1"}), tree(world.dir(), {"a": "1"})
    os.chown(shifted + "/a", 100000, 100000)
    want = digest_of(world, plain)
    got = world.create(config=spec(root={"path": shifted}, linux=linux))
    same(got["rootfs"], want, "as the container sees it")
    expect(digest_of(world, shifted) != want, "the host's view differs")
    world.refuses("user namespace", config=spec(linux={"namespaces": [{"type": "user"}]}))


@case
def odd_files_do_not_hang(world):
    path = tree(world.dir(), {"a": "1"})
    os.mkfifo(path + "/fifo")
    os.mknod(path + "/null", 0o020666, os.makedev(1, 3))
    os.symlink("a", path + "/link")
    os.symlink("loop", path + "/loop")
    with open(os.fsencode(path) + b"/\xff\xfe" + b"n" * 250, "w", encoding="utf-8"):
        pass
    server = socket.socket(socket.AF_UNIX)
    server.bind(path + "/socket")
    first = digest_of(world, path)
    same(digest_of(world, path), first, "measured twice")
    bundle = world.bundle(rootfs=False)
    os.mkfifo(bundle + "/rootfs")
    world.refuses("Not a directory", bundle=bundle)


@case
def files_that_come_and_go(world):
    path, stop = world.dir(), threading.Event()

    def churn():
        n = 0
        while not stop.is_set():
            n = (n + 1) % 50
            name = f"{path}/{n}"
            try:
                with open(name, "w", encoding="utf-8") as f:
                    f.write("x" * 5000)
                os.unlink(f"{path}/{(n + 25) % 50}")
            except FileNotFoundError:
                pass

    thread = threading.Thread(target=churn)
    thread.start()
    try:
        for _ in range(10):
            answer = world.ask(bundle=world.bundle(spec(root={"path": path})))
            expect(answer.outcome in (1, 2), f"outcome {answer.outcome} {answer.text}")
    finally:
        stop.set()
        thread.join()
