# SPDX-License-Identifier: Apache-2.0
"""world.py -- a containerd made of few lines: bundles, `start`, ttrpc calls, and what is left."""
import json
import os
import shutil
import signal
import subprocess
import threading
import time

import ttrpc
from ttrpc import field, message

PLACE = "/run/cmc-world"
CONFIG = PLACE + "/shim.json"
CALLS = CONFIG + ".calls"
STATE = PLACE + "/state"
NS = os.environ["CMC_NS"]
REAL = "/usr/bin/containerd-shim-runc-v2"
ADDRESS = PLACE + "/containerd.sock"


def expect(true, what):
    if not true:
        raise AssertionError(what)


def same(got, want, what):
    expect(got == want, f"{what}: {got!r}, expected {want!r}")


def wait_until(true, what, seconds=10):
    end = time.monotonic() + seconds
    while not true():
        expect(time.monotonic() < end, f"waited {seconds} s: {what}")
        time.sleep(0.02)


class Client(ttrpc.Client):
    """One connection of a containerd that names its namespace."""

    def __init__(self, path):
        super().__init__(path, ns=NS)

    def state(self, name, timeout=2):
        """Status of a task; a State must answer within containerd's 2 s."""
        return self.call("State", field(1, name), timeout=timeout).payload.get(4, 0)


class World:
    def __init__(self, build):
        threading.Thread(target=ttrpc.EventServer(ADDRESS + ".ttrpc").serve_forever,
                         daemon=True).start()
        self.shim = build + "/bin/containerd-shim-cmc-v1"
        self.helper = build + "/tests/shim_fake_helper"
        self.numbers = 0
        self.configure()

    def configure(self, **members):
        settings = {"helper": self.helper, "runtime_dir": PLACE, **members}
        with open(CONFIG, "w", encoding="utf-8") as out:
            json.dump({k: v for k, v in settings.items() if v is not None}, out)
        os.chmod(CONFIG, 0o600)

    def env(self, **more):
        return {"PATH": "/usr/sbin:/usr/bin:/sbin:/bin", "GOMAXPROCS": "2", "CMC_CONFIG": CONFIG,
                "TTRPC_ADDRESS": ADDRESS + ".ttrpc", "CMC_TCTI": "swtpm:path=/none", **more}

    def name(self, script=""):
        self.numbers += 1
        return f"c{self.numbers}{script}"

    def args(self, name, *action, program=None):
        return [program or self.shim, "-namespace", NS, "-address", ADDRESS, "-publish-binary",
                "/usr/bin/containerd", "-id", name, *action]

    def run(self, argv, cwd=PLACE, stdin=b"", status=0, **env):
        done = subprocess.run(argv, cwd=cwd, input=stdin, capture_output=True, timeout=30,
                              check=False, env=self.env(**env))
        if status is not None:
            same(done.returncode, status, f"{argv}: {done.stderr.decode()}")
        return done

    def calls(self, name):
        """What the helper was asked about a container: a list of {key: text}."""
        out = []
        if os.path.exists(CALLS):
            for line in open(CALLS, encoding="utf-8", errors="replace"):
                head, reason = line.rstrip("\n").split(" reason=", 1)
                call = dict(part.split("=", 1) for part in head.split(" "))
                if call["id"] == name:
                    out.append(dict(call, reason=reason))
        return out

    def log(self):
        return open(PLACE + "/shim.log", encoding="utf-8").read()

    def processes(self, *words):
        """Process ids whose command line holds every word."""
        found = []
        for pid in filter(str.isdigit, os.listdir("/proc")):
            try:
                line = open(f"/proc/{pid}/cmdline", "rb").read().replace(b"\0", b" ").decode()
            except OSError:
                continue
            if line and all(word in line for word in words):
                found.append(int(pid))
        return found


def bare_bundle(name):
    """A bundle without a container: its directory, and the FIFO that containerd holds open."""
    bundle = f"{STATE}/{NS}/{name}"
    os.makedirs(bundle, mode=0o700)
    os.mkfifo(bundle + "/log", 0o700)
    return bundle, os.open(bundle + "/log", os.O_RDWR | os.O_NONBLOCK)


def shutdown(path, name):
    """Ends a shim that has no container."""
    client = Client(path)
    try:
        client.wait(client.send("Shutdown", field(1, name)))
    except (EOFError, ConnectionError):
        pass  # the answer may be lost in the end of the shim
    client.close()


class Task:
    """A container's bundle, its shim and a connection."""

    def __init__(self, world, script="", annotations=None, args=("sleep", "1000"), **start):
        self.world = world
        self.name = world.name(script)
        self.bundle, self.fifo = bare_bundle(self.name)
        self.make_bundle(annotations or {}, list(args))
        self.answer = world.run(world.args(self.name, "start"), cwd=self.bundle, **start)
        same(self.answer.stderr, b"", "stderr of start")
        self.path = open(self.bundle + "/address", encoding="utf-8").read()[len("unix://"):]
        self.client = Client(self.path)

    def make_bundle(self, annotations, args):
        os.makedirs(self.bundle + "/rootfs/bin")
        for d in ("proc", "dev", "sys"):
            os.mkdir(self.bundle + "/rootfs/" + d)
        shutil.copy("/bin/busybox", self.bundle + "/rootfs/bin/sleep")
        os.link(self.bundle + "/rootfs/bin/sleep", self.bundle + "/rootfs/bin/sh")
        subprocess.run(["runc", "spec", "-b", self.bundle], check=True)
        spec = json.load(open(self.bundle + "/config.json", encoding="utf-8"))
        spec["process"].update(terminal=False, args=args)
        spec["annotations"] = annotations
        spec["linux"]["cgroupsPath"] = f"/{NS}/{self.name}"
        with open(self.bundle + "/config.json", "w", encoding="utf-8") as out:
            json.dump(spec, out)

    def request(self, *more, bundle=None):
        return message((1, self.name), (2, bundle or self.bundle), *more)

    def create(self, *more, **how):
        return self.client.call("Create", self.request(*more), **how)

    def start(self):
        return self.client.call("Start", field(1, self.name))

    def fifo_text(self):
        try:
            return os.read(self.fifo, 65536).decode(errors="replace")
        except BlockingIOError:
            return ""

    def shims(self):
        """(proxies, real shims) that run for this container's group."""
        real = self.world.processes(REAL, self.name)
        proxies = [p for p in self.world.processes(self.world.shim, self.name) if p not in real]
        return proxies, real

    def finish_task(self):
        """Kills and deletes, as containerd does."""
        self.client.wait(self.client.send("Kill", message((1, self.name), (3, 9))))
        self.client.wait(self.client.send("Wait", field(1, self.name)))
        self.client.call("Delete", field(1, self.name))

    def finish(self):
        """The last task of a shim: nothing may be left."""
        self.finish_task()
        self.leave()

    def leave(self):
        shutdown(self.path, self.name)
        self.client.close()
        wait_until(lambda: not os.path.exists(self.path), "socket removed")
        wait_until(lambda: self.shims() == ([], []), f"shims of {self.name} gone: {self.shims()}")
        os.close(self.fifo)


def kill(pid):
    os.kill(pid, signal.SIGKILL)
