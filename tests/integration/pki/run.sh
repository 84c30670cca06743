#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# The authorities of pki/ and cmc-signing-tool, as a site uses them: what they make, what they refuse, and
# that nothing is ever overwritten or left in pieces.
# run.sh BUILD_DIR      needs openssl, no root
set -u
[ $# = 1 ] || { echo "usage: run.sh BUILD_DIR" >&2; exit 2; }
build=$(readlink -f "$1") here=$(readlink -f "$(dirname "$0")")
top=$(readlink -f "$here/../../..")
command -v openssl >/dev/null || { echo "pki: openssl is not installed" >&2; exit 77; }
tool=$build/bin/cmc-signing-tool pki=$top/pki
work=$(mktemp -d) || exit 3
trap 'rm -rf "$work"' EXIT
cd "$work" || exit 3
# shellcheck source=tests/integration/pki/cases.sh
. "$here/cases.sh"

failed=0
check() { # check NAME FUNCTION: a line as tests/lib/report.sh reads it
    local status
    (set -eu; "$2") >"$work/said" 2>&1
    status=$?
    if [ $status = 0 ]; then
        echo "ok $1"
    else
        echo "not ok $1 - $(tail -n 3 "$work/said" | tr '\n' ' ')"
        failed=1
    fi
}
for name in $(declare -F | sed -n 's/^declare -f case_//p'); do
    check "${name//_/ }" "case_$name"
done
exit $failed
