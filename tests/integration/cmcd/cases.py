# SPDX-License-Identifier: Apache-2.0
"""cases.py -- what cmcd and the recorder's socket do, and what they refuse."""
import base64
import hashlib
import json
import os
import resource
import signal
import socket
import subprocess
import time

from host import (ATTEST, DETAIL, MEASURE, META, NOBODY, NONCE, PEER_CACHE, PKI, PLACE,
                  RECORDER, SOCK, UID, UPDATE, VERIFY, as_nobody, as_user, ask, attest, b64, dial,
                  receive, refused, run, send, to_recorder)
from world import CONFIG, RUNTIME, TCTI, expect, has, same

CBOR_ATTEST = bytes.fromhex("a20065312e342e30015820") + NONCE
PAUSE = bytes.fromhex("a3006e636d632d7265636f726465722f310165706175736502")
EVENT = {"type": "application", "name": "job-7", "hashes": [
    {"alg": "SHA-256", "content": "ab" * 32}]}


def digest(host):
    return bytes.fromhex(host.container["config"])


def reports(host):
    report = attest()
    same((report["type"], report["evidence"]["kind"]), ("cmc-exact", "tpm"), "report")
    same(len(report["metadata"]), 1, "items of metadata")
    same(base64.b64decode(report["log"])[:64], open(RUNTIME + "/log", "rb").read()[:64], "log")
    expect(report["details"], "root sees details")
    s = dial()
    send(s, ATTEST, CBOR_ATTEST)
    kind, payload = receive(s)
    same((kind, payload[:1]), (ATTEST, b"\xa2"), "a CBOR answer to a CBOR question")
    cached = attest(cached=[base64.b64decode(d).hex() for d in report["digests"]])
    same((cached["metadata"], cached["digests"]), ([], report["digests"]), "what we have")


def details_are_for_some(host):
    del host
    same(as_nobody(lambda: attest()["details"]), [], "details for nobody")
    same(attest("tcp")["details"], [], "details over TCP")
    expect(attest("tcp")["log"], "the log over TCP")


def a_verdict(host):
    report = json.dumps(attest()).encode()
    peer = "ab" * 32
    same(ask(PEER_CACHE, {"peer": peer})["cache"], [], "nothing is kept yet")
    good = ask(VERIFY, {"nonce": b64(NONCE), "report": b64(report), "peer": peer})["result"]
    same((good["type"], good["freshness"]["status"]), ("Attestation Result", "success"), "result")
    kept = ask(PEER_CACHE, {"peer": peer})["cache"]
    item = open(META + "/one", "rb").read()
    same(kept, [hashlib.sha256(item).hexdigest()], "what is kept of the peer")
    other = ask(VERIFY, {"nonce": b64(NONCE[::-1]), "report": b64(report)})["result"]
    same((other["verdict"], other["freshness"]["status"]), ("not-trusted", "fail"), "another nonce")
    refused("policies are not evaluated", lambda: ask(VERIFY, {
        "nonce": b64(NONCE), "report": b64(report), "policies": "AA=="}))
    refused("not for clients over TCP", lambda: ask(VERIFY, {
        "nonce": b64(NONCE), "report": b64(report), "peer": peer}, "tcp"))
    refused("hexadecimal", lambda: ask(PEER_CACHE, {"peer": "../../etc"}))
    done = subprocess.run([host.build + "/bin/cmcctl", "verify", "--addr", SOCK, "--ca",
                           PKI + "/public/root.pem", "--expect", "host.example", "--explain"],
                          capture_output=True, text=True, timeout=60, check=False)
    same(done.returncode, 1, f"cmcctl verify: no reference is there ({done.stdout}{done.stderr})")


