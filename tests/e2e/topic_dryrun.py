# SPDX-License-Identifier: Apache-2.0
"""topic_dryrun.py -- a container named CMC_GENERATE_APP_MANIFEST gives references, and never exists."""
import json
import os
import shutil
import stat
import struct

import image
from world import (ALIAS, CMC, PATH, PLACE, TOP, busybox, configure, ctr, events, expect, holds,
                   life, new_id, pcr_read, run, run_args, same, sh, version)

DRY_RUN = "CMC_GENERATE_APP_MANIFEST"
REFS = "/tmp/measure/container-refs"
WRITTEN = f"dry run: reference values written to {REFS}; nothing was started"
FAILED = "dry run failed: "
CODE_9 = ": failed precondition" if version() < (2, 0) else ""  # ctr 2.x shows the text alone


class own_tmp:  # pylint: disable=invalid-name
    """A /tmp of this world's own: what is written there is not on the machine afterwards."""

    def __enter__(self):
        for name, mode in (("upper", 0o1777), ("work", 0o700)):
            os.makedirs(f"{PLACE}/dry/{name}")
            os.chmod(f"{PLACE}/dry/{name}", mode)
        sh("mount", "-t", "overlay", "-o", f"lowerdir=/tmp,upperdir={PLACE}/dry/upper,"
           f"workdir={PLACE}/dry/work", "cmc-dry", "/tmp")
        shutil.rmtree("/tmp/measure", ignore_errors=True)
        return self

    def __exit__(self, *_):
        sh("umount", "/tmp")
        shutil.rmtree(f"{PLACE}/dry")


def world_state():
    snapshots = ctr("snapshots", "ls").stdout
    return len(events()), pcr_read(), snapshots, ctr("container", "ls", "-q").stdout


def dry(*command, opts=(), runtime=CMC, ref=None, says=WRITTEN):
    """A dry run that changes nothing; returns its reference, or None when it failed."""
    ref = ref or busybox()
    before = world_state()
    done = run(ref, *command, name=DRY_RUN, runtime=runtime, opts=opts, status=1)
    holds(done.stderr, says, "the answer")
    holds(done.stderr, "nothing was started" + CODE_9, "the answer")
    same(done.stdout, "", "output")
    same(world_state(), before, "events, register, snapshots and containers")
    return reference() if says == WRITTEN else None


def reference():
    st = os.lstat(REFS)
    same((stat.S_IFMT(st.st_mode), st.st_mode & 0o7777, st.st_uid, st.st_nlink),
         (stat.S_IFREG, 0o600, 0, 1), REFS)
    same(os.listdir("/tmp/measure"), ["container-refs"], "what is left in /tmp/measure")
    sh("python3", TOP + "/tests/oracle/references.py", REFS)
    with open(REFS, encoding="utf-8") as f:
        (only,) = json.load(f)
    return only["ctrData"]


def agrees(opts=(), ref=None):
    """A dry run, then the same container under another name: one and the same digests."""
    got, name = dry("true", opts=opts, ref=ref), new_id("other-than-before-")
    run(ref or busybox(), "true", name=name, opts=opts)
    life(name)  # before the next dry run compares what is there
    event = events("container-create", name)[0]
    same((got["configSha256"], got["rootfsSha256"]), (event["config"], event["rootfs"]), "digests")
    return got


def test_references_equal_a_later_run():
    with own_tmp():
        first = agrees(opts=["--env", "VAL=HELLO"])
        second = agrees(opts=["--env", "VAL=EVIL", "--read-only"])
        expect(first["configSha256"] != second["configSha256"], "the variable is not seen")
        same(first["rootfsSha256"], second["rootfsSha256"], "the tree")
        agrees(ref=busybox(3, "salt"), opts=["--cwd", "/bin", "--cpus", "0.5"])


def test_references_equal_a_later_run_in_profile_cmc():
    configure(profile="cmc", pcr=14, runtime_dir="/run/cmc-cmc", keep_listing=False)
    try:
        with own_tmp():
            name = new_id()
            run(busybox(), "true", name=name)  # the register's first event
            life(name)
            agrees(opts=["--env", "VAL=HELLO"])
    finally:
        configure()


def test_by_each_name_of_the_runtime():
    with own_tmp():
        for runtime in (ALIAS, CMC, PATH):
            dry("true", runtime=runtime)
            os.unlink(REFS)


