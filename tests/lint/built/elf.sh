#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# elf.sh BUILD: hardening as the loader sees it, and what each program needs at run time.
build=${1:?usage: elf.sh BUILD}
case_of() { # case_of NAME COMMAND...
    local name=$1 why
    shift
    if why=$("$@" 2>&1); then echo "ok $name"; else echo "not ok $name - ${why:-refused by: $*}"; fi
}
is_pie() { readelf -hW "$1" | grep -q 'Type: *DYN'; }
is_relro() { readelf -lW "$1" | grep -q GNU_RELRO; }
is_now() { readelf -dW "$1" | grep -qE 'BIND_NOW|Flags:.* NOW'; }
is_nx() { readelf -lW "$1" | grep GNU_STACK | grep -qv RWE; }
is_guarded() { nm "$1" | grep -q '__stack_chk_fail'; }
is_fortified() { nm "$1" | grep -qE '__[a-z]+_chk'; }
has_no_path() { ! readelf -dW "$1" | grep -E 'RPATH|RUNPATH|TEXTREL'; }
is_static() { ! readelf -dW "$1" | grep NEEDED && ! readelf -lW "$1" | grep INTERP; }
needs_only() { ! readelf -dW "$1" | sed -n 's/.*NEEDED.*\[\(.*\)\]/\1/p' | grep -vE "^($2)\$"; }
may_need() { # may_need PROGRAM MORE
    case_of "$name needs_only" needs_only "$1" "libc\.so\.6|libtss2-(sys|mu|rc|tctildr)\.so\.[0-9]+$2"
}

found=0
for program in "$build"/bin/* "$build"/libexec/cmc/*; do
    { [ -f "$program" ] && [ ! -L "$program" ]; } || continue
    name=${program##*/} found=$((found + 1))
    for rule in is_pie is_relro is_now is_nx is_guarded is_fortified has_no_path; do
        case_of "$name $rule" $rule "$program"
    done
    case $name in
    containerd-shim-*) case_of "$name is_static" is_static "$program" ;;
    cmcctl | cmc-signing-tool) may_need "$program" '|libcrypto\.so\.3' ;;
    cmcd) may_need "$program" '|libcrypto\.so\.3|libtss2-esys\.so\.[0-9]+' ;;
    measure-bundle) may_need "$program" '|libz\.so\.1|libzstd\.so\.1' ;;
    *) may_need "$program" '' ;; # cmc-measure above all: libcrypto.so alone doubles its time
    esac
done
[ $found -ge 4 ] || echo "not ok programs - $found in $build, expected at least 4"
