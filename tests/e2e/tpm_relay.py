#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""tpm_relay.py LISTEN BACKEND BEFORE AFTER COUNT -- a TPM whose quotes take longer.

Between a client and a swtpm (two Unix sockets): holds TPM2_Quote back for BEFORE milliseconds, and
its response for AFTER. Each command goes on a connection of its own, so that others reach the TPM in
between, as they do through a resource manager. COUNT is a file with a byte for each quote.
"""
import os
import socket
import struct
import sys
import threading
import time

QUOTE = 0x158
HEADER = 10  # bytes: tag, size, and command or response code


def receive(peer):
    """One command or response; empty when the peer is gone."""
    data = b""
    size = HEADER
    while len(data) < size:
        part = peer.recv(size - len(data))
        if not part:
            return b""
        data += part
        if len(data) == HEADER:
            size = struct.unpack_from(">I", data, 2)[0]
    return data


def exchange(backend, command):
    with socket.socket(socket.AF_UNIX) as tpm:
        tpm.connect(backend)
        tpm.sendall(command)
        return receive(tpm)


def serve(client, backend, before, after, count):
    with client:
        while command := receive(client):
            quote = struct.unpack_from(">I", command, 6)[0] == QUOTE
            if quote:
                os.write(count, b"q")
                time.sleep(before)
            response = exchange(backend, command)
            if quote:
                time.sleep(after)
            client.sendall(response)


def main():
    listen, backend = sys.argv[1:3]
    before, after = (int(word) / 1000 for word in sys.argv[3:5])
    count = os.open(sys.argv[5], os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_APPEND, 0o600)
    os.umask(0o111)
    with socket.socket(socket.AF_UNIX) as door:
        door.bind(listen)
        door.listen(64)
        while True:
            client, _ = door.accept()
            threading.Thread(target=serve, args=(client, backend, before, after, count),
                             daemon=True).start()


main()
