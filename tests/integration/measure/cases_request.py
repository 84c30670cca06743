# SPDX-License-Identifier: Apache-2.0
"""Requests: configurations, options, what an event holds, and what is refused."""
import hashlib
import json
import os
import resource
import shutil
import socket
import struct
import subprocess
import time

from ttrpc import message
from world import (BIN, CONFIG, CREATE, DELETE, DROP, FAILED, KEEP, MEASURE_FAILED, NOT_RECORDED, PLACE,
                   RECORDED, REFUSED, REPLACE, RUNC_OPTIONS, RUNTIME, RUNTIME_OPTIONS, STATE, Helper,
                   create_request, expect, has, request_frame, same, spec, text, tree)

CASES = []


class own_tmp:  # pylint: disable=invalid-name
    """A /tmp of this world's own: what is written there is not on the machine afterwards."""

    def __enter__(self):
        for name, mode in (("upper", 0o1777), ("work", 0o700)):
            os.makedirs(f"{PLACE}/tmp/{name}")
            os.chmod(f"{PLACE}/tmp/{name}", mode)
        subprocess.run(["mount", "-t", "overlay", "-o", f"lowerdir=/tmp,upperdir={PLACE}/tmp/upper,"
                        f"workdir={PLACE}/tmp/work", "cmc-dry", "/tmp"], check=True)
        shutil.rmtree("/tmp/measure", ignore_errors=True)

    def __exit__(self, *_):
        subprocess.run(["umount", "/tmp"], check=True)
        shutil.rmtree(PLACE + "/tmp")


DRY_RUN = "CMC_GENERATE_APP_MANIFEST"
SLICE = "kubepods.slice:cri-containerd:abc"


def case(function):
    CASES.append(function)
    return function


def bundle_of(world, raw):
    bundle = world.bundle()
    with open(bundle + "/config.json", "wb") as f:
        f.write(raw)
    return bundle


@case
def an_event_holds_what_was_asked(world):
    cri = {"io.kubernetes.cri.sandbox-id": "sb", "io.kubernetes.cri.sandbox-name": "pod",
           "io.kubernetes.cri.sandbox-namespace": "pns", "io.kubernetes.cri.sandbox-uid": "uid",
           "io.kubernetes.cri.container-name": "web", "io.kubernetes.cri.image-name": "img:1"}
    bundle = world.bundle(spec(annotations=cri, process=dict(spec()["process"], terminal=True)))
    options = message((1, RUNC_OPTIONS), (2, message((6, BIN + "/runc"))))
    answer = world.ask(bundle=bundle, create=dict(terminal=True, checkpoint="/cp", options=options))
    same((answer.outcome, answer.options), (RECORDED, KEEP), "outcome")
    e = world.event(answer, "container-create")
    same([e["sandbox"], e["pod"], e["pod_ns"], e["pod_uid"], e["name"], e["image"]],
         ["sb", "pod", "pns", "uid", "web", "img:1"], "names")
    same((e["ns"], e["terminal"], e["checkpoint"]), ("default", True, "/cp"), "request")
    same(e["options"], hashlib.sha256(options).hexdigest(), "options")
    with open(bundle + "/config.json", "rb") as f:
        same(e["raw_config"], hashlib.sha256(f.read()).hexdigest(), "raw configuration")
    programs = {p["role"]: p for p in e["programs"]}
    for role, path in (("runc", BIN + "/runc"), ("inner-shim", BIN + "/inner"),
                       ("measure", world.program), ("shim", os.path.realpath("/proc/self/exe"))):
        with open(path, "rb") as f:
            same((programs[role]["path"], programs[role]["sha256"]),
                 (path, hashlib.sha256(f.read()).hexdigest()), role)


@case
def one_variable_changes_the_config_digest_only(world):
    path = tree(world.dir(), {"a": "1"})

    def measured(value):
        process = dict(spec()["process"], env=["VAL=" + value])
        return world.create(config=spec(process=process, root={"path": path}))

    hello, again, evil = measured("HELLO"), measured("HELLO"), measured("EVIL")
    same(hello["config"], again["config"], "measured twice")
    expect(hello["config"] != evil["config"], "the variable is not seen")
    same(hello["rootfs"], evil["rootfs"], "the tree")
    for e in (hello, evil):
        expect(os.path.exists(f"{STATE}/details/config-{e['config']}"), "no detail")


