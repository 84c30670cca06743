# SPDX-License-Identifier: Apache-2.0
"""topic_proof.py -- a verifier without privilege asks what ran: verdicts, differences, secrets.

Every case has a boot of its own as far as the TPM can tell: what an earlier one ran is in its log.
"""
import base64
import contextlib
import functools
import hashlib
import json
import os
import resource
import signal
import socket
import struct
import subprocess

import image
from world import (NAMESPACE, PLACE, TOP, Skip, cmcctl, configure, ctr, expect, holds, new_id, on_terminal,
                   pid_of, run, same, sh, version, wait_until, world_sh)

HOST = "proof.example"
SOCKET = "/run/cmcd/cmcd.sock"
ROOT, CRLS = "/etc/cmc/public/root.pem", "/etc/cmc/public/crls.pem"
REF = "example.org/cmc/proof:1"
OTHER = "example.org/cmc/proof:2"  # containerd may collect what an image shares with its successor
ARCHIVE = f"{PLACE}/tmp/proof.tar"
OPTIONS = ("--env=VAL=HELLO",)
METADATA = "/etc/cmc/metadata"


def script(name, *argv, **more):
    return sh(f"{TOP}/{name}", *argv, **more)


def write_image(salt, ref=REF):
    image.write(ARCHIVE, ref, 2, salt, [])
    ctr("images", "import", ARCHIVE)


def refer(*command, options=OPTIONS, manifest="proof"):
    """A signed reference, from the image alone."""
    script("example-setup/update-container-manifest", f"--manifest={manifest}",
           f"--namespace={NAMESPACE}", *options, ARCHIVE, *command)


@functools.cache
def prepare():
    """Authorities, a key, and references of host and image: once."""
    if os.environ.get("CMC_CONTAINERD"):
        raise Skip("with the machine's containerd only")
    if version() >= (1, 7):
        raise Skip("references are made from images as ctr 1.6 starts them")
    world_sh(f"world_keys {HOST}")
    os.environ.update(CMC_PKI=f"{PLACE}/pki", CMC_METADATA=METADATA)
    write_image("as it was built")
    run(REF, "true")  # so that the log names all programs
    sign_host("--programs")
    refer("true")


def sign_host(*options):
    rtm, system = f"{PLACE}/rtm.json", f"{PLACE}/os.json"
    sh("cmcctl", "reference", "--name", "example.rtm", "--pcrs", "0-7", "--out", rtm)
    sh("cmcctl", "reference", "--name", "example.os", "--base", "example.rtm", "--pcrs", "8,9",
       "--out", system, *options)
    script("example-setup/update-manifest", rtm, system)


@contextlib.contextmanager
def boot():
    """A TPM that was just reset, and a cmcd."""
    prepare()
    for name in ("cmcd", "tpm"):
        stop(name)
    with contextlib.suppress(FileNotFoundError):
        os.unlink(SOCKET)
    world_sh("world_tpm && cmc-recorder --init && world_cmcd")
    try:
        yield
    finally:
        stop("cmcd")


def stop(name):
    try:
        pid = pid_of(name)
        os.kill(pid, signal.SIGTERM)
    except (FileNotFoundError, ProcessLookupError):
        return
    wait_until(lambda: is_gone(pid), f"the end of {name}")


def is_gone(pid):
    with contextlib.suppress(ChildProcessError):  # the first swtpm is a child of ours
        os.waitpid(pid, os.WNOHANG)
    return not os.path.exists(f"/proc/{pid}")


def started(value="HELLO", name=None, more=(), command=("true",), ref=REF):
    run(ref, *command, name=name or new_id("proof"), opts=["--env", f"VAL={value}", *more])


def ask(status, *options, user="auditor", ca=ROOT, expected=HOST):
    """What cmcctl verify says to a user without privilege."""
    whom = ("--expect", expected) if expected else ()
    return as_user(user, "cmcctl", "verify", "--addr", f"unix://{SOCKET}", "--ca", ca, *whom,
                   *options, status=status, env={"LC_ALL": "C.UTF-8"})


def as_user(user, *argv, **more):
    group = sh("id", "-g", user).stdout.strip()
    return sh("setpriv", f"--reuid={user}", f"--regid={group}", "--init-groups", "--no-new-privs",
              "--bounding-set=-all", "--inh-caps=-all", *argv, **more)


