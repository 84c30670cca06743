#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# codespell on everything that people wrote. tests/lint/words.txt holds words that it does not know.
cd "$(dirname "$0")/../.." || exit 1
CMC_TOP=$PWD
. tests/lib/report.sh
mapfile -t files < <(sources '*' | grep -vE '^(tests/(vectors|fuzz/corpus)/|LICENSE)')
codespell --ignore-words tests/lint/words.txt "${files[@]}"
