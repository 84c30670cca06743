#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# run.sh BUILD [CASE...] -- the real cmcd and cmc-recorder against a software TPM, as user cmc.
# In a private world: makes one when it is not in one.
here=$(cd "$(dirname "$0")" && pwd)
build=$(cd "${1:?usage: run.sh BUILD [CASE...]}" && pwd) || exit 2
shift
[ -n "$CMC_NS" ] || exec "$here/../../../example-setup/lib/private-world" "$here/run.sh" "$build" "$@"
exec env PYTHONPATH="$here/../../lib:$here/../measure" python3 -B "$here/drive.py" "$build" "$@"
