# SPDX-License-Identifier: Apache-2.0
# Cases of run.sh that need mounts or whole programs. $build is the build directory. Each case runs
# in a directory of its own below /mnt, which is a tmpfs of the test's namespace.
# shellcheck shell=bash disable=SC2154 # build comes from run.sh
recorder=$build/libexec/cmc/cmc-recorder

say() { echo "$*" >&2; }
# swtpm in $1/tpm; its pid in $pid
tpm_up() {
    mkdir -p "$1/state"
    rm -f "$1/tpm" "$1/tpm.ctrl"
    swtpm socket --tpm2 --tpmstate dir="$1/state" --server type=unixio,path="$1/tpm" \
        --ctrl type=unixio,path="$1/tpm.ctrl" --flags not-need-init,startup-clear >>"$1/out" 2>&1 &
    pid=$!
    for _ in $(seq 500); do
        TSS2_LOG=all+none tpm2_pcrread -T "swtpm:path=$1/tpm" sha256:13 >/dev/null 2>&1 && return 0
        sleep 0.01
    done
    say "swtpm does not come up"
    return 1
}
tpm_down() { kill -9 "$pid" && wait "$pid" 2>/dev/null; true; }
pcr() { tpm2_pcrread -T "swtpm:path=$1/tpm" sha1:13+sha256:13+sha384:13+sha512:13; }
config() { printf '{"runtime_dir":"%s/run","tcti":"swtpm:path=%s/tpm"%s}\n' "$1" "$1" "${2:-}" >"$1/shim.json"; }
world() { # world NAME: makes $dir with a TPM and a configuration
    dir=/mnt/$1
    mkdir -p "$dir" && chmod 700 "$dir" && tpm_up "$dir" && config "$dir"
}
init() { "$recorder" --init --config "$dir/shim.json"; }
writer() { "$build/tests/recorder_writer" "$dir/shim.json" "$@"; }
ctl() { "$build/bin/cmcctl" log --config "$dir/shim.json" --details "$dir/details" "$@"; }
oracle() { PYTHONDONTWRITEBYTECODE=1 "$here/../../oracle/eventlog.py" "$@"; }
expect() { # expect WHAT GOT WANTED
    [ "$2" = "$3" ] || { say "$1: $2, expected $3"; return 1; }
}

# A full file system: the error is clear, the PCR explained by the log, and one
# measurement-failed gets in; with space again recording goes on.
case_no_space() {
    world no_space || return 1
    mkdir -m 750 "$dir/run" && mount -t tmpfs -o size=512k,mode=750 cmc-test "$dir/run" || return 1
    writer record e1 || return 1
    dd if=/dev/zero of="$dir/run/filler" bs=4k 2>/dev/null
    local n=2 # what was allocated ahead may hold a few
    while writer record "e$n" 2>"$dir/err"; do
        n=$((n + 1))
        [ "$n" -lt 100 ] || { say "recorded without space"; return 1; }
    done
    cat "$dir/err"
    grep -q "no space" "$dir/err" || return 1
    writer check | tee "$dir/summary" || return 1
    grep -q "events $((n - 1)) failed 1 discontinuities 0 starts 1 torn 0" "$dir/summary" || return 1
    # whoever insists does not break it
    for _ in $(seq 50); do writer record "e$n" 2>/dev/null && return 1; done
    writer check | tee "$dir/summary" || return 1
    grep -q "discontinuities 0 starts 1 torn 0" "$dir/summary" || return 1
    rm "$dir/run/filler"
    writer record "e$n" || return 1
    writer check | tee "$dir/summary" || return 1
    grep -q "events $n .*discontinuities 0 starts 1 torn 0" "$dir/summary" || return 1
    umount "$dir/run"
    tpm_down
}

