# SPDX-License-Identifier: Apache-2.0
"""topic_cri.py -- pods through CRI: each container has its event, and nothing is lost or left."""
import cri
from cri import Pod, case, created, ends, events, restart, run_in, state, stop
from world import same


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
           "pod_uid": meta["uid"], "ns": cri.K8S}
    for name, container in ids.items():
        want = dict(who, name=name, image=cri.BUSYBOX)
        event = created(container)
        same({key: event.get(key) for key in want}, want, f"the event of {name}")
    event = created(pod.id)
    same({key: event.get(key) for key in who}, who, "the event of the sandbox")
