# SPDX-License-Identifier: Apache-2.0
"""topic_cri_pods.py -- pods beside and against each other: misleading names, groups, orders."""
import concurrent.futures
import contextlib
import os
import shutil
import signal

import cri
import image
import ttrpc
import world
from cri import CRI, K8S, Pod, case, created, ctr, events, run_in, state
from world import expect, same, wait_until

CMC = "io.containerd.cmc.v1"
SANDBOX = "io.kubernetes.cri.sandbox-id"
GROUP = "io.containerd.runc.v2.group"
LIFE = [("container-create", None), ("container-delete", 137)]


def ctr_run(name, *opts, ns=K8S):
    """A container that keeps running, without CRI."""
    ctr("run", "-d", "--runtime", CMC, *opts, cri.BUSYBOX, name, "sleep", "1000", ns=ns)


def ctr_remove(name, ns=K8S):
    ctr("task", "delete", "-f", name, ns=ns, status=None)
    ctr("container", "delete", name, ns=ns)


@contextlib.contextmanager
def other_namespace():
    """A containerd namespace that has the image, too."""
    ns = world.NAMESPACE + "-other"
    archive = CRI + "/other.tar"
    image.write(archive, cri.BUSYBOX, 1, "", [], ("true",))  # ctr 2.x can end before its export
    ctr("images", "import", archive, ns=ns)
    try:
        yield ns
    finally:
        for name in ctr("container", "ls", "-q", ns=ns).stdout.split():
            ctr_remove(name, ns)
        ctr("images", "rm", "--sync", cri.BUSYBOX, ns=ns)


def not_with_2():
    """Cases that leave containers or shims behind with runc's own shim, too."""
    if world.version() >= (2, 0):
        raise world.Skip("containerd 2.x forgets what a pod's containers left, whatever the shim")


@case
def test_equal_names_in_two_namespaces():
    with Pod("web", namespace="one", uid="u") as one, Pod("web", namespace="two", uid="u") as two:
        same(len(cri.proxies()), 2, "proxies of two pods")
        for pod in (one, two):
            name = pod.run("main")
            event = created(name)
            same((event["sandbox"], event["pod"], event["pod_ns"]),
                 (pod.id, "web", pod.config["metadata"]["namespace"]), "whose it is")


@case
def test_ten_pods_at_once():
    def life(number):
        with Pod(f"pod{number}") as pod:
            ids = [pod.run("a"), pod.run("b")]
            same(run_in(ids[0], "echo", str(number)), f"{number}\n", "exec")
            return [pod.id] + ids

    with concurrent.futures.ThreadPoolExecutor(10) as pool:
        found = list(pool.map(life, range(10)))
    for ids in found:
        for name in ids:
            same(events(name), LIFE, name)
            same(created(name)["sandbox"], ids[0], f"sandbox of {name}")


@case
def test_containers_of_one_pod_at_once():
    with Pod("web") as pod:
        with concurrent.futures.ThreadPoolExecutor(8) as pool:
            ids = list(pool.map(lambda n: pod.run(f"c{n}"), range(8)))
        same(len(cri.proxies()), 1, "proxies")
    for name in ids:
        same(events(name), LIFE, name)


def init_of(name):
    for line in ctr("task", "ls").stdout.splitlines()[1:]:
        if line.split()[0] == name:
            return int(line.split()[1])
    raise AssertionError(f"no task {name}")


@case
def test_sandbox_that_ends_before_its_containers():
    not_with_2()
    with Pod("web") as pod:
        name = pod.run("main")
        proxy = cri.proxies()
        os.kill(init_of(pod.id), signal.SIGKILL)
        wait_until(lambda: cri.client().ListPodSandbox().items[0].state == 1, "pod not ready")
        same((state(name), run_in(name, "echo", "in")), ("RUNNING", "in\n"), "the container")
        same(cri.proxies(), proxy, "proxies")
    same([events(one) for one in (pod.id, name)], [LIFE] * 2, "events")


@case
def test_sandbox_that_is_deleted_before_its_containers():
    """Its bundle, where the proxy was started, is gone: another container comes all the same."""
    not_with_2()
    with Pod("web") as pod:
        name = pod.run("main")
        ctr("task", "delete", "-f", pod.id, status=None)
        ctr_run("later", "--annotation", f"{SANDBOX}={pod.id}")
        same(created("later")["sandbox"], pod.id, "its sandbox")
        same(len(cri.proxies()), 1, "proxies")
        same(run_in(name, "echo", "in"), "in\n", "exec")
        ctr_remove("later")


