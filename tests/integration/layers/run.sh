#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# run.sh BUILD [OPTION...] -- stacks of layers, read one by one and as the kernel mounts them.
# In a private world: makes one when it is not in one. Options: drive.py --help.
here=$(cd "$(dirname "$0")" && pwd)
build=$(cd "${1:?usage: run.sh BUILD [OPTION...]}" && pwd) || exit 2
shift
[ -n "$CMC_NS" ] || exec "$here/../../../example-setup/lib/private-world" "$here/run.sh" "$build" "$@"
exec env PYTHONPATH="$here/../../oracle" python3 -B "$here/drive.py" "$build" "$@"
