# SPDX-License-Identifier: Apache-2.0
"""How fast the exact rootfs digest is in a real Create, beside a plain SHA-256 of the content."""

import os
import pathlib
import shutil
import subprocess
import time

import shim
import trees
from report import ms, table

RUNS = 7


def concatenate(tree, out):
    """Puts all file content into one file; returns (entries of the tree, bytes of content)."""
    entries = 0
    with open(out, "wb") as whole:
        for folder, folders, names in os.walk(tree):
            entries += len(folders) + len(names)
            for path in (pathlib.Path(folder, name) for name in names):
                if path.is_file() and not path.is_symlink():
                    with path.open("rb") as part:
                        shutil.copyfileobj(part, whole, 1 << 20)
        return entries, whole.tell()


def plain_command():
    return ["openssl", "dgst", "-sha256"] if shutil.which("openssl") else ["sha256sum"]


def plain_seconds(whole):
    begin = time.perf_counter()
    subprocess.run([*plain_command(), whole], check=True, stdout=subprocess.DEVNULL)
    return time.perf_counter() - begin


def rootfs_seconds(tree, number):
    """The helper's own figure, out of the line that the proxy logs for a Create."""
    shim.forget()
    container = shim.Container(shim.find(shim.PROXY), f"digest-{number}", ["/bin/true"], tree)
    container.run()
    return shim.timings(container.close())["digest"]


def bench(options):
    _, tree = trees.find((options.tree or ["min"])[0])
    whole = shim.WORLD / "bench-whole"
    entries, size = concatenate(tree, whole)
    with shim.events_served():
        runs = [(rootfs_seconds(tree, n), plain_seconds(whole)) for n in range(RUNS + 1)]
    whole.unlink()
    ours, plain = map(min, zip(*runs[1:]))  # the first run only warmed the page cache
    names = ["rootfs digest, in a Create", " ".join(plain_command()) + ", one file"]
    rows = [
        [name, ms(took), round(size / took / 1e6), round(entries / took), round(plain / took, 2)]
        for name, took in zip(names, (ours, plain))
    ]
    title = f"{entries} entries, {size / 1e6:.0f} MB of content, warm, best of {RUNS} in turns"
    return [table(title, ["what", "ms", "MB/s", "entries/s", "speed, plain = 1"], rows)]
