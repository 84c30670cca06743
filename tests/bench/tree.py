# SPDX-License-Identifier: Apache-2.0
"""The rootfs digest of whole trees beside the obvious program: in Go, one goroutine."""

import contextlib
import functools
import json
import os
import pathlib
import shutil
import statistics
import subprocess

import shim
import trees
import watch
from report import Skip, table

COLUMNS = ["", "ratio", "from - to", "s", "MB/s", "files/s", "peak MB", "threads"]
EXACT, CMC, GO = "cmc, profile exact", "cmc, profile cmc", "Go baseline"
FLOOR = "system calls, SHA-256"  # and nothing else: bench_floor
NEW, SEEN = "a Create's helper, first time", "cmc, seen before"  # in a Create, whose helper keeps what it has measured
CONFIG = {
    "ociVersion": "1.0.2",
    "process": {"args": ["/bin/true"], "cwd": "/", "user": {"uid": 0, "gid": 0}},
    "root": {"path": "rootfs"},
}
DROP = pathlib.Path("/proc/sys/vm/drop_caches")


def baseline():
    path = os.environ.get("CMC_BASELINE")
    if not path:
        raise Skip("the Go baseline was not built: is Debian's golang-go installed?")
    return path


def commands(tree):
    """{what: command}; each prints the digest of the tree, its own way."""
    config = shim.WORLD / "bench-config.json"
    config.write_text(json.dumps(CONFIG))
    ours = [shim.find("measure-bundle"), "-config", config, "-rootfs", tree, "-profile"]
    return {EXACT: [*ours, "exact"], CMC: [*ours, "cmc"], GO: [baseline(), tree]}


def digest_of(what, printed):
    return printed.strip() if what == GO else json.loads(printed)[0]["ctrData"]["rootfsSha256"]


def warm(tree):
    """All of the tree is in memory after this: the kernel drops a page here and there meanwhile."""
    command = ["find", tree, "-type", "f", "-exec", "cat", "{}", "+"]
    subprocess.run(command, stdout=subprocess.DEVNULL, check=True)


def drop_caches(programs):
    """Nothing of the tree is in memory after this; the programs are, as on a host that uses them."""
    os.sync()
    DROP.write_text("3")
    for program in programs:
        subprocess.run([program, "--help"], capture_output=True, check=False)


def check(digests):
    """The digest that ours of profile cmc and Go's are, in each run. Anything else: no bench."""
    for what, seen in digests.items():
        if len(seen) != 1:
            raise RuntimeError(f"{what}: {len(seen)} digests of one tree: {' '.join(sorted(seen))}")
    one = {what: min(seen) for what, seen in digests.items()}
    if one[CMC] != one[GO]:
        raise RuntimeError(f"{CMC} gives {one[CMC]}, {GO} {one[GO]}")
    return one[GO]


def create(tree, name, peaks=None):
    """(the shim's log, seconds of the whole helper but for the TPM) of one Create of tree."""
    container = shim.Container(shim.find(shim.PROXY), name, ["/bin/true"], tree)
    with watch.program("cmc-measure", peaks) if peaks else contextlib.nullcontext():
        container.run()
    log = container.close()
    times = shim.timings(log)
    return log, times["all"] - times["tpm"]


def seen_before(tree, number):
    """Seconds of a Create's helper that finds the tree measured."""
    log, seconds = create(tree, f"seen-{number}")
    if shim.FOUND not in log:
        raise RuntimeError(f"the tree was measured again: {log!r}")
    return seconds


def floor(tree, _number):
    """Seconds of reading and hashing alone; what was read must be the tree."""
    files, size, seconds = watch.run([os.environ["CMC_FLOOR"], tree])[0].split()
    if (int(files), int(size)) != trees.sizes(tree)[1:]:
        raise RuntimeError(f"the floor read {files} files and {size} bytes: not the tree")
    return float(seconds)