def details(host):
    data = ask(DETAIL, {"kind": "config", "digest": b64(digest(host))})["data"]
    has(base64.b64decode(data).decode(), "ociVersion")
    same(ask(DETAIL, {"kind": "config", "digest": b64(bytes(32))})["data"], None, "none")
    same(ask(DETAIL, {"kind": "tree", "digest": b64(bytes(32))})["data"], None, "no listing")
    same(as_nobody(lambda: ask(DETAIL, {"kind": "config", "digest": b64(digest(host))})["data"]),
         None, "a detail for nobody")
    same(ask(DETAIL, {"kind": "config", "digest": b64(digest(host))}, "tcp")["data"], None,
         "a detail over TCP")


def a_listing_of_a_reference(host):
    del host
    path = os.path.dirname(os.path.abspath(__file__)) + "/../../vectors/rootfs/golden/"
    text = open(path + "odd-names.listing", "rb").read()
    root = open(path + "odd-names.digest", encoding="utf-8").read().strip()
    with open(f"{META}/listings/{root}", "wb") as f:
        f.write(text)
    got = ask(DETAIL, {"kind": "tree", "digest": b64(bytes.fromhex(root))})["data"]
    same(base64.b64decode(got), text, "listing")
    other = "00" * 31 + "01"
    with open(f"{META}/listings/{other}", "wb") as f:
        f.write(text)
    refused("of another tree",
            lambda: ask(DETAIL, {"kind": "tree", "digest": b64(bytes.fromhex(other))}))


def a_reported_event(host):
    same(ask(MEASURE, {"event": EVENT})["success"], True, "Measure")
    event = host.world.events()[-1]
    same((event["type"], event["pid"]), ("unmeasured", os.getpid()), "event")
    same(event["reason"], "reported to cmcd, not measured here: name job-7, hash " + "ab" * 32, "reason")
    own = [line for line in open("/proc/self/cgroup", encoding="utf-8").read().splitlines()
           if line.startswith("0::") or ":name=systemd:" in line]
    expect(any(line.endswith(event["cgroup"]) for line in own), f"cgroup {event['cgroup']}")
    host.world.verify()
    refused("for root only", lambda: as_nobody(lambda: ask(MEASURE, {"event": EVENT})))
    refused("over TCP", lambda: ask(MEASURE, {"event": EVENT}, "tcp"))
    host.recorder.kill()
    host.recorder.wait()
    os.unlink(RECORDER)
    host.logs("recorder's socket", lambda: same(
        ask(MEASURE, {"event": EVENT})["success"], False, "Measure without a recorder"))
    host.start_recorder()


def measure(host, path, status, wrap=()):
    done = subprocess.run([*wrap, host.build + "/bin/cmcctl", "measure", "--addr", SOCK, path],
                          capture_output=True, text=True, timeout=60, check=False)
    same(done.returncode, status, f"exit status ({done.stderr})")
    return done.stderr


def an_event_by_cmcctl(host):
    """cmcctl, cmcd, the recorder's socket, the TPM: the event is in the register, with who said it."""
    path = PLACE + "/event.json"
    with open(path, "w", encoding="utf-8") as f:
        json.dump(dict(EVENT, name="job-8"), f)
    before = len(host.world.events())
    same(measure(host, path, 0), "", "words")
    event = host.world.events()[before:]
    same([e["type"] for e in event], ["unmeasured"], "events")
    same(event[0]["reason"], "reported to cmcd, not measured here: name job-8, hash " + "ab" * 32,
         "reason")
    host.world.verify()
    has(measure(host, path, 1, as_user(NOBODY)), "for root only")
    os.rename(RECORDER, RECORDER + ".away")
    expect(measure(host, path, 1), "no words without a recorder")
    os.rename(RECORDER + ".away", RECORDER)
    with open(path, "w", encoding="utf-8") as f:
        json.dump([EVENT, EVENT], f)
    has(measure(host, path, 3), "holds 2 events, expected one")
    same(len(host.world.events()), before + 1, "events after what was refused")


