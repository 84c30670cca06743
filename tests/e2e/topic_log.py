# SPDX-License-Identifier: Apache-2.0
"""topic_log.py -- what a run leaves in the log and in the TPM, and what cmcctl says about it."""
import os

from world import (NAMESPACE, busybox, cmcctl, events, expect, holds, life, new_id, oracle, pcr_read,
                   rootfs, run, same, sh, verify)


def created(name, count=1):
    """The last create event of a container, which has `count` of them."""
    found = events("container-create", name)
    same(len(found), count, f"events of {name}")
    return found[-1]


def test_first_event_is_recorder_start():
    first = events()[0]
    same((first["type"], first["seq"]), ("recorder-start", 0), "the first event")


def test_pcr_equals_replay_by_cmcctl_and_by_the_oracle():
    run(busybox(), "true")
    cmcctl("--verify")
    oracle()


def test_no_tpm_is_said_once():
    """tss2 would add four lines of its own."""
    done = cmcctl("--verify", "--tcti", "swtpm:path=/none", status=3)
    holds(done.stdout, "COULD NOT CHECK", "verdict")
    same(done.stderr, "", "standard error")


def test_each_run_adds_one_create_and_one_delete():
    before, pcrs = len(events()), pcr_read()
    name = new_id()
    run(busybox(), "true", name=name)
    life(name)
    added = events()[before:]
    same([(e["type"], e["container"], e["ns"]) for e in added],
         [("container-create", name, NAMESPACE), ("container-delete", name, NAMESPACE)], "events")
    for bank, value in pcr_read().items():
        expect(value != pcrs[bank], f"the {bank} bank did not change")
    cmcctl("--verify")
    oracle()


def test_exit_status_is_in_the_delete_event():
    name = new_id()
    run(busybox(), "sh", "-c", "exit 42", name=name, status=42)
    life(name)
    same(events("container-delete", name)[0].get("exit_status"), 42, "exit_status")


def test_same_run_twice_has_the_same_digests():
    one, two = new_id(), new_id()
    for name in (one, two):
        run(busybox(), "true", name=name, opts=["--env", "VAL=HELLO"])
    for member in ("config", "rootfs"):
        same(created(one)[member], created(two)[member], member)


def test_one_variable_changes_the_config_digest_only():
    name = new_id()
    run(busybox(), "true", name=name, opts=["--env", "VAL=HELLO"])
    one = created(name)
    run(busybox(), "true", name=name, opts=["--env", "VAL=EVIL"])
    two = created(name, 2)
    same(one["rootfs"], two["rootfs"], "rootfs")
    expect(one["config"] != two["config"], "config digests are equal")
    text = verify()
    for part in ("VAL", "HELLO", "EVIL"):
        holds(text, part, "cmcctl log --verify")


def test_one_byte_in_the_image_changes_the_rootfs_digest_only():
    name = new_id()
    run(busybox(layers=2, salt="a"), "true", name=name)
    one = created(name)
    run(busybox(layers=2, salt="b"), "true", name=name)
    two = created(name, 2)
    same(one["config"], two["config"], "config")
    expect(one["rootfs"] != two["rootfs"], "rootfs digests are equal")
    holds(cmcctl("--container", name).stdout, "/salt", "cmcctl log")


def test_terminal_is_recorded():
    name = new_id()
    run(busybox(), "true", name=name)
    same(created(name)["terminal"], False, "terminal")


def test_programs_are_recorded_by_digest():
    name = new_id()
    run(busybox(), "true", name=name)
    roles = {p["role"]: p for p in created(name)["programs"]}
    for role in ("runc", "inner-shim"):
        program = roles[role]
        want = sh("sha256sum", program["path"]).stdout.split()[0]
        same(program["sha256"], want, f"{role}: {program['path']}")


def test_rootfs_directory_has_a_digest_of_its_own():
    path, names = rootfs(), [new_id(), new_id()]
    for name in names:
        sh("ctr", "run", "--rm", "--runtime", "io.containerd.cmc.v1", "--rootfs", path, name,
           "/bin/true")
        with open(path + "/new", "w", encoding="ascii") as f:
            f.write("x")
    os.unlink(path + "/new")
    expect(created(names[0])["rootfs"] != created(names[1])["rootfs"], "a new file is not seen")


def test_a_changed_log_does_not_verify():
    log = "/run/cmc/log"
    with open(log, "rb") as f:
        good = f.read()
    at = good.rindex(b"container-create")
    try:
        with open(log, "r+b") as f:
            f.seek(at + 3)
            f.write(bytes([good[at + 3] ^ 1]))
        done = cmcctl("--verify", status=None)
        expect(done.returncode != 0, "cmcctl log --verify accepts a changed event")
    finally:
        with open(log, "r+b") as f:
            f.write(good)
    cmcctl("--verify")


def test_a_foreign_extend_is_seen():
    sh("tpm2_pcrextend", "13:sha256=" + "11" * 32)
    same(cmcctl("--verify", status=None).returncode, 1, "exit status")
    name = new_id()
    run(busybox(), "true", name=name)
    expect(events("discontinuity"), "no discontinuity in the log")
    created(name)
