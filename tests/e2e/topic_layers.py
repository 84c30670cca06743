# SPDX-License-Identifier: Apache-2.0
"""topic_layers.py -- images of few and of many layers."""
from world import busybox, events, new_id, run, same


def layers(count):
    name = new_id()
    out = run(busybox(layers=count), "sh", "-c", "ls /layers 2>/dev/null | wc -l; sleep 0.2",
              name=name).stdout  # ctr on a busy host takes its time to listen
    same(out.strip(), str(count - 1), "files")
    same(len(events("container-create", name)), 1, "events")


def test_1():
    layers(1)


def test_2():
    layers(2)


def test_60():
    layers(60)


def test_127():
    layers(127)
