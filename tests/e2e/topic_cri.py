# SPDX-License-Identifier: Apache-2.0
"""topic_cri.py -- pods through CRI: each container has its event, and nothing is lost or left."""
import contextlib
import json
import os

import cri
import oci_config
import world
from cri import (BUSYBOX, CRI, K8S, SLEEP, Pod, case, client, created, ctr, ends, events, restart,
                 run_in, state, stop)
from world import configure, expect, same


@case
def test_life_of_a_pod():
    """Pause, an init container, two others, exec, containerd killed, a third, a restarted one."""
    with Pod("web", namespace="shop", uid="1234") as pod:
        init = pod.run("init", "echo", "prepared")
        same(ends(init), 0, "the init container")
        same(pod.output("init"), "prepared\n", "its output")
        one, two = pod.run("one"), pod.run("two")
        same(run_in(one, "echo", "in"), "in\n", "exec")
        proxy = cri.proxies()
        same(len(proxy), 1, "proxies of one pod")
        restart()
        same([state(name) for name in (init, one, two)], ["EXITED", "RUNNING", "RUNNING"],
             "after containerd was killed")
        same(run_in(two, "echo", "still in"), "still in\n", "exec")
        three = pod.run("three")
        stop(one)
        again = pod.run("one", attempt=1)
        same(cri.proxies(), proxy, "proxies after the restart")
        whole(pod, {"init": init, "one": one, "two": two, "three": three})
        whole(pod, {"one": again})
    for name in (one, two, three, again, pod.id):
        same(events(name), [("container-create", None), ("container-delete", 137)], name)
    same(events(init), [("container-create", None), ("container-delete", 0)], "init")


def whole(pod, ids):
    """Each event names its container, its image and its pod."""
    meta = pod.config["metadata"]
    who = {"sandbox": pod.id, "pod": meta["name"], "pod_ns": meta["namespace"],
           "pod_uid": meta["uid"], "ns": K8S}
    for name, container in ids.items():
        want = dict(who, name=name, image=BUSYBOX)
        event = created(container)
        same({key: event.get(key) for key in want}, want, f"the event of {name}")
    event = created(pod.id)
    same({key: event.get(key) for key in who}, who, "the event of the sandbox")


def differences(name):
    """What `cmcctl log` says that differs from the image's event before: {member: (old, new)}."""
    for entry in json.loads(world.cmcctl("--json").stdout)["events"]:
        event = entry["event"]
        if event["type"] == "container-create" and event["container"] == name:
            found = entry.get("since", {}).get("differences", [])
            return {d["path"]: (d["before"], d["after"]) for d in found}
    raise AssertionError(f"no event of {name}")


def two_runs(first, second, env=("1", "1")):
    """The container ids of one container in two pods, and the pods' ids."""
    ids = []
    for who, value in zip((first, second), env):
        with Pod(*who[:1], namespace=who[1], uid=who[2]) as pod:
            ids.append((pod.run("main", env=[("VAL", value)]), pod.id))
    return ids


NAMESPACES = {f"linux.namespaces[{number}].path" for number in (1, 2, 4)}


@case
def test_one_variable_shows():
    who = ("web", "shop", "1234")
    (one, _), (two, _) = two_runs(who, who, ("HELLO", "EVIL"))
    same(created(one)["rootfs"], created(two)["rootfs"], "rootfs")
    expect(created(one)["config"] != created(two)["config"], "config digests are equal")
    found = differences(two)
    same(set(found), NAMESPACES | {"process.env VAL"}, "members that differ")
    same(found["process.env VAL"], ('"HELLO"', '"EVIL"'), "its values")


@case
def test_one_sandbox_twice_has_one_digest():
    who = ("web", "shop", "1234")
    (_, one), (_, two) = two_runs(who, who)
    same(created(one)["config"], created(two)["config"], "config of the sandbox")


@case
def test_members_that_differ_between_pods():
    """As docs/shim.md lists them: whose pod it is, and the sandbox's first process."""
    (_, _), (two, _) = two_runs(("web", "shop", "1234"), ("web2", "other", "5678"))
    note = 'annotations["io.kubernetes.cri.sandbox-{}"]'.format
    same(set(differences(two)), NAMESPACES | {note("name"), note("namespace"), note("uid"),
                                              "linux.cgroupsPath.before"}, "members that differ")


@case
def test_unknown_command():
    """The event says that it was about to run; the error is runc's."""
    with Pod("web") as pod:
        name = pod.create("bad", "/bin/no-such-program")
        cri.fails(lambda: client().StartContainer(container_id=name), "no-such-program")
        same(events(name)[0][0], "container-create", "the event")
        pod.run("good")


@case
def test_refused_configuration_starts_no_pod():
    before = len(world.events())
    configure(mode="strict")
    try:
        cri.fails(Pod("web").run_sandbox, "strict", "exit status 3")
    finally:
        configure()
    same(len(world.events()), before, "events")


# options

def own_runc():
    """A runc of another name and place; where it keeps its containers, when told."""
    path = CRI + "/own-runc"
    if not os.path.exists(path):
        cri.place(path, world.sh("sh", "-c", "command -v runc").stdout.strip())
    return path


