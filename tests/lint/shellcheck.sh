#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# Runs shellcheck on each shell script, whatever its name.
cd "$(dirname "$0")/../.." || exit 1
CMC_TOP=$PWD
. tests/lib/report.sh
mapfile -t files < <(sources '*' | grep -vE '^tests/(vectors|fuzz)/' | while read -r file; do
    head -n 3 "$file" | grep -aqE '^#!.*\b(ba)?sh\b|^# shellcheck shell=' && echo "$file"
done)
echo "${#files[@]} scripts"
# SC1091: sourced files are found from the top of the tree, and are checked by themselves
# SC2034: assigned for the file that sources them
shellcheck -x -e SC1091,SC2034 "${files[@]}"
