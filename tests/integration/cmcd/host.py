# SPDX-License-Identifier: Apache-2.0
"""host.py -- a host with a recorder, a TPM and a cmcd of an own user; and clients of the socket."""
import base64
import json
import os
import shutil
import signal
import socket
import struct
import subprocess
import time

import world
from world import CONFIG, PLACE, RUNTIME, STATE, TCTI, TOP, expect, same

UID, NOBODY = 5500, 65534
HOME = PLACE + "/cmcd"
SOCK = HOME + "/run/cmcd.sock"
RECORDER = PLACE + "/recorder.sock"
PKI = PLACE + "/pki"
META = PLACE + "/metadata"
CMCD_CONFIG = PLACE + "/cmcd.json"
PORT = 9955
ATTEST, VERIFY, PEER_CACHE, MEASURE, UPDATE, DETAIL = 1, 2, 6, 7, 9, 16
NONCE = bytes(range(32))


def b64(data):
    return base64.b64encode(data).decode()


def run(*argv, status=0, **more):
    done = subprocess.run(argv, capture_output=True, timeout=60, check=False, **more)
    same(done.returncode, status, f"{argv[0]} ({done.stderr.decode()[-500:]})")
    return done.stdout


def as_user(uid, *argv):
    return ["setpriv", f"--reuid={uid}", f"--regid={uid}", "--clear-groups", *argv]


def make_user():
    with open("/etc/group", "a", encoding="utf-8") as f:
        f.write(f"cmc:x:{UID}:\n")
    with open("/etc/passwd", "a", encoding="utf-8") as f:
        f.write(f"cmc:x:{UID}:{UID}::/:/usr/sbin/nologin\n")


def dial(path=SOCK):
    s = socket.socket(socket.AF_INET if path == "tcp" else socket.AF_UNIX)
    # Python's timeouts make connect() fail at once where a queue is full; the kernel's wait
    s.setsockopt(socket.SOL_SOCKET, socket.SO_SNDTIMEO, struct.pack("ll", 60, 0))
    s.connect(("127.0.0.1", PORT) if path == "tcp" else path)
    s.settimeout(60)
    return s


def send(s, kind, payload):
    s.sendall(struct.pack(">II", len(payload), kind) + payload)


def receive(s):
    data = b""
    while part := s.recv(1 << 20):
        data += part
    s.close()
    expect(len(data) >= 8, "no answer")
    size, kind = struct.unpack(">II", data[:8])
    same(len(data), 8 + size, "one frame")
    return kind, data[8:]


def ask(kind, members, path=SOCK):
    """One exchange in JSON; an Error is raised as text."""
    s = dial(path)
    send(s, kind, json.dumps({"version": "1.4.0", **members}).encode())
    got, payload = receive(s)
    answer = json.loads(payload)
    if got == 0:
        raise Refused(answer["msg"])
    same(got, kind, "type of the answer")
    return answer


class Refused(Exception):
    """cmcd answered with an Error."""


def refused(says, call):
    try:
        call()
    except Refused as why:
        expect(says in str(why), f"{why} does not say {says!r}")
        return
    raise AssertionError(f"not refused: {says!r} was expected")


def attest(path=SOCK, nonce=NONCE, **members):
    return json.loads(base64.b64decode(ask(ATTEST, {"nonce": b64(nonce), **members}, path)["report"]))


def as_nobody(call):
    """Runs call in a process of a user without rights; gives what it returned."""
    ours, theirs = os.pipe()
    pid = os.fork()
    if pid == 0:
        os.close(ours)
        os.setgroups([])
        os.setgid(NOBODY)
        os.setuid(NOBODY)
        try:
            out = {"got": call()}
        except Refused as why:
            out = {"refused": str(why)}
        except BaseException as why:  # noqa: BLE001
            out = {"broken": repr(why)}
        os.write(theirs, json.dumps(out).encode()[:60000])
        os._exit(0)
    os.close(theirs)
    data = b""
    while part := os.read(ours, 65536):
        data += part
    os.close(ours)
    os.waitpid(pid, 0)
    out = json.loads(data)
    expect("broken" not in out, out.get("broken"))
    if "refused" in out:
        raise Refused(out["refused"])
    return out["got"]


def to_recorder(packet):
    s = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    s.settimeout(30)
    s.connect(RECORDER)
    try:
        s.send(packet)
    except BrokenPipeError:
        pass  # refused at once: the answer is there
    return s, s.recv(2048)


