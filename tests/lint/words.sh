#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# The tree speaks of itself alone: no places outside it, no numbers of tickets, no unfinished marks.
cd "$(dirname "$0")/../.." || exit 1
CMC_TOP=$PWD
. tests/lib/report.sh
words='shared/|/work/|/tmp/brief|\bissue #?[0-9]+|\b(TODO|FIXME|XXX)\b|#[0-9]+ *\)'
mapfile -t files < <(sources '*' |
    grep -vE '^(\.ci/run|tests/lint/words\.sh|tests/(vectors|fuzz/corpus)/.*)$')
# share/doc is Debian's, not ours
if grep -nIE "$words" "${files[@]}" | grep -vE ':.*[a-z]/shared/'; then
    exit 1
fi
