#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# Binary files only where tests read them, small, and nothing that a tool writes.
cd "$(dirname "$0")/../.." || exit 1
CMC_TOP=$PWD
. tests/lib/report.sh
bad=0
while read -r file; do
    case $file in tests/vectors/* | tests/fuzz/corpus/*) max=262144 ;; *) max=0 ;; esac
    if [ "$(stat -c %s "$file")" -gt $max ] && { [ $max != 0 ] || ! grep -Iq '' "$file"; } &&
        [ -s "$file" ]; then
        echo "$file: binary outside tests/vectors and corpora, or larger than $max bytes"
        bad=1
    fi
    case $file in
    tests/fuzz/corpus/*) ;;
    *.o | *.a | *.so | *.pyc | *~ | *.orig | *.rej | *.swp | *.log | build/* | compile_commands.json)
        echo "$file: a generated file"
        bad=1
        ;;
    esac
done < <(sources '*')
exit $bad
