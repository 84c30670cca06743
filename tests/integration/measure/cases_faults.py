# SPDX-License-Identifier: Apache-2.0
"""Faults: programs that change, TPMs that go, callers that leave, helpers that are killed."""
import fcntl
import hashlib
import os
import random
import signal
import subprocess
import threading
import time

from world import (BIN, CREATE, NOT_RECORDED, PLACE, RECORDED, RUNTIME, STATE, Helper,
                   create_request, expect, has, request_frame, same, spec, tree)

CASES = []


def case(function):
    CASES.append(function)
    return function


def runc_digest(event):
    return [p["sha256"] for p in event["programs"] if p["role"] == "runc"][0]


@case
def programs_are_cached_and_a_change_shows(world):
    world.program_file("runc", "#!/bin/sh\n# Runc\n")
    first = world.create()
    with open(RUNTIME + "/programs", "rb") as f:
        cached = f.read()
    expect(bytes.fromhex(runc_digest(first)) not in cached, "a file of this moment is not cached")
    time.sleep(0.2)
    world.create()
    with open(RUNTIME + "/programs", "rb") as f:
        cached = f.read()
    expect(bytes.fromhex(runc_digest(first)) in cached, "a settled file is cached")
    same(os.stat(RUNTIME + "/programs").st_mode & 0o777, 0o600, "mode")
    same(runc_digest(world.create()), runc_digest(first), "from the cache")
    world.program_file("runc", "#!/bin/sh\n# RUNC\n")
    expect(runc_digest(world.create()) != runc_digest(first), "a change of one byte")


@case
def a_cache_that_is_odd_is_not_believed(world):
    time.sleep(0.2)
    want = runc_digest(world.create())
    path = RUNTIME + "/programs"
    with open(path, "rb") as f:
        good = f.read()
    expect(bytes.fromhex(want) in good, "cached")
    forged = good.replace(bytes.fromhex(want), b"\xaa" * 32)

    def put(raw, mode=0o600, owner=0):
        os.unlink(path)
        with open(path, "wb") as f:
            f.write(raw)
        os.chmod(path, mode)
        os.chown(path, owner, 0)

    for raw, mode, owner in ((forged[:-1], 0o600, 0), (forged + b"x", 0o600, 0), (b"", 0o600, 0),
                             (b"x" + forged[1:], 0o600, 0), (forged + forged[16:88], 0o600, 0),
                             (forged, 0o602, 0), (forged, 0o600, 65534)):
        put(raw, mode, owner)
        same(runc_digest(world.create()), want, f"{len(raw)} bytes, mode {mode:o}, owner {owner}")
    os.unlink(path)
    os.symlink(PLACE + "/forged", path)
    with open(PLACE + "/forged", "wb") as f:
        f.write(forged)
    same(runc_digest(world.create()), want, "a symbolic link")
    put(forged)
    same(runc_digest(world.create()), "aa" * 32, "this test is able to fail")
    os.unlink(path)


@case
def programs_that_are_missing_are_named(world):
    world.refuses("runc: not found", path="/nowhere:relative:")
    world.refuses("inner-shim", request=dict(inner=BIN + "/no"))
    world.refuses("inner-shim", request=dict(inner="/dev/null"))
    fifo = PLACE + "/fifo"
    os.mkfifo(fifo)
    world.refuses("not a regular file", request=dict(inner=fifo))


@case
def a_detail_that_cannot_be_stored_is_said(world):
    world.configure(state_dir="/proc/nowhere")
    try:
        answer = world.ask()
        same(answer.outcome, RECORDED, "outcome")
        has(answer.log, "detail not stored")
    finally:
        world.configure()


@case
def the_caller_may_go_away(world):
    name, bundle = world.name(), world.bundle()
    helper = Helper(world, bundle)
    helper.send(request_frame(CREATE, name, create_request(name, bundle), bundle))
    helper.sock.close()
    same(helper.process.wait(60), 0, "exit status")
    expect(any(e.get("container") == name for e in world.events()), "measured and recorded")


