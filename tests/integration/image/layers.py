# SPDX-License-Identifier: Apache-2.0
"""layers.py -- layers of images, entry by entry, and images of them, without other tools."""
import gzip
import hashlib
import io
import json
import os
import struct
import subprocess
import tarfile

ARCH = {"x86_64": "amd64", "aarch64": "arm64"}.get(os.uname().machine, os.uname().machine)
OCI = "application/vnd.oci.image."
CAP_NET_RAW = struct.pack("<IIIII", 0x02000001, 1 << 13, 0, 0, 0)
CAP_ROOTID_0 = struct.pack("<IIIIII", 0x03000001, 1 << 13, 0, 0, 0, 0)
CAP_ROOTID_7 = struct.pack("<IIIIII", 0x03000001, 1 << 13, 0, 0, 0, 7)
UNSET = 0xffffffff
USER_OBJ, USER, GROUP_OBJ, GROUP, MASK, OTHER = 1, 2, 4, 8, 16, 32


def acl(*entries):
    """(tag, permissions, id) each."""
    return struct.pack("<I", 2) + b"".join(struct.pack("<HHI", *e) for e in entries)


NAMED_ACL = acl((USER_OBJ, 7, UNSET), (USER, 5, 1000), (GROUP_OBJ, 5, UNSET), (GROUP, 4, 50),
                (MASK, 5, UNSET), (OTHER, 1, UNSET))
PLAIN_ACL = acl((USER_OBJ, 6, 1), (GROUP_OBJ, 4, 2), (OTHER, 0, 3))
ACCESS, DEFAULT = "system.posix_acl_access", "system.posix_acl_default"
CAPABILITY = "security.capability"


def entry(name, kind=tarfile.REGTYPE, data=b"", mode=0o644, link="", dev=(0, 0), own=(0, 0), **xattrs):
    """xattrs: values by names, whose dots are written as double underscores."""
    e = tarfile.TarInfo(name)
    e.type, e.mode, e.linkname, e.size = kind, mode, link, len(data)
    (e.uid, e.gid), (e.devmajor, e.devminor) = own, dev
    for key, value in xattrs.items():
        text = value.decode("utf-8", "surrogateescape")
        e.pax_headers["SCHILY.xattr." + key.replace("__", ".")] = text
    return e, data


def file(name, data=b"", mode=0o644, **more):
    return entry(name, data=data, mode=mode, **more)


def folder(name, mode=0o755, **more):
    return entry(name, kind=tarfile.DIRTYPE, mode=mode, **more)


def symlink(name, to, **more):
    return entry(name, kind=tarfile.SYMTYPE, link=to, mode=0o777, **more)


def hardlink(name, to, mode=0o644, **more):
    return entry(name, kind=tarfile.LNKTYPE, link=to, mode=mode, **more)


def layer(*entries, form=tarfile.PAX_FORMAT):
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w", format=form) as tar:
        for e, data in entries:
            tar.addfile(e, io.BytesIO(data))
    return out.getvalue()


def pack(data, how):
    if how == "gzip":
        return gzip.compress(data)
    if how == "zstd":
        return subprocess.run(["zstd", "-c"], input=data, capture_output=True, check=True).stdout
    return data


def write(archive, ref, layers, how="tar", config=None):
    """An OCI archive of layers, each packed in one way."""
    with tarfile.open(archive, "w") as tar:
        def add(name, data):
            e = tarfile.TarInfo(name)
            e.size = len(data)
            tar.addfile(e, io.BytesIO(data))

        def blob(data, media_type):
            digest = hashlib.sha256(data).hexdigest()
            add("blobs/sha256/" + digest, data)
            return {"mediaType": OCI + media_type, "digest": "sha256:" + digest, "size": len(data)}

        suffix = {"tar": "", "gzip": "+gzip", "zstd": "+zstd"}[how]
        text = json.dumps({
            "architecture": ARCH, "os": "linux", "config": {"Cmd": ["/bin/true"]} if config is None else config,
            "rootfs": {"type": "layers", "diff_ids":
                       ["sha256:" + hashlib.sha256(data).hexdigest() for data in layers]}})
        manifest = {"schemaVersion": 2, "mediaType": OCI + "manifest.v1+json",
                    "config": blob(text.encode(), "config.v1+json"),
                    "layers": [blob(pack(data, how), "layer.v1.tar" + suffix) for data in layers]}
        index = blob(json.dumps(manifest).encode(), "manifest.v1+json")
        index["annotations"] = {"io.containerd.image.name": ref}
        add("index.json", json.dumps({"schemaVersion": 2, "manifests": [index]}).encode())
        add("oci-layout", b'{"imageLayoutVersion": "1.0.0"}')
