# SPDX-License-Identifier: Apache-2.0
"""What the proxy adds to the calls of one container, above all to Create."""

import os
import pathlib

import shim
from report import SPREAD, ms, p50, spread, table

READY = ("start", "Connect", "Create")
CALLS = ("start", "Connect", "Create", "Start", "Delete")
SEEN, NEW, COLD = STATES = ("image seen before", "image not seen", "programs not seen either")
PARTS = ("mount", "digest", "tpm", "all", "held")
PARTS_TITLE = ("Of a Create, ms in the helper (digest: root file system, configuration and programs), and"
               " held: from its arrival at the proxy until it goes on to the real shim")
NONE = "nothing: straight, less straight"
EXPEDITED = pathlib.Path("/sys/kernel/rcu_expedited")
AT_ONCE = "; grace periods at once"


def run_once(binary, name, lower):
    container = shim.Container(shim.find(binary), name, ["/bin/true"], lower)
    container.run()
    return container.took, container.close()


def prepare(state):
    """What the next Create of the proxy finds: all, nothing of its tree, or nothing at all."""
    if state != SEEN:
        shim.forget()
    if state == COLD:
        pathlib.Path("/run/cmc/programs").unlink()


def measure_pairs(pairs, state):
    """[(proxy's times, straight times, helper's times)], one of each in turns."""
    lower, out = shim.small_image(), []
    name = f"pair-{STATES.index(state)}"
    for first in range(2):  # warms all caches: pages, programs, and the tree, which the second finds
        run_once(shim.PROXY, f"{name}-first-{first}", lower)
    for number in range(pairs):
        took = {}
        # who goes first changes, so that neither always finds the other's warm caches
        for binary in (shim.PROXY, shim.INNER)[:: 1 if number % 2 else -1]:
            if binary == shim.PROXY:
                prepare(state)
            took[binary] = run_once(binary, f"{name}-{number}-{binary[-6:]}", lower)
        proxy, log = took[shim.PROXY]
        if (shim.FOUND in log) != (state == SEEN):
            raise RuntimeError(f"{state}: the shim says {log!r}")
        out.append((proxy, took[shim.INNER][0], shim.timings(log)))
    return out


def call_row(name, calls, runs):
    proxy = [sum(run[0][call] for call in calls) for run in runs]
    straight = [sum(run[1][call] for call in calls) for run in runs]
    added = [ours - theirs for ours, theirs in zip(proxy, straight)]
    columns = [*spread(proxy), *spread(straight), *spread(added)[1:]]
    return [name, *map(ms, columns), round(p50(proxy) / p50(straight), 2)]


def part_row(name, runs):
    values = [spread([run[2][part] for run in runs]) for part in PARTS]
    return [name, *(ms(value) for four in values for value in four)]


def columns_of(*groups):
    return [f"{group} {rank}" for group in groups for rank in SPREAD]


def added_by_us(run):
    """What a Create took more than one straight to the real shim, but for the TPM's time."""
    return run[0]["Create"] - run[1]["Create"] - run[2]["tpm"]


def without_us(runs):
    """Differences of straight Creates that were as near to each other as those of a pair are: what
    the real shim alone differs by. Either may stand for the proxy's, so each counts both ways."""
    straight = [run[1]["Create"] for run in runs]
    # odd pairs end with the straight one, even pairs begin with it
    both = [(a - b, b - a) for a, b in zip(straight[1::2], straight[2::2])]
    return [difference for two in both for difference in two]


def added_row(name, values):
    return [name, len(values), *map(ms, spread(values))]


def added_rows(runs, suffix=""):
    rows = [added_row(state + suffix, [added_by_us(run) for run in runs[state]]) for state in runs]
    return [*rows, added_row(NONE + suffix, without_us(runs[SEEN]))]


def measure_at_once(pairs):
    """The same where the kernel gives RCU grace periods, for which runc waits, to whoever asks."""
    if not os.access(EXPEDITED, os.W_OK):
        print(f"create: nothing with grace periods at once, {EXPEDITED} cannot be written")
        return {}
    before = EXPEDITED.read_text()
    EXPEDITED.write_text("1")
    try:
        return {SEEN: measure_pairs(pairs, SEEN)}
    finally:
        EXPEDITED.write_text(before)


def bench(options):
    # those that are not seen read much more: it shows in fewer
    fewer = max(3, options.pairs // 3)
    with shim.events_served():
        runs = {state: measure_pairs(options.pairs if state == SEEN else fewer, state)
                for state in STATES}
        at_once = measure_at_once(options.pairs)
    calls = [call_row(call, [call], runs[SEEN]) for call in CALLS]
    calls += [call_row(f"Create, {state}", ["Create"], runs[state]) for state in STATES[1:]]
    calls.append(call_row(" + ".join(READY), READY, runs[SEEN]))
    parts = [part_row(state, runs[state]) for state in STATES]
    added = added_rows(runs)
    if at_once:
        added += added_rows(at_once, AT_ONCE)
    columns = columns_of("proxy", "straight", "added")
    columns.remove("added min")  # of a difference, the least says nothing
    title = (f"Calls in ms, {options.pairs} interleaved pairs, {fewer} where something is not seen,"
             " swtpm, one busybox layer")
    return [
        table(f"{title}; {SEEN}", ["call", *columns, "ratio"], calls),
        table("Added to a Create, in ms, without the TPM's time", ["", "values", *SPREAD], added),
        table(PARTS_TITLE, ["", *columns_of(*PARTS)], parts),
    ]
