# SPDX-License-Identifier: Apache-2.0
"""topic_versions.py -- what differs between the versions of containerd, so that docs can say it."""
import json
import os
import re
import shutil
import subprocess
import threading
import time

from world import (ALIAS, CMC, NAMESPACE, PATH, PLACE, RUNC, busybox, ctr, detach, events, expect,
                   holds, new_id, processes, remove, run, same, version, wait_until)

BUNDLES = f"{PLACE}/containerd/state/io.containerd.runtime.v2.task/{NAMESPACE}"
LEGACY = "io.containerd.runtime.v1.linux"  # what old documentation shows, without ".cmc"


def read(name, file):
    with open(f"{BUNDLES}/{name}/{file}", encoding="utf-8") as f:
        return f.read()


def test_the_dialect_is_this_containerds():
    name = detach(busybox(), "sleep", "1000")
    try:
        address = read(name, "address")
        expect(address.startswith("unix:///run/containerd/s/cmc-"), f"address: {address}")
        if version() >= (2, 0):
            same(json.loads(read(name, "bootstrap.json")),
                 {"version": 3, "address": address, "protocol": "ttrpc"}, "bootstrap.json")
        same(processes("containerd-shim-runc-v2 .* start"), [], "what containerd would have started")
    finally:
        remove(name)


def topics(runtime):
    """What containerd publishes while a container runs; since 2.0 not always its deletion."""
    ref, found = busybox(), []
    with subprocess.Popen(["ctr", "events"], stdout=subprocess.PIPE, text=True) as listener:
        threading.Thread(target=lambda: [found.append(line.split()[5]) for line in listener.stdout],
                         daemon=True).start()
        try:
            wait_until(lambda: ctr("images", "label", ref, f"now={time.monotonic()}") and found,
                       "ctr listening")
            run(ref, "true", runtime=runtime)
            wait_until(lambda: "/tasks/exit" in found, "the event of the end")
        finally:
            listener.kill()
    return [topic for topic in found if re.fullmatch("/tasks/(create|start|exit)", topic)]


def test_the_real_shims_events_reach_containerd():
    want = ["/tasks/create", "/tasks/start", "/tasks/exit"]
    same([topics(runtime) for runtime in (CMC, RUNC)], [want, want], "topics, runc's shim second")


def test_every_spelling_is_measured():
    for runtime in (ALIAS, CMC, PATH):
        name = new_id()
        run(busybox(), "true", name=name, runtime=runtime)
        same(len(events("container-create", name)), 1, f"events of {runtime}")


def test_the_legacy_name_is_never_ours():
    """1.x runs plain runc without an error, 2.x refuses: measured it is nowhere."""
    name = new_id()
    done = run(busybox(), "echo", "ran", name=name, runtime=LEGACY, status=None)
    if version() >= (2, 0):
        expect(done.returncode != 0, "it started")
        holds(done.stderr, '"containerd-shim-v1-linux"', "the error")
    elif shutil.which("containerd-shim"):
        same((done.returncode, done.stdout), (0, "ran\n"), "result")
    same([e for e in events() if e.get("container") == name], [], "events")


def test_names_that_are_no_shim_are_containerds_error():
    for runtime, part in (("cmc", "invalid runtime name"),
                          ("io.containerd.cmc.v2", "containerd-shim-cmc-v2"),
                          ("io.containerd.runtime.v1.cmc", "containerd-shim-v1-cmc"),
                          (os.path.dirname(PATH) + "/nothing", "no such file")):
        done = run(busybox(), "echo", "ran", runtime=runtime, status=None)
        expect(done.returncode != 0 and done.stdout == "", f"{runtime} started")
        holds(done.stderr, part, f"the error for {runtime}")
