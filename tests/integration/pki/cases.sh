# SPDX-License-Identifier: Apache-2.0
# Cases of run.sh, in alphabetical order, each ends at the first command that fails. $work is the current
# folder, $pki and $tool what is tested. ./site is a PKI that all may use, and none may break.
# shellcheck shell=bash disable=SC2154 # pki, tool and work come from run.sh

die() {
    echo "$*" >&2
    exit 1
}

# status WANT TEXT COMMAND...: the exit status, and what standard error says; nothing on standard output
status() {
    local got=0
    "${@:3}" >out 2>err </dev/null || got=$?
    [ $got = "$1" ] || die "${*:3}: exit status $got, expected $1: $(cat err)"
    [ -z "$2" ] || grep -qF -- "$2" err || die "${*:3}: said \"$(cat err)\", expected \"$2\""
    [ "$1" = 0 ] || [ ! -s out ] || die "${*:3}: printed $(wc -c <out) bytes although it failed"
}

request() { # request FILE ALGORITHM OPTION: a key and its certificate request
    openssl genpkey -algorithm "$2" ${3:+-pkeyopt "$3"} -out "$1.key" 2>/dev/null
    openssl req -new -key "$1.key" -subj /CN=ignored -out "$1" 2>/dev/null
}

[ -d site ] || "$pki/setup-pki" --name "a site" site >setup.out 2>&1 || cat setup.out >&2
[ -f ak ] || request ak EC ec_paramgen_curve:P-256
roots=(-ca site/public/root.pem -crl site/public/crls.pem)
signer=(-keys site/signers/signer/key.pem -x5cs site/signers/signer/chain.pem)
cat >item.json <<'X'
{"type":"Company Description","name":"n","version":"2026-11-22T00:00:00Z"}
X

tree() { # tree DIR: names, modes, contents
    (cd "$1" && find . -printf '%p %M\n' -type f -exec sha256sum {} + | sort)
}

