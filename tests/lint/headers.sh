#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# Each header compiles alone, under both compilers. (Those beside unit tests need their cmocka.)
cd "$(dirname "$0")/../.." || exit 1
CMC_TOP=$PWD
. tests/lib/report.sh
bad=0
while read -r header; do
    for cc in gcc clang; do
        echo "#include \"$header\"" | $cc -std=c17 -D_GNU_SOURCE -DCMC_VERSION='""' -I. -Wall \
            -Wextra -Werror -Wno-unused-function -fsyntax-only -x c - || bad=1
    done
done < <(sources '*.h' | grep -v '^tests/unit/')
exit $bad
