# SPDX-License-Identifier: Apache-2.0
"""topic_cri_versions.py -- configurations of CRI that look right: what each containerd does.

docs/compatibility.md says what is seen here.
"""
from cri import Pod, case, client, created
from world import events, expect, holds, same, version


def is_measured(handler):
    """Whether a pod of the handler and its container are; both or none."""
    before = len(events())
    with Pod("web", handler=handler) as pod:
        name = pod.run("main")
        same(client().ContainerStatus(container_id=name).status.state, 1, "running")
        if len(events()) == before:
            return False
        created(pod.id)
        created(name)
        return True


@case
def test_runtime_path_counts_since_1_6_21_and_1_7_1():
    ignored = version() < (1, 6, 21) or version() == (1, 7, 0)
    same(is_measured("cmc-path"), not ignored, "measured")


@case
def test_the_legacy_type_is_never_measured():
    if version() < (2, 0):
        return same(is_measured("cmc-legacy"), False, "measured")
    try:
        is_measured("cmc-legacy")
    except client().error as why:
        return holds(why.details(), "containerd-shim-v1-linux", "the error")
    return expect(False, "it started")