case_read_only() {
    world read_only || return 1
    mkdir -m 750 "$dir/run" && mount -t tmpfs -o size=1m,mode=750 cmc-test "$dir/run" || return 1
    writer record e1 || return 1
    pcr "$dir" >"$dir/before"
    mount -o remount,ro "$dir/run"
    writer record e2 2>"$dir/err" && { say "recorded on a read-only file system"; return 1; }
    cat "$dir/err"
    grep -q "Read-only file system" "$dir/err" || return 1
    pcr "$dir" | diff "$dir/before" - || return 1
    mount -o remount,rw "$dir/run"
    writer record e3 && writer check || return 1
    umount "$dir/run"
    tpm_down
}

# Symbolic links, foreign owners, directories that others can write: refused, PCR untouched.
case_hostile_directory() {
    world hostile || return 1
    pcr "$dir" >"$dir/before"
    mkdir "$dir/elsewhere"
    local kind
    for kind in link link-above foreign foreign-above writable writable-above file; do
        rm -rf "$dir/run" "$dir/above"
        mkdir -m 755 "$dir/above"
        config "$dir"
        case $kind in
        link) ln -s "$dir/elsewhere" "$dir/run" ;;
        link-above) rmdir "$dir/above" && ln -s "$dir/elsewhere" "$dir/above" ;;
        foreign) mkdir "$dir/run" && chown 12345 "$dir/run" ;;
        foreign-above) chown 12345 "$dir/above" ;;
        writable) mkdir -m 777 "$dir/run" && chmod 777 "$dir/run" ;;
        writable-above) chmod 777 "$dir/above" ;;
        file) : >"$dir/run" ;;
        esac
        case $kind in
        *-above) sed -i "s|$dir/run|$dir/above/run|" "$dir/shim.json" ;;
        esac
        init 2>"$dir/err"
        expect "$kind" $? 1 || { cat "$dir/err" >&2; return 1; }
        cat "$dir/err"
        pcr "$dir" | diff "$dir/before" - || return 1
    done
    tpm_down
}

# Twice changes nothing; the file system is a tmpfs of its own with the right mode.
case_init() {
    world init || return 1
    init || return 1
    findmnt -no FSTYPE,OPTIONS "$dir/run" | tee "$dir/mount"
    grep -q "^tmpfs .*nosuid,nodev,noexec.*mode=750" "$dir/mount" || return 1
    expect mode "$(stat -c %a "$dir/run")" 750 || return 1
    expect "log mode" "$(stat -c %a "$dir/run/log")" 640 || return 1
    expect "lock mode" "$(stat -c %a "$dir/run/lock")" 600 || return 1
    pcr "$dir" >"$dir/before"
    cp "$dir/run/log" "$dir/log"
    init || return 1
    cmp "$dir/run/log" "$dir/log" || return 1
    pcr "$dir" | diff "$dir/before" - || return 1
    expect mounts "$(grep -c " $dir/run " /proc/self/mounts)" 1 || return 1
    writer record e1 && writer check || return 1
    umount "$dir/run"
    # recording began without the mount: its log must not be hidden by one
    tpm_down && tpm_up "$dir" && writer record e1 && init || return 1
    mountpoint -q "$dir/run" && { say "mounted over a log"; return 1; }
    writer check >"$dir/summary" && cat "$dir/summary" || return 1
    grep -q "discontinuities 0 .*starts 1" "$dir/summary" || return 1
    tpm_down
}

case_init_refused() {
    world refused || return 1
    "$recorder" 2>/dev/null
    expect "no option" $? 2 || return 1
    "$recorder" --init --no-such-option 2>/dev/null
    expect "unknown option" $? 2 || return 1
    "$recorder" --help | grep -q -- --init || return 1
    local pcr
    for pcr in 16 23 17; do
        config "$dir" ",\"pcr\":$pcr"
        init
        expect "PCR $pcr" $? 2 || return 1
    done
    config "$dir" ',"pcr":16,"insecure_pcr":true'
    init || return 1
    config "$dir" ',"pcr":13'
    init 2>"$dir/err"
    expect "another register" $? 1 || return 1
    cat "$dir/err"
    grep -q reboot "$dir/err" || return 1
    umount "$dir/run"
    tpm_down
    config "$dir"
    init
    expect "no TPM" $? 3
    local rc=$?
    umount "$dir/run"
    return $rc
}

