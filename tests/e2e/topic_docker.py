# SPDX-License-Identifier: Apache-2.0
"""topic_docker.py -- Docker with our shim by `runtimeType`, as its default runtime and by name."""
import functools
import json
import os
import re
import shutil
import signal
import subprocess

import image
import world
from world import (CONTAINERD_LOG, NAMESPACE, PATH, PLACE, Skip, configure, expect, holds, processes,
                   same, sh, wait_until)

DOCKER = PLACE + "/docker"
LOG = DOCKER + "/dockerd.log"
OPTIONS = DOCKER + "/options.toml"
OWN_RUNC = DOCKER + "/own-runc"
MOBY = "moby"  # Docker's namespace in containerd
IMAGE = "test"
CMC = "io.containerd.cmc.v1"
EXAMPLE = f"{world.TOP}/example-setup/docker/daemon.json"
MORE = {
    "cmc-path": {"runtimeType": PATH},
    "cmc-file": {"runtimeType": CMC, "options": {"TypeUrl": "io.containerd.runc.v1.Options",
                                                 "ConfigPath": OPTIONS}},
    "cmc-inline": {"runtimeType": CMC, "options": {"BinaryName": OWN_RUNC}},
}
BOTH = ["container-create", "container-delete"]


def programs():
    """The PATH that finds dockerd and docker."""
    path = os.pathsep.join(filter(None, [os.environ.get("CMC_DOCKER"), os.environ["PATH"]]))
    dockerd = shutil.which("dockerd", path=path)
    if not dockerd or not shutil.which("docker", path=path):
        raise Skip("no dockerd and docker here; tests/run e2e gets those of Debian 13")
    text = sh(dockerd, "--version").stdout
    if int(re.search(r"version (\d+)", text).group(1)) < 23:
        raise Skip(f"runtimeType needs Docker 23 or newer, this is {text.strip()}")
    return path


def docker(*argv, **more):
    """The client."""
    env = {"PATH": programs(), "DOCKER_HOST": f"unix://{DOCKER}/socket", "DOCKER_CONFIG": DOCKER}
    return sh("docker", *argv, env=env, **more)


def start():
    os.makedirs(DOCKER, exist_ok=True)
    with open(DOCKER + "/daemon.json", "w", encoding="utf-8") as out:
        with open(EXAMPLE, encoding="utf-8") as shipped:
            config = json.load(shipped)
        config["runtimes"].update(MORE)
        json.dump(config, out)
    # no networks of its own, and control groups where the world's are
    argv = ["dockerd", "--config-file", DOCKER + "/daemon.json", "-H", f"unix://{DOCKER}/socket",
            "--containerd", os.environ["CONTAINERD_ADDRESS"], "--pidfile", DOCKER + "/pid",
            "--data-root", DOCKER + "/data", "--exec-root", DOCKER + "/exec",
            "--cgroup-parent", f"/{NAMESPACE}", "--bridge=none", "--iptables=false",
            "--ip6tables=false", "--ip-forward=false"]
    with open(LOG, "ab") as log:
        daemon = subprocess.Popen(argv, cwd="/", stdin=subprocess.DEVNULL, stdout=log, stderr=log,
                                  env=dict(os.environ, PATH=programs()))
    wait_until(lambda: docker("version", status=None).returncode == 0, f"dockerd up; see {LOG}", 30)
    if not docker("image", "ls", "-q").stdout:
        with open(DOCKER + "/layer.tar", "wb") as out:
            out.write(image.first_layer())
        docker("import", DOCKER + "/layer.tar", IMAGE)
    return daemon


def leftovers():
    found = docker("ps", "-aq").stdout.split()
    bundles = f"{PLACE}/containerd/state/io.containerd.runtime.v2.task/{MOBY}"
    found += os.listdir(bundles) if os.path.isdir(bundles) else []
    with open("/proc/self/mounts", encoding="utf-8") as mounts:
        return found + [line for line in mounts if line.split()[1].endswith("/merged")]


