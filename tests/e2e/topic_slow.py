# SPDX-License-Identifier: Apache-2.0
"""topic_slow.py -- an image that takes longer to measure than any client waits starts on a retry."""
import functools
import os
import re
import shutil
import signal
import threading
import time

from world import (PLACE, Skip, busybox, ctr, events, expect, log_since, new_id, oracle, processes,
                   remove, run, run_args, same, sh, status_of, verify, wait_until)

HELPER_LOG = "/run/cmc/shim.log"
DEADLINE = 1.0  # of the client, in seconds; making the container takes a part of it
LONG = 3 * DEADLINE
SNAPSHOTS = f"{PLACE}/containerd/root/io.containerd.snapshotter.v1.overlayfs/snapshots"
LANDED = "measured, and others may use it"
TAKEN = re.compile("took the digest (of another measuring|measured before)")


def top_layer(salt):
    """The directory of the layer that holds the salt."""
    for number in os.listdir(SNAPSHOTS):
        path = f"{SNAPSHOTS}/{number}/fs"
        if os.path.exists(f"{path}/salt"):
            with open(f"{path}/salt", encoding="utf-8") as f:
                if f.read() == salt:
                    return path
    raise AssertionError("no layer with that salt")


def fill(path, mib):
    """mib MiB of files without holes."""
    os.makedirs(path, exist_ok=True)
    block = os.urandom(1 << 20)
    for number in range(len(os.listdir(path)), mib // 64):
        with open(f"{path}/{number}", "wb") as out:
            for _ in range(64):
                out.write(block)
    os.sync()  # or else they are read while they are written to the disk


def measuring_ms(name):
    """How long the root file system of a container took, as our log says it."""
    text = log_since(0)
    found = re.findall(rf'task="{name}".* us="mount \d+, digest (\d+),', text)
    expect(found, f"no line about {name}")
    return int(found[-1]) / 1000


class Throttled:
    """Helpers run an eighth of the time: an image need not be of many gigabytes to be slow."""

    def __enter__(self):
        self.ends = threading.Event()
        self.thread = threading.Thread(target=self.throttle)
        self.thread.start()

    def __exit__(self, *_):
        self.ends.set()
        self.thread.join()

    def throttle(self):
        while not self.ends.wait(0.02):
            helpers = [pid for pid, _ in processes("cmc-measure")]
            self.signal(helpers, signal.SIGSTOP)
            time.sleep(0.15)
            self.signal(helpers, signal.SIGCONT)

    @staticmethod
    def signal(pids, number):
        for pid in pids:
            try:
                os.kill(pid, number)
            except ProcessLookupError:
                pass


def throttled(case):
    @functools.wraps(case)
    def run_case():
        with Throttled():
            return case()
    return run_case


class Slow:
    """An image whose measuring takes three times the client's deadline."""

    def __init__(self):
        self.salt, self.ref = "slow", busybox(layers=2, salt="slow")
        run(self.ref, "true")
        self.layer = top_layer(self.salt)
        self.path, mib, took = self.layer + "/big", 512, 0
        while took < LONG:
            free = shutil.disk_usage(self.layer).free >> 20
            if free < mib + 1024:
                raise Skip(f"{free} MiB free: too little for an image of {mib} MiB")
            fill(self.path, mib)
            self.touch()
            name = new_id("size")
            run(self.ref, "true", name=name)
            took, size = measuring_ms(name) / 1000, mib
            mib = int(max(1.3, 1.1 * LONG / max(took, 0.1)) * mib) // 64 * 64
        print(f"    {size} MiB are measured in {took:.1f} s")

    def touch(self):
        """Nothing that was measured before counts any more."""
        with open(f"{self.layer}/salt", "w", encoding="utf-8") as out:
            out.write(self.salt)
        for name in os.listdir(self.path) if os.path.isdir(self.path) else []:
            os.utime(f"{self.path}/{name}")
        time.sleep(0.2)  # until its ctime is old enough


_made = []


def slow_image():
    if not _made:
        _made.append(Slow())
    _made[0].touch()
    return _made[0]


def attempt(ref, name):
    """ctr with a deadline; what it says when it fails, "" when the container runs."""
    argv = run_args(ref, "sleep", "1000", opts=["-d"], name=name, rm=False)
    done = sh(argv[0], "--timeout", f"{DEADLINE}s", *argv[1:], status=None)
    return "" if done.returncode == 0 else done.stderr


def mark_log():
    return os.path.getsize(HELPER_LOG)


def counts(mark):
    """Walks to the end, and helpers that joined one or came after it."""
    with open(HELPER_LOG, encoding="utf-8", errors="replace") as log:
        log.seek(mark)
        text = log.read()
    return text.count(LANDED), len(TAKEN.findall(text))


def give_up(name):
    """What is left of a try. Its container is created all the same when the answer comes just after
    the client has gone, which is so with runc's shim too; but only what was forwarded in time."""
    if status_of(name) != "gone":
        held = re.findall(rf'task="{name}".* held (\d+)"', log_since(0))
        expect(held and int(held[-1]) < DEADLINE * 1e6, f"{name} was forwarded after {held} us")
        remove(name)
    else:
        ctr("container", "delete", name, status=None)


@throttled
def test_starts_on_a_retry():
    slow = slow_image()
    mark, begin, tried = mark_log(), time.monotonic(), []
    while True:
        tried.append(new_id("retry"))
        said = attempt(slow.ref, tried[-1])
        if not said:
            break
        expect("deadline exceeded" in said, said)
        give_up(tried[-1])
        expect(time.monotonic() - begin < 15 * DEADLINE, f"{len(tried)} tries, none started")
    expect(len(tried) > 1, "the first try was in time: nothing is shown")
    same(status_of(tried[-1]), "RUNNING", "the retry")
    landed, joined = counts(mark)
    same(landed, 1, "walks to the end")
    expect(joined >= 1, "nobody joined")
    created = events("container-create", tried[-1])
    same(len(created), 1, "events of the retry")
    wait_until(lambda: events(name=tried[0]), "an event of the try that was given up")
    first = events("container-create", tried[0])
    same(len(first), 1, f"creates of the try that was given up, among {events(name=tried[0])}")
    same(first[0]["rootfs"], created[0]["rootfs"], "root file system digest")
    same(first[0].get("listing"), created[0].get("listing"), "listing")
    remove(tried[-1])
    verify()
    oracle()
    print(f"    {len(tried)} tries of {DEADLINE} s, one walk, {joined} joined")


@throttled
def test_two_at_once_walk_once():
    slow = slow_image()
    mark, names = mark_log(), [new_id("both"), new_id("both")]
    runs = [threading.Thread(target=run, args=(slow.ref, "true"), kwargs={"name": name})
            for name in names]
    for one in runs:
        one.start()
    for one in runs:
        one.join()
    same(counts(mark), (1, 1), "walks to the end, and joined")
    same(len({events("container-create", name)[0]["rootfs"] for name in names}), 1, "digests")


@throttled
def test_changed_layer_is_measured_again():
    """Also when its size and its mtime are what they were."""
    slow = slow_image()
    mark, names = mark_log(), [new_id("change") for _ in range(3)]
    run(slow.ref, "true", name=names[0])
    run(slow.ref, "true", name=names[1])
    same(counts(mark), (1, 1), "walks to the end, and joined")
    path = slow.path + "/0"
    before = os.stat(path)
    with open(path, "r+b") as f:
        byte = f.read(1)
        f.seek(0)
        f.write(bytes([byte[0] ^ 1]))
    os.utime(path, ns=(before.st_atime_ns, before.st_mtime_ns))
    time.sleep(0.2)
    run(slow.ref, "true", name=names[2])
    same(counts(mark)[1], 1, "joined")
    digests = [events("container-create", name)[0]["rootfs"] for name in names]
    same(digests[0], digests[1], "digest of the same layers")
    expect(digests[2] != digests[0], "a byte was changed, and the digest is the old one")
    shutil.rmtree(slow.path)  # the last case: memory is not endless
    _made.clear()
