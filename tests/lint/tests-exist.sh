#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# Fails when a source file has no unit test file; programs (a main) are covered by integration.
cd "$(dirname "$0")/../.." || exit 1
CMC_TOP=$PWD
. tests/lib/report.sh
bad=0
while read -r file; do
    grep -qE '^int main\(' "$file" && continue
    folder=${file%/*} base=${file##*/}
    [ -f "tests/unit/$folder/test_$base" ] && continue
    echo "$file: no tests/unit/$folder/test_$base"
    bad=1
done < <(sources 'base/*.c' 'tpm/*.c' 'measure/*.c' 'record/*.c' 'shim/*.c' 'tools/*.c')
exit $bad
