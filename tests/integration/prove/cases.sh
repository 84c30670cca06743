# SPDX-License-Identifier: Apache-2.0
# Cases of run.sh. $build is the build directory. Each case runs in a directory of its own below
# /mnt, which is a tmpfs of the test's namespace, and ends at the first command that fails.
# shellcheck shell=bash disable=SC2154 # build comes from run.sh
nonce=000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f
# Q of docs/formats/report.md, 2
qualified=$(printf 'cmc-exact 1.0\0%b' "$(sed 's/../\\x&/g' <<<$nonce)" | sha256sum | cut -d' ' -f1)

say() { echo "$*" >&2; }
fails_with() { # fails_with TEXT COMMAND...
    local text=$1
    shift
    if "$@" >/dev/null 2>err; then
        say "$*: succeeded"
        return 1
    fi
    grep -qF -- "$text" err || { say "expected: $text, got:"; cat err; return 1; }
}

# a CA for attestation keys, in /mnt
authority() {
    cat >ca.cnf <<'X'
[ca]
basicConstraints = critical, CA:TRUE, pathlen:0
keyUsage = critical, keyCertSign, cRLSign
[ak]
basicConstraints = critical, CA:FALSE
keyUsage = critical, digitalSignature
extendedKeyUsage = 2.23.133.8.3
X
    openssl ecparam -name prime256v1 -genkey -noout -out ca.key
    openssl req -x509 -new -key ca.key -days 2 -subj "/CN=test AK CA" -config ca.cnf \
        -extensions ca -out ca.pem 2>/dev/null ||
        openssl req -x509 -new -key ca.key -days 2 -subj "/CN=test AK CA" -out ca.pem
}
# certify CSR: the chain on stdout
certify() {
    openssl x509 -req -in "$1" -CA /mnt/ca.pem -CAkey /mnt/ca.key -days 2 -copy_extensions copy \
        -extfile /mnt/ca.cnf -extensions ak 2>/dev/null
    cat /mnt/ca.pem
}