def result(status, *options, **more):
    return json.loads(ask(status, "--json", *options, **more).stdout)


def test_trusted():
    with boot():
        started()
        text = ask(0).stdout
        holds(text.splitlines()[0], "TRUSTED, on the word of a software TPM (swtpm)", "the verdict")
        holds(text, f"asked for: {HOST}", "whom it is about")
        found = result(0)
        same((found["verdict"], found["host"], found["profile"]), ("trusted", HOST, "exact"),
             "the result")
        same([c["status"] for c in found["claims"]], ["good"] * 3, "the three claims")
        (only,) = found["containers"]
        same((only["status"], only["reference"]["manifest"]), ("good", "proof"), "the container")
        short = json.loads(ask(0, "--attestation-result").stdout)
        expect("verdict" not in short and short["type"] == "Attestation Result", "members of ours")
        holds(ask(0, "--explain").stdout, "The signature was made by the key", "words")


def test_a_variable_is_named():
    with boot():
        started()
        started("EVIL")
        text = ask(1).stdout
        holds(text.splitlines()[0], 'VAL: reference "HELLO", measured "EVIL"', "the verdict")
        holds(text, '\n      env VAL: reference "HELLO", measured "EVIL"\n', "the table")
        good, bad = result(1)["containers"]
        same((good["status"], bad["status"]), ("good", "bad"), "the containers")
        same(bad["differences"], [{"path": "process.env VAL", "reference": '"HELLO"',
                                   "measured": '"EVIL"'}], "differences")


def test_a_file_is_named():
    with boot():
        started()
        write_image("as somebody changed it", OTHER)
        started(ref=OTHER)
        write_image("as it was built")
        text = ask(1).stdout
        holds(text.splitlines()[0], "/salt: content", "the verdict")
        holds(text, "\n      /salt: content\n", "the table")
        same([c["differences"] for c in result(1)["containers"]],
             [[], [{"path": "/salt", "measured": "content"}]], "differences")


def test_who_may_not_see_details_sees_digests():
    with boot():
        started("EVIL")
        text = ask(1, user="nobody").stdout
        holds(text, "NOT TRUSTED: ", "the verdict")
        expect("EVIL" not in text, "a detail was given to a stranger")
        (only,) = result(1, user="nobody")["containers"]
        same((only["differences"], only["reference"]["configDiffers"]), ([], True), "container")


def test_another_host_key_or_root():
    with boot():
        started()
        holds(ask(1, expected="other.example").stdout, "genuine report of another host", "the host")
        key = result(0)["key"]["sha256"]
        holds(ask(0, "--ak", key, expected=None).stdout, "asked for: key " + key[:16], "the key")
        holds(ask(1, "--ak", "0" * 64, expected=None).stdout, "genuine report of another key", "key")
        holds(ask(0, expected=None).stdout, "no host was asked for", "nobody was asked for")
        other = f"{PLACE}/other-pki"
        script("pki/setup-pki", other)
        sh("cp", f"{other}/public/root.pem", "/etc/cmc/public/other.pem")
        holds(ask(1, ca="/etc/cmc/public/other.pem").stdout, "NOT TRUSTED: ", "another root")


def test_a_revoked_key():
    with boot():
        started()
        ask(0, "--crl", CRLS)
        script("pki/revoke", f"{PLACE}/pki", f"{PLACE}/ak.pem")
        sh("cp", f"{PLACE}/pki/public/crls.pem", "/etc/cmc/public/revoked.pem")
        holds(ask(1, "--crl", "/etc/cmc/public/revoked.pem").stdout, "revoked", "the verdict")
        prepare.cache_clear()  # the key is of no use any more
        sh("rm", "-rf", f"{PLACE}/pki", f"{PLACE}/cmcd", "/etc/cmc/public", METADATA)


def test_a_report_that_is_kept():
    with boot():
        started()
        for form in ((), ("--json",)):
            sh("cmcctl", "generate", "--addr", SOCKET, "--out", f"{PLACE}/report", "--nonce-out",
               f"{PLACE}/nonce", *form)
            words = sh("cmcctl", "explain", "--nonce", f"{PLACE}/nonce", "--ca", ROOT, "--expect", HOST,
                       f"{PLACE}/report").stdout
            holds(words, "The nonce was new, and is inside what was signed", "words")
            with open(f"{PLACE}/nonce", "r+b") as nonce:
                nonce.write(b"another")
            done = sh("cmcctl", "verify", "--report", f"{PLACE}/report", "--nonce", f"{PLACE}/nonce",
                      "--ca", ROOT, status=1)
            holds(done.stdout, "not made of this request's nonce", "the verdict")


