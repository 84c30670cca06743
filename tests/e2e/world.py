# SPDX-License-Identifier: Apache-2.0
"""world.py -- what end-to-end cases are made of: containers, images, the log, and a clean end."""
import json
import os
import pty
import re
import shlex
import signal
import subprocess
import time

import image

TOP = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
PLACE = "/run/cmc-world"
RUNC = "io.containerd.runc.v2"
CMC = "io.containerd.cmc.v1"
ALIAS = "io.containerd.runtime.v1.linux.cmc"
PATH = PLACE + "/tree/bin/containerd-shim-cmc-v1"
NAMESPACE = os.environ.get("CONTAINERD_NAMESPACE", "")
CONFIG = "/etc/cmc/shim.json"  # in the private world's /etc
SOCKETS = "/run/containerd/s"
CONTAINERD_LOG = PLACE + "/containerd.log"

_numbers = iter(range(1, 1000000))
_log_seen = 0


class Skip(Exception):
    """The case cannot run here, for the reason given."""


def expect(true, what):
    if not true:
        raise AssertionError(what)


def same(got, want, what):
    expect(got == want, f"{what}: {got!r}, expected {want!r}")


def holds(text, part, what):
    expect(part in text, f"{what}: no {part!r} in {text[-600:]!r}")


def sh(*argv, status=0, timeout=60, env=None, **more):
    """Runs argv; its exit status must be `status` (None: any). Returns the completed process."""
    if "input" not in more:
        more["stdin"] = subprocess.DEVNULL
    done = subprocess.run(argv, capture_output=True, text=True, errors="replace", check=False,
                          timeout=timeout, env=dict(os.environ, **env) if env else None, **more)
    if status is not None and done.returncode != status:
        raise AssertionError(f"{shlex.join(argv)}: exit status {done.returncode}, expected "
                             f"{status}: {done.stderr.strip()[-800:]} {done.stdout[-300:]}")
    return done


def ctr(*argv, **more):
    return sh("ctr", *argv, **more)


def version():
    """containerd's, as numbers: (1, 6, 20)."""
    text = sh("containerd", "--version").stdout.split()[2]
    return tuple(int(part) for part in re.match(r"v?(\d+)\.(\d+)\.(\d+)", text).groups())


def new_id(prefix="c"):
    return f"{prefix}{next(_numbers)}"


def run_args(ref, *command, runtime=CMC, opts=(), name=None, rm=True):
    return (["ctr", "run"] + (["--rm"] if rm else []) + ["--runtime", runtime, *opts, ref,
            name or new_id(), *command])


def run(ref, *command, **more):
    """ctr run --rm, waited for; more: runtime, opts, name, and what sh() takes."""
    own = {key: more.pop(key) for key in ("runtime", "opts", "name") if key in more}
    return sh(*run_args(ref, *command, **own), **more)


def detach(ref, *command, runtime=CMC, opts=(), name=None):
    """A container that keeps running; returns its id."""
    name = name or new_id()
    sh(*run_args(ref, *command, runtime=runtime, opts=["-d", *opts], name=name, rm=False))
    return name


def status_of(name):
    for line in ctr("task", "ls").stdout.splitlines()[1:]:
        fields = line.split()
        if fields[0] == name:
            return fields[2]
    return "gone"


def remove(name):
    ctr("task", "kill", "-s", "KILL", name, status=None)
    wait_until(lambda: status_of(name) in ("STOPPED", "gone"), f"{name} stopped")
    if status_of(name) != "gone":
        ctr("task", "delete", name)
    ctr("container", "delete", name)


def wait_until(true, what, seconds=20):
    end = time.monotonic() + seconds
    while not true():
        expect(time.monotonic() < end, f"waited {seconds} s: not {what}")
        time.sleep(0.05)


def on_terminal(argv, timeout=30):
    """Runs argv on a terminal of its own; returns its exit status and what it wrote there."""
    ours, theirs = pty.openpty()
    child = subprocess.Popen(argv, stdin=theirs, stdout=theirs, stderr=theirs,
                             start_new_session=True)
    os.close(theirs)
    out = b""
    signal.alarm(timeout)
    try:
        while True:
            part = os.read(ours, 65536)
            if not part:
                break
            out += part
    except OSError:
        pass  # the other end was closed
    status = child.wait()
    signal.alarm(0)
    os.close(ours)
    return status, out.decode(errors="replace")


def both(call):
    """call(runtime) under runc's shim and under ours must give equal results."""
    want, got = call(RUNC), call(CMC)
    same(got, want, "with cmc, compared with runc's shim")
    return got


# images

_images = {}


def busybox(layers=1, salt="", env=()):
    """An image by its number of layers, and a text that is in a file of the last one."""
    key = (layers, salt, tuple(env))
    if key not in _images:
        ref = f"example.org/cmc/test:{len(_images)}"
        archive = f"{PLACE}/tmp/image.tar"
        image.write(archive, ref, layers, salt, list(env))
        ctr("images", "import", archive, timeout=120)
        os.unlink(archive)
        _images[key] = ref
    return _images[key]


def forget_images():
    """After containerd lost them."""
    _images.clear()


def rootfs():
    """A directory with busybox in it, for --rootfs."""
    path = f"{PLACE}/rootfs"
    if not os.path.isdir(path):
        image.unpack(path)
    return path


# the log

def cmcctl(*argv, **more):
    return sh("cmcctl", "log", *argv, **more)


def export():
    """The log as CEL-JSON, as cmcctl exports it: the text."""
    return cmcctl("--export", "cel-json").stdout


def log_and_pcrs():
    """Of one moment: the event of a container that is gone may come a moment after its end."""
    for _ in range(20):
        text, pcrs = export(), pcr_read()
        if export() == text:
            return text, pcrs
    raise AssertionError("the log grew each time it was read")