case_setup_makes_what_its_README_says() {
    local path mode
    while read -r mode path; do
        [ "$(stat -c %a "site/$path")" = "$mode" ] || die "site/$path: mode $(stat -c %a "site/$path"), expected $mode"
    done <<'X'
700 .
700 root
700 ak-ca
600 root/ca.key
600 metadata-ca/ca.key
600 ak-ca/ca.key
600 tls-ca/ca.key
700 signers
700 signers/signer
600 signers/signer/key.pem
644 signers/signer/chain.pem
755 public
644 public/root.pem
644 public/crls.pem
X
    [ "$(grep -c 'BEGIN X509 CRL' site/public/crls.pem)" = 4 ]
    grep -rl 'PRIVATE KEY' site | sort >keys
    [ "$(wc -l <keys)" = 5 ] || die "private keys: $(cat keys)"
    ! grep -q 'PRIVATE KEY' site/public/*
}

case_setup_constrains_each_authority() {
    local ca usage text
    while read -r ca usage; do
        text=$(openssl x509 -in "site/public/$ca.pem" -noout -text)
        grep -q 'CA:TRUE, pathlen:0' <<<"$text" || die "$ca: no path length"
        grep -A1 'Extended Key Usage' <<<"$text" | tail -n 1 | grep -qE "^ *$usage\$" || die "$ca: $text"
        openssl verify -x509_strict -CAfile site/public/root.pem "site/public/$ca.pem"
    done <<'X'
metadata-ca 1.3.6.1.5.5.7.3.36
ak-ca 2.23.133.8.3
tls-ca TLS Web Server Authentication, TLS Web Client Authentication
X
    openssl x509 -in site/public/root.pem -noout -text | grep -q 'CA:TRUE, pathlen:1'
    openssl verify -x509_strict -crl_check_all -CRLfile site/public/crls.pem -CAfile site/public/root.pem \
        -untrusted site/public/metadata-ca.pem site/signers/signer/cert.pem
}

case_setup_never_overwrites() {
    tree site >before
    status 3 'is not empty: nothing is overwritten' "$pki/setup-pki" site
    tree site >after
    cmp before after
    mkdir -p full
    echo mine >full/.hidden
    status 3 'is not empty' "$pki/setup-pki" full
    [ "$(ls -A full)" = .hidden ]
    mkdir -p empty && status 0 '' "$pki/setup-pki" empty/
    [ -f empty/public/root.pem ]
    status 3 'no folder can be made' "$pki/setup-pki" none/such/place
}

case_setup_leaves_nothing_when_it_fails() {
    mkdir -p fake
    printf '#!/bin/sh\ncase "$*" in *-gencrl*) exit 1 ;; esac\nexec %s "$@"\n' "$(command -v openssl)" >fake/openssl
    chmod +x fake/openssl
    status 3 'no revocation list' env PATH="$work/fake:$PATH" "$pki/setup-pki" broken
    [ -z "$(find . -maxdepth 1 -name 'broken*')" ] || die "left: $(ls -d broken*)"
}

case_usage() {
    status 2 'name a DIR' "$pki/setup-pki"
    status 2 'unknown option --frob' "$pki/setup-pki" --frob x
    status 2 '--days "ten"' "$pki/setup-pki" --days ten x
    status 2 '--name "a/CN=b"' "$pki/setup-pki" --name a/CN=b x
    status 2 'needs a value' "$pki/setup-pki" x --name
    status 2 'HOST "a b"' "$pki/sign-ak" site ak 'a b'
    status 2 'HOST "a,DNS:b"' "$pki/sign-ak" site ak a,DNS:b
    # shellcheck disable=SC2016 # the text as it is: openssl's configuration would expand it
    status 2 'HOST "$ENV::HOME"' "$pki/sign-ak" site ak '$ENV::HOME'
    status 2 '--tpm-manufacturer ""' "$pki/sign-ak" site ak h --tpm-model m
    status 2 '--tpm-model ""' "$pki/sign-ak" site ak h --tpm-manufacturer IFX
    status 2 '--tpm-model "m?n=x"' "$pki/sign-ak" site ak h --tpm-manufacturer IFX --tpm-model $'m\nn=x'
    status 2 'NAME "../x"' "$pki/new-signer" site ../x
    status 3 'no PKI there' "$pki/sign-ak" fake ak h
    status 3 'cannot be read' "$pki/sign-ak" site none h
    local script
    for script in setup-pki new-signer sign-ak sign-tls revoke; do
        status 0 '' "$pki/$script" --help
        grep -q "^Usage: $script " out
    done
}

case_sign_ak_of_a_TPM() {
    status 0 '' "$pki/sign-ak" site ak host.example --tpm-manufacturer IFX --tpm-model swtpm
    cp out ak-chain.pem
    [ "$(grep -c BEGIN ak-chain.pem)" = 2 ]
    openssl x509 -in ak-chain.pem -noout -text >text
    grep -q 'DirName:/2.23.133.2.1=id:49465800/2.23.133.2.2=swtpm/2.23.133.2.3=id:00000000, DNS:host.example' text || die "$(cat text)"
    grep -q '2.23.133.8.3' text
    ! grep -q ignored text || die "a subject was taken from the request"
    openssl verify -x509_strict -CAfile site/public/root.pem -untrusted site/public/ak-ca.pem ak-chain.pem
}

case_sign_ak_in_software() {
    status 0 '' "$pki/sign-ak" site ak host.example
    openssl x509 -in out -noout -ext subjectAltName >text
    grep -q '^ *DNS:host.example$' text || die "$(cat text)"
}

case_sign_ak_refuses_requests() {
    request weak RSA rsa_keygen_bits:1024
    request curve EC ec_paramgen_curve:P-224
    request edwards ED25519
    openssl req -in ak -outform DER -out der
    printf '\xff' | dd of=der bs=1 seek=$(($(stat -c %s der) - 1)) conv=notrunc 2>/dev/null
    openssl req -inform DER -in der -out forged
    echo junk >junk
    status 1 'need an RSA key of 2048 to 8192 bits' "$pki/sign-ak" site weak h
    status 1 'need an RSA key' "$pki/sign-ak" site curve h
    status 1 'need an RSA key' "$pki/sign-ak" site edwards h
    status 1 'not a certificate request that its key signed' "$pki/sign-ak" site forged h
    status 1 'not a certificate request' "$pki/sign-ak" site junk h
}

case_sign_many_at_once() {
    local i
    for i in 1 2 3 4; do
        "$pki/sign-ak" site ak "h$i" >"many.$i" &
    done
    wait
    for i in 1 2 3 4; do
        openssl x509 -in "many.$i" -noout -serial -ext subjectAltName | grep -q "DNS:h$i"
    done
    [ "$(for i in 1 2 3 4; do openssl x509 -in "many.$i" -noout -serial; done | sort -u | wc -l)" = 4 ]
}

case_sign_tls() {
    status 0 '' "$pki/sign-tls" site ak server.example
    openssl verify -purpose sslserver -verify_hostname server.example -CAfile site/public/root.pem \
        -untrusted site/public/tls-ca.pem out
}

case_signer_is_new() {
    status 0 '' "$pki/new-signer" site ann
    tree site/signers/ann >before
    status 3 'is already there: nothing is overwritten' "$pki/new-signer" site ann
    tree site/signers/ann >after
    cmp before after
    status 0 '' "$tool" -in item.json -out two -keys site/signers/ann/key.pem,site/signers/signer/key.pem \
        -x5cs site/signers/ann/chain.pem:site/signers/signer/chain.pem
    status 0 'signed by ann ' "$tool" -verify -in two "${roots[@]}"
    grep -q 'signed by signer ' err
    cmp out item.json
}

case_tool_signs_and_verifies() {
    status 0 '' "$tool" -in item.json -out item.jws "${signer[@]}"
    [ ! -s err ] || die "$(cat err)"
    status 0 'signed by signer (key sha256:' "$tool" -verify -in item.jws "${roots[@]}"
    cmp out item.json
    "$tool" -in - -out - "${signer[@]}" -format cbor <item.json >item.cose
    status 0 'signed by signer' "$tool" -verify -in item.cose "${roots[@]}" -format json
    cmp out <(tr -d '\n' <item.json)
    status 0 '' "$tool" -verify -in item.cose "${roots[@]}" -out payload
    "$tool" -in payload -out again.cose "${signer[@]}"
    [ "$(head -c 2 again.cose | od -An -tx1)" = ' d8 62' ]
}

case_tool_refuses_other_roles() {
    status 0 '' "$tool" -in item.json -out by-ak -keys ak.key -x5cs many.1
    grep -q 'warning: verifiers will refuse this signature: .* is not for metadata' err || die "$(cat err)"
    status 1 'is not for metadata' "$tool" -verify -in by-ak "${roots[@]}"
    status 0 'signed by' "$tool" -verify -any-usage -in by-ak "${roots[@]}"
    # an authority for attestation keys that makes a signer: its own certificate forbids it
    CMC_CA=site/ak-ca openssl ca -batch -notext -config "$pki/profiles/ca.cnf" -extfile "$pki/profiles/signer.cnf" \
        -extensions profile -days 9 -subj /CN=rogue -in ak -out rogue.pem 2>/dev/null
    status 0 '' "$tool" -in item.json -out rogue -keys ak.key -x5cs rogue.pem,site/public/ak-ca.pem
    status 1 '"a site ak CA" is not for metadata' "$tool" -verify -in rogue "${roots[@]}"
}

case_tool_refuses_what_does_not_fit() {
    echo old >kept
    status 1 'is not that of the certificate "signer"' "$tool" -in item.json -out kept -keys ak.key -x5cs site/signers/signer/chain.pem
    status 1 'give the chain leaf first' "$tool" -in item.json -out kept -keys site/signers/signer/key.pem \
        -x5cs site/signers/signer/cert.pem,site/public/ak-ca.pem
    echo '{"type":"Cat"}' >half.json
    status 3 'half.json is not metadata: ' "$tool" -in half.json -out kept "${signer[@]}"
    echo '{"type":"Manifest","type":"Manifest"}' >twice.json
    status 3 'has this member twice' "$tool" -in twice.json -out kept "${signer[@]}"
    status 3 'open none' "$tool" -in none -out kept "${signer[@]}"
    status 2 'fewer chains than keys' "$tool" -in item.json -out kept -keys a,b -x5cs c
    status 2 'more than there are keys' "$tool" -in item.json -out kept -keys a -x5cs c:d
    status 2 '-keys is missing' "$tool" -in item.json -out kept
    status 2 'are for signing' "$tool" -verify -in item.jws -ca x -keys y
    status 2 'which roots to trust' "$tool" -verify -in item.jws
    status 2 'algorithm RS256 is not for this key' "$tool" -in item.json -out kept "${signer[@]}" -algs RS256
    [ "$(cat kept)" = old ] || die "a file was replaced although nothing was signed"
    # a folder where nobody may write: no part of a file is left
    mkdir -p locked
    status 3 'none/out' "$tool" -in item.json -out none/out "${signer[@]}"
    status 2 '/dev/null' "$tool" -in item.json -out /dev/null "${signer[@]}"
    status 3 'write to standard output' bash -c '"$@" >/dev/full' x "$tool" -in item.json -out - "${signer[@]}"
    [ -z "$(find . -maxdepth 1 -name '*.tmp*' -o -maxdepth 1 -name '.kept*')" ]
}

case_tool_refuses_expired_certificates() {
    CMC_CA=site/metadata-ca openssl ca -batch -notext -config "$pki/profiles/ca.cnf" -extfile "$pki/profiles/signer.cnf" \
        -extensions profile -startdate 20200101000000Z -enddate 20210101000000Z -subj /CN=old -in ak -out old.pem 2>/dev/null
    status 1 'certificate "old" has expired: it was valid until 2021-01-01T00:00:00Z' \
        "$tool" -in item.json -out x -keys ak.key -x5cs old.pem,site/public/metadata-ca.pem
    [ ! -e x ]
}

case_tool_warns_of_open_keys() {
    cp -r site/signers/signer open
    chmod 644 open/key.pem
    status 0 'warning: key open/key.pem can be read by others (mode 0644): chmod 600' \
        "$tool" -in item.json -out x -keys open/key.pem -x5cs open/chain.pem
}

case_unrevoked_and_revoked() { # the last one: the signer is lost
    cp -r site lost
    local lists=(-ca lost/public/root.pem -crl lost/public/crls.pem)
    status 0 'signed by' "$tool" -verify -in item.jws "${lists[@]}"
    status 0 '' "$pki/revoke" --reason keyCompromise lost lost/signers/signer/chain.pem
    status 1 'certificate "signer" is revoked' "$tool" -verify -in item.jws "${lists[@]}"
    status 1 'not revoked' "$pki/revoke" lost lost/signers/signer/cert.pem
    status 1 'has issued it' "$pki/revoke" lost empty/signers/signer/cert.pem
    status 3 'not a certificate' "$pki/revoke" lost item.json
    status 2 '--reason "no reason"' "$pki/revoke" --reason 'no reason' lost ak-chain.pem
    # an authority, by the root; then every certificate below it is refused
    status 0 '' "$pki/revoke" lost lost/metadata-ca/ca.pem
    openssl x509 -in lost/signers/signer/cert.pem -noout -issuer | grep -q 'a site metadata CA'
    status 1 'is revoked' "$tool" -verify -in item.jws "${lists[@]}"
    # without the root's key the others' lists are made all the same
    rm lost/root/ca.key
    openssl crl -in lost/ak-ca/crl.pem -noout -crlnumber >before
    status 0 'its list stays as it is' "$pki/revoke" --lists lost
    openssl crl -in lost/ak-ca/crl.pem -noout -crlnumber >after
    ! cmp -s before after
}
