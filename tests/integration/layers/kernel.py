# SPDX-License-Identifier: Apache-2.0
"""Overlay mounts by mount(2), and the program under test, which answers a line at a time."""
import ctypes
import os
import subprocess

LIBC = ctypes.CDLL(None, use_errno=True)


def call(what, *args):
    if getattr(LIBC, what)(*args) < 0:
        number = ctypes.get_errno()
        raise OSError(number, f"{what}: {os.strerror(number)}")


class Overlay:
    """An overlay for the length of a with block. upper: a directory, whose work is beside it."""

    def __init__(self, where, lowers, options=(), upper=None):
        data = ["index=off", *options, "lowerdir=" + ":".join(lowers)]
        if upper:
            os.makedirs(upper + ".work", exist_ok=True)
            data += [f"upperdir={upper}", f"workdir={upper}.work", "volatile"]  # nothing is synced
        self.where, self.data = where, ",".join(data)

    def __enter__(self):
        os.makedirs(self.where, exist_ok=True)
        call("mount", b"overlay", self.where.encode(), b"overlay", 0, self.data.encode())
        return self.where

    def __exit__(self, *_):
        call("umount2", self.where.encode(), 0)


def follows_redirects(options):
    """What redirect_dir means where it is not given, or off, is a parameter of the kernel's."""
    if "userxattr" in options or "redirect_dir=nofollow" in options:
        return False
    if "redirect_dir=on" in options or "redirect_dir=follow" in options:
        return True

    def parameter(name):
        with open("/sys/module/overlay/parameters/" + name, encoding="ascii") as f:
            return f.read().strip() == "Y"
    on = parameter("redirect_dir") and "redirect_dir=off" not in options
    return on or "metacopy=on" in options or parameter("redirect_always_follow")


class Program:
    """layers_digest: (digest, listing), or the reason why not as a str."""

    def __init__(self, path):
        self.process = subprocess.Popen([path], stdin=subprocess.PIPE, stdout=subprocess.PIPE)

    def ask(self, *fields):
        self.process.stdin.write("\t".join(fields).encode() + b"\n")
        self.process.stdin.flush()
        answer = self.process.stdout.readline().decode(errors="replace").rstrip("\n")
        if answer.startswith("ok "):
            _, digest, length = answer.split(" ")
            return digest, self.process.stdout.read(int(length))
        if not answer.startswith("no "):
            raise RuntimeError(f"the program answered {answer!r}")
        return answer[3:]

    def tree(self, path, form=""):
        return self.ask("tree", form or "-", path)

    def layers(self, layers, options, form=""):
        flags = form
        flags += "u" if "userxattr" in options else ""
        flags += "r" if follows_redirects(options) else ""
        return self.ask("layers", flags or "-", *layers)

    def close(self):
        self.process.stdin.close()
        return self.process.wait()
