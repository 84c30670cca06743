# SPDX-License-Identifier: Apache-2.0
"""case_start.py -- start, delete, -info: dialects, groups, refusals, other names."""
import os
import shutil
import socket
import stat
import subprocess

from ttrpc import field, message
from world import (ADDRESS, NS, PLACE, REAL, Client, Task, bare_bundle, expect, same, shutdown,
                   wait_until)


def case_life(w):
    """start, Create, Start, State, Delete, Shutdown; then nothing is left but two records."""
    t = Task(w)
    same(t.answer.stdout.decode(), "unix://" + t.path, "bare address of a version 2 shim")
    same(stat.S_IMODE(os.stat(t.path).st_mode), 0o600, "mode of the socket")
    expect(t.path.startswith("/run/containerd/s/cmc-"), t.path)
    pid = t.create().payload[1]
    same(t.client.state(t.name), 1, "created")
    t.start()
    same(t.client.state(t.name), 2, "running")
    expect(os.path.exists(f"/proc/{pid}"), "init process")
    # a child that has not called execve(2) yet looks like its parent
    wait_until(lambda: [len(found) for found in t.shims()] == [1, 1], "one proxy, one real shim")
    real = t.shims()[1]
    t.finish()
    calls = w.calls(t.name)
    same([c["job"] for c in calls], ["1", "2"], "jobs of the helper")
    same(calls[1]["status"], "137", "exit status in container-delete")
    same(calls[0]["inner"], f"/proc/{real[0]}/exe", "inner shim")
    same(calls[0]["bundle"], t.bundle, "bundle")
    same((calls[0]["fd4"], calls[1]["fd4"]), ("dir", "none"), "descriptor 4")
    same({c["fds"] for c in calls}, {"5"}, "open descriptors of the helper")
    same({c["env"] for c in calls}, {"2"}, "environment of the helper")
    same(calls[0]["tcti"], "swtpm:path=/none", "tcti")


def tcti_given(w, **start):
    t = Task(w, **start)
    t.create()
    t.finish()
    return w.calls(t.name)[0]["tcti"]


def case_configured_tcti_counts_first(w):
    """The recorder reads the configuration first, too: both must reach one TPM."""
    w.configure(tcti="swtpm:path=/configured")
    try:
        same(tcti_given(w), "-", "tcti besides the configured one")
    finally:
        w.configure()
    same(tcti_given(w, CMC_TCTI=""), "-", "an empty CMC_TCTI")


def case_log_line_in_the_fifo(w):
    t = Task(w)
    t.create()
    text = t.fifo_text()
    expect(f'msg="container measured" task="{t.name}" event="7" verdict="recorded"' in text, f"FIFO: {text!r}")
    expect(f'task="{t.name}" event="7"' in w.log(), "shim log")
    t.finish()


def case_bootstrap_params(w):
    name = w.name("-params")
    params = message((1, name), (2, NS), (4, "2.3.4"), (9, PLACE + "/sock"))
    bundle, fifo = bare_bundle(name)
    with open(bundle + "/config.json", "w", encoding="ascii") as out:
        out.write("{ this is no JSON")  # then its group is its own name
    done = w.run(w.args(name, "start"), cwd=bundle, stdin=params)
    path = open(bundle + "/address", encoding="utf-8").read()
    expect(path.startswith(f"unix://{PLACE}/sock/cmc-"), path)
    same(done.stdout, b"\x08\x02" + field(2, path) + field(3, "ttrpc"), "BootstrapResult")
    shutdown(path[7:], name)
    wait_until(lambda: not w.processes(name), "gone")
    same(os.listdir(PLACE + "/sock"), [], "socket directory")
    os.close(fifo)


def case_options_on_stdin(w):
    """An Any of any type is not decoded by `start`: 1.6's own shim fails here."""
    t = Task(w, stdin=message((1, "runtimeoptions.v1.Options"), (2, field(2, "/nowhere.toml"))))
    t.create()
    t.finish()


def case_group(w):
    note = {"io.kubernetes.cri.sandbox-id": "pod-" + w.name()}
    a = Task(w, annotations=note)
    b = Task(w, annotations=note)
    same(a.answer.stdout, b.answer.stdout, "address of one group")
    same((len(a.shims()[1]), len(b.shims()[1])), (1, 0), "one real shim")
    a.create()
    b.create()
    a.start()
    a.client.wait(a.client.send("Kill", message((1, a.name), (3, 9))))
    a.client.wait(a.client.send("Wait", field(1, a.name)))
    a.client.call("Delete", field(1, a.name))
    a.client.call("Shutdown", field(1, a.name))
    a.client.close()
    shutil.rmtree(a.bundle)
    same(b.client.state(b.name), 1, "the other goes on")
    c = Task(w, annotations=note)
    c.create()
    c.finish_task()
    b.finish()
    wait_until(lambda: a.shims() == ([], []), "gone")


def case_parallel_starts_of_one_group(w):
    note = {"io.containerd.runc.v2.group": "many-" + w.name()}
    tasks = []
    names = [w.name("-p") for _ in range(8)]
    children = []
    for name in names:
        t = Task.__new__(Task)
        t.world, t.name = w, name
        t.bundle, t.fifo = bare_bundle(name)
        t.make_bundle(note, ["sleep", "1000"])
        tasks.append(t)
        children.append(subprocess.Popen(w.args(name, "start"), cwd=t.bundle, env=w.env(),
                                         stdin=subprocess.DEVNULL, stdout=subprocess.PIPE))
    answers = {child.communicate(timeout=30)[0] for child in children}
    same(len(answers), 1, "addresses")
    same(sum(len(w.processes(REAL, f"-id {n} ")) for n in names), 1, "real shims")
    path = answers.pop().decode()[7:]
    client = Client(path)
    for t in tasks:
        t.path, t.client = path, client
    streams = [(t, client.send("Create", t.request())) for t in tasks]
    for t, stream in streams:
        same(client.wait(stream).code, 0, "Create of " + t.name)
    for t in tasks[:-1]:
        t.finish_task()
    tasks[-1].finish()


