#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# install_test.sh BUILD -- cmake --install puts what tests/install-list.txt says where it says, with
# these modes, and each installed program answers --help and --version.
set -u
build=$(realpath "${1:?usage: install_test.sh BUILD}")
cd "$(dirname "$0")/../.." || exit 1
root=$(mktemp -d) || exit 1
trap 'rm -rf "$root"' EXIT

result() { # result NAME STATUS WHY
    if [ "$2" = 0 ]; then echo "ok $1"; else echo "not ok $1 - $3"; fi
}

DESTDIR=$root cmake --install "$build" --prefix /usr/local >"$root/log" 2>&1
result "cmake --install" $? "$(tail -n 3 "$root/log")"
rm "$root/log"

found=$(cd "$root" && find . ! -type d -printf '%M %P %l\n' | sed 's/ *$//' | LC_ALL=C sort -k 2)
why=$(diff <(LC_ALL=C sort -k 2 tests/install-list.txt) <(echo "$found"))
result "files are those of tests/install-list.txt" $? "$(grep '^[<>]' <<<"$why" | tr '\n' ';')"

version=$(sed -n 's/^project(cmc VERSION \([0-9.]*\).*/\1/p' CMakeLists.txt)
prefix=$root/usr/local
for program in "$prefix"/bin/* "$prefix"/libexec/cmc/*; do
    name=${program##*/}
    out=$("$program" --help 2>"$root/err")
    status=$?
    [ $status = 0 ] && [ ! -s "$root/err" ] && grep -qi '^usage:' <<<"$out"
    result "$name --help" $? "exit status $status: $(head -n 1 <<<"$out") $(cat "$root/err")"
    out=$("$program" --version 2>"$root/err")
    status=$?
    [ $status = 0 ] && [ ! -s "$root/err" ] && grep -qF "$version" <<<"$out"
    result "$name --version" $? "exit status $status: $out $(cat "$root/err"), expected $version"
    "$program" --no-such-option >"$root/out" 2>"$root/err" </dev/null
    status=$?
    [ $status != 0 ] && [ ! -s "$root/out" ] && grep -q 'no-such-option' "$root/err"
    result "$name refuses an unknown option by name" $? "status $status: $(cat "$root/out" "$root/err")"
done

# nothing of the place where it was built, and no unit that names a program that is not there
! grep -rlF "$build" "$prefix" >"$root/err"
result "no path of the build folder" $? "$(cat "$root/err")"
while read -r path; do
    test -x "$root$path"
    result "unit names a program that is installed: $path" $? "not there"
done < <(grep -rhoE '^Exec(Start|Stop)[A-Za-z]*=[-+!:]*[^ ]+' "$prefix/lib/systemd" | sed 's/^[^/]*//' | sort -u)
