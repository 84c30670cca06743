# SPDX-License-Identifier: Apache-2.0
"""ttrpc.py -- ttrpc as far as a containerd needs it to drive a shim: protobuf, frames, a client, its events service."""
import socket
import socketserver
import struct

HEADER = struct.Struct(">IIBB")  # length, stream, type, flags
REQUEST, RESPONSE, DATA = 1, 2, 3
TASK = "containerd.task.v2.Task"


# ---- protobuf ------------------------------------------------------------------------------------

def varint(number):
    number &= (1 << 64) - 1  # negative numbers take ten bytes
    out = bytearray()
    while number > 0x7F:
        out.append(number & 0x7F | 0x80)
        number >>= 7
    return bytes(out + bytes([number]))


def field(number, value):
    """One field: integers as varint, text and bytes with their length."""
    if isinstance(value, int):
        return varint(number << 3) + varint(value)
    value = value.encode() if isinstance(value, str) else value
    return varint(number << 3 | 2) + varint(len(value)) + value


def message(*pairs):
    return b"".join(field(number, value) for number, value in pairs)


def fields(data):
    """{number: last value} of a message of varint and length-delimited fields."""
    out, at = {}, 0

    def take():
        nonlocal at
        number = shift = 0
        while True:
            byte = data[at]
            at += 1
            number |= (byte & 0x7F) << shift
            shift += 7
            if byte < 0x80:
                return number

    while at < len(data):
        key = take()
        value = take()
        if key & 7 == 2:
            value, at = data[at:at + value], at + value
        elif key & 7 != 0:
            raise ValueError(f"protobuf wire type {key & 7}")
        out[key >> 3] = value
    return out


# ---- calls ---------------------------------------------------------------------------------------

def frame(stream, kind, flags, data):
    return HEADER.pack(len(data), stream, kind, flags) + data


class Answer:
    """A Response: code 0 and payload, or code and text."""

    def __init__(self, data):
        top = fields(data)
        status = fields(top.get(1, b""))
        self.code = status.get(1, 0)
        self.text = status.get(2, b"").decode()
        self.payload = fields(top.get(2, b""))


class Client:
    """One connection to a shim's socket; calls may overlap. ns: the namespace that requests name, None: none."""

    def __init__(self, path, service=TASK, ns=None):
        self.service, self.ns = service, ns
        self.sock = socket.socket(socket.AF_UNIX)
        self.sock.connect(path)
        self.stream, self.early, self.unread = -1, {}, b""

    def send(self, method, payload, timeout_ns=0, service=None, flags=0, ns=None):
        """Sends a request and returns its stream."""
        self.stream += 2
        request = message((1, service or self.service), (2, method), (3, payload))
        request += field(4, timeout_ns) if timeout_ns else b""
        if ns or self.ns:
            request += field(5, message((1, "containerd-namespace-ttrpc"), (2, ns or self.ns)))
        self.raw(frame(self.stream, REQUEST, flags, request))
        return self.stream

    def raw(self, data):
        self.sock.sendall(data)

    def read(self, size):
        while len(self.unread) < size:
            part = self.sock.recv(max(65536, size - len(self.unread)))
            if not part:
                raise EOFError(f"closed after {len(self.unread)} of {size} bytes")
            self.unread += part
        data, self.unread = self.unread[:size], self.unread[size:]
        return data

    def wait(self, stream, timeout=15):
        """The answer on that stream; others are kept for who waits for them."""
        self.sock.settimeout(timeout)
        while stream not in self.early:
            length, got, kind, _ = HEADER.unpack(self.read(HEADER.size))
            data = self.read(length)
            if kind != RESPONSE:
                raise AssertionError(f"a frame of type {kind} for an answer")
            self.early[got] = Answer(data)
        return self.early.pop(stream)

    def call(self, method, payload, code=0, timeout=15, **more):
        """Sends a request and returns its answer, which must have that code."""
        got = self.wait(self.send(method, payload, **more), timeout)
        if got.code != code:
            raise AssertionError(f"{method}: {got.text!r}: code {got.code}, expected {code}")
        return got

    def closed(self, timeout=5):
        """Returns when the other side has closed the connection."""
        self.sock.settimeout(timeout)
        try:
            while self.sock.recv(65536):
                pass
        except ConnectionError:
            pass  # reset is an end, too
        return True

    def close(self):
        self.sock.close()


# ---- containerd's events service -----------------------------------------------------------------

class Sink(socketserver.StreamRequestHandler):
    """Every request is answered with an empty OK: the real shim does not leave before its events are taken."""

    def handle(self):
        while len(header := self.rfile.read(HEADER.size)) == HEADER.size:
            length, stream, _, _ = HEADER.unpack(header)
            self.rfile.read(length)
            self.wfile.write(frame(stream, RESPONSE, 0, b""))


class EventServer(socketserver.ThreadingMixIn, socketserver.UnixStreamServer):
    """EventServer(path).serve_forever()"""

    daemon_threads = True

    def __init__(self, path):
        super().__init__(path, Sink)

    def handle_error(self, request, client_address):
        pass  # a shim that was killed
