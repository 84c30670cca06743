# SPDX-License-Identifier: Apache-2.0
"""Random stacks of layers: what builders of containers write, and what only overlayfs writes."""
import os
import stat

from compare_rootfs import Grower, skip_errors
from kernel import Overlay

NAMES = [b"a", b"b", b"c", b"d", b"e", b"ab", b"a-b", b"\xff", b"b\n", b"usr"]


class Layer(Grower):
    """Few names, so that layers meet; no whiteouts but those that whiteouts() makes."""

    def name(self):
        return self.rng.choice(NAMES)

    def special(self, path):
        made = super().special(path)
        if made and os.lstat(path).st_rdev == 0 and stat.S_ISCHR(os.lstat(path).st_mode):
            os.unlink(path)
            return False
        return made


def directories(top):
    return [os.path.join(top, d) for top, dirs, _ in os.walk(top) for d in dirs]


class Stack:
    """layers: paths, topmost first. features: what a walk of layers may refuse, by name."""

    def __init__(self, rng, places, exotic):
        self.rng, self.places, self.exotic = rng, places, exotic
        self.layers, self.features, self.made = [], set(), {}
        self.placed, self.nested_at = 0, []
        self.options = self.choose_options()
        self.prefix = b"user.overlay." if "userxattr" in self.options else b"trusted.overlay."
        self.one_place = rng.choice(places) if rng.random() < 0.6 else None
        self.files = []
        for _ in range(rng.randrange(1, 7)):
            self.add()

    def count(self, what, n=1):
        self.made[what] = self.made.get(what, 0) + n

    def choose_options(self):
        rng, options = self.rng, []
        if rng.random() < 0.15:
            return ["userxattr"]
        if rng.random() < 0.3:
            options.append("xino=" + rng.choice(["on", "off", "auto"]))
        if self.exotic and rng.random() < 0.7:
            options.append("redirect_dir=" + rng.choice(["on", "off", "follow", "nofollow"]))
        if self.exotic and "redirect_dir=nofollow" not in options and rng.random() < 0.3:
            if "redirect_dir=off" not in options and "redirect_dir=follow" not in options:
                options.append("metacopy=on")
        return options

    def place(self, what="layer"):
        self.placed += 1
        path = f"{self.one_place or self.rng.choice(self.places)}/{what}{self.placed}"
        os.mkdir(path)
        return path

    def add(self):
        roll = self.rng.random()
        if self.layers and roll < 0.25 and "userxattr" not in self.options:
            layer = self.written()
        elif len(self.layers) > 1 and roll < 0.27 and self.exotic:
            layer = self.nested()
        else:
            layer = self.grown()
        self.layers.insert(0, layer)

    def grown(self):
        """As a builder unpacks it: any tree, and whiteouts where something is below."""
        layer = self.place()
        grower = Layer(self.rng)
        if self.rng.random() < 0.1:
            grower.files = self.files  # names of one file in several layers
        top = os.fsencode(layer)
        for _ in range(self.rng.randrange(1, 4)):
            grower.grow(top, self.rng.randrange(3))
        self.files = grower.files
        if self.rng.random() < 0.3:
            grower.decorate(top, "dir")
        for what, n in grower.made.items():
            self.count(what, n)
        self.whiteouts(top)
        self.marks(top)
        return layer

    def below(self, relative):
        """What the layers below have of that name, topmost first, as far down as they are one."""
        for layer in self.layers:
            path = os.path.join(os.fsencode(layer), relative)
            if os.path.lexists(path):
                yield path

    def whiteouts(self, top):
        for path in [top] + directories(top):
            relative = os.path.relpath(path, top)
            under = [b for b in self.below(relative) if os.path.isdir(b) and not os.path.islink(b)]
            for name in self.rng.sample(NAMES, self.rng.randrange(3)):
                there = any(os.path.lexists(os.path.join(b, name)) for b in under)
                chance = 0.5 if there else 0.3 if under else 0.01
                if self.rng.random() < chance and not os.path.lexists(os.path.join(path, name)):
                    os.mknod(os.path.join(path, name), stat.S_IFCHR | self.rng.choice([0, 0o600]))
                    self.count("whiteout" if there else "whiteout of nothing")

    def marks(self, top):
        rng = self.rng
        for path in [top] + directories(top):
            if self.prefix[:1] == b"u":  # the grower's is of any value
                skip_errors(os.removexattr, path, b"user.overlay.opaque")
            if rng.random() < 0.12:
                self.set(path, b"opaque", b"y")
                self.count("opaque")
            if rng.random() < 0.05:
                self.set(path, rng.choice([b"origin", b"impure", b"nlink", b"uuid"]), b"y")
                self.count("trace of a mount")
            if rng.random() < 0.05:  # the other kind of mount's: nobody reads it
                other = b"trusted.overlay." if self.prefix[:1] == b"u" else b"user.overlay."
                skip_errors(os.setxattr, path, other + b"opaque", b"y")
                self.count("mark of another prefix")
            if self.exotic and rng.random() < 0.03:
                self.odd_mark(path)
            if self.exotic and rng.random() < 0.1:
                self.redirect(path)
        for at, _, files in os.walk(top) if self.exotic else ():
            for name in files:
                if rng.random() < 0.03:
                    self.odd_file(os.path.join(at, name))

    def set(self, path, key, value):
        skip_errors(os.setxattr, path, self.prefix + key, value, follow_symlinks=False)

    def odd_mark(self, path):
        key, value = self.rng.choice([
            (b"opaque", b"x"), (b"opaque", b"yes"), (b"opaque", b""), (b"redirect", b""),
            (b"redirect", b"a/b"), (b"redirect", b"/a//b"), (b"redirect", b"/"), (b"redirect", b"/b/"),
            (b"redirect", b".."), (b"redirect", b"/usr/../a"), (b"redirect", b"a\0"),
            (b"redirect", b"/" + b"x" * 4095), (b"metacopy", b""), (b"whiteouts", b"y"), (b"new", b"1"),
            (b"overlay.opaque", b"y"), (b"overlay.redirect", b"a")])
        self.set(path, key, value)
        self.features |= {"attribute", "odd redirect"}
        self.count("odd mark")

    def redirect(self, path):
        """As overlayfs writes it, to where there is something or not."""
        value = b"/".join([b""] + [self.rng.choice(NAMES) for _ in range(self.rng.randrange(1, 4))])
        if self.rng.random() < 0.3:
            value = self.rng.choice(NAMES)
        elif self.layers and self.rng.random() < 0.7:
            layer = os.fsencode(self.rng.choice(self.layers))
            there = directories(layer)
            if there:
                value = b"/" + os.path.relpath(self.rng.choice(there), layer)
        self.set(path, b"redirect", value)
        self.features.add("redirect")
        self.count("redirect by hand")

    def odd_file(self, path):
        if stat.S_ISREG(os.lstat(path).st_mode):
            self.set(path, self.rng.choice([b"metacopy", b"whiteout", b"redirect"]),
                     self.rng.choice([b"", b"y", b"a", b"/a"]))
            self.features.add("attribute")
            self.count("odd mark of a file")

    def lowers(self):
        return self.layers if len(self.layers) > 1 else self.layers + [self.place("bottom")]

    def written(self):
        """As a snapshotter keeps it: the upper directory of a mount that was written to."""
        upper = self.place()
        options = []
        if self.exotic:
            options = self.rng.choices([["redirect_dir=on"], ["redirect_dir=on", "metacopy=on"], []],
                                       [4, 1, 1])[0]
        if options:
            self.features |= {"redirect", "attribute"}
        self.layers = self.lowers()
        where = self.rng.choice(self.places) + "/writing"
        try:
            with Overlay(where, self.layers, options, upper) as seen:
                for _ in range(self.rng.randrange(12)):
                    skip_errors(self.write, os.fsencode(seen))
            self.count("written by " + (options[-1] if options else "overlayfs"))
        except OSError:
            self.count("not mounted to be written")
        return upper

    def write(self, top):
        rng = self.rng
        everything = [os.path.join(at, n) for at, d, f in os.walk(top) for n in d + f] or [top]
        one, other = rng.choice(everything), rng.choice(everything)
        new = os.path.join(os.path.dirname(other), rng.choice(NAMES))
        what = rng.choice(["unlink", "rmtree", "rename", "rename a directory", "mkdir", "chown",
                           "link", "write", "again"])
        if what == "unlink":
            os.unlink(one)
        elif what == "rmtree":
            remove(one)
        elif what == "rename":
            os.rename(one, new)
        elif what == "rename a directory":
            os.rename(rng.choice(directories(top) or [one]), new)
        elif what == "mkdir":
            os.mkdir(new)
        elif what == "chown":
            os.chown(one, rng.randrange(3000), rng.randrange(3000), follow_symlinks=False)
        elif what == "link":
            os.link(one, new, follow_symlinks=False)
        elif what == "again":  # what was a directory below is another one now: opaque
            remove(one)
            os.mkdir(one)
        elif stat.S_ISREG(os.lstat(one).st_mode):
            with open(one, "ab") as f:
                f.write(rng.randbytes(rng.randrange(5000)))
        self.count("did " + what)

    def nested(self):
        """An overlay of the layers below, as a layer: stays mounted until the stack is gone."""
        where = self.place("nested")
        try:
            overlay = Overlay(where, self.layers, [o for o in self.options if "xino" in o])
            overlay.__enter__()
        except OSError:
            self.count("not nested")
            return where
        self.layers = [self.place("plain")]
        self.features.add("nested")
        self.count("nested overlay")
        self.nested_at.append(overlay)
        return where

    def undo(self):
        for overlay in reversed(self.nested_at):
            overlay.__exit__()


def remove(path):
    if os.path.isdir(path) and not os.path.islink(path):
        for name in os.listdir(path):
            remove(os.path.join(path, name))
        os.rmdir(path)
    else:
        os.unlink(path)
