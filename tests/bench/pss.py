# SPDX-License-Identifier: Apache-2.0
"""What one idle container costs in memory: the proxy, and the real shim behind it."""

import pathlib
import re
import time

import shim
from report import table

MEMBERS = ("Pss", "Rss", "Private_Dirty")


def memory(pid):
    text = pathlib.Path(f"/proc/{pid}/smaps_rollup").read_text()
    return [int(re.search(rf"^{member}: +(\d+) kB", text, re.M)[1]) for member in MEMBERS]


def parent(pid):
    return int(re.search(r"^PPid:\t(\d+)", pathlib.Path(f"/proc/{pid}/status").read_text(), re.M)[1])


def bench(_options):
    sink = shim.serve_events()
    container = shim.Container(shim.find(shim.PROXY), "pss", ["/bin/sleep", "600"], shim.small_image())
    container.create()
    container.call("Start")
    inner = container.call("Connect")[1]  # shim_pid, as the real shim answers it
    proxy = parent(inner)
    name = pathlib.Path(f"/proc/{proxy}/exe").resolve().name
    if name != shim.PROXY:
        raise RuntimeError(f"the real shim's parent, process {proxy}, is {name}")
    time.sleep(2)  # idle
    rows = [["proxy", *memory(proxy)], ["real shim", *memory(inner)]]
    container.call("Kill", shim.ttrpc.field(3, 9))
    container.call("Wait")
    container.close()
    sink.terminate()
    return [table("Memory in kB, one running container", ["process", *MEMBERS], rows)]