def helper_peaks(tree):
    """(bytes of memory, threads) of a helper that measures the tree, and of one that finds it."""
    both = []
    for name in ("peak-new", "peak-seen"):
        seen = watch.nothing()
        create(tree, name, seen)
        both.append(watch.peak(seen) if seen["VmHWM"] else (0, 0))  # it can be too quick
    return both


def only_warm(tree, peak):
    """{what: gives the seconds of a run} beside the commands; adds to peak."""
    shim.forget()
    peak[NEW], peak[SEEN] = helper_peaks(tree)
    more = {SEEN: functools.partial(seen_before, tree)}
    if os.environ.get("CMC_FLOOR"):
        peak[FLOOR] = (0, 0)  # not watched
        more[FLOOR] = functools.partial(floor, tree)
    else:
        print(f"\ntree, {FLOOR}: skipped: bench_floor was not built")
    return more


def measure(tree, state, rounds):
    """({what: seconds of each round}, {what: peaks}, the digest that ours and Go's both are)."""
    todo = commands(tree)
    before = {"warm": lambda: warm(tree), "cold": lambda: drop_caches([c[0] for c in todo.values()])}
    peak, digests = {}, {what: set() for what in todo}
    for what, command in todo.items():  # not timed: it is watched
        before[state]()
        peak[what] = watch.peaks(command)
    more = only_warm(tree, peak) if state == "warm" else {}
    took = {what: [] for what in [*todo, *more]}
    for number in range(rounds):
        for what in list(took)[:: -1 if number % 2 else 1]:  # who goes first changes
            before[state]()
            if what in more:
                took[what].append(more[what](number))
                continue
            printed, seconds = watch.run(todo[what])
            took[what].append(seconds)
            digests[what].add(digest_of(what, printed))
    return took, peak, check(digests)


def row(what, took, peak, counts):
    _, files, size = counts
    ratios = [theirs / ours for theirs, ours in zip(took[GO], took[what])]
    middle = statistics.median(took[what])
    least_most = "-" if what == GO else f"{min(ratios):.2f} - {max(ratios):.2f}"
    speeds = [round(middle, 3), round(size / middle / 1e6), round(files / middle)]
    memory, threads = peak[what]
    return [what, round(statistics.median(ratios), 2), least_most, *speeds,
            round(memory / 1e6, 1) or "-", threads or "-"]


def bench_one(name, tree, state, rounds):
    counts = trees.sizes(tree)
    took, peak, digest = measure(tree, state, rounds)
    entries, files, size = counts
    title = (f"Tree {name}, {state}: {entries:,} entries, {files:,} files, {size / 1e6:,.0f} MB;"
             f" {rounds} interleaved rounds, ratio: speed, Go baseline = 1")
    tab = table(title, COLUMNS, [row(what, took, peak, counts) for what in took])
    tab["bars"] = COLUMNS[1]
    tab["notes"] = [f"sha256:{digest} is the digest of profile cmc and of the Go baseline, in"
                    f" each of {2 * rounds} runs."]
    if SEEN in took:
        tab["notes"].append(f"{SEEN}: the whole helper of a Create, without the TPM's time."
                            f" {NEW}: {peak[NEW][0] / 1e6:.1f} MB at most, {peak[NEW][1]} threads.")
    if FLOOR in took:
        tab["notes"].append(f"{FLOOR}: reading and hashing alone (tests/bench/floor.c), without names,"
                            " order, entries and a digest of the tree.")
    tab["seconds"] = took
    return tab


def bench(options):
    if shutil.which("measure-bundle") is None:
        raise Skip("measure-bundle was not built")
    states = ["warm"]
    if os.access(DROP, os.W_OK):
        states.append("cold")
    else:
        print(f"\ntree, cold: skipped: {DROP} cannot be written here")
    found = [trees.find(name) for name in options.tree or trees.MADE]
    with shim.events_served():
        return [bench_one(*one, state, options.pairs) for one in found for state in states]