def the_recorder_refuses(host):
    count = len(host.world.events())
    head = bytes.fromhex("006e636d632d7265636f726465722f3101")
    for what, packet, says in (
            ("nothing", b"\xa0", b"request"),
            ("another type", b"\xa4" + head + b"\x70container-create\x02\x01\x03\x60", b"request"),
            ("a member too many", b"\xa5" + head + b"\x6aunmeasured\x02\x01\x03\x61x\x07\x58\x20" + bytes(32), b"key 7"),
            ("process 0", b"\xa4" + head + b"\x6aunmeasured\x02\x00\x03\x61x", b"process 0"),
            ("no such process", b"\xa4" + head + b"\x6aunmeasured\x02\x1a\x7f\xff\xff\xff\x03\x61x",
             b"does not exist"),
            ("a longer pause", PAUSE + b"\x19\x03\xe9", b"1001 ms"),
            ("2,000 bytes", b"\xa4" + bytes(2000), b"more than 1024")):
        s, answer = to_recorder(packet)
        s.close()
        expect(b"\x01\xf4" in answer and says in answer, f"{what}: {answer!r}")
    same(len(host.world.events()), count, "events")
    os.chmod(RECORDER, 0o666)
    refused_one = as_nobody(lambda: to_recorder(PAUSE + b"\x01")[1].hex())
    has(bytes.fromhex(refused_one).decode("latin-1"), "only root and user cmc")
    os.chmod(RECORDER, 0o660)


def a_pause(host):
    s, answer = to_recorder(PAUSE + b"\x19\x01\xf4")  # 500 ms
    expect(b"\x01\xf5" in answer, f"pause: {answer!r}")
    begin = time.monotonic()
    host.world.create()
    waited = time.monotonic() - begin
    expect(waited > 0.3, f"recording went on after {waited} s of a pause")
    again, answer = to_recorder(PAUSE + b"\x19\x01\xf4")
    expect(b"a moment ago" in answer or b"\x01\xf5" in answer, f"pause: {answer!r}")
    again.close()
    s.close()
    time.sleep(0.6)
    s, answer = to_recorder(PAUSE + b"\x19\x03\xe8")
    expect(b"\x01\xf5" in answer, f"pause: {answer!r}")
    time.sleep(0.1)
    s.close()  # the client is done: recording goes on at once
    begin = time.monotonic()
    host.world.create()
    expect(time.monotonic() - begin < 0.8, "a pause ends with its client")
    again, answer = to_recorder(PAUSE + b"\x01")
    expect(b"a moment ago" in answer or b"\x01\xf5" in answer, f"pause: {answer!r}")
    again.close()


def new_metadata(host):
    same(len(attest()["digests"]), 1, "items at first")
    host.sign("two")
    same(ask(UPDATE, {})["success"], True, "UpdateMetadata")
    same(len(attest()["digests"]), 2, "items of the new set")
    with open(META + "/bad", "w", encoding="utf-8") as f:
        f.write('{"payload": "e30", "signatures": []}')
    host.logs("bad", lambda: same(ask(UPDATE, {})["success"], False, "a bad set"))
    os.unlink(META + "/two")
    host.logs("bad", lambda: host.cmcd.send_signal(signal.SIGHUP))
    same(len(attest()["digests"]), 2, "the old set stays, all of it")
    os.unlink(META + "/bad")
    host.logs("metadata was read", lambda: host.cmcd.send_signal(signal.SIGHUP))
    same(len(attest()["digests"]), 1, "the set without the second")
    refused("root and the configured group", lambda: as_nobody(lambda: ask(UPDATE, {})))
    with open(META + "/bad", "w", encoding="utf-8") as f:
        f.write("{}")
    run(*host.command("--check"), status=3)
    os.unlink(META + "/bad")
    run(*host.command("--check"))