def case_refusals(w):
    """Each ends `start` with status 3 and its reason on stderr, and leaves nothing."""
    name = w.name("-refused")
    bundle, fifo = bare_bundle(name)
    loose = PLACE + "/loose-helper"
    shutil.copy(w.helper, loose)
    os.chmod(loose, 0o775)
    for members, reason in (
            ({"mode": "strict"}, "strict"), ({"mode": "permissive"}, "permissive"),
            ({"colour": "red"}, "colour"), ({"helper": loose}, "only root writes"),
            ({"helper": "/nowhere"}, "/nowhere"), ({"inner_shim": w.shim}, "another program"),
            ({"inner_shim": "/nowhere"}, "/nowhere"), ({"inner_shim": "/bin/false"}, "ended at once")):
        w.configure(**members)
        try:
            done = w.run(w.args(name, "start"), cwd=bundle, status=3)
        finally:
            w.configure()
        expect(reason in done.stderr.decode(), f"{members}: {done.stderr.decode()!r}")
        same(done.stdout, b"", "stdout")
    wait_until(lambda: not w.processes(name), "processes")
    expect(not os.path.exists(bundle + "/address"), "address")
    os.close(fifo)


def case_relative_configuration(w):
    """The helper starts elsewhere, so it would read another file."""
    name = w.name()
    bundle, fifo = bare_bundle(name)
    shutil.copy(PLACE + "/shim.json", bundle + "/site.json")
    done = w.run(w.args(name, "start"), cwd=bundle, status=3, CMC_CONFIG="site.json")
    expect(b'CMC_CONFIG must be an absolute path, not "site.json"' in done.stderr, done.stderr)
    expect(not os.path.exists(bundle + "/address"), "no address")
    os.close(fifo)


def case_usage(w):
    for argv, status, text in ((["-v"], 0, "containerd-shim-cmc-v1 "), (["--version"], 0, "cmc-v1 "),
                               (["--help"], 0, "--publish-binary"), ([], 2, "no action"),
                               (["restart"], 2, "unknown action"), (["-bogus", "start"], 2, "bogus")):
        done = w.run([w.shim, *argv], status=status)
        expect(text in (done.stdout + done.stderr).decode(), f"{argv}: {done}")


def case_flags_in_any_form_and_place(w):
    name = w.name()
    bundle, fifo = bare_bundle(name)
    done = w.run([w.shim, "start", "-id=" + name, "--namespace", NS, "-debug",
                  "-address=" + ADDRESS], cwd=bundle)
    expect(w.processes(REAL, name, "-debug"), "-debug is passed on")
    shutdown(done.stdout.decode()[7:], name)
    wait_until(lambda: not w.processes(name), "gone")
    os.close(fifo)


def case_info(w):
    """The real shim answers; options that it does not know are withheld."""
    for stdin in (b"", message((1, "runtimeoptions.v1.Options"), (2, b"\x12\x01x"))):
        mine = w.run([w.shim, "-info"], stdin=stdin, status=None)
        real = w.run([REAL, "-info"], stdin=b"", status=None)
        same((mine.returncode, mine.stdout), (real.returncode, real.stdout), "-info")


def case_interposed(w):
    """Under the real shim's own name, first in PATH: a symlink is seen through, and a copy that
    takes another copy for the real shim says so instead of calling it for ever."""
    place = PLACE + "/opt"
    os.makedirs(place)
    path = place + "/containerd-shim-runc-v2"
    search = place + ":/usr/sbin:/usr/bin:/sbin:/bin"
    for make in (shutil.copy, os.symlink):
        make(w.shim, path)
        name = w.name("-interposed")
        bundle, fifo = bare_bundle(name)
        done = w.run(w.args(name, "start", program=path), cwd=bundle, PATH=search)
        expect(w.processes(REAL, name), "the real shim runs")
        shutdown(done.stdout.decode()[7:], name)
        wait_until(lambda n=name: not w.processes(n), "gone")
        os.unlink(path)
        os.close(fifo)
    shutil.copy(w.shim, path)
    with open(bundle + "/runtime", "w") as f:  # as the real shim leaves it once it saw a Create
        f.write("runc")
    for action, reason in ((["start"], "ended at once"), (["-info"], "second copy"),
                           (["-bundle", bundle, "delete"], "second copy")):
        done = w.run(w.args(name, *action), cwd=bundle, PATH=search, status=3)
        expect(reason in done.stderr.decode(), done.stderr.decode())
    os.unlink(path)


def case_other_users(w):
    t = Task(w)
    os.chmod(t.path, 0o666)  # as if somebody had opened the doors
    os.chmod(os.path.dirname(t.path), 0o711)
    child = os.fork()
    if child == 0:
        os.setuid(1000)
        try:
            s = socket.socket(socket.AF_UNIX)
            s.connect(t.path)
            s.settimeout(5)
            s.sendall(b"\0" * 10)
            os._exit(0 if s.recv(1) == b"" else 1)
        except (ConnectionError, BrokenPipeError):
            os._exit(0)
        finally:
            os._exit(2)
    same(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]), 0, "another user is turned away")
    expect("another user" in w.log(), "log")
    t.leave()
