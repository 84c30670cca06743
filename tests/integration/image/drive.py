#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""drive.py BUILD [CASE...] -- runs the cases and prints a line for each."""
import json
import os
import shutil
import socket
import subprocess
import sys
import traceback

import cases_cri
import cases_ctr
import cases_rootfs
import layers

BUILD = os.path.abspath(sys.argv[1])
WORK = "/run/cmc-world/image"
BUNDLE, DIGEST = BUILD + "/bin/measure-bundle", BUILD + "/tests/rootfs_digest"
NOBODY, REF = 65534, "example.org/cmc/image:1"


def sh(*argv, status=0):
    done = subprocess.run(argv, capture_output=True, text=True, errors="replace", check=False)
    if status is not None and done.returncode != status:
        raise AssertionError(f"{argv}: status {done.returncode}: {done.stderr[-600:]}")
    return done


def as_nobody(*argv):
    """Runs argv as an ordinary user without any capability."""
    return sh("setpriv", f"--reuid={NOBODY}", f"--regid={NOBODY}", "--clear-groups",
              "--bounding-set=-all", "--inh-caps=-all", "env", f"TMPDIR={WORK}/user", *argv,
              status=None)


def measured(archive, profile):
    """(digest, listing) or the failed process."""
    listing = f"{WORK}/user/listing-{profile}"
    done = as_nobody(BUNDLE, "--image", archive, "--as", "ctr-1.6", "--profile", profile,
                     "--listing", listing)
    if done.returncode:
        return done
    with open(listing, encoding="ascii") as f:
        return json.loads(done.stdout)[0]["ctrData"]["rootfsSha256"], f.read()


def unpacked(archive, ref):
    """The digests and the listing of what containerd makes of it."""
    sh("ctr", "images", "import", "--no-unpack", archive)
    where = WORK + "/mount"
    os.makedirs(where, exist_ok=True)
    sh("ctr", "images", "mount", "--rw", ref, where)
    try:
        return {"exact": sh(DIGEST, where).stdout.strip(), "cmc": sh(DIGEST, "-c", where).stdout.strip(),
                "listing": sh(DIGEST, "-l", where).stdout}
    finally:
        sh("ctr", "images", "unmount", "--rm", where)
        sh("ctr", "images", "rm", "--sync", ref)


def without_root(listing):
    """The root's own mode and owner are the snapshotter's."""
    head, root, *rest = listing.split("\n")
    return [head, root.split(" ", 5)[5:], *rest]


def tree(name, stack, how):
    def check():
        archive, ref = f"{WORK}/user/image.tar", REF
        layers.write(archive, ref, stack, how)
        os.chmod(archive, 0o644)
        want = unpacked(archive, ref)
        for profile in ("exact", "cmc"):
            got = measured(archive, profile)
            if not isinstance(got, tuple):
                raise AssertionError(f"{profile}: {got.stderr}")
            if without_root(got[1]) != without_root(want["listing"]):
                raise AssertionError(f"{profile}: ours\n{got[1]}\ncontainerd's\n{want['listing']}")
            if got[0] != want[profile]:
                raise AssertionError(f"{profile}: {got[0]}, containerd's tree {want[profile]}")
    check.__name__ = f"{how}: {name}"
    return check


def refused(name, stack):
    def check():
        archive, ref = f"{WORK}/user/image.tar", REF
        layers.write(archive, ref, stack)
        os.chmod(archive, 0o644)
        try:
            unpacked(archive, ref)
        except AssertionError as why:
            print(f"  containerd: {str(why)[-160:]}")
        else:
            raise AssertionError("containerd unpacks it")
        finally:
            sh("ctr", "images", "rm", "--sync", ref, status=None)
        for profile in ("exact", "cmc"):
            got = measured(archive, profile)
            if isinstance(got, tuple) or got.returncode not in (1, 3) or got.stdout:
                raise AssertionError(f"{profile}: not refused: {got}")
            print(f"  ours: {got.stderr.strip()[-160:]}")
    check.__name__ = f"refused: {name}"
    return check


def host_name(options):
    return ["--host-name", socket.gethostname()] if "--net-host" in options else []