def many_clients(host):
    del host
    files = resource.getrlimit(resource.RLIMIT_NOFILE)
    expect(files[1] >= 2048, f"1,100 connections need more descriptors than {files[1]}")
    resource.setrlimit(resource.RLIMIT_NOFILE, (max(files[0], 2048), files[1]))
    idle = [dial() for _ in range(1000)]
    begin = time.monotonic()
    busy = [dial() for _ in range(100)]
    for s in busy:
        send(s, ATTEST, CBOR_ATTEST)
    for s in busy:
        kind, payload = receive(s)
        same(kind, ATTEST, f"answer ({payload[:200]!r})")
    print(f"# 100 reports beside 1,000 idle clients: {time.monotonic() - begin:.1f} s")
    for s in idle:
        s.close()


def asked_by_a_service_manager(host):
    host.stop()
    told = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
    told.settimeout(20)
    path = PLACE + "/notify"
    told.bind(path)
    os.chmod(path, 0o666)
    listener = socket.socket(socket.AF_UNIX)
    listener.bind(SOCK)
    listener.listen(64)
    os.chmod(SOCK, 0o666)

    def place():
        os.dup2(listener.fileno(), 3)
        os.set_inheritable(3, True)

    command = as_user(UID, "sh", "-c", 'LISTEN_PID=$$ exec "$@"', "sh", *host.command()[4:])
    host.start(command, env=dict(os.environ, LISTEN_FDS="1", NOTIFY_SOCKET=path), preexec_fn=place,
               pass_fds=(3,))
    same(told.recv(100), b"READY=1", "first word")
    attest()
    host.cmcd.send_signal(signal.SIGHUP)
    same(told.recv(100).split(b"\n")[0], b"RELOADING=1", "word of a reload")
    same(told.recv(100), b"READY=1", "word of its end")
    host.cmcd.send_signal(signal.SIGTERM)
    same(told.recv(100), b"STOPPING=1", "last word")
    same(host.cmcd.wait(20), 0, "exit status")
    listener.close()
    os.unlink(SOCK)
    host.start()
    attest()


def a_recorder_for_its_socket(host):
    listener = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    path = PLACE + "/activated.sock"
    listener.bind(path)
    listener.listen(8)

    def place():
        os.dup2(listener.fileno(), 3)
        os.set_inheritable(3, True)

    process = subprocess.Popen(
        ["sh", "-c", 'LISTEN_PID=$$ exec "$@"', "sh", host.build + "/libexec/cmc/cmc-recorder",
         "--serve", "--config", CONFIG], env=dict(os.environ, LISTEN_FDS="1", CMC_TCTI=TCTI),
        preexec_fn=place, pass_fds=(3,), stderr=host.logfile)
    s = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    s.settimeout(20)
    s.connect(path)
    s.send(PAUSE + b"\x01")
    expect(b"\x01\xf5" in s.recv(2048), "a pause of 1 ms")
    s.close()
    process.terminate()
    process.wait()
    listener.close()


def what_is_refused_at_start(host):
    for more, status, says in (
            ({"ctrDriver": "sw"}, 2, "does not apply"),
            ({"colour": "red"}, 3, "unknown key"),
            ({"rootCas": ["/nowhere.pem"]}, 3, "/nowhere.pem"),
            ({"metadata": ["file:///nowhere"]}, 3, "/nowhere")):
        host.configure(**more)
        done = subprocess.run(host.command(), capture_output=True, text=True, timeout=20,
                              check=False)
        same(done.returncode, status, f"exit status ({done.stderr})")
        has(done.stderr, says)
    host.configure()
    done = subprocess.run(host.command(), capture_output=True, text=True, timeout=20, check=False)
    same(done.returncode, 2, f"exit status of a second one ({done.stderr})")
    has(done.stderr, "another process serves it")
    attest()


CASES = (reports, details_are_for_some, a_verdict, details, a_listing_of_a_reference,
         a_reported_event, an_event_by_cmcctl, the_recorder_refuses, a_pause, new_metadata, many_clients,
         asked_by_a_service_manager, a_recorder_for_its_socket, what_is_refused_at_start)
