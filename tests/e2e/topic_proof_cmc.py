# SPDX-License-Identifier: Apache-2.0
"""topic_proof_cmc.py -- the same verifier and a host of profile cmc; reports in both encodings."""
import contextlib
import os
import subprocess

import topic_proof as proof
from world import PLACE, configure, expect, holds, same, sh, wait_until, world_sh

RECORDER = "/run/cmc-recorder.sock"
LOG = "/run/cmc/log"


@contextlib.contextmanager
def recorder():
    """What systemd starts behind cmc-recorder.socket."""
    with open(f"{PLACE}/recorder.log", "ab") as log:
        service = subprocess.Popen(["cmc-recorder", "--serve", "--socket", RECORDER],
                                   stdin=subprocess.DEVNULL, stdout=log, stderr=log)
    try:
        wait_until(lambda: os.path.exists(RECORDER), "the recorder's socket")
        yield
    finally:
        service.terminate()
        service.wait()
        with contextlib.suppress(FileNotFoundError):
            os.unlink(RECORDER)


def forget_log():
    """As a boot does; the profile of a log never changes."""
    with contextlib.suppress(FileNotFoundError):
        os.unlink(LOG)


def use(profile):
    configure(profile=profile)
    proof.refer("true", options=(*proof.OPTIONS, f"--profile={profile}"))
    forget_log()


@contextlib.contextmanager
def boot(profile):
    """A host of that profile that was just started, and the recorder's service."""
    proof.prepare()
    try:
        use(profile)
        with recorder(), proof.boot():
            yield
    finally:
        use("exact")
        configure()
        proof.stop("tpm")
        world_sh("world_tpm && cmc-recorder --init")


def kept(status):
    """What cmcctl verify says of reports in CBOR and in JSON."""
    for form in ((), ("--json",)):
        sh("cmcctl", "generate", "--addr", proof.SOCKET, "--out", f"{PLACE}/report", "--nonce-out",
           f"{PLACE}/nonce", *form)
        with open(f"{PLACE}/report", "rb") as report:
            same(report.read(1) == b"{", bool(form), "the report is in JSON")
        yield sh("cmcctl", "verify", "--report", f"{PLACE}/report", "--nonce", f"{PLACE}/nonce",
                 "--ca", proof.ROOT, "--expect", proof.HOST, status=status).stdout


def test_trusted():
    """As far as this profile goes: programs are appraised by IMA alone, and PCR 10 is not quoted."""
    with boot("cmc"):
        proof.started()
        found = proof.result(0)
        same((found["verdict"], found["host"], found["profile"]),
             ("trusted-if-root", proof.HOST, "cmc"), "the result")
        same([c["status"] for c in found["claims"]], ["good", "good", "unchecked"], "the claims")
        (only,) = found["containers"]
        same((only["status"], only["reference"]["manifest"]), ("good", "proof"), "the container")
        same(proof.ask(0).stdout.splitlines()[0],
             "TRUSTED if the host's root is honest, on the word of a software TPM (swtpm): "
             "PCR 10 is not quoted", "the verdict")


def test_a_variable_is_named():
    with boot("cmc"):
        proof.started()
        proof.started("EVIL")
        text = proof.ask(1).stdout
        holds(text.splitlines()[0], 'VAL: reference "HELLO", measured "EVIL"', "the verdict")
        same([c["status"] for c in proof.result(1)["containers"]], ["good", "bad"], "containers")


def test_a_file_is_named():
    with boot("cmc"):
        proof.started()
        proof.write_image("as somebody changed it", proof.OTHER)
        proof.started(ref=proof.OTHER)
        proof.write_image("as it was built")
        text = proof.ask(1).stdout
        holds(text.splitlines()[0], "NOT TRUSTED: ", "the verdict")
        same([c["status"] for c in proof.result(1)["containers"]], ["good", "bad"], "containers")


def both_encodings(profile):
    with boot(profile):
        proof.started()
        for text in kept(0):
            expect(text.startswith("TRUSTED"), f"the verdict: {text[:200]}")
        proof.started("EVIL")
        for text in kept(1):
            holds(text.splitlines()[0], 'VAL: reference "HELLO", measured "EVIL"', "the verdict")


def test_both_encodings_of_exact():
    both_encodings("exact")


def test_both_encodings_of_cmc():
    both_encodings("cmc")
