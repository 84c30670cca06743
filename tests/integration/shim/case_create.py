# SPDX-License-Identifier: Apache-2.0
"""case_create.py -- what happens to a Create while a helper works, fails, or refuses."""
import os
import resource
import signal
import time

from ttrpc import field, frame, message
from world import Client, Task, expect, same, wait_until


def ms_since(start):
    return (time.monotonic() - start) * 1000


def case_others_flow_while_measuring(w):
    t = Task(w, "-slow-3000")
    held = t.client.send("Create", t.request())
    begin = time.monotonic()
    calls = 0
    while ms_since(begin) < 2500:
        t.client.call("Connect", field(1, t.name), timeout=1)
        t.client.call("State", field(1, t.name), code=5, timeout=1)
        other = Client(t.path)
        other.call("Connect", field(1, t.name), timeout=1)
        other.close()
        calls += 1
    expect(held not in t.client.early, "the Create is not answered yet")
    same(t.client.wait(held).code, 0, "Create")
    t.start()
    t.finish()
    return f" ({calls} rounds of State)"


def case_deadline(w):
    """A Create that outlives its caller's deadline is never forwarded, and the retry starts."""
    t = Task(w, "-slow-1500")
    begin = time.monotonic()
    late = t.create(code=4, timeout_ns=500_000_000)
    expect(450 < ms_since(begin) < 900, f"answered after {ms_since(begin)} ms")
    expect("deadline" in late.text, late.text)
    time.sleep(1.5)
    t.client.call("State", field(1, t.name), code=5)
    t.create(timeout_ns=20_000_000_000)
    same([c["job"] for c in w.calls(t.name)], ["1", "1"], "both were measured")
    t.start()
    t.finish()


def case_deadline_of_a_stopped_proxy(w):
    """The result and the end of the caller's time are both there when it goes on."""
    t = Task(w, "-slow-500")
    proxy = t.shims()[0][0]
    held = t.client.send("Create", t.request(), timeout_ns=1_000_000_000)
    wait_until(lambda: w.calls(t.name), "helper runs")
    os.kill(proxy, signal.SIGSTOP)
    time.sleep(1.3)
    os.kill(proxy, signal.SIGCONT)
    late = t.client.wait(held)
    same((late.code, late.text), (4, "cmc: context deadline exceeded"), "answer of the proxy")
    t.client.call("State", field(1, t.name), code=5)
    t.create()
    t.start()
    t.finish()


def case_timeout_is_reduced(w):
    """What is left of the caller's time goes on: 1.2 s measuring of 1.25 s leaves runc too little."""
    t = Task(w, "-slow-1200")
    begin = time.monotonic()
    got = t.client.wait(t.client.send("Create", t.request(), timeout_ns=1_215_000_000))
    expect(got.code in (2, 4), f"{got.code} {got.text} after {ms_since(begin)} ms")
    t.leave()


def case_caller_closes(w):
    t = Task(w, "-slow-800")
    t.client.send("Create", t.request())
    time.sleep(0.2)
    t.client.close()
    time.sleep(1.2)
    t.client = Client(t.path)
    t.client.call("State", field(1, t.name), code=5)
    same(len(w.calls(t.name)), 1, "its measuring ran on")
    t.leave()


def cancelled_by(w, method):
    t = Task(w, "-slow-1000")
    keep = Task(w, annotations=None)
    held = t.client.send("Create", t.request())
    time.sleep(0.2)
    other = Client(t.path)
    other.send(method, field(1, t.name))
    got = t.client.wait(held, timeout=2)
    same((got.code, method in got.text), (1, True), got.text)
    keep.leave()
    wait_until(lambda: len(w.calls(t.name)) == 1, "measured")
    return t


def case_delete_cancels(w):
    t = cancelled_by(w, "Delete")
    time.sleep(1.2)
    t.client.call("State", field(1, t.name), code=5)
    t.leave()


def case_shutdown_cancels(w):
    """The real shim leaves at once; the proxy follows when the helper is done."""
    t = cancelled_by(w, "Shutdown")
    t.client.close()
    wait_until(lambda: not os.path.exists(t.path), "socket removed", 2)
    wait_until(lambda: t.shims() == ([], []), "gone")


