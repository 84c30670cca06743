#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# Attestation keys and reports on swtpm, with the real recorder: both algorithms, both profiles and
# encodings, tpm2_checkquote's opinion, what is withheld, shared TPMs, and reports while events are
# recorded. Leaves nothing behind.
# run.sh BUILD_DIR [SECONDS]      needs root (mounts, in a namespace of its own). SECONDS of each
# case under load: 6; with CMC_LONG 60
set -u
[ $# -ge 1 ] || { echo "usage: run.sh BUILD_DIR [SECONDS]" >&2; exit 2; }
build=$(readlink -f "$1") seconds=${2:-${CMC_LONG:+60}} here=$(readlink -f "$(dirname "$0")")
seconds=${seconds:-6}
[ "$(id -u)" = 0 ] || { echo "prove: needs root" >&2; exit 77; }
for tool in swtpm tpm2_checkquote openssl; do
    command -v $tool >/dev/null || { echo "prove: $tool is not installed" >&2; exit 77; }
done
if [ -z "${CMC_PROVE_WORLD:-}" ]; then
    CMC_PROVE_WORLD=1 exec unshare --mount --pid --fork --kill-child --mount-proc \
        --propagation private "$0" "$build" "$seconds"
fi
export TSS2_LOG=all+none PYTHONDONTWRITEBYTECODE=1
mount -t tmpfs cmc-test /mnt || exit 3 # nothing of ours outlives this namespace
cd /mnt || exit 3
# shellcheck source=tests/integration/prove/cases.sh
. "$here/cases.sh"

failed=0
check() { # check NAME COMMAND...: a line as tests/lib/report.sh reads it
    local name=$1 begin=$SECONDS status
    shift
    (set -e; "$@") >"/mnt/$name.out" 2>&1
    status=$? # never in a condition: -e would not hold in there
    if [ $status = 0 ]; then
        echo "ok $name ($((SECONDS - begin)) s)"
    else
        failed=$((failed + 1))
        echo "not ok $name - its output follows"
        tail -n 40 "/mnt/$name.out"
    fi
}

authority
for c in key_ecdsa key_rsa key_sw key_is_kept key_of_another_tpm key_gone key_shared_tpm \
    report_exact report_cmc report_sw report_before_recording report_after_reset withheld \
    redaction_key listing damaged_log busy_tpm flushed_by_others; do
    check "$c" "case_$c"
done
for c in load_exact load_exact_slow load_cmc load_cmc_slow; do
    check "$c" "case_$c"
    tail -n 3 "/mnt/$c.out" | sed 's/^/  /'
done
[ "$failed" = 0 ]
