#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# The first lines of each source name the licence; those of C also the file and its job.
cd "$(dirname "$0")/../.." || exit 1
CMC_TOP=$PWD
. tests/lib/report.sh
bad=0
while read -r file; do
    head -n 3 "$file" | grep -q 'SPDX-License-Identifier: Apache-2.0' && continue
    echo "$file: no SPDX line"
    bad=1
done < <({
    sources '*.c' '*.h' '*.sh' '*.py' '*.cddl' 'tests/run' '.ci/run' 'tests/stages/*'
    git -c safe.directory='*' grep -lI '^#!' 2>/dev/null
} | grep -vE '^(tests/vectors|tests/fuzz/corpus)/' | sort -u)
while read -r file; do
    case $file in tests/*) head='[A-Z].' ;; *) head="$file -- ." ;; esac
    head -n 3 "$file" | grep -qE "^/\* ($file -- .|$head)" && continue
    echo "$file: the second line is not: /* $file -- its job in one sentence. */"
    bad=1
done < <(sources '*.c' '*.h')
exit $bad