@case
def bad_configurations_are_recorded_as_such(world):
    good = json.dumps(spec()).encode()
    rows = [(b"", "config.json"), (b"{", "config.json"), (good + b"x", "config.json"),
            (b"[" * 100000, "config.json"), (b'{"root":{},"root":{}}', "config.json"),
            (b'{"Root":{"path":"rootfs"},"root":{"path":"rootfs"}}', "config.json"),
            (b'{"x":"\xff"}', "config.json"), (b'{"x":"\\u0000"}', "config.json"),
            (b'{"x":1.5}', "config.json"), (b"[]", "config.json"),
            (b'{"root":{"path":1}}', "$.root.path must be a text"),
            (b'{"root":{"path":"rootfs"},"annotations":{"io.kubernetes.cri.image-name":"'
             + b"n" * 1025 + b'"}}', "1025 bytes, at most 1024")]
    for raw, reason in rows:
        world.refuses(reason, bundle=bundle_of(world, raw))


@case
def config_files_that_are_not_trusted(world):
    bundle = world.bundle()
    os.chmod(bundle + "/config.json", 0o666)
    world.refuses("mode 0666", bundle=bundle)
    bundle = world.bundle()
    os.chown(bundle + "/config.json", 65534, 0)
    world.refuses("uid 65534", bundle=bundle)
    bundle = world.bundle()
    os.rename(bundle + "/config.json", bundle + "/real.json")
    world.refuses("No such file", bundle=bundle)
    os.symlink("real.json", bundle + "/config.json")
    world.refuses("symbolic links", bundle=bundle)
    os.unlink(bundle + "/config.json")
    os.mkfifo(bundle + "/config.json")
    world.refuses("not a regular file", bundle=bundle)
    bundle = world.bundle()
    os.truncate(bundle + "/config.json", 100 << 20)
    world.refuses("at most", bundle=bundle)


@case
def options_are_translated(world):
    def ask(options, linux=None):
        config = spec(linux=linux) if linux else spec()
        answer = world.ask(bundle=world.bundle(config), create=dict(options=options))
        event = world.event(answer, "container-create")
        return answer, event

    def runc(*pairs):
        return message((1, RUNC_OPTIONS), (2, message(*pairs)))

    def runtime(*pairs):
        return message((1, RUNTIME_OPTIONS), (2, message(*pairs)))

    toml = PLACE + "/options.toml"
    with open(toml, "w", encoding="utf-8") as f:
        f.write(f"BinaryName = '{BIN}/other'\nSystemdCgroup = true\n")
    other = world.program_file("other", "another runc")
    systemd = dict(spec()["linux"], cgroupsPath=SLICE)
    rows = [(None, None, KEEP, b""), (None, systemd, REPLACE, runc((9, 1))),
            (runtime(), None, DROP, b""), (runtime(), systemd, REPLACE, runc((9, 1))),
            (runtime((3, f'BinaryName = "{other}"')), None, REPLACE, runc((6, other))),
            (runtime((2, toml)), None, REPLACE, runc((6, other), (9, 1)))]
    for options, linux, action, want in rows:
        answer, event = ask(options, linux)
        same((answer.options, answer.any), (action, want), f"options {options}")
        same(event.get("options"), hashlib.sha256(want).hexdigest() if want else None, "event")
        runcs = [p["path"] for p in event["programs"] if p["role"] == "runc"]
        same(runcs, [other if other.encode() in want else BIN + "/runc"], "the runc that runs")


@case
def options_that_make_no_sense_are_refused(world):
    before = len(world.events())
    for options, reason in ((b"\x0a\x05", "runtime options"),
                            (message((1, RUNTIME_OPTIONS), (2, message((3, "[x]")))), "line 1"),
                            (message((1, RUNTIME_OPTIONS), (2, message((2, "/no/file")))),
                             "config_path"),
                            (message((1, RUNTIME_OPTIONS), (2, message((2, "relative")))),
                             "not an absolute path")):
        answer = world.ask(create=dict(options=options))
        same(answer.outcome, REFUSED, f"outcome ({answer.text})")
        has(answer.text, reason)
    same(len(world.events()), before, "nothing starts, nothing is recorded")


