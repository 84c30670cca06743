#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# run.sh BUILD [CASE...] -- the shim as containerd drives it: the real program, the real runc shim
# behind it, a scripted helper. In a private world: makes one when it is not in one.
here=$(cd "$(dirname "$0")" && pwd)
build=$(cd "${1:?usage: run.sh BUILD [CASE...]}" && pwd) || exit 2
shift
[ -n "$CMC_NS" ] || exec "$here/../../../example-setup/lib/private-world" "$here/run.sh" "$build" "$@"
if [ "$(stat -c %u "$build/bin")" != 0 ]; then
    # the shim refuses a helper that is not root's; /run goes away with this world
    mkdir -p /run/cmc-build/tests
    cp -r "$build/bin" "$build/libexec" /run/cmc-build
    cp "$build/tests/shim_fake_helper" /run/cmc-build/tests
    build=/run/cmc-build
fi
exec env PYTHONPATH="$here/../../lib" python3 -B "$here/drive.py" "$build" "$@"