def failing(w, script, reason):
    t = Task(w, script)
    t.create()
    calls = w.calls(t.name)
    same([c["job"] for c in calls], ["1", "3"], "jobs")
    expect(reason in calls[1]["reason"], calls[1]["reason"])
    expect(int(calls[1]["create"]) > 0, "the request goes along, for its options")
    same(calls[1]["fd4"], "dir", "descriptor 4: the options depend on config.json, too")
    t.start()
    same(t.client.state(t.name), 2, "mode audit: it runs")
    t.finish()


def case_helper_crashes(w):
    failing(w, "-crash", "signal 6")


def case_helper_leaves(w):
    failing(w, "-leave", "exit status 9")


def case_helper_speaks_another_version(w):
    failing(w, "-lie-version", "version 2")


def case_helper_sends_an_unknown_type(w):
    failing(w, "-lie-type", "unknown type")


def case_helper_announces_4_gib(w):
    failing(w, "-lie-huge", "at most")


def case_helper_ends_in_a_frame(w):
    failing(w, "-lie-cut", "without a result")


def case_slow_helper_hangs(w):
    begin = time.monotonic()
    t = Task(w, "-hang")
    held = t.client.send("Create", t.request())
    time.sleep(25)
    t.client.call("Connect", field(1, t.name), timeout=2)
    same(t.client.wait(held, timeout=15).code, 0, "Create")
    expect(29 < time.monotonic() - begin < 40, "after 30 s")
    expect("no progress" in w.calls(t.name)[1]["reason"], w.calls(t.name)[1]["reason"])
    t.start()
    t.finish()


def case_even_the_second_helper_fails(w):
    t = Task(w, "-crash-twice")
    t.create()
    expect("NOT RECORDED" in t.fifo_text(), "loud in containerd's journal")
    t.start()
    t.finish()


def case_foreign_namespace(w):
    """A Create for another namespace is not an event of ours that looks clean; it goes on as it is."""
    t = Task(w)
    t.create(ns="elsewhere")
    calls = w.calls(t.name)
    same([c["job"] for c in calls], ["3"], "jobs")
    expect("names namespace elsewhere, this shim has " in calls[0]["reason"], calls[0]["reason"])
    t.start()
    t.finish()


def case_no_helper_can_start(w):
    """Two descriptors are too few for a helper, enough to forward: recorded when there are more."""
    t = Task(w)
    t.client.call("Connect", field(1, t.name))
    proxy = t.shims()[0][0]
    before = resource.prlimit(proxy, resource.RLIMIT_NOFILE)
    count = len(os.listdir(f"/proc/{proxy}/fd"))
    resource.prlimit(proxy, resource.RLIMIT_NOFILE, (count + 2, before[1]))
    t.create()
    same(w.calls(t.name), [], "helpers")
    expect("NOT RECORDED" in t.fifo_text(), "loud in containerd's journal")
    resource.prlimit(proxy, resource.RLIMIT_NOFILE, before)
    t.start()
    t.finish()
    calls = w.calls(t.name)
    same([c["job"] for c in calls], ["2", "3"], "jobs")
    expect(calls[1]["reason"].startswith("recorded late: "), calls[1]["reason"])


def case_not_recorded_is_loud(w):
    t = Task(w, "-notrecorded")
    t.create()
    text = t.fifo_text()
    expect("NOT RECORDED" in text and 'why="no TPM"' in text, text)
    t.finish()


def case_refused(w):
    t = Task(w, "-refuse")
    got = t.create(code=9)
    same(got.text, "cmc: not this one", "text")
    t.client.call("Delete", field(1, t.name), code=5)
    t.leave()


def case_options_replaced(w):
    t = Task(w, "-replace")
    odd = message((1, "runtimeoptions.v1.Options"), (2, field(2, "/nowhere.toml")))
    t.create((10, odd))
    expect(os.path.exists(f"/run/cmc-world/other-root/{os.environ['CMC_NS']}/{t.name}"),
           "runc got the root of the new options")
    t.finish()


def case_options_dropped(w):
    t = Task(w, "-drop")
    t.create((10, message((1, "runtimeoptions.v1.Options"), (2, field(2, "/nowhere.toml")))))
    t.finish()


def case_options_kept(w):
    """Without the helper's word the real shim sees them as they are, and says what it thinks."""
    t = Task(w, "-keep")
    got = t.create((10, message((1, "nobody.knows.this"), (2, b""))), code=2)
    expect("not found" in got.text, got.text)
    t.leave()


