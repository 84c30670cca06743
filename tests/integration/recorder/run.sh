#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# The recorder on swtpm: the table with 1, 2 and 4 banks, in both profiles and from a value of the
# firmware's, killed writers and TPMs, lack of space, hostile directories, cmc-recorder, cmcctl log,
# speed. Leaves nothing behind.
# run.sh BUILD_DIR [KILLS]      needs root (mounts, in a namespace of its own). At least KILLS: 300;
# with CMC_LONG 10000
set -u
[ $# -ge 1 ] || { echo "usage: run.sh BUILD_DIR [KILLS]" >&2; exit 2; }
build=$(readlink -f "$1") kills=${2:-${CMC_LONG:+10000}} here=$(readlink -f "$(dirname "$0")")
kills=${kills:-300}
[ "$(id -u)" = 0 ] || { echo "recorder: needs root" >&2; exit 77; }
command -v swtpm >/dev/null || { echo "recorder: swtpm is not installed" >&2; exit 77; }
if [ -z "${CMC_RECORDER_WORLD:-}" ]; then
    CMC_RECORDER_WORLD=1 exec unshare --mount --pid --fork --kill-child --mount-proc \
        --propagation private "$0" "$build" "$kills"
fi
export TSS2_LOG=all+none
mount -t tmpfs cmc-test /mnt || exit 3 # nothing of ours outlives this namespace
cd /mnt || exit 3
# shellcheck source=tests/integration/recorder/cases.sh
. "$here/cases.sh"

failed=0
check() { # check NAME COMMAND...: a line as tests/lib/report.sh reads it
    local name=$1 begin=$SECONDS
    shift
    if "$@" >"/mnt/$name.out" 2>&1; then
        echo "ok $name ($((SECONDS - begin)) s)"
    else
        failed=$((failed + 1))
        echo "not ok $name - its output follows"
        tail -n 40 "/mnt/$name.out"
    fi
}

check table-1-bank "$build/tests/recorder_table" /mnt/t1 sha256
check table-2-banks "$build/tests/recorder_table" /mnt/t2 sha1,sha256
check table-4-banks "$build/tests/recorder_table" /mnt/t4 sha1,sha256,sha384,sha512
check table-firmware "$build/tests/recorder_table" /mnt/t5 sha1,sha256 firmware
check table-cmc "$build/tests/recorder_table" /mnt/t6 sha1,sha256 cmc
check table-cmc-not-extended "$build/tests/recorder_table" /mnt/t7 sha1,sha256 cmc quiet
check table-cmc-firmware "$build/tests/recorder_table" /mnt/t8 sha256 cmc firmware
[ "$kills" = 0 ] || check kills "$build/tests/recorder_killer" /mnt/kill "$kills"
[ "$kills" = 0 ] || sed 's/^/  /' /mnt/kills.out
for c in no_space read_only hostile_directory init init_refused reboot reset foreign firmware \
    firmware_does_not_explain profile_cmc hidden_events follow; do
    check "$c" "case_$c"
done
check speed "$build/tests/recorder_speed" /mnt/speed 2000
sed 's/^/  /' /mnt/speed.out
[ "$failed" = 0 ]
