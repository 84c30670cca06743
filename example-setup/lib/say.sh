# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=bash
# example-setup/lib/say.sh -- what people see: steps, notes, faults. Colour on terminals only.
if [ -t 1 ] && [ -z "${NO_COLOR:-}" ]; then
    bold=$'\e[1m' red=$'\e[31m' plain=$'\e[0m'
else
    bold='' red='' plain=''
fi

step() { # step NUMBER TEXT
    printf '\n%s%s. %s%s\n' "$bold" "$1" "$2" "$plain"
}

note() {
    printf '   %s\n' "$@"
}

die() { # die TEXT [LOGFILE]
    printf '%sfailed:%s %s\n' "$red" "$plain" "$1" >&2
    if [ -s "${2:-}" ]; then
        printf -- '--- the end of %s\n' "$2" >&2
        tail -n 25 "$2" >&2
    fi
    exit 1
}