def write_image(stack, config):
    archive = f"{WORK}/user/image.tar"
    layers.write(archive, REF, stack, config=config)
    os.chmod(archive, 0o644)
    return archive


def made_by_ctr(archive, options, command):
    """The configuration that ctr makes; None when it refuses. The runtime does not exist: nothing
    starts."""
    name = "made-by-ctr"
    sh("ctr", "images", "import", archive)
    try:
        done = sh("ctr", "run", "--runtime", "io.containerd.none.v1", *options, REF, name, *command,
                  status=None)
        made = sh("ctr", "containers", "info", "--spec", name, status=None)
        print("  ctr:", done.stderr.strip()[-160:])
        return made.stdout if made.returncode == 0 else None
    finally:
        sh("ctr", "containers", "rm", name, status=None)
        sh("ctr", "images", "rm", "--sync", REF)


def references(*argv):
    done = sh(BUNDLE, "--name", "x", "--id", "made-by-ctr", *argv, status=None)
    return (json.loads(done.stdout)[0] if done.stdout else None), done


def of_image(archive, profile, options, command):
    return references("--image", archive, "--as", "ctr-1.6", "--profile", profile, "--namespace",
                      os.environ["CONTAINERD_NAMESPACE"], *options, *host_name(options), "--", *command)


def differences(a, b, where=""):
    if isinstance(a, dict) and isinstance(b, dict):
        for key in sorted(set(a) | set(b)):
            yield from differences(a.get(key), b.get(key), f"{where}.{key}")
    elif a != b:
        yield f"{where}: ctr {a!r}, ours {b!r}"


def client(name, stack, config, options, command):
    def check():
        archive = write_image(stack, config)
        spec = made_by_ctr(archive, options, command)
        if spec is None:
            raise AssertionError("ctr refuses")
        path = WORK + "/config.json"
        with open(path, "w", encoding="utf-8") as f:
            f.write(spec)
        for profile in ("exact", "cmc"):
            want, done = references("--config", path, "--rootfs", WORK, "--profile", profile)
            if not want:
                raise AssertionError(done.stderr)
            got, done = of_image(archive, profile, options, command)
            if not got:
                raise AssertionError(done.stderr)
            for part in ("configSha256", "ociSpec"):
                if got["ctrData"][part] != want["ctrData"][part]:
                    raise AssertionError("; ".join(differences(want["ctrData"]["ociSpec"],
                                                               got["ctrData"]["ociSpec"])))
    check.__name__ = f"ctr: {name}"
    return check


def refused_client(name, stack, config, options, command):
    def check():
        archive = write_image(stack, config)
        if made_by_ctr(archive, options, command) is not None:
            raise AssertionError("ctr takes it")
        for profile in ("exact", "cmc"):
            _, done = of_image(archive, profile, options, command)
            if done.returncode not in (1, 2, 3) or done.stdout:
                raise AssertionError(f"{profile}: not refused: {done}")
            print(f"  ours: {done.stderr.strip()[-160:]}")
    check.__name__ = f"ctr refuses: {name}"
    return check


POD = {"pod": "web", "pod-namespace": "shop", "pod-uid": "1234", "container": "main"}


def merged(a, b):
    """Two nested dictionaries as one."""
    return {key: merged(a[key], b[key]) if key in a and key in b and isinstance(a[key], dict)
            else b.get(key, a.get(key)) for key in {**a, **b}}