# Reboot: TPM reset and an empty directory. Nothing of the old boot remains.
case_reboot() {
    world reboot || return 1
    init && writer record e1 || return 1
    umount "$dir/run"
    tpm_down && tpm_up "$dir" || return 1
    init && writer record e1 && writer check >"$dir/summary" || return 1
    cat "$dir/summary"
    grep -q "events 1 .*discontinuities 0 .*starts 1" "$dir/summary" || return 1
    # only the log is gone: that is not a reboot
    umount "$dir/run"
    init && writer record e2 && writer check >"$dir/summary" || return 1
    cat "$dir/summary"
    grep -q "discontinuities 1 .*starts 1" "$dir/summary" || return 1
    umount "$dir/run"
    tpm_down
}

# The TPM was reset, the directory stayed: a new segment with a recorder-start, no discontinuity.
case_reset() {
    world reset || return 1
    init && writer record e1 || return 1
    tpm_down && tpm_up "$dir" || return 1
    writer record e2 && writer check >"$dir/summary" || return 1
    cat "$dir/summary"
    grep -q "events 2 .*discontinuities 0 .*starts 2" "$dir/summary" || return 1
    umount "$dir/run"
    tpm_down
}

# tpm2-tools as the stranger who extends; and the PCR as others see it is the one of the log.
case_foreign() {
    world foreign || return 1
    init && writer record e1 || return 1
    tpm2_pcrextend -T "swtpm:path=$dir/tpm" "13:sha256=$(printf '%064d' 7)" || return 1
    writer record e2 && writer record e3 && writer check >"$dir/summary" || return 1
    cat "$dir/summary"
    grep -q "events 3 .*discontinuities 1 .*starts 1" "$dir/summary" || return 1
    local value
    value=$(pcr "$dir" | sed -n '/sha256/,/13/s/.*13: 0x//p' | head -1 | tr A-F a-f)
    grep -q "sha256 $value" "$dir/summary" || { say "tpm2_pcrread says $value"; return 1; }
    umount "$dir/run"
    tpm_down
}

digest() { printf "%0$(($2 * 2))d" 0 | sed "s/00/$1/g"; } # digest BYTE LENGTH
firmware_extends() { # as firmware does before the system starts; keeps the values in $dir/start
    tpm2_pcrextend -T "swtpm:path=$dir/tpm" "13:sha1=$(digest "$1" 20),sha256=$(digest "$1" 32),\
sha384=$(digest "$1" 48),sha512=$(digest "$1" 64)" || return 1
    pcr "$dir" | values >"$dir/start"
}
values() { # of pcr's output: lines ALG=HEX
    sed -n 's/^ *\(sha[0-9]*\):.*/\1/p; s/^ *13: *0x//p' | tr A-F a-f | paste -d= - -
}
args() { sed "s/^/--$1\n/" "$2"; } # args OPTION FILE: option and value, a line each
summary() { # summary WANTED: what writer check says
    writer check >"$dir/summary" || { cat "$dir/summary"; return 1; }
    grep -q "$1" "$dir/summary" || { say "no \"$1\" in: $(cat "$dir/summary")"; return 1; }
}

# PCR 13 does not begin at zero: the firmware's log explains it, to recorder, cmcctl and oracle.
case_firmware() {
    world firmware || return 1
    config "$dir" ",\"firmware_log\":\"$dir/firmware\""
    firmware_extends 55 && writer firmware 0x55 "$dir/firmware" || return 1
    init && writer record e1 && summary "events 1 .*discontinuities 0 starts 1" || return 1
    ctl --verify || return 1
    pcr "$dir" | values >"$dir/now"
    mapfile -t start < <(args start "$dir/start")
    mapfile -t now < <(args pcr "$dir/now")
    oracle log "$dir/run/log" "${start[@]}" "${now[@]}" || return 1
    oracle log "$dir/run/log" "${now[@]}" && { say "the oracle needs no start value"; return 1; }
    ctl --verify --firmware-log /none >"$dir/out"
    expect "firmware log away" $? 3 || return 1
    grep "COULD NOT CHECK: .*the firmware log does not help" "$dir/out" || return 1
    umount "$dir/run"
    tpm_down
}

