# SPDX-License-Identifier: Apache-2.0
"""topic_faults.py -- mode audit: when measuring or recording fails, the container starts, loudly."""
import os
import re
import signal
import subprocess

from world import (PLACE, Skip, busybox, configure, events, expect, log_mark, log_since, new_id,
                   pid_of, run, same, sh, world_sh)


def starts_loudly(*parts, **more):
    """The container runs, and what containerd logs meanwhile is a warning or an error with parts."""
    mark, name = log_mark(), new_id()
    same(run(busybox(), "echo", "up", name=name, **more).stdout, "up\n", "output")
    text = "\n".join(line for line in log_since(mark).splitlines()
                     if re.search(r"(error|warning) msg=", line) and "cmc" in line)
    for part in parts:
        expect(part in text.lower(), f"containerd's log does not say {part!r}: {text[-800:]!r}")
    return name


def recovers():
    name = new_id()
    run(busybox(), "true", name=name)
    same(len(events("container-create", name)), 1, "events afterwards")


def with_helper(script, *parts):
    path = f"{PLACE}/helper"
    with open(path, "w", encoding="ascii") as f:
        f.write("#!/bin/sh\n" + script)
    os.chmod(path, 0o755)
    configure(helper=path)
    try:
        starts_loudly(*parts, timeout=120)
    finally:
        configure()
    recovers()


def test_helper_that_fails():
    with_helper("exit 1\n", "fail")


def test_helper_that_crashes():
    with_helper("kill -SEGV $$\n", "signal")


def test_helper_that_hangs():
    if not os.environ.get("CMC_LONG"):
        raise Skip("waits 30 s and more: sudo tests/run long")
    with_helper("sleep 1000\n", "progress")


def test_log_that_cannot_be_written():
    sh("mount", "-o", "remount,ro", "/run/cmc")
    try:
        starts_loudly()
    finally:
        sh("mount", "-o", "remount,rw", "/run/cmc")
    recovers()


def test_no_space_for_the_log():
    subprocess.run(["dd", "if=/dev/zero", "of=/run/cmc/full", "bs=64k"], capture_output=True,
                   check=False)
    try:
        starts_loudly()
    finally:
        os.unlink("/run/cmc/full")
    recovers()


def test_tpm_that_is_gone():
    os.kill(pid_of("tpm"), signal.SIGKILL)
    before = len(events())
    try:
        starts_loudly("tpm")
    finally:
        world_sh("world_tpm")
    recovers()
    expect(len(events()) > before + 1, "nothing says that the TPM was reset, or events are missing")