def made_by_cri(archive, asked, command):
    """The configuration that CRI makes and its ids, or None: nothing but a sandbox starts."""
    import cri  # pylint: disable=import-outside-toplevel
    asked = dict(asked)
    client = cri.client()
    cri.ctr("images", "import", archive)
    cri.wait_until(lambda: client.ImageStatus(image={"image": REF}).image.id, "image known to CRI")
    try:
        with cri.Pod(POD["pod"], handler="runc", namespace=POD["pod-namespace"],
                     uid=POD["pod-uid"]) as pod:
            asked["envs"] = [{"key": k, "value": v} for k, v in asked.get("envs", ())]
            asked["linux"] = merged(cri.host(), asked.get("linux", {}))
            if command:
                asked["command"] = command
            try:
                name = client.CreateContainer(
                    pod_sandbox_id=pod.id, sandbox_config=pod.config,
                    config={"metadata": {"name": POD["container"]}, "image": {"image": REF},
                            "log_path": "x.log", **asked}).container_id
            except client.error as why:
                print("  cri:", why.details()[-160:])
                return None
            spec = cri.ctr("containers", "info", "--spec", name).stdout
            process = next(n["path"] for n in json.loads(spec)["linux"]["namespaces"]
                           if n["type"] == "uts").split("/")[2]
            facts = dict(POD, sandbox=pod.id, id=name, root=cri.CRI + "/root", state=cri.STATE)
            facts.update({"sandbox-pid": process, "image-name": REF, "host-name": socket.gethostname(),
                          "cgroup-parent": pod.config["linux"]["cgroup_parent"],
                          "cgroup-version": "2" if '"type": "cgroup"' in spec.split('"namespaces"')[1]
                          else "1"})
            return spec, [f"--{key}={value}" for key, value in facts.items()]
    finally:
        cri.ctr("images", "rm", "--sync", REF)


def pod_container(name, stack, config, asked, options, command):
    def check():
        archive = write_image(stack, config)
        made = made_by_cri(archive, asked, command)
        if made is None:
            raise AssertionError("CRI refuses")
        spec, facts = made
        path = WORK + "/config.json"
        with open(path, "w", encoding="utf-8") as f:
            f.write(spec)
        for profile in ("exact", "cmc"):
            where = [*facts, "--profile", profile]
            want, done = references("--config", path, "--rootfs", WORK, *where[-2:],
                                    *(f for f in facts if f.startswith("--id=")))
            if not want:
                raise AssertionError(done.stderr)
            got, done = references("--image", archive, "--as", "cri-1.6", *where, *options, "--",
                                   *command)
            if not got:
                raise AssertionError(done.stderr)
            for part in ("configSha256", "ociSpec"):
                if got["ctrData"][part] != want["ctrData"][part]:
                    raise AssertionError("; ".join(differences(want["ctrData"]["ociSpec"],
                                                               got["ctrData"]["ociSpec"])))
    check.__name__ = f"cri: {name}"
    return check


def refused_pod_container(name, stack, config, asked, options, command):
    def check():
        archive = write_image(stack, config)
        if made_by_cri(archive, asked, command) is not None:
            raise AssertionError("CRI takes it")
        _, done = references("--image", archive, "--as", "cri-1.6", "--image-name", REF, *options,
                             "--", *command)
        if done.returncode not in (1, 2) or done.stdout:
            raise AssertionError(f"not refused: {done}")
        print(f"  ours: {done.stderr.strip()[-160:]}")
    check.__name__ = f"cri refuses: {name}"
    return check


def cases():
    for name, case in cases_cri.GOOD.items():
        yield pod_container(name, *case)
    for name, case in cases_cri.BAD.items():
        yield refused_pod_container(name, *case)
    for name, case in cases_ctr.GOOD.items():
        yield client(name, *case)
    for name, case in cases_ctr.BAD.items():
        yield refused_client(name, *case)
    for name, stack in cases_rootfs.GOOD.items():
        yield tree(name, stack, "tar")
    for how in ("gzip", "zstd"):
        yield tree("many layers", cases_rootfs.GOOD["many layers"], how)
    for name, stack in cases_rootfs.BAD.items():
        yield refused(name, stack)


def run(case):
    try:
        case()
        print(f"ok {case.__name__}", flush=True)
        return True
    except Exception as why:  # noqa: BLE001 -- whatever it is, the case failed
        traceback.print_exc()
        print(f"not ok {case.__name__} - {str(why)[:300]!r}", flush=True)
        return False


def main():
    wanted = sys.argv[2:]
    shutil.rmtree(WORK, ignore_errors=True)
    os.makedirs(WORK + "/user")
    os.chown(WORK + "/user", NOBODY, NOBODY)
    chosen = [c for c in cases() if not wanted or any(w in c.__name__ for w in wanted)]
    good = [run(case) for case in chosen]
    sys.exit(0 if good and all(good) else 1)


main()