def test_quotes_by_other_code():
    """tpm2_checkquote accepts ours; our verifier accepts one of tpm2_quote."""
    report, nonce, own = f"{PLACE}/report", f"{PLACE}/nonce", f"{PLACE}/quote"
    verify = ("cmcctl", "verify", "--report", report, "--nonce", nonce, "--ca", ROOT, "--expect", HOST)
    with boot():
        started()
        sh("cmcctl", "generate", "--addr", SOCKET, "--out", report, "--nonce-out", nonce, "--json")
        with open(report, encoding="utf-8") as f:
            ours = json.load(f)
        with open(nonce, "rb") as f:
            qualifying = hashlib.sha256(b"cmc-exact 1.0\0" + f.read()).hexdigest()
        for part in ("attest", "signature"):
            with open(f"{own}.{part}", "wb") as f:
                f.write(base64.b64decode(ours["evidence"][part]))
        sh("sh", "-c", f"openssl x509 -in {PLACE}/ak.pem -noout -pubkey >{PLACE}/ak.pub")
        sh("tpm2_checkquote", "-u", f"{PLACE}/ak.pub", "-m", f"{own}.attest", "-s",
           f"{own}.signature", "-g", "sha256", "-q", qualifying)
        sh("tpm2_checkquote", "-u", f"{PLACE}/ak.pub", "-m", f"{own}.attest", "-s",
           f"{own}.signature", "-g", "sha256", "-q", "00" * 32, status=1)
        with open(f"{PLACE}/cmcd/tpm_ak_encrypted.json", encoding="utf-8") as f:
            handle = hex(json.load(f)["PersistentHandle"])
        pcrs = ",".join(str(pcr["index"]) for pcr in ours["evidence"]["pcrs"])
        for asked, status in ((qualifying, 0), ("00" * 32, 1)):
            sh("tpm2_quote", "-c", handle, "-l", f"sha256:{pcrs}", "-q", asked, "-m",
               f"{own}.attest", "-s", f"{own}.signature", "-g", "sha256")
            for part in ("attest", "signature"):
                with open(f"{own}.{part}", "rb") as f:
                    ours["evidence"][part] = base64.b64encode(f.read()).decode()
            with open(report, "w", encoding="utf-8") as f:
                json.dump(ours, f)
            holds(sh(*verify, status=status).stdout, "magic 0xff544347", "the quote")


def test_a_host_that_is_not_appraised():
    with boot():
        started()
        sign_host()  # without the programs
        sh("pkill", "--signal", "HUP", "--pidfile", f"{PLACE}/cmcd.pid")
        wait_until(lambda: result(0)["verdict"] == "trusted-if-root", "the new metadata")
        text = ask(0).stdout
        holds(text.splitlines()[0], "TRUSTED if the host's root is honest", "the verdict")
        holds(ask(1, "--require-host").stdout, "NOT TRUSTED: ", "the verdict")
        sign_host("--programs")


@contextlib.contextmanager
def cmcd_with(**members):
    """cmcd as it is configured, with other members; it reads them when it starts."""
    config = "/etc/cmc/cmcd.json"
    with open(config, encoding="utf-8") as f:
        before = f.read()
    with open(config, "w", encoding="utf-8") as f:
        json.dump(dict(json.loads(before), **members), f)
    try:
        yield
    finally:
        with open(config, "w", encoding="utf-8") as f:
            f.write(before)