@case
def test_forged_sandbox_id():
    """It is in the pod's shim, and its event claims the pod; by CRI's other words it is none."""
    with Pod("web") as pod:
        name = pod.run("main")
        proxy = cri.proxies()
        ctr_run("forged", "--annotation", f"{SANDBOX}={pod.id}")
        same(cri.proxies(), proxy, "proxies")
        event = created("forged")
        same((event["sandbox"], event["container"], event.get("pod")), (pod.id, "forged", None),
             "who it is")
        cri.stop(name)
    same(cri.proxies(), proxy, "proxies while the forged one runs")
    same(ctr("task", "exec", "--exec-id", "e", "forged", "echo", "in").stdout, "in\n", "exec")
    ctr_remove("forged")
    same([events(one) for one in (pod.id, name, "forged")], [LIFE] * 3, "events")


@case
def test_another_containerd_namespace_names_the_pod():
    with Pod("web") as pod, other_namespace() as ns:
        proxy = cri.proxies()
        for number, note in enumerate((SANDBOX, GROUP)):
            name = f"other{number}"
            ctr_run(name, "--annotation", f"{note}={pod.id}", ns=ns)
            same(created(name)["ns"], ns, "its namespace")
            same(len(set(cri.proxies()) - set(proxy)), 1, "proxies of the other namespace")
        expect(set(proxy) <= set(cri.proxies()), "the pod's proxy is gone")


@case
def test_container_named_as_a_sandbox():
    """In another namespace one may have the very id of a pod's sandbox."""
    with Pod("web") as pod, other_namespace() as ns:
        ctr_run(pod.id, ns=ns)
        found = world.events("container-create", pod.id)
        same([(e["ns"], e.get("sandbox")) for e in found], [(K8S, pod.id), (ns, None)], "events")
        same(len(cri.proxies()), 2, "proxies")


def call(pod, method, *members):
    """A request straight to a pod's proxy, as containerd sends them."""
    with open(cri.bundle(pod.id) + "/address", encoding="utf-8") as f:
        path = f.read()[len("unix://"):]
    api = 3 if world.version() >= (2, 0) else 2
    client = ttrpc.Client(path, f"containerd.task.v{api}.Task", K8S)
    client.call(method, ttrpc.message(*members))
    client.close()


@case
def test_create_with_the_bundle_of_another_pod():
    """What is measured is what would run: the bundle that the request names."""
    with Pod("one") as one, Pod("two") as two:
        other = two.run("main")
        call(one, "Create", (1, "stray"), (2, cri.bundle(other)))
        event, real = created("stray"), created(other)
        for member in ("raw_config", "sandbox"):
            same(event[member], real[member], member)
        expect(event["config"] != real["config"], "it passes for the other container")
        call(one, "Kill", (1, "stray"), (3, 9))
        call(one, "Wait", (1, "stray"))
        call(one, "Delete", (1, "stray"))
        same(run_in(other, "echo", "in"), "in\n", "the container whose bundle it is")
    same(events("stray"), LIFE, "events")


@case
def test_pod_whose_proxy_is_killed():
    """containerd ends its containers; the pod can be removed, and comes again."""
    not_with_2()
    with Pod("web") as pod:
        name = pod.run("main")
        os.kill(cri.proxies()[0], signal.SIGKILL)
        wait_until(lambda: state(name) == "EXITED", "ended")
    with Pod("web") as pod:
        pod.run("main")


@contextlib.contextmanager
def slow_helper():
    """A helper that begins two seconds late."""
    path = f"{world.PLACE}/slow-helper"
    real = f"{world.PLACE}/tree/libexec/cmc/cmc-measure"
    world.sh("gcc", "-x", "c", "-o", path, "-", input="#include <unistd.h>\n"
             f'int main(int n, char **v) {{ sleep(2); return execv("{real}", v) + n; }}\n')
    world.configure(helper=path)
    try:
        yield
    finally:
        world.configure()


@case
def test_containerd_killed_while_a_pod_is_measured():
    """Its Create is never forwarded; nobody asks for another: all of it goes away by itself."""
    if not os.environ.get("CMC_LONG"):
        raise world.Skip("waits a minute: sudo tests/run long")
    with slow_helper(), concurrent.futures.ThreadPoolExecutor(1) as pool:
        lost = pool.submit(cri.fails, Pod("lost").run_sandbox)
        wait_until(lambda: world.processes("cmc-measure"), "measuring")
        cri.restart()
        lost.result()
        wait_until(lambda: not world.processes("cmc-measure"), "measured")
    cri.clean()
    wait_until(lambda: all(left.startswith("bundle ") for left in cri.leftovers()), "gone", 80)
    for name in cri.names_below(cri.bundle("")):  # 1.x keeps it when runc's shim deletes nothing
        shutil.rmtree(cri.bundle(name))
