#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# run.sh BUILD [CASE...] -- measure-bundle --image against what containerd makes of the same image.
# In a private world: makes one when it is not in one.
here=$(cd "$(dirname "$0")" && pwd)
build=$(cd "${1:?usage: run.sh BUILD [CASE...]}" && pwd) || exit 2
top=$(cd "$here/../../.." && pwd)
[ -n "$CMC_NS" ] || exec "$top/example-setup/lib/private-world" "$here/run.sh" "$build" "${@:2}"
. "$top/example-setup/lib/say.sh"
. "$top/example-setup/lib/world.sh"
export CONTAINERD_ADDRESS=$world/containerd.sock CONTAINERD_NAMESPACE=$CMC_NS PYTHONDONTWRITEBYTECODE=1
export PATH=/usr/sbin:/usr/bin:/sbin:/bin # where python3 has gRPC
mkdir -p "$world"
world_containerd || die "containerd does not answer" "$world/containerd.log"
PYTHONPATH=$here:$top/tests/e2e:$top/tests/lib:$top/tests/oracle exec python3 "$here/drive.py" "$build" "${@:2}"
