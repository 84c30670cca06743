# SPDX-License-Identifier: Apache-2.0
"""topic_bundle.py -- measure-bundle says, offline, what the shim records of one and the same bundle."""
import json
import os

import image
from world import (CMC, PLACE, TOP, configure, events, expect, holds, new_id, on_terminal, same,
                   sh)

NOBODY = 65534
OCI = PLACE + "/bundle/oci"


def oci_layout():
    """An image as umoci wants it, with files of other owners."""
    if os.path.isdir(OCI):
        return OCI + ":t"
    os.makedirs(OCI)
    image.write(f"{OCI}.tar", "t", 2, "salt", ["VAL=HELLO"])
    sh("tar", "-C", OCI, "-xf", f"{OCI}.tar")
    with open(OCI + "/index.json", encoding="utf-8") as f:
        index = json.load(f)
    index["manifests"][0]["annotations"] = {"org.opencontainers.image.ref.name": "t"}
    with open(OCI + "/index.json", "w", encoding="utf-8") as f:
        json.dump(index, f)
    edit = OCI + ".edit"
    sh("umoci", "unpack", "--image", OCI + ":t", edit)
    for name, owner, mode in (("owned", (1000, 50), 0o640), ("setuid", (7, 8), 0o4755)):
        with open(f"{edit}/rootfs/{name}", "w", encoding="utf-8") as f:
            f.write(name)
        os.chown(f"{edit}/rootfs/{name}", *owner)
        os.chmod(f"{edit}/rootfs/{name}", mode)
    os.link(f"{edit}/rootfs/owned", f"{edit}/rootfs/linked")
    sh("umoci", "repack", "--image", OCI + ":t", edit)
    sh("chmod", "-R", "a+rX", OCI)
    return OCI + ":t"


def unpack(user=0):
    """A bundle whose configuration containerd can run: its path."""
    place = f"{PLACE}/bundle/{new_id('b')}"
    os.makedirs(place)
    os.chmod(f"{PLACE}/bundle", 0o755)
    os.chown(place, user, user)
    if user == 0:
        sh("umoci", "unpack", "--image", oci_layout(), place + "/b")
    else:
        sh(*as_user(user), "umoci", "unpack", "--rootless", "--image", oci_layout(), place + "/b",
           env={"HOME": place})
    os.chmod(place + "/b", 0o755)
    edit(place + "/b")
    return place + "/b"


def edit(bundle):
    """What containerd needs: it runs the configuration from a bundle directory of its own."""
    with open(bundle + "/config.json", encoding="utf-8") as f:
        config = json.load(f)
    config["root"]["path"] = bundle + "/rootfs"
    config["process"].update(terminal=False, args=["/bin/true"])
    with open(bundle + "/config.json", "w", encoding="utf-8") as f:
        json.dump(config, f)


def as_user(user):
    return ["setpriv", f"--reuid={user}", f"--regid={user}", "--clear-groups"]


def live(bundle):
    """The event of a container that runs from the bundle."""
    name = new_id()
    sh("ctr", "run", "--rm", "--runtime", CMC, "--rootfs", "--config", bundle + "/config.json", name)
    return events("container-create", name)[0]


def offline(*argv, user=0, status=0):
    done = sh(*(as_user(user) if user else []), "measure-bundle", *argv, status=status)
    if status:
        same(done.stdout, "", "output of a failure")
        return done.stderr
    with open(f"{PLACE}/tmp/refs.json", "w", encoding="utf-8") as f:
        f.write(done.stdout)
    sh("python3", TOP + "/tests/oracle/references.py", f"{PLACE}/tmp/refs.json")
    return json.loads(done.stdout)[0]


def agree(reference, event):
    data = reference["ctrData"]
    same((data["configSha256"], data["rootfsSha256"]), (event["config"], event["rootfs"]), "digests")
    properties = {p["name"]: p["value"] for p in reference["properties"]}
    same(properties.get("cmc.keyId", "0" * 16), event["key_id"], "key id")