def unmeasurable(w, payload_of, reason):
    t = Task(w)
    got = t.client.wait(t.client.send("Create", payload_of(t)))
    calls = w.calls(t.name)
    same([c["job"] for c in calls], ["3"], "only the failure is recorded")
    expect(reason in calls[0]["reason"], calls[0]["reason"])
    same(calls[0]["fd4"], "none", "descriptor 4")
    t.client.call("Connect", field(1, t.name), timeout=2)
    if got.code == 0:
        t.finish()
    else:
        t.leave()
    return got


def case_bundle_with_dots(w):
    got = unmeasurable(w, lambda t: t.request(bundle=t.bundle + "/../" + t.name), "without . and ..")
    same(got.code, 0, "audit: the real shim judges: " + got.text)


def case_bundle_behind_a_symlink(w):
    def payload(t):
        os.symlink(t.bundle, t.bundle + "-link")
        return t.request(bundle=t.bundle + "-link")
    unmeasurable(w, payload, "symlink")


def case_bundle_that_others_write(w):
    def payload(t):
        os.chmod(t.bundle, 0o777)
        return t.request()
    unmeasurable(w, payload, "others could change it")


def case_bundle_that_is_missing(w):
    got = unmeasurable(w, lambda t: t.request(bundle="/nowhere"), "No such file")
    expect(got.code != 0, "the real shim fails too")


def case_relative_bundle(w):
    unmeasurable(w, lambda t: t.request(bundle="rootfs"), "absolute")


def case_truncated_create(w):
    got = unmeasurable(w, lambda t: t.request() + b"\x1a\x7f", "protobuf")
    expect(got.code != 0, "the real shim refuses it too")


def case_terminal_is_text(w):
    unmeasurable(w, lambda t: t.request((4, "x")), "wire type")


def case_invalid_utf8(w):
    unmeasurable(w, lambda t: t.request((9, b"\xff")), "UTF-8")


def case_v3_service_is_watched_too(w):
    """This real shim does not know it, but a Create by that name must never pass unmeasured."""
    t = Task(w)
    t.create(code=12, service="containerd.task.v3.Task")
    same([c["job"] for c in w.calls(t.name)], ["1"], "measured")
    t.leave()


def case_data_of_a_held_create_is_swallowed(w):
    t = Task(w, "-slow-500")
    held = t.client.send("Create", t.request(), flags=2)
    t.client.raw(frame(held, 3, 1, b""))
    t.client.call("Connect", field(1, t.name), timeout=2)
    t.client.wait(held)
    t.client.call("Connect", field(1, t.name), timeout=2)
    t.finish()


def case_twenty_at_once(w):
    tasks = [Task(w, "-slow-300", annotations={"io.containerd.runc.v2.group": "twenty"})
             for _ in range(20)]
    client = tasks[0].client
    begin = time.monotonic()
    streams = [client.send("Create", t.request()) for t in tasks]
    for stream in streams:
        same(client.wait(stream).code, 0, "Create")
    took = ms_since(begin)
    for t in tasks[1:]:
        t.client.close()
        t.client = client
    for t in tasks[1:]:
        t.finish_task()
    tasks[0].finish()
    return f" ({took:.0f} ms)"


def case_shutdown_of_another_while_measuring(w):
    """The real shim would leave: of a Create that is being measured it does not know."""
    note = {"io.containerd.runc.v2.group": "g-" + w.name()}
    a, b = Task(w, annotations=note), Task(w, "-slow-800", annotations=note)
    a.create()
    held = b.client.send("Create", b.request())
    wait_until(lambda: w.calls(b.name), "helper runs")
    a.finish_task()
    a.client.call("Shutdown", field(1, a.name))
    a.client.close()
    same(b.client.wait(held).code, 0, "Create")
    b.start()
    b.finish()
    wait_until(lambda: a.shims() == ([], []), "gone")


def case_shutdown_of_the_group_while_measuring(w):
    """A pod that ends takes the containers along that have not started yet."""
    a = Task(w)
    b = Task(w, "-slow-800", annotations={"io.kubernetes.cri.sandbox-id": a.name})
    a.create()
    held = b.client.send("Create", b.request())
    wait_until(lambda: w.calls(b.name), "helper runs")
    a.finish()
    expect(b.client.closed(), "the shim goes on")
    expect(held not in b.client.early, "it is answered")