def case(call):
    """A case with a dockerd: nothing is left, and the log agrees with the TPM."""
    @functools.wraps(call)
    def checked():
        daemon = start()
        try:
            call()
            wait_until(lambda: not leftovers(), "containers of Docker gone")
            world.cmcctl("--verify")
            world.oracle()
        except Exception:
            print(sh("tail", "-n", "8", LOG, CONTAINERD_LOG).stdout)
            raise
        finally:
            for name in docker("ps", "-aq", status=None).stdout.split():
                docker("rm", "-f", name, status=None)
            daemon.send_signal(signal.SIGTERM)
            daemon.wait(30)
    return checked


def run(*command, runtime=None, opts=(), **more):
    """docker run --rm; returns the process and the events that came."""
    before = len(world.events())
    which = ["--runtime", runtime] if runtime else []
    done = docker("run", "--rm", "--network", "none", *which, *opts, IMAGE, *command, **more)
    wait_until(lambda: not processes("containerd-shim"), "the end of the shims")
    return done, [e for e in world.events()[before:] if e["ns"] == MOBY]


def created(*command, **more):
    found = run(*command, **more)[1]
    same([e["type"] for e in found], BOTH, "events")
    return found[0]


def runc_of(event):
    return {p["role"]: p["path"] for p in event["programs"]}["runc"]


@case
def test_default_runtime_name_and_path():
    for runtime in (None, "cmc", "cmc-path"):
        done, found = run("sh", "-c", "echo out; echo err >&2; exit 7", runtime=runtime, status=7)
        same((done.stdout, done.stderr), ("out\n", "err\n"), f"output under {runtime}")
        same([e["type"] for e in found], BOTH, f"events under {runtime}")
        same(found[1].get("exit_status"), 7, "exit status in the event")


@case
def test_runc_beside_it_is_not_measured():
    same(run("true", runtime="runc")[1], [], "events")


@case
def test_exec_kill_and_remove():
    name = docker("run", "-d", "--network", "none", IMAGE, "sleep", "1000").stdout.strip()
    same(docker("exec", name, "echo", "in").stdout, "in\n", "exec")
    docker("pause", name)
    docker("unpause", name)
    docker("kill", name)
    docker("rm", name)
    world.life(name)
    same(world.events("container-delete", name)[0].get("exit_status"), 137, "exit status")


@case
def test_containerd_killed_under_a_container():
    name = docker("run", "-d", "--network", "none", IMAGE, "sleep", "1000").stdout.strip()
    os.kill(world.pid_of("containerd"), signal.SIGKILL)
    world.world_sh("world_containerd")
    wait_until(lambda: docker("exec", name, "true", status=None).returncode == 0, "exec works again")
    docker("rm", "-f", name)
    world.life(name)


@case
def test_same_image_same_rootfs_digest():
    """The configuration's is not: Docker puts the container's id into it."""
    opts = ["--name", "same", "--hostname", "same"]
    one, two = created("true", opts=opts), created("true", opts=opts)
    same(one["rootfs"], two["rootfs"], "rootfs")
    expect(one["config"] != two["config"], "config digests are equal: docs/compatibility.md is old")


@case
def test_options_from_a_file():
    shutil.copy(shutil.which("runc"), OWN_RUNC)
    with open(OPTIONS, "w", encoding="utf-8") as out:
        out.write(f'BinaryName = "{OWN_RUNC}"\n')
    same(runc_of(created("true", runtime="cmc-file")), OWN_RUNC, "runc")


@case
def test_inline_options_are_lost_in_docker():
    """dockerd knows no others than TypeUrl and ConfigPath for a runtime that it does not know."""
    same(runc_of(created("true", runtime="cmc-inline")), shutil.which("runc"), "runc")


@case
def test_refused_configuration_is_named():
    before = len(world.events())
    configure(mode="strict")
    try:
        done = docker("run", "--rm", "--network", "none", IMAGE, "echo", "ran", status=125)
    finally:
        configure()
    same((done.stdout, len(world.events())), ("", before), "output, and the number of events")
    holds(done.stderr, "strict", "the error")
