# SPDX-License-Identifier: Apache-2.0
"""The trees that are measured: Debian's, made once and kept, or any directory."""

import os
import pathlib
import shutil
import stat
import subprocess

from report import Skip

CACHE = pathlib.Path(os.environ["CMC_BENCH_CACHE"]) / "trees"
MADE = {
    "min": (),
    "big": ("python3-scipy", "python3-pandas", "python3-django", "python3-sympy", "nodejs", "npm",
            "git", "build-essential"),
}


def make(name, tree):
    """A Debian minbase with the packages of MADE, at tree when it is whole and not before."""
    if shutil.which("mmdebstrap") is None:
        raise Skip(f"no tree {name}: mmdebstrap is not installed")
    part = tree.with_name(f"{name}.part")
    subprocess.run(["rm", "-rf", "--one-file-system", part], check=True)
    CACHE.mkdir(mode=0o700, parents=True, exist_ok=True)  # root's programs are in there
    command = ["mmdebstrap", "--quiet", "--variant=minbase"]
    command += [f"--include={','.join(MADE[name])}"] if MADE[name] else []
    subprocess.run([*command, "bookworm", part], check=True)
    part.rename(tree)


def find(name):
    """(short name, path) of a made tree, or of a directory."""
    if name not in MADE:
        return pathlib.Path(name).name, pathlib.Path(name).resolve(strict=True)
    if not (CACHE / name).is_dir():
        make(name, CACHE / name)
    return name, (CACHE / name).resolve()  # Go does not walk a link


def sizes(tree):
    """(entries, regular files, bytes of content); a file with several names counts once each."""
    entries = files = size = 0
    for folder, folders, names in os.walk(tree):
        entries += len(folders) + len(names)
        for path in (os.path.join(folder, name) for name in names):
            status = os.lstat(path)
            if stat.S_ISREG(status.st_mode):
                files, size = files + 1, size + status.st_size
    return entries, files, size
