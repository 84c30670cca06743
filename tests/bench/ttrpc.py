# SPDX-License-Identifier: Apache-2.0
"""ttrpc as far as a containerd needs it to drive one shim: frames, a client, an event sink."""

import contextlib
import multiprocessing
import os
import socket
import socketserver
import struct

HEADER = struct.Struct(">IIBB")  # length, stream, type, flags
REQUEST, RESPONSE = 1, 2


def varint(number):
    out = bytearray()
    while number > 0x7F:
        out.append(number & 0x7F | 0x80)
        number >>= 7
    out.append(number)
    return bytes(out)


def field(number, value):
    """One protobuf field: integers as varint, text and bytes with their length."""
    if isinstance(value, int):
        return varint(number << 3) + varint(value)
    value = value.encode() if isinstance(value, str) else value
    return varint(number << 3 | 2) + varint(len(value)) + value


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
        size = take()
        if key & 7 == 0:
            out[key >> 3] = size
        elif key & 7 == 2:
            out[key >> 3] = data[at : at + size]
            at += size
        else:
            raise ValueError(f"protobuf wire type {key & 7}")
    return out


class Client:
    """One connection to a shim's socket, one call at a time."""

    def __init__(self, path, service):
        self.service, self.stream = service, -1
        self.socket = socket.socket(socket.AF_UNIX)
        self.socket.settimeout(60)
        self.socket.connect(path)
        self.file = self.socket.makefile("rb")

    def call(self, method, payload):
        """Sends a request and returns the fields of the answer's message."""
        self.stream += 2
        body = field(1, self.service) + field(2, method) + field(3, payload)
        self.socket.sendall(HEADER.pack(len(body), self.stream, REQUEST, 0) + body)
        header = self.file.read(HEADER.size)
        if len(header) < HEADER.size:
            raise ConnectionError(f"{method}: the shim closed the connection")
        length, stream, kind, _ = HEADER.unpack(header)
        if (stream, kind) != (self.stream, RESPONSE):
            raise ValueError(f"{method}: answer of type {kind} on stream {stream}")
        answer = fields(self.file.read(length))
        status = fields(answer.get(1, b""))
        if status.get(1, 0):
            raise RuntimeError(f"{method}: code {status[1]}: {status.get(2, b'').decode()}")
        return fields(answer.get(2, b""))

    def wait_for_end(self):
        """Returns when the shim has closed the connection."""
        try:
            self.file.read()
        except ConnectionError:
            pass  # reset is an end, too
        self.file.close()
        self.socket.close()


class Sink(socketserver.StreamRequestHandler):
    """Stands for containerd's events service: every request is answered with an empty OK."""

    def handle(self):
        while len(header := self.rfile.read(HEADER.size)) == HEADER.size:
            length, stream, _, _ = HEADER.unpack(header)
            self.rfile.read(length)
            self.wfile.write(HEADER.pack(0, stream, RESPONSE, 0))


@contextlib.contextmanager
def events_served(path):
    """Runs the sink in a process of its own, so that it takes no time from the client."""
    with socketserver.ThreadingUnixStreamServer(path, Sink) as server:
        process = multiprocessing.Process(target=server.serve_forever, daemon=True)
        process.start()
        try:
            yield
        finally:
            process.terminate()
            os.unlink(path)