def runc_of(name):
    return {p["role"]: p["path"] for p in created(name)["programs"]}["runc"]


@case
def test_options_from_a_file():
    path, root = own_runc(), CRI + "/runc"
    with open(CRI + "/options.toml", "w", encoding="utf-8") as out:
        out.write(f"# of runc's shim\nBinaryName = \"{path}\"\nRoot = '{root}'\n")
    with Pod("web", handler="cmc-file") as pod:
        name = pod.run("main")
        same(cri.names_below(root, K8S), sorted([pod.id, name]), "what runc keeps at Root")
        for one in (pod.id, name):
            same(runc_of(one), path, "runc in the event")
            expect("options" in created(one), "no digest of the options")


@case
def test_inline_options():
    """containerd 1.6 loses them on the way; since 1.7 they arrive."""
    path = own_runc()
    with Pod("web", handler="cmc-inline") as pod:
        got = runc_of(pod.id)
        same(got == path, world.version() >= (1, 7), f"BinaryName counts ({got})")


@case
def test_missing_options_file_is_named():
    """Which runc would run is not known, and runc's shim refuses what is not translated."""
    path = CRI + "/options.toml"
    if os.path.exists(path):
        os.unlink(path)
    pod = Pod("web", handler="cmc-file")
    cri.fails(pod.run_sandbox, "config_path", "options.toml", "No such file")


@case
def test_options_of_ctr():
    """Without CRI: the type that ctr 1.x has for any shim but runc's, and a path."""
    path = own_runc()
    with open(CRI + "/options.toml", "w", encoding="utf-8") as out:
        out.write(f'BinaryName = "{path}"\n')
    for name, *option in (("pivot", "--no-pivot"),
                          ("path", "--runtime-config-path", CRI + "/options.toml")):
        ctr("run", "-d", "--runtime", world.CMC, *option, BUSYBOX, name, *SLEEP)
        expect("options" in created(name), "no digest of the options")
        ctr("task", "delete", "-f", name, status=None)
        ctr("container", "delete", name)
    same(runc_of("path"), path, "runc in the event")


@case
def test_systemd_is_asked_for_by_the_form_of_the_path():
    """No options, and a parent that is a slice: runc says that there is no systemd here."""
    pod = Pod("web")
    pod.config["linux"]["cgroup_parent"] = "cmc.slice"
    cri.fails(pod.run_sandbox, "systemd")


# dry runs

@contextlib.contextmanager
def private_tmp():
    """Dry runs write below /tmp: what they write stays in this world."""
    for part in ("upper", "work"):
        os.makedirs(f"{CRI}/tmp/{part}", exist_ok=True)
    os.chmod(f"{CRI}/tmp/upper", 0o1777)
    world.sh("mount", "-t", "overlay", "-o",
             f"lowerdir=/tmp,upperdir={CRI}/tmp/upper,workdir={CRI}/tmp/work", "tmp", "/tmp")
    try:
        yield
    finally:
        world.sh("umount", "-l", "/tmp")


def listening_runc():
    """A runc that writes down what it is asked; its file, and what it wrote."""
    path = CRI + "/listening-runc"
    world.sh("tee", path, input=f"#!/bin/sh\necho \"$@\" >>{path}.said\nexec runc \"$@\"\n")
    os.chmod(path, 0o755)
    with open(CRI + "/options.toml", "w", encoding="utf-8") as out:
        out.write(f'BinaryName = "{path}"\n')

    def said(*words):
        with open(path + ".said", encoding="utf-8") as f:
            return [line for line in f if all(word in line for word in words)]
    return said


@case
def test_dry_run_starts_nothing():
    """Not even runc hears of it; the pod goes on; a real container differs by its name alone."""
    said = listening_runc()
    with private_tmp(), Pod("web", handler="cmc-file") as pod:
        before, pcrs = len(world.events()), world.pcr_read()
        dry = pod.create("CMC_GENERATE_APP_MANIFEST", *SLEEP)
        cri.fails(lambda: client().StartContainer(container_id=dry),
                  "dry run: reference values written to /tmp/measure/container-refs",
                  "nothing was started")
        same((len(world.events()), world.pcr_read()), (before, pcrs), "log and register")
        expect(said("create", pod.id), "runc was not asked for the sandbox: this shows nothing")
        same(said("create", dry), [], "what runc was asked")
        expect(state(dry) != "RUNNING", "it runs")
        with open("/tmp/measure/container-refs", encoding="utf-8") as f:
            reference = json.load(f)[0]["ctrData"]
        real = created(pod.run("main"))
        same(reference["rootfsSha256"], real["rootfs"], "rootfs")
        reference["ociSpec"]["annotations"]["io.kubernetes.cri.container-name"] = "main"
        detail = json.dumps(reference["ociSpec"]).encode()
        same(oci_config.detail_digest(detail, bytes(32)), real["config"], "config")
        cri.remove(dry)
    same(events(dry), [], "events of the dry run")