@contextlib.contextmanager
def over_tcp():
    """cmcd on a free port of this machine too; gives the port."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    with cmcd_with(tcp=f"127.0.0.1:{port}"):
        yield port


def test_over_the_network():
    """A name in the address is the host that is asked for; an IP address is none."""
    prepare()
    with over_tcp() as port, boot():
        started("EVIL")
        argv = ["cmcctl", "verify", "--ca", ROOT, "--addr"]
        holds(as_user("nobody", *argv, f"127.0.0.1:{port}", status=2).stderr, "names no host", "usage")
        found = as_user("nobody", *argv, f"127.0.0.1:{port}", "--expect", HOST, status=1).stdout
        holds(found, "is not allowed", "the verdict")
        expect("EVIL" not in found, "a detail was given to a stranger")
        with open("/etc/hosts", "a", encoding="ascii") as hosts:
            hosts.write(f"127.0.0.1 {HOST} other.{HOST}\n")
        holds(as_user("nobody", *argv, f"tcp://{HOST}:{port}", status=1).stdout,
              f"asked for: {HOST}", "whom it is about")
        holds(as_user("nobody", *argv, f"other.{HOST}:{port}", status=1).stdout,
              "genuine report of another host", "the verdict")


def test_terminals():
    with boot():
        started()
        argv = ["cmcctl", "verify", "--addr", SOCKET, "--ca", ROOT]
        status, text = on_terminal(["env", "LC_ALL=C.UTF-8", *argv])
        same((status, text.startswith("\x1b[1;32mTRUSTED")), (0, True), "colour on a terminal")
        status, text = on_terminal(["env", "LC_ALL=C.UTF-8", "NO_COLOR=1", *argv])
        same((status, "\x1b" in text, "✓" in text), (0, False, True), "NO_COLOR")
        status, text = on_terminal(["env", "LC_ALL=C", *argv, "--color=never"])
        same((status, text.isascii(), "ok the log is authentic" in text), (0, True, True), "ASCII")


def test_a_silent_peer_is_waited_for_in_sight():
    prepare()
    path = f"{PLACE}/silent.sock"
    with socket.socket(socket.AF_UNIX) as peer:
        peer.bind(path)
        peer.listen()
        status, text = on_terminal(["cmcctl", "verify", "--addr", path, "--ca", ROOT, "--timeout",
                                    "3"])
    os.unlink(path)
    same(status, 3, "exit status")
    holds(text, f"waiting for {path}: 1 s", "progress")
    holds(text, "COULD NOT BE CHECKED: ", "the verdict")


def test_what_cannot_be_asked():
    with boot():
        same(ask(0).returncode, 0, "a host without containers")
    holds(ask(3).stderr, "COULD NOT BE CHECKED: ", "no cmcd")
    ask(2, "--no-such-option")
    holds(ask(2, "--color", "red").stderr, "--color takes", "usage")


# secrets

CANARIES = {"DB_PASSWORD": "canary-4b1d-password", "API_TOKEN": "canary-77aa-token",
            "MY_SECRET_THING": "canary-e02f-secret", "ssh_key": "canary-90c3-key"}


def detail(kind, digest):
    """What cmcd gives to root."""
    request = json.dumps({"version": "1.4.0", "kind": kind,
                          "digest": base64.b64encode(bytes.fromhex(digest)).decode()}).encode()
    with socket.socket(socket.AF_UNIX) as peer:
        peer.connect(SOCKET)
        peer.sendall(struct.pack(">II", len(request), 16) + request)
        answer = b""
        while part := peer.recv(65536):
            answer += part
    data = json.loads(answer[8:])["data"]
    return base64.b64decode(data)


def said():
    """{name: bytes} of all that is given out or written about containers."""
    texts = {"verify": ask(1).stdout, "explain": ask(1, "--explain").stdout,
             "json": ask(1, "--json").stdout, "result": ask(1, "--attestation-result").stdout,
             "root's verify": sh("cmcctl", "verify", "--addr", SOCKET, "--ca", ROOT, status=1).stdout,
             "log": cmcctl("--wide").stdout, "log --json": cmcctl("--json").stdout,
             "export": cmcctl("--export", "cel-json").stdout}
    found = {name: text.encode() for name, text in texts.items()}
    for name, form in (("report in CBOR", ()), ("report in JSON", ("--json",))):
        sh("cmcctl", "generate", "--addr", SOCKET, "--out", f"{PLACE}/report", "--nonce-out",
           f"{PLACE}/nonce", *form)
        with open(f"{PLACE}/report", "rb") as f:
            found[name] = f.read()
    for container in result(1)["containers"]:
        found["detail " + container["config"]] = detail("config", container["config"])
        found["tree " + container["rootfs"]] = detail("tree", container["rootfs"])
    for path in (f"{PLACE}/cmcd.log", f"{PLACE}/containerd.log", f"{PLACE}/recorder.log",
                 "/run/cmc/shim.log", "/run/cmc/log"):
        if os.path.exists(path):
            with open(path, "rb") as f:
                found[path] = f.read()
    return found


def forms(text):
    """A text as it is, and as base64 has it at each of the three places where it can begin."""
    yield text.encode()
    for shift in range(3):
        coded = base64.b64encode(b"\0" * shift + text.encode())
        yield coded[4 if shift else 0:len(coded) // 4 * 4 - 4]


def test_secrets_are_nowhere():
    with boot():
        options = [word for name, value in CANARIES.items() for word in ("--env", f"{name}={value}")]
        started(name="canary", more=[*options, "--env", "SHOWN=canary-shown"])
        found = said()
        report = found["report in JSON"]
        expect(any(form in report for form in forms("canary-shown")), "the control is not found")
        holds(found["verify"].decode(), "canary-shown", "what may be shown")
        holds(found["verify"].decode(), "DB_PASSWORD", "the name of a secret")
        for name, value in CANARIES.items():
            for where, text in found.items():
                expect(not any(form in text for form in forms(value)), f"{name} is in {where}")


def test_nobody_leaves_a_core_file():
    with boot():
        with open(f"/proc/{pid_of('cmcd')}/limits", encoding="ascii") as limits:
            (line,) = [line for line in limits if line.startswith("Max core file size")]
        same(line.split()[4:6], ["0", "0"], "cmcd's limit")


def as_large_cores_as_may_be():
    most = resource.getrlimit(resource.RLIMIT_CORE)[1]
    resource.setrlimit(resource.RLIMIT_CORE, (most, most))


def test_cmcctl_leaves_no_core_file():
    """Aborted while it verifies, with a key that it has read; another program does leave one."""
    prepare()
    path, where = f"{PLACE}/silent.sock", f"{PLACE}/tmp/cores"
    os.makedirs(where, exist_ok=True)
    key = write_key("core-key", b"c")
    with socket.socket(socket.AF_UNIX) as peer:
        peer.bind(path)
        peer.listen()
        verify = ["cmcctl", "verify", "--addr", path, "--ca", ROOT, "--redaction-key", key]
        for argv, dumps in ((["sleep", "60"], True), (verify, False)):
            child = subprocess.Popen(argv, cwd=where, stderr=subprocess.DEVNULL,
                                     preexec_fn=as_large_cores_as_may_be)
            if not dumps:
                peer.settimeout(20)
                asked = peer.accept()[0]  # kept: it ends by itself when nobody listens any more
                asked.recv(1)  # it has asked, so it has read all files
            os.kill(child.pid, signal.SIGABRT)
            status = os.waitpid(child.pid, 0)[1]
            child.returncode = -signal.SIGABRT
            same(os.WTERMSIG(status), signal.SIGABRT, f"the end of {argv[0]}")
            if dumps and not os.WCOREDUMP(status):
                os.unlink(path)
                raise Skip("nothing leaves a core file here")
            same(os.WCOREDUMP(status), dumps, f"a core file of {argv[0]}")
    os.unlink(path)
    sh("rm", "-rf", where)


# what the verifier brings along

def write_key(name, byte, owner="root"):
    path = f"{PLACE}/{name}"
    with open(path, "wb") as f:
        f.write(byte * 32)
    os.chmod(path, 0o600)
    sh("chown", owner, path)
    return path


@contextlib.contextmanager
def other_metadata():
    """What is signed in here is gone afterwards."""
    prepare()
    sh("cp", "-a", METADATA, f"{PLACE}/metadata-before")
    try:
        yield
    finally:
        sh("rm", "-rf", METADATA)
        sh("mv", f"{PLACE}/metadata-before", METADATA)


@contextlib.contextmanager
def keyed(key):
    """A host that measures with a redaction key; cmcd has it too."""
    configure(redaction_key=key)
    try:
        with other_metadata(), cmcd_with(redactionKey=write_key("cmcd-key", b"k", "cmc")), boot():
            yield
    finally:
        configure()


def nowhere(words, *options, status):
    """No form of an answer has any of the words."""
    texts = [ask(status, *form, *options).stdout for form in ((), ("--json",), ("--explain",))]
    for word in words:
        expect(not any(word in text for text in texts), f"{word} is shown")


def test_one_redaction_key():
    """Commitments are compared, so that no value is shown to anybody, whichever key he has."""
    key, own = write_key("site-key", b"k"), write_key("auditors-key", b"k", "auditor")
    other = write_key("wrong-key", b"w", "auditor")
    values = ("HELLO", "EVIL", "canary-keyed")
    secret = "--env=DB_PASSWORD=canary-keyed"
    with keyed(key):
        refer("true", options=(*OPTIONS, secret, f"--redaction-key={key}"))
        sh("pkill", "--signal", "HUP", "--pidfile", f"{PLACE}/cmcd.pid")
        started(more=["--env", "DB_PASSWORD=canary-keyed"])
        wait_until(lambda: ask(None).returncode == 0, "the new metadata")
        same([c["status"] for c in result(0)["containers"]], ["good"], "the container")
        nowhere(values, status=0)
        nowhere(values, "--redaction-key", own, status=0)
        started("EVIL", more=["--env", "DB_PASSWORD=canary-keyed"])
        for options in ((), ("--redaction-key", own), ("--redaction-key", other)):
            (bad,) = result(1, *options)["containers"][1:]
            same((bad["status"], [d["path"] for d in bad["differences"]]),
                 ("bad", ["process.env VAL"]), f"what differs, with {options}")
            nowhere(values, *options, status=1)
        holds(ask(3, "--redaction-key", "/etc/hosts").stderr, "a redaction key has 32 bytes", "a file")


def test_two_redaction_keys():
    """Digests under different keys say nothing: neither match nor mismatch."""
    key, other = write_key("site-key", b"k"), write_key("other-key", b"o")
    with keyed(key):
        refer("true", options=(*OPTIONS, f"--redaction-key={other}"))
        sh("pkill", "--signal", "HUP", "--pidfile", f"{PLACE}/cmcd.pid")
        started()
        wait_until(lambda: ask(None).returncode == 3, "the new metadata")
        text = ask(3).stdout
        holds(text.splitlines()[0], "COULD NOT BE CHECKED: ", "the verdict")
        holds(text.splitlines()[0], "could not be compared: measured with redaction key", "the reason")
        (only,) = result(3)["containers"]
        same((only["status"], only["differences"], only["reference"]["configDiffers"]),
             ("unchecked", [], False), "the container")


def test_secrets_of_the_verifier():
    """More names than the host's list; what the host calls a secret it gives to nobody."""
    with boot():
        started("EVIL")
        holds(ask(1).stdout, "EVIL", "the control")
        nowhere(("HELLO", "EVIL"), "--secrets", "NO*,V?L,*AL", status=1)
        (only,) = result(1, "--secrets", "*VAL*")["containers"]
        same([d["path"] for d in only["differences"]], ["process.env VAL"], "what differs")
        holds(ask(2, "--secrets", ",").stderr, "--secrets takes patterns", "usage")
    with cmcd_with(secrets=["VAL"]), boot():
        started("EVIL")
        nowhere(("EVIL",), "--secrets", "NOTHING", status=1)
        expect("EVIL" not in sh("cmcctl", "verify", "--addr", SOCKET, "--ca", ROOT, status=1).stdout,
               "shown to root")


def test_metadata_of_the_verifier():
    """References that the host does not have; one that was changed is no reference."""
    prepare()
    own, none = f"{PLACE}/own-metadata", f"{PLACE}/no-metadata"
    sh("cp", "-a", METADATA, own)
    os.makedirs(none, exist_ok=True)
    with cmcd_with(metadata=[none]), boot():
        started()
        expect(ask(None).returncode in (1, 3), "trusted without references")
        same(result(0, "--metadata", own)["verdict"], "trusted", "the verdict")
        holds(ask(3, "--metadata", "/nowhere").stderr, "/nowhere", "no such directory")
        started("EVIL")
        holds(ask(1, "--metadata", own).stdout, "EVIL", "what differs")
    with cmcd_with(metadata=[none]), boot():
        started()
        with open(f"{own}/proof.json", "r+b") as f:
            f.seek(-20, os.SEEK_END)  # in the signature
            byte = f.read(1)
            f.seek(-20, os.SEEK_END)
            f.write(b"A" if byte != b"A" else b"B")
        holds(ask(1, "--metadata", own).stdout.splitlines()[0], "signature", "the verdict")
    sh("rm", "-rf", own)