@case
def progress_is_told_while_waiting(world):
    world.create()
    with open(RUNTIME + "/lock", "rb+") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        timer = threading.Timer(3.2, lambda: fcntl.flock(lock, fcntl.LOCK_UN))
        timer.start()
        answer = world.ask()
        timer.join()
    same(answer.outcome, RECORDED, "outcome")
    expect(len(answer.beats) >= 4, f"{len(answer.beats)} beats in 3 seconds")


@case
def progress_counts_what_is_measured(world):
    path = tree(world.dir(), {f"d{i % 50}/{i}": "x" for i in range(20000)})
    with open(path + "/big", "wb") as f:
        f.write(os.urandom(1 << 20) * 600)
    answer = world.ask(bundle=world.bundle(spec(root={"path": path})))
    same(answer.outcome, RECORDED, f"outcome ({answer.text})")
    expect(answer.total_us < 700000 or any(b > 0 for _, b in answer.beats), f"{answer.beats}")


@case
def a_tpm_that_is_gone_is_told(world):
    world.stop_tpm()
    try:
        answer = world.ask()
        same(answer.outcome, NOT_RECORDED, f"outcome ({answer.text})")
        answer = world.ask(bundle=world.bundle(spec(root={"path": PLACE + "/no-tree"})))
        same(answer.outcome, NOT_RECORDED, f"outcome ({answer.text})")
        has(answer.text, "no-tree")
    finally:
        world.start_tpm()
    same(world.ask().outcome, RECORDED, "with a TPM again")


@case
def many_at_once(world):
    names = [world.name() for _ in range(16)]
    bundle = world.bundle()
    helpers = []
    for name in names:
        helper = Helper(world, bundle)
        helper.send(request_frame(CREATE, name, create_request(name, bundle), bundle))
        helpers.append(helper)
    answers = [h.finish(120) for h in helpers]
    same([a.outcome for a in answers], [RECORDED] * 16, "outcomes")
    same(len({a.seq for a in answers}), 16, "numbers")
    world.verify()


@case
def killed_anywhere_the_next_one_goes_on(world):
    rng = random.Random(7)
    bundle = world.bundle()
    acknowledged, killed = [], 0
    usual = sorted(world.ask(bundle=bundle).total_us for _ in range(5))[2] / 1e6
    for i in range(80):
        name = world.name()
        helper = Helper(world, bundle, leaks=0)  # who looks for leaks outlives the kill, and complains
        helper.send(request_frame(CREATE, name, create_request(name, bundle), bundle))
        time.sleep(rng.uniform(0, 2 * usual))
        helper.process.send_signal(signal.SIGKILL)
        answer = helper.finish()
        killed += answer.status == -signal.SIGKILL
        if answer.outcome == RECORDED:
            acknowledged.append((answer.seq, name))
        if i % 20 == 19:
            world.verify_after_recovery()
    expect(killed >= 20, f"only {killed} of 80 were killed in time")
    same(world.ask().outcome, RECORDED, "the next one")
    events = {e["seq"]: e for e in world.events()}
    for seq, name in acknowledged:
        same(events[seq]["container"], name, f"acknowledged event {seq}")
    expect(not any(e["type"] == "discontinuity" for e in events.values() if e["seq"] > 0
                   and e["seq"] >= min((s for s, _ in acknowledged), default=0)),
           "no discontinuity from a kill")


@case
def the_program_needs_few_libraries(world):
    out = subprocess.run(["readelf", "-d", world.program], capture_output=True, text=True,
                         check=True).stdout
    needed = [line.split("[")[1].rstrip("]") for line in out.splitlines() if "NEEDED" in line]
    for name in ("libcrypto", "libtss2-esys", "libcbor", "libssl"):
        expect(not any(n.startswith(name) for n in needed), f"{name} in {needed}")
    expect(any(n.startswith("libtss2-sys") for n in needed), f"{needed}")


@case
def details_are_stored_once(world):
    event = world.create()
    path = f"{STATE}/details/config-{event['config']}"
    before = os.stat(path).st_ino
    again = world.create()
    same((again["config"], os.stat(path).st_ino), (event["config"], before), "one file")
    expect(hashlib.sha256(open(path, "rb").read()).hexdigest(), "readable")