# One that does not explain it, is damaged, or is not there: a discontinuity that says so.
case_firmware_does_not_explain() {
    world unexplained || return 1
    config "$dir" ",\"firmware_log\":\"$dir/firmware\""
    local kind
    for kind in other damaged missing; do
        tpm_down && tpm_up "$dir" && firmware_extends 55 || return 1
        rm -f "$dir/firmware"
        [ $kind = missing ] || writer firmware 0x66 "$dir/firmware" || return 1
        [ $kind = damaged ] && truncate -s 90 "$dir/firmware"
        init 2>"$dir/err" || { cat "$dir/err"; return 1; }
        cat "$dir/err"
        writer record e1 && summary "events 1 .*discontinuities 1 starts 1" || return 1
        ctl --verify >"$dir/out" || return 1
        case $kind in
        other) grep "reason.*the firmware log has 1 event(s) for PCR 13" "$dir/out" ;;
        *) grep "reason.*the firmware log does not help" "$dir/out" ;;
        esac || { cat "$dir/out"; return 1; }
        umount "$dir/run"
    done
    tpm_down
}

# Profile cmc: what is not extended is said, and the export gives the PCR to who knows only that.
case_profile_cmc() {
    world cmc || return 1
    config "$dir" ',"profile":"cmc"'
    init && writer record e1 && writer delete e1 && writer record e1 && writer record e2 || return 1
    summary "events 4 .*discontinuities 0 starts 1" || return 1
    ctl --verify >"$dir/out" || { cat "$dir/out"; return 1; }
    grep "#0 recorder-start  (unverified: not extended)" "$dir/out" || return 1
    grep "2 of 5 events are not extended and unverified" "$dir/out" || return 1
    pcr "$dir" | values >"$dir/now"
    mapfile -t now < <(args pcr "$dir/now")
    oracle log "$dir/run/log" "${now[@]}" || return 1
    local kind
    for kind in cel-json cel-cbor cmc-json; do
        ctl --export $kind >"$dir/export" || return 1
        [ $kind = cmc-json ] && mapfile -t now < <(grep sha256 "$dir/now" | args pcr -)
        oracle $kind "$dir/export" "${now[@]}" >"$dir/said" || { cat "$dir/said"; return 1; }
    done
    grep -q "^events 3$" "$dir/said" || return 1
    # must fail: another configuration, an event less, a value that is not the PCR's
    sed '0,/c0c0/s//c1c0/' "$dir/export" >"$dir/changed"
    oracle cmc-json "$dir/changed" && return 1
    sed '$!{3d}' "$dir/export" >"$dir/changed"
    oracle cmc-json "$dir/changed" "${now[@]}" && return 1
    # the profile stays until the TPM is reset
    cp "$dir/run/log" "$dir/log" && pcr "$dir" >"$dir/before"
    config "$dir"
    init 2>"$dir/err"
    expect "another profile" $? 1 || return 1
    grep "this boot records in profile cmc, exact is asked for: reboot" "$dir/err" || return 1
    cmp "$dir/run/log" "$dir/log" && pcr "$dir" | diff "$dir/before" - || return 1
    tpm_down && tpm_up "$dir" && init && writer record e3 || return 1
    summary "events 5 .*discontinuities 0 starts 2" || return 1
    ctl --verify --export cmc-json 2>/dev/null
    ctl --export cmc-json 2>"$dir/err"
    expect "export in profile exact" $? 2 || return 1
    grep "this log is of profile exact" "$dir/err" || return 1
    umount "$dir/run"
    tpm_down
}

