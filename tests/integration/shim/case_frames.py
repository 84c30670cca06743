# SPDX-License-Identifier: Apache-2.0
"""case_frames.py -- frames that no containerd sends: the container runs on, the next State answers."""
import socket
import struct

from ttrpc import DATA, REQUEST, RESPONSE, TASK, field, frame, message
from world import Client, Task, expect, same

MIB4 = 4 << 20


def running(w):
    t = Task(w)
    t.create()
    t.start()
    return t


def then_state_answers(t):
    """On the same connection and on a new one."""
    same(t.client.state(t.name), 2, "State on the same connection")
    other = Client(t.path)
    same(other.state(t.name), 2, "State on a new connection")
    other.close()


def state_request(t):
    return message((1, TASK), (2, "State"), (3, field(1, t.name)))


def odd_answer(t, stream, kind, flags, data, code, text):
    t.client.stream = max(t.client.stream, stream | 1)
    t.client.raw(frame(stream, kind, flags, data))
    got = t.client.wait(stream, timeout=5)
    same(got.code, code, got.text)
    expect(text in got.text, got.text)
    then_state_answers(t)


def silent(t, *frames):
    for data in frames:
        t.client.raw(data)
    then_state_answers(t)


def case_bad_frames(w):
    t = running(w)
    odd_answer(t, 1001, REQUEST, 0, b"\xff\xff\xff", 3, "protobuf")
    odd_answer(t, 1003, REQUEST, 0, state_request(t) + b"\x0a\x7f", 3, "protobuf")
    odd_answer(t, 1005, REQUEST, 0, field(1, TASK) + b"\x10\x01", 3, "wire type")
    odd_answer(t, 1007, REQUEST, 0, b"", 12, "service")
    odd_answer(t, 1009, REQUEST, 0, message((1, "no.Such"), (2, "Thing")), 12, "service no.Such")
    odd_answer(t, 1011, REQUEST, 0, message((1, TASK), (2, "Think")), 12, "method Think")
    odd_answer(t, 1013, REQUEST, 0, b"\0" * (MIB4 + 1), 8, "4194305 exceed")
    odd_answer(t, 1015, REQUEST, 0, b"\0" * (MIB4 * 4), 8, "exceed maximum")
    odd_answer(t, 1017, 99, 0, b"\0" * (MIB4 + 1), 8, "exceed maximum")
    odd_answer(t, 1018, REQUEST, 0, state_request(t), 3, "odd")
    silent(t, frame(1101, 9, 0, b"what"), frame(1103, 0, 0, b""), frame(0, 255, 255, b"x" * 70000))
    silent(t, frame(1105, RESPONSE, 0, b"an answer to nothing"))
    t.client.stream = 2001
    same(t.client.call("State", field(1, t.name), flags=0x80).payload[4], 2, "unknown flags")
    then_state_answers(t)
    t.finish()


def case_data_frame_without_a_stream(w):
    """containerd 1.6's shim ignores it (1.7.24 and 2.1.9 panic, with and without a proxy)."""
    t = running(w)
    silent(t, frame(4001, DATA, 1, b""))
    t.finish()


def case_largest_frame(w):
    t = running(w)
    request = message((1, TASK), (2, "State"), (3, field(1, t.name)))
    for size in (MIB4, MIB4 - 1):
        pad = size - len(request) - 5
        data = request + field(15, b"\0" * pad)
        same(len(data), size, "size of the frame")
        t.client.stream += 2
        t.client.raw(frame(t.client.stream, REQUEST, 0, data))
        same(t.client.wait(t.client.stream).payload[4], 2, "State in a 4 MiB frame")
    then_state_answers(t)
    t.finish()


def case_byte_by_byte(w):
    t = running(w)
    t.client.stream += 2
    for byte in frame(t.client.stream, REQUEST, 0, state_request(t)):
        t.client.raw(bytes([byte]))
    same(t.client.wait(t.client.stream).payload[4], 2, "State")
    then_state_answers(t)
    t.finish()


def case_many_frames_at_once(w):
    """A client that writes 2,000 requests before it reads: back pressure, no loss."""
    t = running(w)
    first = t.client.stream + 2
    streams = range(first, first + 4000, 2)
    t.client.stream = streams[-1]
    t.client.raw(b"".join(frame(s, REQUEST, 0, state_request(t)) for s in streams))
    for stream in streams:
        same(t.client.wait(stream).payload[4], 2, "State")
    t.finish()


def end_of(t, data):
    """Sends data on a connection of its own, half-closes it, returns how many bytes come back."""
    s = socket.socket(socket.AF_UNIX)
    s.connect(t.path)
    s.sendall(data)
    s.shutdown(socket.SHUT_WR)
    s.settimeout(5)
    back = b""
    while True:
        part = s.recv(65536)
        if not part:
            break
        back += part
    s.close()
    then_state_answers(t)
    return back


def case_ends(w):
    """Cut off anywhere: that connection ends, others do not notice."""
    t = running(w)
    whole = frame(1, REQUEST, 0, state_request(t))
    same(end_of(t, b""), b"", "nothing at all")
    for cut in (1, 9, 10, 11, len(whole) - 1):
        same(end_of(t, whole[:cut]), b"", f"cut after {cut} bytes")
    same(end_of(t, struct.pack(">IIBB", MIB4 + 5, 1, 1, 0) + b"x" * 100), b"", "cut while drained")
    same(end_of(t, struct.pack(">IIBB", 0xffffffff, 1, 1, 0) + b"x" * 100), b"", "4 GiB announced")
    end_of(t, whole)  # the real shim may close before it answers a half-closed peer
    t.finish()


def case_half_closed_create(w):
    """Whoever has said all and still reads gets the answer to a held Create."""
    t = Task(w, "-slow-500")
    s = Client(t.path)
    stream = s.send("Create", t.request())
    s.sock.shutdown(socket.SHUT_WR)
    same(s.wait(stream).code, 0, "Create")
    s.closed()
    s.close()
    t.finish()
