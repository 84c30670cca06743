# SPDX-License-Identifier: Apache-2.0
"""world.py -- stands in for the shim: bundles, requests, and what cmc-measure answers and records."""
import ctypes
import json
import os
import shutil
import socket
import struct
import subprocess
import sys
import time

from ttrpc import message

PLACE = "/run/cmc-measure-test"
RUNTIME = PLACE + "/runtime"
STATE = PLACE + "/state"
CONFIG = PLACE + "/shim.json"
TPM = PLACE + "/tpm.sock"
TCTI = "swtpm:path=" + TPM
BIN = PLACE + "/bin"
CREATE, DELETE, FAILED = 1, 2, 3
RECORDED, MEASURE_FAILED, NOT_RECORDED, REFUSED = 1, 2, 3, 4
KEEP, DROP, REPLACE = 0, 1, 2
HERE = os.path.dirname(os.path.abspath(__file__))
TOP = os.path.abspath(HERE + "/../../..")
RUNC_OPTIONS = "containerd.runc.v1.Options"
RUNTIME_OPTIONS = "runtimeoptions.v1.Options"


class Skip(Exception):
    """What this machine cannot do."""


def expect(true, what):
    if not true:
        raise AssertionError(what)


def same(got, want, what):
    expect(got == want, f"{what}: {got!r}, expected {want!r}")


def has(text, part):
    expect(part in text, f"{text!r} does not say {part!r}")


# ---- requests and helper frames ------------------------------------------------------------------

def mount(kind, source, *options):
    return message((1, kind), (2, source), *[(4, o) for o in options])


def overlay(upper, lowers, *options):
    parts = ["index=off", "workdir=/nowhere", "lowerdir=" + ":".join(lowers)]
    if upper:
        parts.append("upperdir=" + upper)
    return mount("overlay", "overlay", *parts, *options)


def create_request(name, bundle, mounts=(), options=None, terminal=False, checkpoint=None):
    pairs = [(1, name), (2, bundle)] + [(3, m) for m in mounts]
    if terminal:
        pairs.append((4, 1))
    if checkpoint:
        pairs.append((8, checkpoint))
    if options is not None:
        pairs.append((10, options))
    return message(*pairs)


def text(value):
    raw = value.encode() + b"\0"
    return struct.pack(">I", len(raw)) + raw


def request_frame(job, name, create=b"", bundle="/b", reason="", status=0, inner=BIN + "/inner"):
    body = struct.pack(">BHB", ord("Q"), 1, job)
    for value in ("default", name, name, bundle, inner, reason):
        body += text(value)
    body += struct.pack(">II", status, len(create)) + create
    return struct.pack(">I", len(body)) + body


class Answer:
    """The result frame, the progress frames before it, and how the program ended."""

    def __init__(self, stream, status, log):
        self.status, self.log = status, log
        self.beats, self.outcome, self.text = [], None, ""
        while stream:
            size, kind, version = struct.unpack_from(">IBH", stream)
            body, stream = stream[7:4 + size], stream[4 + size:]
            same(version, 1, "version")
            if kind == ord("P"):
                expect(self.outcome is None, "progress after the result")
                self.beats.append(struct.unpack(">QQ", body))
            else:
                same((kind, self.outcome), (ord("R"), None), "one result")
                self.result(body)

    def result(self, body):
        self.outcome, self.options, size = struct.unpack_from(">BBI", body)
        self.any, body = body[6:6 + size], body[6 + size:]
        (size,) = struct.unpack_from(">I", body)
        self.text, body = body[4:3 + size].decode(), body[4 + size:]
        self.seq, self.mount_us, self.digest_us, self.tpm_us, self.total_us = struct.unpack(
            ">QIIII", body)
        expect("\n" not in self.text, "the text is one line")


def forbid_mounts():
    """For a child: from now on unshare(2), without which nothing is mounted, fails. By seccomp."""
    number = {"x86_64": 272, "aarch64": 97}[os.uname().machine]
    steps = [(0x20, 0, 0, 0), (0x15, 0, 1, number), (0x06, 0, 0, 0x00050001), (0x06, 0, 0, 0x7fff0000)]
    code = ctypes.create_string_buffer(b"".join(struct.pack("=HBBI", *step) for step in steps))
    program = struct.pack("@HP", len(steps), ctypes.addressof(code))
    if ctypes.CDLL(None, use_errno=True).prctl(22, 2, program, 0, 0) < 0:  # PR_SET_SECCOMP, a filter
        raise OSError(ctypes.get_errno(), "seccomp")


