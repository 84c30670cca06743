#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# Man pages that groff and mandoc read without a warning.
cd "$(dirname "$0")/../.." || exit 1
CMC_TOP=$PWD
. tests/lib/report.sh
bad=0
mapfile -t pages < <(sources 'docs/man/*.[1-9]')
[ ${#pages[@]} -gt 0 ] || { echo "docs/man: no pages" && exit 1; }
for page in "${pages[@]}"; do
    found=$(groff -man -ww -Tutf8 -z "$page" 2>&1)$(mandoc -Tlint -W warning "$page" 2>&1)
    [ -z "$found" ] && continue
    printf '%s\n' "$page" "$found"
    bad=1
done
exit $bad
