# SPDX-License-Identifier: Apache-2.0
"""What the proxy adds to the calls of one container, above all to Create."""

import pathlib

import shim
from report import SPREAD, ms, p50, spread, table

READY = ("start", "Connect", "Create")
CALLS = ("start", "Connect", "Create", "Start", "Delete")
PARTS = ("mount", "digest", "tpm", "all")
PARTS_TITLE = "Of a Create, ms in the helper (digest: root file system, configuration and programs)"


def run_once(binary, name, lower):
    container = shim.Container(shim.find(binary), name, ["/bin/true"], lower)
    container.run()
    return container.took, container.close()


def measure_pairs(pairs, state):
    """[(proxy's times, straight times, helper's times)], one of each in turns."""
    lower, out = shim.small_image(), []
    run_once(shim.PROXY, f"{state}-first", lower)  # warms both caches: pages and programs
    for number in range(pairs):
        took = {}
        # who goes first changes, so that neither always finds the other's warm caches
        for binary in (shim.PROXY, shim.INNER)[:: 1 if number % 2 else -1]:
            if state == "cold" and binary == shim.PROXY:
                pathlib.Path("/run/cmc/programs").unlink()
            took[binary] = run_once(binary, f"{state}-{number}-{binary[-6:]}", lower)
        proxy, log = took[shim.PROXY]
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


def bench(options):
    with shim.events_served():
        warm, cold = (measure_pairs(options.pairs, state) for state in ("warm", "cold"))
    calls = [call_row(call, [call], warm) for call in CALLS]
    calls.append(call_row("Create, programs not yet hashed", ["Create"], cold))
    calls.append(call_row(" + ".join(READY), READY, warm))
    parts = [part_row("programs cached", warm), part_row("programs not yet hashed", cold)]
    columns = columns_of("proxy", "straight", "added")
    columns.remove("added min")  # of a difference, the least says nothing
    title = f"Calls in ms, {options.pairs} interleaved pairs, swtpm, one busybox layer"
    return [
        table(title, ["call", *columns, "ratio"], calls),
        table(PARTS_TITLE, ["", *columns_of(*PARTS)], parts),
    ]
