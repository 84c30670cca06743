#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# The tree speaks of itself alone: no places outside it, no numbers of tickets, no unfinished marks.
cd "$(dirname "$0")/../.." || exit 1
CMC_TOP=$PWD
. tests/lib/report.sh
words='\.\./\.?[a-z]+/(vectors|reference|design)|/(home|srv)/[a-z]|\bissue #?[0-9]+|\b(TODO|FIXME|XXX)\b|#[0-9]+ *\)'
mapfile -t files < <(sources '*' |
    grep -vE '^(\.ci/run|tests/lint/words\.sh|tests/(vectors|fuzz/corpus)/.*)$')
if grep -nIE "$words" "${files[@]}"; then
    exit 1
fi