class Host:
    def __init__(self, build):
        make_user()
        self.build = build
        self.world = world.World(build)
        for name in (world.TPM, world.TPM + ".ctrl"):
            os.chmod(name, 0o666)
        self.cmcd = self.recorder = None
        self.logfile = open(PLACE + "/cmcd.log", "w+b")
        os.chmod(PLACE, 0o755)
        for path in (HOME, HOME + "/run", HOME + "/storage"):
            os.makedirs(path)
            os.chown(path, UID, UID)
        os.makedirs(META + "/listings")
        run(TOP + "/pki/setup-pki", PKI)
        run(build + "/libexec/cmc/cmc-recorder", "--init", "--config", CONFIG,
            env=dict(os.environ, CMC_TCTI=TCTI))
        self.container = self.world.create()
        self.sign("one")
        self.configure()
        self.enrol()
        self.start_recorder()
        self.start()

    def sign(self, name, content=None):
        path = f"{PLACE}/{name}.json"
        manifest = {"type": "Manifest", "name": name, "version": "2026-01-01T00:00:00Z",
                    "validity": {"notBefore": "2020-01-01T00:00:00Z", "notAfter": "2050-01-01T00:00:00Z"},
                    "sbom": {"bomFormat": "CycloneDX", "specVersion": "1.7", "components": []},
                    "developerCommonName": "x", "baseLayers": [name], "certLevel": 1,
                    "caFingerprints": []}
        with open(path, "w", encoding="utf-8") as f:
            json.dump(manifest if content is None else content, f)
        run(self.build + "/bin/cmc-signing-tool", "-in", path, "-out", f"{META}/{name}", "-keys",
            PKI + "/signers/signer/key.pem", "-x5cs", PKI + "/signers/signer/chain.pem")
        os.chmod(f"{META}/{name}", 0o644)

    def configure(self, **more):
        config = {"cmcAddr": SOCK, "socketMode": "0666", "tcp": f"127.0.0.1:{PORT}",
                  "metadata": ["file://" + META], "rootCas": [PKI + "/public/root.pem"],
                  "storage": HOME + "/storage", "peerCache": HOME + "/peers", "tcti": TCTI,
                  "runtimeDir": RUNTIME, "stateDir": STATE, "host": "host.example",
                  "recorderSocket": RECORDER}
        config.update(more)
        os.chmod(PKI, 0o755)
        with open(CMCD_CONFIG, "w", encoding="utf-8") as f:
            json.dump({k: v for k, v in config.items() if v is not None}, f)

    def command(self, *args):
        return as_user(UID, self.build + "/bin/cmcd", "--config", CMCD_CONFIG, "--shim-config",
                       CONFIG, *args)

    def enrol(self):
        csr = run(*self.command("--create-key"))
        with open(PLACE + "/ak.csr", "wb") as f:
            f.write(csr)
        chain = run(TOP + "/pki/sign-ak", PKI, PLACE + "/ak.csr", "host.example",
                    "--tpm-manufacturer", "IBM", "--tpm-model", "swtpm")
        with open(PLACE + "/ak.pem", "wb") as f:
            f.write(chain)
        run(*self.command("--install-key", PLACE + "/ak.pem"))

    def start_recorder(self):
        self.recorder = subprocess.Popen(
            [self.build + "/libexec/cmc/cmc-recorder", "--serve", "--socket", RECORDER, "--config",
             CONFIG], env=dict(os.environ, CMC_TCTI=TCTI), stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL, stderr=self.logfile)
        self.wait(lambda: os.path.exists(RECORDER), "the recorder's socket")

    def start(self, argv=None, **more):
        self.cmcd = subprocess.Popen(argv or self.command(), stdin=subprocess.DEVNULL,
                                     stdout=subprocess.DEVNULL, stderr=self.logfile, **more)
        self.wait(lambda: os.path.exists(SOCK), "cmcd's socket")

    def stop(self):
        self.cmcd.send_signal(signal.SIGTERM)
        same(self.cmcd.wait(20), 0, "exit status of cmcd")
        os.unlink(SOCK)

    def wait(self, true, what, seconds=20):
        end = time.monotonic() + seconds
        while not true():
            expect(self.cmcd is None or self.cmcd.poll() is None, f"cmcd ended: {self.log()}")
            expect(time.monotonic() < end, f"waited {seconds} s: not {what}")
            time.sleep(0.02)

    def log(self):
        with open(PLACE + "/cmcd.log", encoding="utf-8") as f:
            return f.read()

    def logs(self, text, call):
        """call() makes the log say this."""
        before = len(self.log())
        call()
        self.wait(lambda: text in self.log()[before:], f"{text!r} in the log")

    def end(self):
        for process in (self.cmcd, self.recorder):
            process.kill()
            process.wait()
        self.world.stop_tpm()
        shutil.rmtree(PLACE, ignore_errors=True)
