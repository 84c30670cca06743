# SPDX-License-Identifier: Apache-2.0
"""image.py -- small OCI images with any number of layers, written without other tools."""
import hashlib
import io
import json
import os
import subprocess
import tarfile

APPLETS = ("cat", "dd", "echo", "env", "false", "head", "id", "ls", "sh", "sleep", "touch", "true",
           "tr", "wc", "mount", "kill")


def files():
    """{path: content} of the first layer: busybox, with its libraries where it needs any."""
    path = subprocess.run(["sh", "-c", "command -v busybox"], capture_output=True, text=True,
                          check=True).stdout.strip()
    found = {"bin/busybox": path}
    needs = subprocess.run(["ldd", path], capture_output=True, text=True, check=False).stdout
    for word in needs.split():
        if word.startswith("/"):
            found[word.lstrip("/")] = word
    return found


def unpack(directory):
    """The first layer as a directory."""
    blob = io.BytesIO(first_layer())
    with tarfile.open(fileobj=blob) as tar:
        tar.extractall(directory)
    for name in ("proc", "sys", "dev"):
        os.makedirs(f"{directory}/{name}", exist_ok=True)


def add(tar, name, data, mode=0o644):
    entry = tarfile.TarInfo(name)
    entry.size, entry.mode = len(data), mode
    tar.addfile(entry, io.BytesIO(data))


def layer(entries):
    """An uncompressed layer: entries is {path: (data, mode)} or {path: symlink target}."""
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w", format=tarfile.PAX_FORMAT) as tar:
        for name, what in entries.items():
            if isinstance(what, str):
                entry = tarfile.TarInfo(name)
                entry.type, entry.linkname = tarfile.SYMTYPE, what
                tar.addfile(entry)
            else:
                add(tar, name, *what)
    return out.getvalue()


def first_layer():
    entries = {}
    for name, source in files().items():
        with open(source, "rb") as f:
            entries[name] = (f.read(), 0o755)
    for applet in APPLETS:
        entries["bin/" + applet] = "busybox"
    return layer(entries)


def write(archive, ref, layers, salt, env, command=("/bin/true",), more=()):
    """An OCI archive at path `archive`: `layers` layers, the last with /salt; and those in `more`."""
    blobs = [first_layer()]
    for number in range(1, layers):
        blobs.append(layer({f"layers/{number}": (f"layer {number}\n".encode(), 0o644)}))
    if salt:
        blobs[-1] = layer({"salt": (salt.encode(), 0o644)}) if layers > 1 else blobs[-1]
    blobs.extend(more)
    with tarfile.open(archive, "w") as tar:
        def blob(data, media_type):
            digest = hashlib.sha256(data).hexdigest()
            add(tar, "blobs/sha256/" + digest, data)
            return {"mediaType": media_type, "digest": "sha256:" + digest, "size": len(data)}

        diff_ids = ["sha256:" + hashlib.sha256(data).hexdigest() for data in blobs]
        config = {"architecture": "amd64" if os.uname().machine == "x86_64" else "arm64",
                  "os": "linux", "config": {"Env": ["PATH=/bin"] + env, "Cmd": list(command)},
                  "rootfs": {"type": "layers", "diff_ids": diff_ids}}
        oci = "application/vnd.oci.image."
        manifest = {"schemaVersion": 2, "mediaType": oci + "manifest.v1+json",
                    "config": blob(json.dumps(config).encode(), oci + "config.v1+json"),
                    "layers": [blob(data, oci + "layer.v1.tar") for data in blobs]}
        entry = blob(json.dumps(manifest).encode(), oci + "manifest.v1+json")
        entry["annotations"] = {"io.containerd.image.name": ref}
        add(tar, "index.json", json.dumps({"schemaVersion": 2, "manifests": [entry]}).encode())
        add(tar, "oci-layout", b'{"imageLayoutVersion": "1.0.0"}')
