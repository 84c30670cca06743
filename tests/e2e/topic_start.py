# SPDX-License-Identifier: Apache-2.0
"""topic_start.py -- what the site's configuration refuses, it refuses by name, and nothing runs."""
from world import ALIAS, PLACE, busybox, configure, events, expect, holds, new_id, run, sh


def refused(part, **members):
    name, before = new_id(), len(events())
    configure(**members)
    try:
        done = run(busybox(), "echo", "ran", name=name, status=None, runtime=ALIAS)
    finally:
        configure()
    expect(done.returncode != 0 and "ran" not in done.stdout, "the container ran")
    holds(done.stderr, part, "the error")
    expect(len(events("container-create")) == len([e for e in events("container-create")
           if e["container"] != name]) and before <= len(events()), "it has a create event")
    return done.stderr


def test_mode_permissive_is_refused():
    refused("permissive", mode="permissive")


def test_mode_strict_is_refused():
    holds(refused("strict", mode="strict"), "exit status 3", "the error")


def test_unknown_key_is_refused():
    refused("no_such_key", no_such_key=1)


def test_wrong_runtime_name_is_containerds_error():
    done = run(busybox(), "true", runtime="io.containerd.cmc.v2", status=None)
    holds(done.stderr, "containerd-shim-cmc-v2", "the error")


def test_start_by_hand_without_its_arguments():
    done = sh(f"{PLACE}/tree/bin/containerd-shim-cmc-v1", "start", status=None)
    expect(done.returncode != 0, "it went on")