# swtpm in the present directory; its pid in $pid
tpm_up() {
    mkdir -p state
    rm -f tpm tpm.ctrl
    swtpm socket --tpm2 --tpmstate dir=state --server type=unixio,path="$PWD/tpm" \
        --ctrl type=unixio,path="$PWD/tpm.ctrl" --flags not-need-init,startup-clear >>swtpm.out 2>&1 &
    pid=$!
    tcti=swtpm:path=$PWD/tpm
    for _ in $(seq 500); do
        tpm2_pcrread -T "$tcti" sha256:13 >/dev/null 2>&1 && return 0
        sleep 0.01
    done
    say "swtpm does not come up"
    return 1
}
tpm_down() {
    kill -9 "$pid"
    wait "$pid" 2>/dev/null || true
}
absent() { # absent TEXT FILE: -e does not see a command behind "!"
    if grep -q -- "$1" "$2"; then
        say "$2 has $1"
        return 1
    fi
}
# world NAME [MEMBERS]: a directory with a TPM, a configuration with these members, and a bundle
world() {
    mkdir -p "/mnt/$1/b/rootfs/bin"
    cd "/mnt/$1"
    chmod 700 .
    echo hello >b/rootfs/bin/hello
    cat >b/config.json <<'X'
{"ociVersion":"1.0.2","process":{"user":{"uid":0,"gid":0},"args":["/bin/hello"],"cwd":"/",
 "env":["VAL=HELLO","DB_PASSWORD=canary-7f3a"]},"root":{"path":"rootfs"},"mounts":[],
 "linux":{"namespaces":[{"type":"mount"}],"cgroupsPath":"/default/web-1"}}
X
    tpm_up
    printf '{"runtime_dir":"%s/run","state_dir":"%s/lib","tcti":"%s","firmware_log":"%s/none"%s}\n' \
        "$PWD" "$PWD" "$tcti" "$PWD" "${2:-}" >site.json
}
feed() { "$build/tests/prove_feed" site.json "$PWD/b" "$@"; }
prove() {
    "$build/tests/prove_report" "tcti=$tcti" storage=ak run=run "state=$PWD/lib" host=host.example "$@"
}
# key [ARGUMENT...] -- ALG: makes and certifies one
key() {
    prove "$@" >ak.csr
    openssl req -in ak.csr -noout -verify
    certify ak.csr >chain.pem
    prove "${@:1:$#-2}" install <chain.pem
    openssl x509 -in chain.pem -noout -pubkey >ak.pem
}
checked() { # checked FILE...: reports over $nonce
    local n=0 f
    rm -rf checked
    mkdir checked
    for f; do
        ln "$f" "checked/$nonce.$((n += 1))"
    done
    "$here/check.py" ak.pem checked/*
}

context() { # context FILE: of a report in JSON
    python3 -c 'import base64, json, sys
c = json.load(open(sys.argv[1]))["context"]
sys.stdout.buffer.write(base64.urlsafe_b64decode(c + "=" * (-len(c) % 4)))' "$1"
}

case_key_ecdsa() {
    world key_ecdsa
    key key ecdsa-p256
    openssl req -in ak.csr -noout -text | tee text
    grep -q "CN = host.example AK" text
    grep -q "DNS:host.example" text
    [ "$(stat -c %a ak ak/tpm_ak_encrypted.json ak/tpm_ak_chain.pem | tr '\n' ' ')" = "700 600 600 " ]
    tpm2_readpublic -T "$tcti" -c 0x81008f00 | tee text
    grep -q "value: fixedtpm|fixedparent|sensitivedataorigin|userwithauth|noda|restricted|sign" text
    tpm2_readpublic -T "$tcti" -c 0x81018f00 >/dev/null
    tpm2_getcap -T "$tcti" handles-transient | tee text # nothing is left in the slots
    [ ! -s text ]
    tpm_down
}

case_key_rsa() {
    world key_rsa
    key key rsa2048
    grep -q . ak.pem
    openssl x509 -in chain.pem -noout -text | grep "Public-Key: (2048 bit)"
    feed web-1
    prove report $nonce >r.cbor
    checked r.cbor
    tpm_down
}

case_key_sw() {
    world key_sw
    prove driver=sw key >ak.csr
    certify ak.csr >chain.pem
    prove driver=sw install <chain.pem
    [ "$(stat -c %a ak/sw_ak_private.key ak/sw_ak_chain.pem | tr '\n' ' ')" = "600 600 " ]
    openssl pkey -inform DER -in ak/sw_ak_private.key -noout
    fails_with "expected ecdsa-p256" prove driver=sw storage=other key rsa2048
    chmod 640 ak/sw_ak_private.key
    fails_with "expected a regular file of our own, 0600" prove driver=sw key
    tpm_down
}

# Asked again, the same key signs another request.
case_key_is_kept() {
    world key_is_kept
    prove key >a.csr
    cp ak/tpm_ak_encrypted.json before
    prove key >b.csr
    cmp before ak/tpm_ak_encrypted.json
    cmp <(openssl req -in a.csr -noout -pubkey) <(openssl req -in b.csr -noout -pubkey)
    fails_with "have its request signed by a CA" prove storage=none report $nonce
    fails_with "no certificate of the attestation key" prove report $nonce
    certify a.csr >chain.pem
    fails_with "no certificate" prove install </dev/null
    fails_with "is not of the attestation key" prove install <<<"$(cat ../ca.pem chain.pem)"
    fails_with "is not of the issuer of the one before it" prove install <<<"$(cat chain.pem chain.pem)"
    [ ! -e ak/tpm_ak_chain.pem ]
    prove install <chain.pem
    fails_with "expected a DNS name" prove host='a b' key
    tpm_down
}

# A second key takes the next handle; whose handle is taken is told.
case_key_of_another_tpm() {
    world key_of_another_tpm
    key key ecdsa-p256
    prove storage=second key >/dev/null
    grep -q '"PersistentHandle":2164297473' second/tpm_ak_encrypted.json
    sed 's/2164297472/2164297473/' ak/tpm_ak_encrypted.json >f
    cat f >ak/tpm_ak_encrypted.json
    fails_with "holds another key than the attestation key" prove report $nonce
    tpm_down
}

case_key_gone() {
    world key_gone
    key key ecdsa-p256
    tpm2_clear -T "$tcti" -c p
    fails_with "attestation key: " prove report $nonce
    tpm_down
    fails_with "cannot be opened" prove report $nonce
}

# Handles of others stay, and their slots are not ours.
case_key_shared_tpm() {
    world key_shared_tpm
    tpm2_createprimary -T "$tcti" -C o -c primary.ctx >/dev/null
    tpm2_evictcontrol -T "$tcti" -C o -c primary.ctx 0x81008f00 >/dev/null
    tpm2_readpublic -T "$tcti" -c 0x81008f00 -o before >/dev/null
    tpm2_flushcontext -T "$tcti" -t
    key key ecdsa-p256
    tpm2_readpublic -T "$tcti" -c 0x81008f00 -o after >/dev/null
    cmp before after
    tpm2_readpublic -T "$tcti" -c 0x81008f01 >/dev/null
    feed web-1
    prove report $nonce >r.cbor
    checked r.cbor
    tpm_down
}

case_report_exact() {
    world report_exact
    key key ecdsa-p256
    feed web-1 3
    echo '{"a":1}' >item1
    echo '{"b":2}' >item2
    prove item=item1 item=item2 item=item1 report $nonce >r.cbor
    prove item=item2 item=item1 report $nonce json >r.json
    checked r.cbor r.json
    python3 - <<'X'
import base64, hashlib, json
r = json.load(open("r.json"))
d = [base64.b64decode(x) for x in r["digests"]]
assert d == sorted(hashlib.sha256(open(f, "rb").read()).digest() for f in ("item1", "item2")), d
assert [hashlib.sha256(base64.b64decode(x)).digest() for x in r["metadata"]] == d
assert [p["index"] for p in r["evidence"]["pcrs"]] == [0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 11, 12, 13, 14, 15]
assert base64.b64decode(r["log"]) == open("run/log", "rb").read()
assert len(r["details"]) == 1 and len(r["evidence"]["certificates"]) == 2
X
    # another program's opinion of the same bytes
    python3 - <<'X'
import base64, json
e = json.load(open("r.json"))["evidence"]
open("m", "wb").write(base64.b64decode(e["attest"]))
open("s", "wb").write(base64.b64decode(e["signature"]))
X
    tpm2_checkquote -u ak.pem -m m -s s -q "$qualified" -g sha256
    fails_with "" tpm2_checkquote -u ak.pem -m m -s s -q "${qualified/?/f}f" -g sha256
    prove details=0 report $nonce json >r.json
    absent VAL r.json
    tpm_down
}

case_report_cmc() {
    world report_cmc ',"profile":"cmc"'
    sed -i 's/,"DB_PASSWORD=canary-7f3a"//' b/config.json
    key key rsa2048
    feed web-1 2
    prove report $nonce json >r.json
    prove report $nonce >r.cbor
    checked r.json r.cbor
    python3 - <<'X'
import base64, hashlib, json
c = json.load(open("r.json"))["context"]
c = json.loads(base64.urlsafe_b64decode(c + "=" * (-len(c) % 4)))
col = c["collateral"][0]
assert col["type"] == "TPM Evidence" and len(col["certs"]) == 2, col
log = [a for a in col["artifacts"] if a["type"] == "PCR Eventlog"]
assert len(log) == 1 and log[0]["index"] == 13 and len(log[0]["events"]) == 2
for e in log[0]["events"]:
    assert e["type"] == "application" and e["name"] == "web-1", e
    assert {"name": "cmc.ta", "value": "TPM"} in e["properties"]
    assert {"name": "cmc.index", "value": "13"} in e["properties"]
    d = e["ctrData"]
    both = bytes.fromhex(d["configSha256"] + d["rootfsSha256"])
    assert e["hashes"] == [{"alg": "SHA-256", "content": hashlib.sha256(both).hexdigest()}]
    # this configuration has neither numbers nor strings that JCS would write in another way
    form = json.dumps(d["ociSpec"], separators=(",", ":"), sort_keys=True).encode()
    assert hashlib.sha256(form).hexdigest() == d["configSha256"]
X
    prove details=0 report $nonce json >r.json
    context r.json >context
    grep -q configSha256 context
    absent HELLO context
    fails_with "verifiers of CMC read SHA-256" prove bank=sha384 report $nonce
    tpm_down
}

case_report_sw() {
    world report_sw
    prove driver=sw key >ak.csr
    certify ak.csr >chain.pem
    prove driver=sw install <chain.pem
    openssl x509 -in chain.pem -noout -pubkey >ak.pem
    feed web-1
    prove driver=sw report $nonce >r.cbor
    checked r.cbor
    tpm_down
    prove driver=sw report $nonce >r.cbor # it needs no TPM
    checked r.cbor
}

# Whoever recorded nothing says so, and it is for verifiers to judge.
case_report_before_recording() {
    world report_before_recording
    key key ecdsa-p256
    prove report $nonce json >r.json
    grep -q '"log":""' r.json
    tpm_down
}

case_report_after_reset() {
    world report_after_reset
    key key ecdsa-p256
    feed web-1
    tpm_down
    tpm_up
    prove report $nonce >r.cbor # of a TPM that was reset, with the old log: a report all the same
    checked r.cbor >out && return 1
    grep -q "no prefix of the log is what was quoted" out
    rm -rf run
    feed web-1
    prove report $nonce >r.cbor
    checked r.cbor
    tpm_down
}

case_withheld() {
    world withheld
    key key ecdsa-p256
    feed web-1
    grep -rq canary-7f3a lib/details # it is stored here
    prove report $nonce >r.cbor
    absent canary-7f3a r.cbor
    grep -q HELLO r.cbor
    prove detail config "$(ls lib/details | sed -n s/config-//p)" >d
    absent canary-7f3a d
    grep -q '"commitment":"[0-9a-f]*","name":"DB_PASSWORD"' d
    # the variable of a hook cannot be withheld, so nothing is shown
    sed -i 's|"mounts"|"hooks":{"prestart":[{"path":"/x","env":["A_TOKEN=canary-7f3a"]}]},"mounts"|' b/config.json
    rm -rf lib
    feed web-2
    grep -rq canary-7f3a lib/details
    prove report $nonce >r.cbor
    absent canary-7f3a r.cbor
    fails_with "no such detail" prove detail config "$(ls lib/details | sed -n s/config-//p)"
    tpm_down
}

case_redaction_key() {
    world redaction_key
    key key ecdsa-p256
    head -c 32 /dev/zero | tr '\0' 'k' >site.key
    chmod 600 site.key
    sed -i "s|}|,\"redaction_key\":\"$PWD/site.key\"}|" site.json
    feed web-1
    prove report $nonce >r.cbor # without the key nothing can be withheld, so nothing is shown
    absent DB_PASSWORD r.cbor
    prove key="$(printf '6b%.0s' {1..32})" report $nonce >r.cbor
    grep -q 'DB_PASSWORD' r.cbor
    absent HELLO r.cbor
    absent canary r.cbor
    checked r.cbor
    tpm_down
}

case_listing() {
    world listing ',"keep_listing":true'
    key key ecdsa-p256
    feed web-1
    local root
    root=$("$build/bin/cmcctl" log --config site.json --details lib/details --json | sed -n 's/.*"rootfs":"\([0-9a-f]*\)".*/\1/p')
    prove detail tree "$root" >tree
    grep -q /bin/hello tree
    fails_with "no such detail" prove detail tree "${root/?/f}"
    for f in lib/details/listing-*; do
        sed -i 's|/bin/hello|/bin/hellp|' "$f" # tampered with
    done
    fails_with "no such detail" prove detail tree "$root"
    tpm_down
}

