#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# help-man.sh BUILD: each option that --help prints is in the man page, and the other way round.
build=${1:?usage: help-man.sh BUILD}
top=$(dirname "$0")/../../..
options() { grep -oE '(^|[ ,[])--?[a-z][a-z0-9-]+' | sed -E 's/^[ ,[]*-+//' | sort -u; }
for program in "$build"/bin/* "$build"/libexec/cmc/*; do
    { [ -f "$program" ] && [ ! -L "$program" ]; } || continue
    name=${program##*/}
    page=$(ls "$top"/docs/man/"$name".[1-9] 2>/dev/null)
    if [ -z "$page" ]; then
        echo "not ok $name - no man page docs/man/$name.N"
        continue
    fi
    if ! "$program" --help >/dev/null; then
        echo "not ok $name - --help fails"
        continue
    fi
    # option lines begin with spaces and a dash in both; commands have a --help of their own
    commands=$("$program" --help | sed -n '/^Commands:/,/^$/s/^  \([a-z]*\) .*/\1/p')
    # shellcheck disable=SC2086 # the first one is no argument
    help=$(for command in '' $commands; do "$program" $command --help; done | grep -E '^ +-' | options)
    man=$(mandoc -Tutf8 "$page" | sed "s,.\x08,,g" | grep -E '^ {3,9}-' | options)
    if [ "$help" = "$man" ]; then
        echo "ok $name"
    else
        echo "not ok $name - --help and $page differ: $(diff <(echo "$help") <(echo "$man") |
            grep '^[<>]' | tr '\n' ' ')"
    fi
done