# What profile cmc extended is hidden by a discontinuity, which it does not extend: no agreement
# may come from that, neither with events behind it nor without.
case_hidden_events() {
    world hidden || return 1
    config "$dir" ',"profile":"cmc"'
    init && writer record e1 && writer record e2 || return 1
    ctl --verify >"$dir/out" || { cat "$dir/out"; return 1; }
    rm "$dir/run/log"
    init || return 1 # a discontinuity and a recorder-start: e1 and e2 are as if they never were
    ctl --verify >"$dir/out"
    expect "all events hidden" $? 3 || { cat "$dir/out"; return 1; }
    writer record e3 || return 1
    ctl --verify >"$dir/out"
    expect "earlier events hidden" $? 3 || { cat "$dir/out"; return 1; }
    grep "COULD NOT CHECK: .* only from the value on that a discontinuity found" "$dir/out" || return 1
    grep "^AGREE" "$dir/out" && return 1
    pcr "$dir" | values >"$dir/now"
    mapfile -t now < <(args pcr "$dir/now")
    oracle log "$dir/run/log" "${now[@]}" >"$dir/out" && { say "the oracle agrees"; return 1; }
    grep "^not vouched for" "$dir/out" || return 1
    ctl --export cmc-json 2>"$dir/err" && return 1
    tpm_down && tpm_up "$dir" && init && writer record e4 || return 1
    ctl --verify >"$dir/out" || { cat "$dir/out"; return 1; }
    umount "$dir/run"
    tpm_down
}

until_says() { # until_says FILE TEXT: within 10 s
    for _ in $(seq 1000); do
        grep -q -- "$2" "$1" && return 0
        sleep 0.01
    done
    say "no \"$2\" in: $(cat "$1")"
    return 1
}
follow() { # in the background, its pid in $follower
    "$build/bin/cmcctl" log --config "$dir/shim.json" --follow "$@" >"$dir/follow" 2>&1 &
    follower=$!
}
ends_with() { # ends_with STATUS
    wait "$follower"
    expect "cmcctl log --follow ended with" $? "$1"
}

# New events appear as they are recorded, once; an interrupt ends it cleanly; damage is said.
case_follow() {
    world follow || return 1
    init || return 1
    local signal kind
    for signal in INT TERM; do
        follow --verify
        until_says "$dir/follow" "^#0 recorder-start" || return 1
        until_says "$dir/follow" "^AGREE" || return 1
        writer record "e-$signal" || return 1
        until_says "$dir/follow" "default/e-$signal" || return 1
        kill -$signal "$follower" && ends_with 0 || return 1
        expect "times that recorder-start was shown" "$(grep -c "^#0 " "$dir/follow")" 1 || return 1
        grep -q DISAGREE "$dir/follow" && { cat "$dir/follow" >&2; return 1; }
    done
    cp "$dir/run/log" "$dir/log"
    for kind in in-place garbage foreign; do
        follow --verify
        until_says "$dir/follow" "^AGREE" || return 1
        case $kind in
        in-place) printf x | dd of="$dir/run/log" bs=1 seek=40 conv=notrunc 2>/dev/null ;;
        garbage) printf x >>"$dir/run/log" ;;
        foreign) # seen with the next event, whose recorder finds it: a new segment, which agrees
            tpm2_pcrextend -T "swtpm:path=$dir/tpm" "13:sha256=$(digest 07 32)" || return 1
            writer record e9 || return 1 ;;
        esac
        if [ $kind = foreign ]; then
            until_says "$dir/follow" "discontinuity" || return 1
            kill -INT "$follower" && ends_with 0 || return 1
        else
            until_says "$dir/follow" "^DISAGREE" && ends_with 1 || return 1
            cat "$dir/log" >"$dir/run/log"
        fi
    done
    umount "$dir/run"
    tpm_down
}
