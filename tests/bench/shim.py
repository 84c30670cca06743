# SPDX-License-Identifier: Apache-2.0
"""Runs one container through one shim, as containerd would, without containerd."""

import atexit
import contextlib
import functools
import gc
import json
import multiprocessing
import os
import pathlib
import re
import shutil
import subprocess
import tempfile
import time

import ttrpc

WORLD = pathlib.Path("/run/cmc-world")  # of example-setup/lib/private-world
LIBRARY = pathlib.Path(__file__).parents[2] / "example-setup/lib"
NAMESPACE = os.environ["CMC_NS"]
CONTAINERD = WORLD / "bench.sock"  # nobody listens there, only at its events service
# s; what is still done for a shim that has gone must not slow the next one: the kernel takes up to
# 60 ms until the control groups of its container are no more
AFTERWARDS = 0.1
INNER, PROXY = "containerd-shim-runc-v2", "containerd-shim-cmc-v1"
FOUND = ", measured before"  # in the line for a Create
KEPT = "/run/cmc/cache"  # what helpers keep of trees that they have measured


def find(program):
    """The absolute path of a program, as containerd resolves a runtime's name."""
    path = shutil.which(program)
    if path is None:
        raise RuntimeError(f"{program} is not in PATH")
    return path


@contextlib.contextmanager
def events_served():
    """Runs the events service in a process of its own, so that it takes no time from the client."""
    path = f"{CONTAINERD}.ttrpc"
    with ttrpc.EventServer(path) as server:
        process = multiprocessing.Process(target=server.serve_forever, daemon=True)
        process.start()
        try:
            yield
        finally:
            process.terminate()
            os.unlink(path)


def image_library(command):
    """Runs one shell command that uses example-setup/lib/image.sh."""
    subprocess.run(["bash", "-c", f". '{LIBRARY}/image.sh' && {command}"], check=True)


@functools.cache
def small_image():
    """The lower directory of a one-layer busybox image, at rest, on a disk: of others nothing is
    kept."""
    folder = tempfile.mkdtemp(prefix="cmc-bench-", dir="/var/tmp")
    atexit.register(shutil.rmtree, folder)
    lower = pathlib.Path(folder, "image")
    image_library(f"busybox_tree {lower}")
    time.sleep(0.2)
    return lower


def forget():
    """The next Create finds nothing of any tree."""
    shutil.rmtree(KEPT, ignore_errors=True)


def make_bundle(bundle, container, lower, args):
    """The bundle that containerd 1.6 makes before it starts a shim; returns the rootfs mount."""
    for name in ("rootfs", "upper", "work"):
        (bundle / name).mkdir(parents=True)
    subprocess.run(["runc", "spec"], cwd=bundle, check=True)
    config = json.loads((bundle / "config.json").read_text())
    config["process"].update(terminal=False, args=args)
    config["root"]["readonly"] = False
    config["linux"]["cgroupsPath"] = f"/{NAMESPACE}/{container}"
    (bundle / "config.json").write_text(json.dumps(config))
    os.mkfifo(bundle / "log", 0o700)
    options = ["index=off", f"workdir={bundle}/work", f"upperdir={bundle}/upper"]
    options.append(f"lowerdir={lower}")
    mount = ttrpc.field(1, "overlay") + ttrpc.field(2, "overlay")
    return mount + b"".join(ttrpc.field(4, option) for option in options)


def parse_answer(answer):
    """(socket path, task API version) of what start printed: a bare address, or JSON."""
    if answer.startswith("{"):
        params = json.loads(answer)
        return params["address"].removeprefix("unix://"), params["version"]
    if not answer.startswith("unix://"):
        raise RuntimeError(f"start printed {answer!r}, not an address")
    return answer.removeprefix("unix://"), 2


class Container:
    """One container under one shim. took: seconds of each call, by its name."""

    def __init__(self, binary, container, args, lower):
        self.binary, self.id, self.took = binary, container, {}
        self.bundle = WORLD / "bench" / "io.containerd.runtime.v2.task" / NAMESPACE / container
        self.mount = make_bundle(self.bundle, container, lower, args)
        # containerd reads the log before it starts the shim; opened for both, it never ends
        self.log_fd = os.open(self.bundle / "log", os.O_RDWR | os.O_NONBLOCK)
        path, version = parse_answer(self.timed("start", self.start))
        self.client = ttrpc.Client(path, f"containerd.task.v{version}.Task")
        # The real shim's start does not wait for its server, ours does. This call does: without it,
        # Create would take longer by the server's start, but only without the proxy.
        self.call("Connect")

    def timed(self, name, call, *args, **more):
        gc.disable()  # Python's own pauses are nobody's latency
        begin = time.perf_counter()
        result = call(*args, **more)
        self.took[name] = time.perf_counter() - begin
        gc.enable()
        return result

    def start(self):
        where = ["-namespace", NAMESPACE, "-address", str(CONTAINERD), "-id", self.id]
        env = dict(os.environ, TTRPC_ADDRESS=f"{CONTAINERD}.ttrpc", GOMAXPROCS="2")
        run = subprocess.run(
            [self.binary, *where, "-publish-binary", find("containerd"), "start"],
            cwd=self.bundle,
            env=env,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            process_group=0,
            check=False,
        )
        answer = run.stdout.decode().strip()
        if run.returncode:
            raise RuntimeError(f"{self.binary} start: exit {run.returncode}: {answer}")
        return answer

    def call(self, method, extra=b""):
        return self.timed(method, self.client.call, method, ttrpc.field(1, self.id) + extra,
                          timeout=60)

    def create(self):
        return self.call("Create", ttrpc.field(2, str(self.bundle)) + ttrpc.field(3, self.mount))

    def run(self):
        """From Create to the end of the container's process."""
        self.create()
        self.call("Start")
        self.call("Wait")

    def kill(self):
        self.call("Kill", ttrpc.field(3, 9))
        self.call("Wait")

    def close(self):
        self.call("Delete")
        try:
            self.call("Shutdown")
        except (ConnectionError, EOFError):
            pass  # its answer may be lost in the shim's end
        self.client.closed()
        self.client.close()
        time.sleep(AFTERWARDS)
        log = self.log()
        os.close(self.log_fd)
        shutil.rmtree(self.bundle)
        return log

    def log(self):
        text = b""
        try:
            while block := os.read(self.log_fd, 65536):
                text += block
        except BlockingIOError:
            pass
        return text.decode(errors="replace")


def timings(log):
    """{part: seconds} of the helper's work, and of how long the proxy held the Create, out of the
    line that it logs."""
    parts = ("mount", "digest", "tpm", "all", "held")
    times = ", ".join(rf"{part} (\d+)" for part in parts)
    found = re.search(f'msg="container measured".*{times}', log)
    if found is None:
        raise RuntimeError(f"the shim's log does not tell of a measured container: {log!r}")
    return {part: int(us) / 1e6 for part, us in zip(parts, found.groups())}