@case
def a_dry_run_leaves_references(world):
    refs = "/tmp/measure/container-refs"
    named = world.bundle(spec(annotations={"io.kubernetes.cri.container-name": DRY_RUN}))
    plain, before = world.bundle(), len(world.events())
    details = sorted(os.listdir(STATE + "/details"))
    with own_tmp():
        for how in (dict(name=DRY_RUN, bundle=plain), dict(bundle=named)):
            answer = world.ask(**how)
            same((answer.outcome, answer.text), (REFUSED, f"dry run: reference values written to {refs}; "
                                                 "nothing was started"), "answer")
            with open(refs, encoding="utf-8") as f:
                (component,) = json.load(f)
            if how.get("name"):
                data = component["ctrData"]
        answer = world.ask(name=DRY_RUN, job=FAILED)
        same(answer.outcome, REFUSED, f"outcome ({answer.text})")
        has(answer.text, "dry run failed: ")
        os.chmod("/tmp/measure", 0o755)
        has(world.ask(name=DRY_RUN).text, "dry run failed: /tmp: measure: uid 0 mode 0755")
    same(len(world.events()), before, "nothing starts, nothing is recorded")
    same(sorted(os.listdir(STATE + "/details")), details, "nothing is kept")
    event = world.create(bundle=plain)
    same((data["configSha256"], data["rootfsSha256"]), (event["config"], event["rootfs"]),
         "what a later run records")


@case
def profile_cmc(world):
    """Both digests by the oracle's hand, another register; and what this profile cannot do."""
    site = dict(profile="cmc", pcr=14, runtime_dir=RUNTIME + "-cmc")
    hook = PLACE + "/hook"
    if not os.path.islink(hook):
        os.symlink("/bin/sh", hook)
    bundle = world.bundle(spec(hooks={"prestart": [{"path": hook}]}))
    tree(bundle + "/rootfs", {"d/f": "content"})
    for keep in (False, True):
        world.configure(**site, keep_listing=keep)
        answer = world.ask(bundle=bundle)
        same(answer.outcome, RECORDED, f"outcome ({answer.text})")
        event = world.event(answer, "container-create")
        expect("listing" not in event or event["listing"] == "none", f"a listing: {event}")
    world.configure(**site, file_max=6)
    answer = world.ask(bundle=bundle)
    same(answer.outcome, MEASURE_FAILED, f"outcome ({answer.text})")
    has(answer.text, "/d/f")
    world.configure(**site, redaction_key=PLACE + "/key")
    answer = world.ask(bundle=bundle)
    same(answer.outcome, NOT_RECORDED, f"outcome ({answer.text})")
    has(answer.text, "profile cmc cannot redact")
    world.configure()
    done = subprocess.run([world.build + "/bin/measure-bundle", "-profile", "cmc", bundle],
                          capture_output=True, text=True, check=True)
    (component,) = json.loads(done.stdout)
    data = component["ctrData"]
    same((data["configSha256"], data["rootfsSha256"]), (event["config"], event["rootfs"]), "digests")
    same(data["ociSpec"]["hooks"]["prestart"][0]["path"], os.path.realpath(hook),
         "the hook's program")


@case
def deleting_and_failing_are_recorded(world):
    answer = world.ask(DELETE, request=dict(status=137))
    same(answer.outcome, RECORDED, "delete")
    same(world.event(answer, "container-delete")["exit_status"], 137, "exit status")
    answer = world.ask(FAILED, request=dict(reason="the helper ended: signal 9"))
    same(answer.outcome, MEASURE_FAILED, "failed")
    same(world.event(answer, "measurement-failed")["reason"], "the helper ended: signal 9", "reason")
    options = message((1, RUNTIME_OPTIONS), (2, message((3, "SystemdCgroup = true"))))
    answer = world.ask(FAILED, bundle=world.bundle(), create=dict(options=options),
                       request=dict(reason="x"))
    same((answer.outcome, answer.options), (MEASURE_FAILED, REPLACE), "options of a failed one")


@case
def a_request_for_another_container(world):
    bundle = world.bundle()
    helper = Helper(world, bundle)
    helper.send(request_frame(1, "mine", create_request("yours", bundle), bundle))
    answer = helper.finish()
    same(answer.outcome, MEASURE_FAILED, "outcome")
    has(answer.text, "another container")
    helper = Helper(world, bundle)
    helper.send(request_frame(1, "mine", b"\x0a\x99", bundle))
    answer = helper.finish()
    same(answer.outcome, MEASURE_FAILED, f"a truncated request ({answer.text})")


