# SPDX-License-Identifier: Apache-2.0
"""What a user waits for: `ctr run --rm IMAGE true`, with cmc's runtime and with runc's."""

import subprocess
import time

import shim
from report import SPREAD, ms, p50, spread, table

IMAGE = "example.org/cmc/bench"
RUNTIMES = ("io.containerd.cmc.v1", "io.containerd.runc.v2")


def import_image():
    archive = shim.WORLD / "bench.tar"
    shim.image_library(f"image_build {archive} 1 >&2")
    command = ["ctr", "images", "import", "--base-name", IMAGE, str(archive)]
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL)


def run_seconds(runtime, name):
    command = ["ctr", "run", "--rm", "--runtime", runtime, f"{IMAGE}:1", name, "/bin/true"]
    begin = time.perf_counter()
    subprocess.run(command, check=True, stdin=subprocess.DEVNULL)
    return time.perf_counter() - begin


def bench(options):
    import_image()
    runs = {runtime: [] for runtime in RUNTIMES}
    for number in range(options.pairs + 1):
        for runtime in RUNTIMES[:: 1 if number % 2 else -1]:
            took = run_seconds(runtime, f"ctr-{number}-{runtime}")
            if number:  # the first pair only warms
                runs[runtime].append(took)
    plain = p50(runs[RUNTIMES[1]])
    rows = [
        [name, *map(ms, spread(took)), round(p50(took) / plain, 2)]
        for name, took in runs.items()
    ]
    title = f"ctr run --rm of true in ms, {options.pairs} interleaved pairs, swtpm"
    return [table(title, ["runtime", *SPREAD, "ratio"], rows)]