def in_profile(profile, call):
    """A register holds one profile from one boot to the next: the other one gets another register."""
    if profile == "exact":
        return call()
    configure(profile=profile, pcr=14, runtime_dir=f"/run/cmc-{profile}", keep_listing=False)
    try:
        return call()
    finally:
        configure()


def one_bundle(profile):
    """Offline first: runc makes mount points in the tree that it runs."""
    root, user = unpack(), unpack(NOBODY)
    config, how = root + "/config.json", ["-profile", profile]
    found = [offline(*how, root), offline(*how, "-id", "another", root),
             offline("-config", config, "-rootfs", root + "/rootfs", *how),
             offline("-config", config, "-rootfs", user + "/rootfs", *how, user=NOBODY),
             offline("-config", config, "-rootfs", user + "/rootfs", *how)]
    want = in_profile(profile, lambda: live(root))
    for reference in found:
        agree(reference, want)


def test_exact():
    one_bundle("exact")


def test_cmc():
    one_bundle("cmc")


def test_a_changed_byte_shows():
    bundle = unpack()
    before = offline(bundle)["ctrData"]
    with open(bundle + "/rootfs/owned", "a", encoding="utf-8") as f:
        f.write("x")
    after = offline(bundle)["ctrData"]
    expect(before["rootfsSha256"] != after["rootfsSha256"], "the change is not seen")
    same(before["configSha256"], after["configSha256"], "the configuration")
    agree(offline(bundle), live(bundle))


def test_a_redaction_key():
    bundle, key = unpack(), f"{PLACE}/tmp/key"
    with open(key, "wb") as f:
        f.write(b"k" * 32)
    os.chmod(key, 0o600)
    plain = offline(bundle)
    configure(redaction_key=key)
    try:
        redacted = offline("--redaction-key", key, bundle)
        agree(redacted, live(bundle))
        expect("HELLO" in str(plain) and "HELLO" not in str(redacted), "the value is to be withheld")
        holds(offline("--redaction-key", key, "--profile=cmc", bundle, status=2), "cannot redact",
              "profile cmc")
    finally:
        configure()


def test_what_an_ordinary_user_cannot_read():
    """A file of another, 0640: it is named, by its first name, and nothing is printed."""
    bundle = unpack()
    holds(offline(bundle, user=NOBODY, status=3), "/linked: open", "the reason")


def test_exit_codes():
    bundle, key = unpack(), f"{PLACE}/tmp/open-key"
    with open(key, "wb") as f:
        f.write(b"k" * 32)
    os.chmod(key, 0o644)
    listing = f"{PLACE}/tmp/never"
    for argv, status, why in (
            ((), 2, "name a BUNDLE"), (("--no-such", bundle), 2, "--no-such"),
            (("/nowhere",), 3, "No such file"), (("--redaction-key", key, bundle), 1, "mode 0644"),
            (("--rootless", "--listing", listing, bundle), 1, "/linked: owned by 1000")):
        holds(offline(*argv, status=status), why, f"{argv}")
    expect(not os.path.exists(listing), "a listing of what was refused")
    holds(sh("measure-bundle", "--help").stdout, "Usage: measure-bundle", "help")
    same(sh("sh", "-c", f"measure-bundle {bundle} >/dev/full", status=3).stdout, "", "a full output")


def test_what_people_see():
    """Colors and a summary on terminals only; progress on request."""
    bundle = unpack()
    same(sh("measure-bundle", bundle).stderr, "", "standard error that is no terminal")
    holds(sh("measure-bundle", "--progress", bundle).stderr, " entries, ", "on request")
    status, out = on_terminal(["measure-bundle", bundle])
    same(status, 0, "exit status")
    holds(out, " entries, ", "on a terminal")
    holds(on_terminal(["measure-bundle", "/nowhere"])[1], "\x1b[1;31mmeasure-bundle:", "an error")