def oracle():
    """The independent reader replays the exported log to what tpm2_pcrread says, in all banks."""
    path = f"{PLACE}/tmp/log.json"
    text, pcrs = log_and_pcrs()
    with open(path, "w", encoding="utf-8") as out:
        out.write(text)
    sh("python3", f"{TOP}/tests/oracle/eventlog.py", "cel-json", path,
       *(word for bank, value in pcrs.items() for word in ("--pcr", f"{bank}={value}")))


def events(kind=None, name=None):
    """The events of the exported log, oldest first."""
    found = [record["content"]["event"] for record in json.loads(export())]
    return [e for e in found if (kind is None or e["type"] == kind)
            and (name is None or e.get("container") == name)]


def life(name):
    """A container that is gone has these two events; the second may come a moment after its end."""
    def kinds():
        return [e["type"] for e in events(name=name)]
    wait_until(lambda: len(kinds()) > 1, f"two events of {name}")
    same(kinds(), ["container-create", "container-delete"], f"events of {name}")


def verify():
    return cmcctl("--verify").stdout


def pcr_read(pcr=13):
    """{bank: hexadecimal value} as tpm2-tools see it."""
    text = sh("tpm2_pcrread", "+".join(f"{b}:{pcr}" for b in
                                       ("sha1", "sha256", "sha384", "sha512"))).stdout
    found = re.findall(r"(sha\d+):\s*\n\s+\d+\s*: 0x([0-9A-F]+)", text)
    expect(found, f"tpm2_pcrread: {text}")
    return {bank: value.lower() for bank, value in found}


# the world's own programs

def pid_of(what):
    with open(f"{PLACE}/{what}.pid", encoding="ascii") as f:
        return int(f.read())


def world_sh(call):
    """A function of example-setup/lib/world.sh."""
    sh("bash", "-c", f". {TOP}/example-setup/lib/world.sh && {call}")


def processes(pattern):
    """[(pid, command line)] of what runs now (zombies do not) and matches."""
    found = []
    for pid in filter(str.isdigit, os.listdir("/proc")):
        try:
            with open(f"/proc/{pid}/cmdline", "rb") as f:
                line = f.read().replace(b"\0", b" ").decode(errors="replace").strip()
        except OSError:
            continue
        if re.search(pattern, line.split(" ")[0] if pattern.startswith("^") else line):
            found.append((int(pid), line))
    return found


def listed(path):
    """Names in a directory that may be going away."""
    try:
        return os.listdir(path)
    except OSError as e:
        return [os.strerror(e.errno)]


def leftovers():
    """What a container can leave behind, as a list of texts."""
    found = [f"process {pid}: {line}" for pid, line in processes(r"containerd-shim|cmc-measure")]
    with open("/proc/self/mounts", encoding="utf-8") as mounts:
        found += ["mount " + line.split()[1] for line in mounts
                  if re.search(r"/rootfs|cmc-measure|/proc/self/fd", line.split()[1])]
    found += ["task " + line for line in ctr("task", "ls", "-q").stdout.split()]
    found += ["container " + line for line in ctr("container", "ls", "-q").stdout.split()]
    state = f"{PLACE}/containerd/state/io.containerd.runtime.v2.task/{NAMESPACE}"
    if os.path.isdir(state):
        found += [f"bundle {name} with {' '.join(listed(f'{state}/{name}'))}"
                  for name in os.listdir(state)]
    if os.path.isdir(SOCKETS):
        found += ["socket " + name for name in os.listdir(SOCKETS)]
    return found


def remove_sockets():
    for name in os.listdir(SOCKETS) if os.path.isdir(SOCKETS) else []:
        os.unlink(f"{SOCKETS}/{name}")


def nothing_left(seconds=30):
    end = time.monotonic() + seconds
    while True:
        found = leftovers()
        if not found:
            return
        expect(time.monotonic() < end, "left behind: " + "; ".join(found)[:400])
        time.sleep(0.1)


def clean():
    """After a failed case: away with everything, so that the next case has a chance."""
    for name in ctr("task", "ls", "-q", status=None).stdout.split():
        ctr("task", "kill", "-s", "KILL", name, status=None)
        ctr("task", "delete", "-f", name, status=None)
    for name in ctr("container", "ls", "-q", status=None).stdout.split():
        ctr("container", "delete", name, status=None)
    for pid, _ in processes(r"containerd-shim|cmc-measure"):
        try:
            os.kill(pid, signal.SIGKILL)
        except ProcessLookupError:
            pass
    remove_sockets()  # a dead shim's would be taken for one of the next case


def show_logs():
    """What containerd and the shims have said since the last failure."""
    global _log_seen  # pylint: disable=global-statement
    with open(CONTAINERD_LOG, encoding="utf-8", errors="replace") as log:
        log.seek(_log_seen)
        lines = [line for line in log.read().splitlines() if "loading plugin" not in line]
        _log_seen = log.tell()
    print("    -- the end of containerd's log")
    print("\n".join("    " + line[:400] for line in lines[-12:]), flush=True)


def log_since(mark):
    with open(CONTAINERD_LOG, encoding="utf-8", errors="replace") as log:
        log.seek(mark)
        return log.read()


def configure(**members):
    """Rewrites the site's configuration; with nothing: as it was at first."""
    first = PLACE + "/shim.json.first"
    if not os.path.exists(first):
        with open(CONFIG, encoding="utf-8") as f, open(first, "w", encoding="utf-8") as out:
            out.write(f.read())
    with open(first, encoding="utf-8") as f:
        config = json.load(f)
    config.update(members)
    with open(CONFIG, "w", encoding="utf-8") as out:
        json.dump(config, out)


def log_mark():
    return os.path.getsize(CONTAINERD_LOG)