@case
def bad_requests_get_no_result(world):
    good = request_frame(DELETE, "x")
    body = good[4:]
    for name, frame in (("nothing", b""), ("garbage", b"\xff" * 100), ("half", good[:-3]),
                        ("trailing", good + b"x"), ("version", good[:5] + b"\0\2" + good[7:]),
                        ("type", good[:4] + b"R" + good[5:]), ("job", good[:7] + b"\7" + good[8:]),
                        ("huge", struct.pack(">I", 1 << 30) + body),
                        ("inner NUL", good.replace(text("x"), struct.pack(">I", 2) + b"\0\0"))):
        helper = Helper(world, None)
        helper.send(frame)
        helper.sock.shutdown(socket.SHUT_WR)
        answer = helper.finish()
        same((answer.status, answer.outcome), (3, None), f"{name} ({answer.log})")


@case
def usage_errors(world):
    for args in (["--foo"], ["extra"], ["--tcti"]):
        helper = Helper(world, None, tcti=None)
        helper.process.kill()
        helper.process.wait()
        done = subprocess.run([world.program, *args], capture_output=True, text=True, check=False)
        same((done.returncode, done.stdout), (2, ""), str(args))
        has(done.stderr, "--help")


@case
def a_site_that_cannot_be_read_is_told(world):
    bad = PLACE + "/bad.json"
    for raw, reason in (('{"mode":"strict"}', "use"), ('{"moed":"audit"}', "moed"), ("{", "line")):
        with open(bad, "w", encoding="utf-8") as f:
            f.write(raw)
        answer = world.ask(config=bad)
        same(answer.outcome, NOT_RECORDED, f"outcome ({answer.text})")
        has(answer.text, reason)


@case
def a_listing_is_kept_on_request(world):
    world.configure(keep_listing=True)
    try:
        path = tree(world.dir(), {"a": "1"})
        event = world.create(config=spec(root={"path": path}))
        with open(f"{STATE}/details/listing-{event['listing']}", "rb") as f:
            raw = f.read()
        same(hashlib.sha256(raw).hexdigest(), event["listing"], "listing")
        expect(b"a" in raw, "the listing is empty")
    finally:
        world.configure()


@case
def a_redaction_key(world):
    key = PLACE + "/key"
    plain = world.create()
    with open(key, "wb") as f:
        f.write(b"k" * 32)
    os.chmod(key, 0o600)
    world.configure(redaction_key=key)
    try:
        redacted = world.create()
        expect(redacted["config"] != plain["config"], "the key changes commitments")
        expect(redacted["key_id"] != plain["key_id"], "and is named")
        os.chmod(key, 0o640)
        world.refuses("redaction key")
        os.chmod(key, 0o600)
        with open(key, "ab") as f:
            f.write(b"k")
        world.refuses("redaction key")
    finally:
        world.configure()


@case
def the_configured_tcti_is_used(world):
    world.configure(tcti="swtpm:path=/nowhere")
    answer = world.ask(tcti=None)
    same(answer.outcome, NOT_RECORDED, f"outcome ({answer.text})")
    same(world.ask().outcome, RECORDED, "the option wins")
    world.configure()
    expect(os.path.exists(CONFIG) and os.path.exists(RUNTIME), "configured again")


def numbers_of(pid):
    """What /proc says of a process in plain numbers."""
    with open(f"/proc/{pid}/status", encoding="ascii") as status:
        fields = [line.split() for line in status]
    return {field[0]: int(field[1]) for field in fields if field[1:] and field[1].isdigit()}


@case
def room_for_descriptors_before_there_are_threads(world):
    """The kernel's table is large already when the request has not come: nobody waits for it later."""
    name, bundle = world.name(), world.bundle()
    want = min(1024, resource.getrlimit(resource.RLIMIT_NOFILE)[0])
    helper = Helper(world, bundle)
    end = time.monotonic() + 10
    while (now := numbers_of(helper.process.pid))["FDSize:"] < want:
        expect(time.monotonic() < end, f"room for {now['FDSize:']} descriptors, not {want}")
        time.sleep(0.01)
    same(now["Threads:"], 1, "threads")
    helper.send(request_frame(CREATE, name, create_request(name, bundle), bundle))
    same(helper.finish().outcome, RECORDED, "outcome")
