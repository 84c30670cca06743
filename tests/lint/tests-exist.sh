#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# Fails when a source file has no unit test: x_y.c is tested by test_x_y.c, or, as a part of what
# x.h shows, by test_x.c. Programs (with a main) are covered by integration and end-to-end tests.
# tests/lint/untested.txt lists exceptions, "FILE: REASON"; it is meant to become empty.
cd "$(dirname "$0")/../.." || exit 1
CMC_TOP=$PWD
. tests/lib/report.sh
bad=0
while read -r file; do
    grep -qE '^int main\(' "$file" && continue
    folder=${file%/*} base=${file##*/} name=${base%.c}
    until [ -f "tests/unit/$folder/test_$name.c" ] || [ "$name" = "${name%_*}" ]; do
        name=${name%_*}
    done
    if [ -f "tests/unit/$folder/test_$name.c" ]; then
        grep -q "^$file: " tests/lint/untested.txt || continue
        echo "$file: has a test, and must leave tests/lint/untested.txt"
        bad=1
        continue
    fi
    grep -q "^$file: .." tests/lint/untested.txt && continue
    echo "$file: no tests/unit/$folder/test_$base"
    bad=1
done < <(sources 'base/*.c' 'tpm/*.c' 'measure/*.c' 'record/*.c' 'attest/*/*.c' 'shim/*.c' 'tools/*.c')
exit $bad
