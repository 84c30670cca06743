# SPDX-License-Identifier: Apache-2.0
"""topic_proof_load.py -- many verifiers ask while containers are recorded, and none is told wrong.

Aims: 20 events per second from the helper's own code, or 5 `ctr run` per second; 3 verifiers for 6
seconds each in profile exact, with CMC_LONG 10 verifiers for 60 seconds in both profiles. What was
reached is printed, and never fails. A false failure is
- a verification that ends otherwise than TRUSTED (in profile cmc: if the host's root is honest),
  since every container has a reference; its reason then says what went wrong;
- a report that shows other containers, or in another order, than the log has;
- a report without a container whose event was committed before the verifier asked, or with one
  whose event was not in the log when it had its answer;
- a container that does not start.
"""
import collections
import concurrent.futures
import contextlib
import functools
import itertools
import json
import os
import statistics
import struct
import subprocess
import time

import topic_proof as proof
import topic_proof_cmc as hosts
from world import CONFIG, PLACE, TOP, events, expect, run, sh, wait_until

LONG = bool(os.environ.get("CMC_LONG"))
SECONDS, VERIFIERS = (60, 10) if LONG else (6, 3)
RATES = {"feed": 20, "run": 5}
VERDICTS = {"exact": "trusted", "cmc": "trusted-if-root"}
TIMEOUT = 120  # of a verification, in seconds: however slow the machine is
RELAY, QUOTES = f"{PLACE}/slow.sock", f"{PLACE}/quotes"
BUNDLE, ID = f"{PLACE}/load", "web-1"
CMCD = "/etc/cmc/cmcd.json"


# the host


@contextlib.contextmanager
def slow_tpm(profile, delay):
    """cmcd's TPM gives quotes later: profile cmc read the log before it asks, exact reads it after."""
    before, after = (delay, 0) if profile == "cmc" else (0, delay)
    for path in (RELAY, RELAY + ".ctrl", QUOTES):
        with contextlib.suppress(FileNotFoundError):
            os.unlink(path)
    os.symlink(f"{PLACE}/tpm.sock.ctrl", RELAY + ".ctrl")
    relay = subprocess.Popen([f"{TOP}/tests/e2e/tpm_relay.py", RELAY, f"{PLACE}/tpm.sock", str(before),
                              str(after), QUOTES])
    with open(CMCD, encoding="utf-8") as f:
        config = f.read()
    try:
        wait_until(lambda: os.path.exists(RELAY), "the relay's socket")
        with open(CMCD, "w", encoding="utf-8") as f:
            json.dump(dict(json.loads(config), tcti="swtpm:path=" + RELAY), f)
        yield
    finally:
        relay.terminate()
        relay.wait()
        with open(CMCD, "w", encoding="utf-8") as f:
            f.write(config)


@contextlib.contextmanager
def boot(profile, delay):
    proof.prepare()
    refer_to_fed(profile)
    with slow_tpm(profile, delay), hosts.boot(profile):
        yield


def write_bundle():
    os.makedirs(f"{BUNDLE}/rootfs/bin", exist_ok=True)
    with open(f"{BUNDLE}/rootfs/bin/hello", "w", encoding="ascii") as f:
        f.write("hello\n")
    config = {"ociVersion": "1.0.2", "process": {"user": {"uid": 0, "gid": 0}, "args": ["/bin/hello"],
                                                 "cwd": "/", "env": ["VAL=HELLO"]},
              "root": {"path": "rootfs"}, "mounts": [],
              "linux": {"namespaces": [{"type": "mount"}], "cgroupsPath": "/default/" + ID}}
    with open(f"{BUNDLE}/config.json", "w", encoding="ascii") as f:
        json.dump(config, f)


def refer_to_fed(profile):
    """A signed reference to what is fed."""
    write_bundle()
    components = json.loads(sh("measure-bundle", f"--profile={profile}", f"--id={ID}", BUNDLE).stdout)
    for component in components:
        component["optional"] = True  # it need not run
    manifest = {"type": "Manifest", "name": "fed", "version": time.strftime("%FT%TZ", time.gmtime()),
                "validity": {"notBefore": "2020-01-01T00:00:00Z", "notAfter": "2050-01-01T00:00:00Z"},
                "sbom": {"bomFormat": "CycloneDX", "specVersion": "1.7", "version": 1,
                         "components": components},
                "developerCommonName": "", "baseLayers": ["example.os"], "certLevel": 1,
                "caFingerprints": []}
    with open(f"{BUNDLE}/fed.json", "w", encoding="ascii") as f:
        json.dump(manifest, f, separators=(",", ":"))
        f.write("\n")
    proof.script("example-setup/update-manifest", f"{BUNDLE}/fed.json")


# what is recorded


def feed(seconds):
    sh(f"{os.environ['CMC_BUILD']}/tests/prove_feed", CONFIG, BUNDLE, ID, str(seconds * RATES["feed"]),
       str(RATES["feed"]), timeout=600)