# ---- running it ----------------------------------------------------------------------------------

class Helper:
    """One cmc-measure, started as the shim does."""

    def __init__(self, world, bundle, tcti=TCTI, config=CONFIG, path=BIN, may_mount=True,
                 leaks=1):
        self.sock, theirs = socket.socketpair()
        self.log = open(PLACE + "/helper.log", "w+b")
        bundle_fd = os.open(bundle or "/dev/null", os.O_PATH | os.O_CLOEXEC)

        def place():
            os.dup2(theirs.fileno(), 3)
            os.dup2(bundle_fd, 4)
            if not may_mount:
                forbid_mounts()

        args = [world.program, "--config", config] + (["--tcti", tcti] if tcti else [])
        env = {"PATH": path, "TSS2_LOG": "all+none", "ASAN_OPTIONS": f"detect_leaks={leaks}"}
        self.process = subprocess.Popen(args, env=env, stdin=subprocess.DEVNULL, stderr=self.log,
                                        stdout=subprocess.DEVNULL, preexec_fn=place, pass_fds=(3, 4),
                                        cwd="/")
        theirs.close()
        os.close(bundle_fd)

    def send(self, frame):
        try:
            self.sock.sendall(frame)
        except BrokenPipeError:
            pass

    def finish(self, seconds=60):
        stream = b""
        self.sock.settimeout(seconds)
        try:
            while part := self.sock.recv(65536):
                stream += part
        except ConnectionResetError: # it ended with bytes of ours unread
            pass
        self.sock.close()
        status = self.process.wait(seconds)
        self.log.seek(0)
        log = self.log.read().decode()
        self.log.close()
        for line in log.splitlines():
            expect(line.split(" ")[0] in ("error", "warning", "info"), f"log line {line!r}")
        return Answer(stream, status, log)


