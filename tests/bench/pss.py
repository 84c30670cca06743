# SPDX-License-Identifier: Apache-2.0
"""What one idle container costs in memory: the proxy, and the real shim behind it."""

import pathlib
import re
import time

import shim
from report import table

MEMBERS = ("Pss", "Pss_Anon", "Rss")


def number(path, name):
    """The number after "name:" in a file of /proc."""
    return int(re.search(rf"^{name}:\s+(\d+)", pathlib.Path(path).read_text(), re.M)[1])


def memory(pid):
    return [number(f"/proc/{pid}/smaps_rollup", member) for member in MEMBERS]


def both(container):
    """[name, memory...] of the proxy and of the real shim, while the container runs."""
    inner = container.call("Connect").payload[1]  # shim_pid, as the real shim answers it
    proxy = number(f"/proc/{inner}/status", "PPid")
    name = pathlib.Path(f"/proc/{proxy}/exe").resolve().name
    if name != shim.PROXY:
        raise RuntimeError(f"the real shim's parent, process {proxy}, is {name}")
    time.sleep(2)  # idle
    return [["proxy", *memory(proxy)], ["real shim", *memory(inner)]]


def bench(_options):
    with shim.events_served():
        lower = shim.small_image()
        container = shim.Container(shim.find(shim.PROXY), "pss", ["/bin/sleep", "600"], lower)
        container.create()
        container.call("Start")
        rows = both(container)
        container.kill()
        container.close()
    return [table("Memory in kB, one running container", ["process", *MEMBERS], rows)]
