# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=bash
# tests/lib/report.sh -- how a stage reports its cases: one line each in $CMC_RESULTS.
#
#   ok NAME | not ok NAME - REASON | skip NAME - REASON
#
# Exit status 77 is a skip, whose reason is the last line of output. tests/run counts the lines.
. "$CMC_TOP/example-setup/lib/owner.sh"
cd "$CMC_TOP" || exit 1
jobs=$(nproc)

report() { # report 'ok NAME': to the count, and (unless it passed) to whoever watches
    echo "$1" >>"$CMC_RESULTS"
    case $1 in ok\ *) ;; *) echo "  $1" ;; esac
}

log_of() { # log_of NAME: the file that keeps a case's output
    echo "${CMC_RESULTS%.results}.$(tr -c 'A-Za-z0-9.\n' - <<<"$1").log"
}

verdict() { # verdict NAME STATUS LOG
    case $2 in
    0) report "ok $1" ;;
    77) report "skip $1 - $(tail -n 1 "$3")" ;;
    *)
        report "not ok $1 - status $2, $3"
        tail -n "${CMC_TAIL:-40}" "$3" | sed 's/^/    | /'
        ;;
    esac
    [ "$2" = 0 ] || [ "$2" = 77 ]
}

check() { # check NAME COMMAND...: one case
    local name=$1 log status
    shift
    log=$(log_of "$name")
    "$@" >"$log" 2>&1 </dev/null
    status=$?
    verdict "$name" $status "$log"
}

# cases NAME COMMAND...: COMMAND prints a line per case, as above. One that prints none is one case.
cases() {
    local name=$1 log status
    shift
    log=$(log_of "$name")
    # stdin from nowhere; progress as it comes
    "$@" 2>&1 </dev/null | tee "$log" | grep --line-buffered -E '^(ok|not ok|skip) ' |
        sed -uE "s#^(ok|not ok|skip) (- )?#\1 $name: #" | while read -r line; do
            report "$line"
        done
    status=${PIPESTATUS[0]}
    if ! grep -qE '^(ok|not ok|skip) ' "$log"; then
        verdict "$name" "$status" "$log"
    elif grep -q '^not ok ' "$log"; then
        tail -n "${CMC_TAIL:-60}" "$log" | sed 's/^/    | /'
        return 1
    elif [ "$status" != 0 ] && [ "$status" != 77 ]; then
        verdict "$name ended well" "$status" "$log"
    fi
}

need_root() { # for a stage that only root can run
    [ "$(id -u)" = 0 ] && return 0
    report "skip $1 - needs root: sudo tests/run"
    exit 0
}

sources() { # sources GLOB...: files of the project, with no build folder among them
    if git -c safe.directory='*' rev-parse --git-dir >/dev/null 2>&1; then
        git -c safe.directory='*' ls-files --cached --others --exclude-standard -- "$@" | sort -u |
            while read -r file; do [ -f "$file" ] && echo "$file"; done
    else
        local glob
        for glob in "$@"; do find . -path ./build -prune -o -type f -path "./$glob" -print; done |
            sed 's|^\./||' | sort -u
    fi
}
