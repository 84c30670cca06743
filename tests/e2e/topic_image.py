# SPDX-License-Identifier: Apache-2.0
"""topic_image.py -- references from the image alone, by an ordinary user, are those of later events."""
import json
import os

import cri
import image
import oci_rules
import world
from world import NAMESPACE, PLACE, TOP, Skip, ctr, events, life, new_id, run, same, sh, version

REF, ARCHIVE = "example.org/cmc/image:1", f"{PLACE}/tmp/of-image.tar"


def needs_1_6():
    if version() >= (1, 7):
        raise Skip("references are made from images as clients of containerd 1.6 start them")


def archive():
    image.write(ARCHIVE, REF, 3, "salt", ["A=1"])
    os.chmod(ARCHIVE, 0o644)
    os.chmod(f"{PLACE}/tmp", 0o711)
    return ARCHIVE


def references(*options):
    """By nobody, without a capability and without containerd."""
    nobody = ["setpriv", "--reuid=65534", "--regid=65534", "--clear-groups", "--bounding-set=-all",
              "--inh-caps=-all", "env", "-u", "CONTAINERD_ADDRESS", "TMPDIR=/var/tmp"]
    (only,) = json.loads(sh(*nobody, "measure-bundle", "--image", ARCHIVE, *options).stdout)
    return only["ctrData"]


def agrees(options=(), command=("true",)):
    name = new_id()
    want = references("--as=ctr-1.6", f"--namespace={NAMESPACE}", *options, "--", *command)
    run(REF, *command, name=name, opts=list(options))
    life(name)
    event = events("container-create", name)[0]
    same((event["config"], event["rootfs"]), (want["configSha256"], want["rootfsSha256"]),
         f"digests with {options}")


def test_a_later_run_has_these_digests():
    needs_1_6()
    ctr("images", "import", archive())
    agrees()
    agrees(("--env=VAL=HELLO", "--env=A=2", "--cwd=/bin", "--read-only"), ("/bin/sh", "-c", "true"))
    agrees(("--label=a=b", "--cap-add=CAP_SYS_ADMIN", "--cap-drop=CAP_KILL", "--memory-limit=67108864"))
    agrees(("--mount=type=tmpfs,dst=/mnt,options=nosuid:size=64k", "--cpu-shares=2"))


def detail(digest):
    """The configuration of an event, as the host keeps it."""
    for where, _, names in os.walk(f"{PLACE}/state"):
        for name in names:
            if digest in name:
                with open(os.path.join(where, name), encoding="utf-8") as f:
                    return json.load(f)
    raise AssertionError(f"no detail {digest}")


@cri.case
def test_a_container_of_a_pod_matches_by_rules():
    """Of another pod than that of the reference; the rules are the example's."""
    needs_1_6()
    client = cri.client()
    cri.ctr("images", "import", archive())
    world.wait_until(lambda: client.ImageStatus(image={"image": REF}).image.id, "image known to CRI")
    want = references("--as=cri-1.6", f"--image-name={REF}", "--env=VAL=HELLO", f"--root={cri.CRI}/root",
                      f"--state={cri.STATE}", f"--cgroup-version={cgroup_version()}", "--",
                      *cri.SLEEP)
    with open(f"{TOP}/example-setup/rules/cri.json", encoding="utf-8") as f:
        rules = json.load(f)
    found = {}
    with cri.Pod("web", namespace="shop", uid="1234") as pod:
        for value in ("HELLO", "EVIL"):
            name = pod.run(value.lower(), env=[("VAL", value)], ref=REF)
            found[value] = cri.created(name)
    for value, event in found.items():
        same(event["rootfs"], want["rootfsSha256"], "rootfs")
        same(oci_rules.judge(want["ociSpec"], detail(event["config"]), rules),
             None if value == "HELLO" else "$.process.env", f"the rules, with VAL={value}")


def cgroup_version():
    with open("/proc/self/mounts", encoding="utf-8") as mounts:
        kinds = {line.split()[2] for line in mounts if line.split()[1] == "/sys/fs/cgroup"}
    return 2 if "cgroup2" in kinds else 1


def test_manifests_change_only_with_the_image():
    """update-container-manifest, signed by a PKI of its own."""
    needs_1_6()
    archive()
    place = f"{PLACE}/manifests"
    sh(f"{TOP}/pki/setup-pki", f"{place}-pki")

    def update(*options):
        return sh(f"{TOP}/example-setup/update-container-manifest", f"--metadata={place}",
                  f"--pki={place}-pki", "--manifest=app", *options, ARCHIVE, "true").stdout

    def files():
        return {name: os.stat(f"{place}/{name}").st_mtime_ns
                for name in ("app.json", "image.description.json", "listings")}

    world.holds(update("--env=VAL=HELLO"), "app: new", "the first time")
    first = files()
    same(update("--env=VAL=HELLO"), "app: nothing changed\n", "the second time")
    same(files(), first, "files")
    world.holds(update("--env=VAL=EVIL"), "app: changed", "another variable")
    for name in ("app.json", "image.description.json"):
        world.expect(files()[name] != first[name], f"{name} is not new")
    world.holds(update("--env=VAL=EVIL", "--base=a,b"), "app: changed", "another base layer")
    listing = os.listdir(f"{place}/listings")
    same(listing, [references("--as=ctr-1.6")["rootfsSha256"]], "listings")