# What is damaged is handed on as it is; a verifier takes the prefix that fits, or nothing.
case_damaged_log() {
    world damaged_log
    key key ecdsa-p256
    feed web-1
    printf garbage >>run/log
    prove report $nonce >r.cbor
    checked r.cbor
    printf 'garbage' | dd of=run/log conv=notrunc 2>/dev/null
    prove report $nonce >r.cbor
    checked r.cbor >out && return 1
    grep -q "no prefix of the log is what was quoted" out
    tpm_down
}

# All slots are taken: then a key of our own finds no room either, which passes.
case_busy_tpm() {
    world busy_tpm
    key key ecdsa-p256
    feed web-1
    for i in 1 2 3; do
        tpm2_createprimary -T "$tcti" -C n -c $i.ctx >/dev/null || true
    done
    fails_with "out of memory for object contexts" prove report $nonce
    feed web-2 # recording needs none
    (sleep 0.5; tpm2_flushcontext -T "$tcti" -t) &
    prove report $nonce >r.cbor
    checked r.cbor
    tpm_down
}

case_flushed_by_others() {
    world flushed_by_others
    key key ecdsa-p256
    feed web-1
    (while :; do tpm2_flushcontext -T "$tcti" -t; done) >/dev/null 2>&1 &
    local other=$!
    mkdir reports
    prove reports reports 2 cbor
    kill $other
    "$here/check.py" ak.pem reports/*
    tpm_down
}

# 20 events per second, five that ask all the time
load() { # load FORMAT ARGUMENT...
    local format=$1 i pids=()
    shift
    key key ecdsa-p256
    feed web-1
    mkdir reports
    feed web-1 $((seconds * 20)) 20 &
    local feeder=$!
    for i in 1 2 3 4 5; do
        prove "$@" reports reports "$seconds" "$format" 2>"err.$i" &
        pids+=($!)
    done
    for i in "${pids[@]}"; do
        wait "$i" || { cat err.*; return 1; }
    done
    wait $feeder
    "$here/check.py" ak.pem reports/*
}
case_load_exact() {
    world load_exact
    load cbor details=0
    tpm_down
}
case_load_exact_slow() {
    world load_exact_slow
    load json delay=200
    tpm_down
}
recorder_up() {
    "$build/libexec/cmc/cmc-recorder" --serve --socket "$PWD/recorder.sock" --config site.json 2>recorder.err &
    recorder=$!
    for _ in $(seq 500); do
        [ -S recorder.sock ] && return 0
        sleep 0.01
    done
    cat recorder.err
    return 1
}
case_load_cmc() {
    world load_cmc ',"profile":"cmc"'
    recorder_up
    load json details=0 socket=recorder.sock
    kill $recorder
    tpm_down
}
# The log grows during each quote: only a pause helps.
case_load_cmc_slow() {
    world load_cmc_slow ',"profile":"cmc"'
    recorder_up
    load cbor details=0 delay=200 socket=recorder.sock
    local size
    size=$(stat -c %s run/log)
    "$build/tests/prove_feed" site.json "$PWD/b" web-1 400 20 &
    local feeder=$!
    while [ "$(stat -c %s run/log)" = "$size" ]; do
        kill -0 $feeder || return 1
        sleep 0.01
    done
    fails_with "the recorder cannot be asked" prove delay=200 report "$nonce"
    kill $feeder
    kill $recorder
    tpm_down
}