def start_containers(seconds):
    """`ctr run` whenever one is due and fewer than ten run."""
    begin = time.monotonic()
    with concurrent.futures.ThreadPoolExecutor(10) as pool:
        started = []
        for number in range(seconds * RATES["run"]):
            time.sleep(max(0, begin + number / RATES["run"] - time.monotonic()))
            if sum(not one.done() for one in started) < 10:
                started.append(pool.submit(run, proof.REF, "true", name=f"load-{time.time_ns()}",
                                           opts=proof.OPTIONS, timeout=TIMEOUT))
    for one in started:
        one.result()


# who asks

Answer = collections.namedtuple("Answer", "began ended seconds status verdict log reason containers")


def verifier():
    """cmcctl verify, as a user without privilege: its arguments."""
    group = sh("id", "-g", "auditor").stdout.strip()
    return ["setpriv", "--reuid=auditor", f"--regid={group}", "--init-groups", "--no-new-privs",
            "--bounding-set=-all", "--inh-caps=-all", "cmcctl", "verify", "--json", "--addr",
            f"unix://{proof.SOCKET}", "--ca", proof.ROOT, "--expect", proof.HOST, "--timeout",
            str(TIMEOUT)]


def ask(argv):
    began, begin = os.path.getsize(hosts.LOG), time.monotonic()
    done = subprocess.run(argv, capture_output=True, stdin=subprocess.DEVNULL, check=False)
    seconds, ended = time.monotonic() - begin, os.path.getsize(hosts.LOG)
    found = json.loads(done.stdout) if done.stdout else {"verdict": "no answer", "reason": done.stderr}
    return Answer(began, ended, seconds, done.returncode, found["verdict"],
                  [c["status"] for c in found.get("claims", ()) if c["id"] == "log"],
                  found.get("reason"), [shown(c) for c in found.get("containers", ())])


def shown(container):
    """What a report can say of a container: no digest of profile cmc covers its id."""
    return container.get("container"), container["config"], container["rootfs"]


def ask_on(argv, end):
    answers = []
    while time.monotonic() < end:
        answers.append(ask(argv))
    return answers


# what is true


def offsets():
    """Where each record of the log ends, and where its mark does (docs/formats/eventlog.md)."""
    with open(hosts.LOG, "rb") as f:
        log = f.read()
    ends, at = {1: [], 2: []}, 0
    while at < len(log):
        magic, kind, size = struct.unpack_from(">4sxB2xI", log, at)
        expect(magic == b"\xc3MCL", "the log has no whole frames")
        at += 16 + size
        ends[kind].append(at)
    return ends[1], ends[2]


def truth(profile):
    """The containers of the log, and functions that tell how many there were at a size of the log."""
    records, marks = offsets()
    found = events()
    places = [i for i, e in enumerate(found) if e["type"] == "container-create"]
    names = [None if profile == "cmc" else found[i]["container"] for i in places]
    created = [(name, found[i]["config"], found[i]["rootfs"]) for name, i in zip(names, places)]
    return (created, lambda size: sum(marks[i] <= size for i in places),
            lambda size: sum(records[i] <= size for i in places))


def wrong(answer, profile, created, committed, written):
    """Why this is a false failure; None when it is none."""
    count = len(answer.containers)
    if (answer.status, answer.verdict, answer.log) != (0, VERDICTS[profile], ["good"]):
        return f"exit status {answer.status}, {answer.verdict}, log {answer.log}: {answer.reason}"
    if answer.containers != created[:count]:
        return f"{count} containers, which are not the first of the log"
    if not committed(answer.began) <= count <= written(answer.ended):
        return (f"{count} containers, where {committed(answer.began)} were committed before, and "
                f"{written(answer.ended)} written at the end")
    return None


def numbers(answers, recorded, took):
    times = sorted(1000 * a.seconds for a in answers)
    counts = [len(a.containers) for a in answers]
    return (f"{VERIFIERS} verifiers, {len(answers)} verifications, none wrong, {times[0]:.0f} / "
            f"{statistics.median(times):.0f} / {times[-1]:.0f} ms (min / median / max), of "
            f"{min(counts)} to {max(counts)} containers; {recorded} recorded, {recorded / took:.1f} per "
            f"second; {os.path.getsize(QUOTES)} quotes")


def load(profile, source, delay):
    with boot(profile, delay):
        proof.started()
        argv = verifier()
        begin = time.monotonic()
        with concurrent.futures.ThreadPoolExecutor(VERIFIERS + 1) as pool:
            records = pool.submit(SOURCES[source], SECONDS)
            asking = [pool.submit(ask_on, argv, begin + SECONDS) for _ in range(VERIFIERS)]
            records.result()
            took = time.monotonic() - begin
        answers = list(itertools.chain.from_iterable(one.result() for one in asking))
        true = truth(profile)
        found = [why for why in (wrong(a, profile, *true) for a in answers) if why]
        expect(not found, f"{len(found)} of {len(answers)} verifications are wrong: {found[:1]}")
        return numbers(answers, len(true[0]) - 1, took)


SOURCES = {"feed": feed, "run": start_containers}


def cases():
    """{name: case}: by profile, source of events, and what is added to each quote, in ms."""
    chosen = itertools.product(VERDICTS, SOURCES, (0, 200)) if LONG else (
        ("exact", "feed", 200), ("exact", "run", 0))
    return {f"test_{profile}_{source}{'_slow' if delay else ''}":
            functools.partial(load, profile, source, delay) for profile, source, delay in chosen}


globals().update(cases())