class World:
    def __init__(self, build):
        self.build = build
        self.program = build + "/libexec/cmc/cmc-measure"
        self.ctl = build + "/bin/cmcctl"
        self.serial = 0
        self.tpm = None
        while os.open("/dev/null", os.O_RDONLY | os.O_CLOEXEC) < 10: # leave 3 and 4 to the child
            pass
        os.umask(0o022)
        shutil.rmtree(PLACE, ignore_errors=True)
        os.makedirs(BIN)
        self.configure()
        for name in ("inner", "runc"):
            self.program_file(name, f"#!/bin/sh\n# {name}\n")
        self.start_tpm()

    def configure(self, **more):
        site = {"runtime_dir": RUNTIME, "state_dir": STATE}
        site.update(more)
        with open(CONFIG, "w", encoding="utf-8") as f:
            json.dump(site, f)

    def program_file(self, name, content, age=60):
        path = f"{BIN}/{name}"
        with open(path, "w", encoding="utf-8") as f:
            f.write(content)
        os.chmod(path, 0o755)
        os.utime(path, (time.time() - age,) * 2)
        return path

    def start_tpm(self):
        state = PLACE + "/tpm-state"
        os.makedirs(state, exist_ok=True)
        for name in (TPM, TPM + ".ctrl"):
            if os.path.exists(name):
                os.unlink(name)
        self.tpm = subprocess.Popen(
            ["swtpm", "socket", "--tpm2", "--tpmstate", f"dir={state}", "--server",
             f"type=unixio,path={TPM}", "--ctrl", f"type=unixio,path={TPM}.ctrl", "--flags",
             "not-need-init,startup-clear"], stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL)
        end = time.monotonic() + 10
        while not os.path.exists(TPM + ".ctrl"):
            expect(time.monotonic() < end, "swtpm did not start")
            time.sleep(0.01)

    def stop_tpm(self):
        self.tpm.kill()
        self.tpm.wait()

    def name(self):
        self.serial += 1
        return f"c{self.serial}"

    def dir(self, *parts):
        path = "/".join([PLACE, self.name(), *parts])
        os.makedirs(path)
        return path

    def bundle(self, config=None, rootfs=True):
        path = self.dir()
        if rootfs:
            os.mkdir(path + "/rootfs")
        with open(path + "/config.json", "w", encoding="utf-8") as f:
            json.dump(spec() if config is None else config, f)
        return path

    def ask(self, job=CREATE, name=None, bundle=None, create=None, request=None, **how):
        """Runs one job to its end; create: keyword arguments of create_request()."""
        name = name or self.name()
        if job == CREATE and bundle is None:
            bundle = self.bundle()
        frame = request_frame(job, name, create_request(name, bundle, **(create or {}))
                              if bundle and job != DELETE else b"", bundle or "/b",
                              **(request or {}))
        helper = Helper(self, bundle, **how)
        helper.send(frame)
        answer = helper.finish()
        answer.name = name
        expect(answer.status == 0, f"exit status {answer.status}: {answer.log}")
        expect(answer.outcome is not None, f"no result: {answer.log}")
        return answer

    def create(self, mounts=(), config=None, bundle=None, **how):
        """A Create that must be recorded; gives its event."""
        bundle = bundle or self.bundle(config)
        answer = self.ask(bundle=bundle, create=dict(mounts=mounts), **how)
        same(answer.outcome, RECORDED, f"outcome ({answer.text})")
        event = self.event(answer, "container-create")
        same(answer.text, f"config {event['config'][:12]} rootfs {event['rootfs'][:12]}", "text")
        return event

    def refuses(self, reason, mounts=(), config=None, bundle=None, **how):
        """A Create that cannot be measured: recorded as such, with this reason."""
        bundle = bundle or self.bundle(config)
        answer = self.ask(bundle=bundle, create=dict(mounts=mounts), **how)
        same(answer.outcome, MEASURE_FAILED, f"outcome ({answer.text})")
        has(answer.text, reason)
        event = self.event(answer, "measurement-failed")
        has(event["reason"], reason)
        return event

    # ---- what was recorded -----------------------------------------------------------------------

    def ctl_log(self, *args):
        done = subprocess.run([self.ctl, "log", "--config", CONFIG, "--tcti", TCTI, *args],
                              capture_output=True, text=True, timeout=120, check=False)
        return done.returncode, done.stdout, done.stderr

    def events(self):
        status, out, why = self.ctl_log("--json")
        same(status, 0, f"cmcctl log ({why})")
        return [e.get("event", e) for e in json.loads(out)["events"]]

    def event(self, answer, kind):
        found = [e for e in self.events() if e["seq"] == answer.seq]
        same(len(found), 1, f"events with number {answer.seq}")
        same((found[0]["type"], found[0].get("container")), (kind, answer.name), "event")
        return found[0]

    def verify_after_recovery(self):
        answer = self.ask(DELETE)
        same((answer.outcome, answer.text), (RECORDED, ""), "recovery")
        self.verify()

    def verify(self):
        status, out, why = self.ctl_log("--verify")
        same(status, 0, f"cmcctl log --verify: {out} {why}")
        banks = subprocess.run(["tpm2_pcrread", "-T", TCTI, "sha1:13+sha256:13+sha384:13+sha512:13"],
                               capture_output=True, text=True, timeout=60, check=True).stdout
        pcr, alg = [], ""
        for line in banks.splitlines():
            word, _, value = line.strip().partition(":")
            if value.strip():
                pcr += ["--pcr", f"{alg}={value.strip()[2:].lower()}"]
            else:
                alg = word
        done = subprocess.run([sys.executable, TOP + "/tests/oracle/eventlog.py", "log",
                               RUNTIME + "/log", *pcr], capture_output=True, text=True, timeout=120,
                              check=False)
        same(done.returncode, 0, f"the oracle: {done.stdout}{done.stderr}")


def spec(**members):
    """A small config.json; members replace or add top-level ones."""
    config = {
        "ociVersion": "1.0.2",
        "process": {"user": {"uid": 0, "gid": 0}, "args": ["/bin/sh"], "env": ["VAL=HELLO"],
                    "cwd": "/"},
        "root": {"path": "rootfs"},
        "linux": {"cgroupsPath": "/default/x", "namespaces": [{"type": "mount"}]},
    }
    config.update(members)
    return {k: v for k, v in config.items() if v is not None}


def tree(path, files):
    """Makes files (name: content, None for a directory) below path; same times do not matter."""
    for name, content in files.items():
        full = f"{path}/{name}"
        if content is None:
            os.makedirs(full, exist_ok=True)
            continue
        os.makedirs(os.path.dirname(full), exist_ok=True)
        with open(full, "w", encoding="utf-8") as f:
            f.write(content)
    return path