def test_in_another_namespace():
    with own_tmp():
        archive = f"{PLACE}/tmp/dry.tar"
        image.write(archive, busybox(), 1, "", [])  # ctr 2.x can end before what it exports
        ctr("-n", "other", "images", "import", archive)
        try:
            done = sh("ctr", "-n", "other", *run_args(busybox(), "true", name=DRY_RUN)[1:], status=1)
            holds(done.stderr, WRITTEN + CODE_9, "the answer")
            reference()
            same(ctr("-n", "other", "container", "ls", "-q").stdout, "", "containers")
        finally:
            ctr("-n", "other", "images", "rm", "--sync", busybox())


def test_nothing_of_it_is_left_for_the_next_one():
    """The name is free again, and the same dry run gives the same bytes."""
    with own_tmp():
        texts = []
        for _ in range(2):
            dry("true")
            with open(REFS, "rb") as f:
                texts.append(f.read())
        same(texts[0], texts[1], "references")


# ---- no process of it ever exists ----------------------------------------------------------------

def noted_runc(place):
    """Options for a runc that notes what it is asked."""
    path = place + "/runc-noted"
    with open(path, "w", encoding="utf-8") as f:
        f.write(f'#!/bin/sh\necho "$*" >>{place}/calls\nexec {shutil.which("runc")} "$@"\n')
    os.chmod(path, 0o755)
    with open(place + "/options.toml", "w", encoding="utf-8") as f:
        f.write(f'BinaryName = "{path}"\n')
    return ["--runtime-config-path", place + "/options.toml"]


def calls(place):
    if not os.path.exists(place + "/calls"):
        return []
    with open(place + "/calls", encoding="utf-8") as f:
        return [word for line in f for word in line.split() if word in ("create", "run", "start")]


def test_no_process_of_it_ever_exists():
    """What the container would have done, what runc was asked to do: with a real run as proof that
    each of the two would show."""
    place = f"{PLACE}/witness"
    os.makedirs(place)
    opts = ["--mount", f"type=bind,src={place},dst=/mnt,options=rbind:rw",
            *noted_runc(place)]
    with own_tmp():
        dry("touch", "/mnt/was-here", opts=opts)
        same((os.path.exists(place + "/was-here"), calls(place)), (False, []), "after a dry run")
        run(busybox(), "touch", "/mnt/was-here", opts=opts)
        same((os.path.exists(place + "/was-here"), calls(place)), (True, ["create", "start"]),
             "after a real run")
    shutil.rmtree(place)


# ---- what goes wrong never starts it -------------------------------------------------------------

def with_helper(body, call):
    path = f"{PLACE}/helper"
    sh("gcc", "-x", "c", "-o", path, "-",
       input=f"#include <unistd.h>\nint main(void) {{ {body} }}\n")
    configure(helper=path)
    try:
        call()
    finally:
        configure()


def refused_without_a_helper():
    witness = f"{PLACE}/started"
    opts = ["--mount", f"type=bind,src={PLACE}/tmp,dst=/mnt,options=rbind:rw"]
    for name, more in ((DRY_RUN, []),
                       (new_id(), ["--annotation", f"io.kubernetes.cri.container-name={DRY_RUN}"])):
        done = run(busybox(), "touch", "/mnt/started", name=name, opts=opts + more, status=1)
        holds(done.stderr, FAILED, "the answer")
        holds(done.stderr, "nothing was started" + CODE_9, "the answer")
    expect(not os.path.exists(witness), "it ran")


def test_helpers_that_fail():
    with_helper("return 7;", refused_without_a_helper)
    with_helper("__builtin_trap();", refused_without_a_helper)
    with_helper(r'return write(3, "\1\2", 2) < 0;', refused_without_a_helper)


def test_a_helper_that_says_it_is_recorded():
    """Only the name in config.json is the helper's to see."""
    frame = struct.pack(">BHBBII", ord("R"), 1, 1, 0, 0, 1) + b"\0" + bytes(8 + 16)
    frame = struct.pack(">I", len(frame)) + frame
    text = "".join(f"\\{byte:03o}" for byte in frame)

    def lies():
        done = run(busybox(), "true", name=DRY_RUN, status=1)
        holds(done.stderr, FAILED, "the answer")

    with_helper(f'char b[9999]; return read(3, b, sizeof(b)) < 0 || '
                f'write(3, "{text}", {len(frame)}) < 0;', lies)


def test_without_a_log_and_without_a_tpm():
    with own_tmp():
        configure(tcti="swtpm:path=/nowhere", runtime_dir="/proc/nowhere")
        try:
            run(busybox(), "true", name=DRY_RUN, status=1)
            reference()
        finally:
            configure()


