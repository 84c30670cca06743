#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# Functions: warn above 40 lines, fail above 60. Files: fail above 600. Prints what the sizes are.
# A function is what stands between a "{" and a "}" in the first column, as clang-format writes it.
cd "$(dirname "$0")/../.." || exit 1
CMC_TOP=$PWD
. tests/lib/report.sh
mapfile -t files < <(sources '*.c' '*.h')
lengths=$(awk '
    FNR == 1 { begin = 0 }
    /^[a-z].*\(/ { name = $0; sub(/\(.*/, "", name); sub(/.*[ *]/, "", name) }
    /^\{$/ { begin = FNR }
    /^\}$/ && begin { print FNR - begin - 1, FILENAME ":" begin, name; begin = 0 }
    ' "${files[@]}" | sort -n)
count=$(wc -l <<<"$lengths")
at() { sed -n "$((count * $1 / 100 + 1))p" <<<"$lengths" | cut -d' ' -f1; }
echo "functions: $count, median $(at 50), p90 $(at 90), longest $(tail -n 1 <<<"$lengths")"
largest=$(wc -l "${files[@]}" | grep -v ' total$' | sort -n | tail -n 1)
echo "files: ${#files[@]}, largest $largest"
awk '$1 > 40 { print "long function (aim at 25, at most 60): " $0 }' <<<"$lengths"
bad=0
awk '$1 > 60 { bad = 1; print "too long: " $0 } END { exit bad }' <<<"$lengths" || bad=1
wc -l "${files[@]}" | awk '$2 != "total" && $1 > 600 { bad = 1; print "file too long: " $0 } END { exit bad }' || bad=1
exit $bad