def test_by_its_name_in_a_pod():
    with own_tmp():
        done = run(busybox(), "true", opts=["--annotation",
                                            f"io.kubernetes.cri.container-name={DRY_RUN}"], status=1)
        holds(done.stderr, WRITTEN + CODE_9, "the answer")
        reference()


def test_hostile_places():
    victim = f"{PLACE}/victim"

    def symlink():
        os.mkdir(victim, 0o700)
        os.symlink(victim, "/tmp/measure")

    def foreign():
        os.mkdir("/tmp/measure", 0o700)
        os.chown("/tmp/measure", 65534, 65534)

    def in_it(make):
        os.mkdir("/tmp/measure", 0o700)
        make(REFS)

    def linked(path):
        with open(path, "w", encoding="utf-8") as f:
            f.write("old")
        os.link(path, path + "2")

    def owned(path):
        with open(path, "w", encoding="utf-8") as f:
            f.write("old")
        os.chown(path, 65534, 0)

    def mode(path, value):
        os.mkdir(path)
        os.chmod(path, value)

    rows = [(symlink, "symbolic link"), (foreign, "uid 65534"),
            (lambda: mode("/tmp/measure", 0o777), "mode 0777"),
            (lambda: mode("/tmp/measure", 0o1777), "mode 1777"),
            (lambda: mode("/tmp/measure", 0o755), "mode 0755"),
            (lambda: open("/tmp/measure", "w", encoding="utf-8").close(), "not a directory"),
            (lambda: os.mkfifo("/tmp/measure"), "not a directory"),
            (lambda: in_it(os.mkfifo), "not a regular file"),
            (lambda: in_it(os.mkdir), "not a regular file"),
            (lambda: in_it(lambda p: os.symlink("/etc/passwd", p)), "not a regular file"),
            (lambda: in_it(linked), "links 2"), (lambda: in_it(owned), "uid 65534"),
            (lambda: os.chmod("/tmp", 0o777), "mode 0777")]
    for make, why in rows:
        with own_tmp():
            make()
            dry("true", says=FAILED + "/tmp")
            dry("true", says=why)
            expect(not os.path.isdir(victim) or not os.listdir(victim), "it followed the link")
        shutil.rmtree(victim, ignore_errors=True)


def test_a_full_file_system_keeps_the_old_file():
    with own_tmp():
        os.mkdir("/tmp/measure", 0o700)
        sh("mount", "-t", "tmpfs", "-o", "size=8k,mode=0700", "full", "/tmp/measure")
        try:
            with open(REFS, "w", encoding="utf-8") as f:
                os.fchmod(f.fileno(), 0o600)
                f.write("old" * 1300)
            with open("/tmp/measure/rest", "w", encoding="utf-8") as f:
                f.write("x" * 4000)
            dry("true", says="No space left")
            same(sorted(os.listdir("/tmp/measure")), ["container-refs", "rest"], "files")
            with open(REFS, encoding="utf-8") as f:
                same(f.read(), "old" * 1300, "the old file")
        finally:
            sh("umount", "/tmp/measure")


# ---- update-container-manifest-live --------------------------------------------------------------

LIVE = TOP + "/example-setup/update-container-manifest-live"


def live(*argv, status=0):
    before = world_state()
    done = sh(LIVE, *argv, status=status)
    same(world_state(), before, "events, register, snapshots and containers")
    return done


def test_update_container_manifest_live():
    with own_tmp():
        done = live("--out=-", "--env=VAL=HELLO", busybox(), "true")
        (component,) = json.loads(done.stdout)
        same(component["name"], busybox(), "name")
        name, path = new_id(), f"{PLACE}/tmp/refs"
        run(busybox(), "true", name=name, opts=["--env", "VAL=HELLO"])
        same(component["ctrData"]["configSha256"], events("container-create", name)[0]["config"],
             "digest of a later run")
        live("--out", path, "--env=VAL=HELLO", busybox(), "true")
        with open(path, encoding="utf-8") as f:
            same(f.read(), done.stdout, "the file")
        sh("python3", TOP + "/tests/oracle/references.py", path)


def test_update_container_manifest_live_that_fails():
    with own_tmp():
        done = live("--out=-", "example.org/no/such:image", status=1)
        same(done.stdout, "", "output")
        os.rmdir("/tmp/measure") if os.path.isdir("/tmp/measure") else None
        os.symlink("/etc", "/tmp/measure")
        holds(live("--out=-", busybox(), status=1).stderr, "symbolic link", "the reason")
        for argv in ((), ("--out",), ("--out", "/nowhere/x", busybox())):
            same(live(*argv, status=2 if len(argv) < 3 else 1).stdout, "", "output")
        holds(live("--help").stdout, "usage", "help")
