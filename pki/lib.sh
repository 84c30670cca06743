# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=bash
# pki/lib.sh -- what the scripts of this folder share. Needs openssl 3 and util-linux.
set -u
umask 077
export LC_ALL=C
profiles=$(cd "$(dirname "${BASH_SOURCE[0]}")/profiles" && pwd)
program=${0##*/}
export CMC_CA=none # profiles/ca.cnf asks for it wherever it is read

die() { # die STATUS TEXT: 1 refused, 2 wrong usage, 3 could not
    printf '%s: %s\n' "$program" "$2" >&2
    exit "$1"
}

# usage TEXT ARGUMENT...: prints the help that every script has
usage() {
    case " ${*:2} " in *' --help '* | *' -h '*)
        printf '%s\n' "$1"
        exit 0
        ;;
    esac
}

# matches WHAT VALUE PATTERN: what goes into a configuration of openssl has only harmless characters
matches() {
    [[ $2 =~ ^($3)$ ]] || die 2 "$1 \"${2//[^[:print:]]/?}\": need $3"
}

number() { matches "$1" "$2" '[1-9][0-9]{0,4}'; }
host() { matches HOST "$1" '[A-Za-z0-9]([A-Za-z0-9.-]{0,251}[A-Za-z0-9])?'; }

# quiet COMMAND...: what it says is shown only when it fails
quiet() {
    local said
    said=$("$@" 2>&1 </dev/null) && return
    printf '%s\n' "$said" >&2
    return 1
}

# is_pki DIR: one that setup-pki made
is_pki() {
    [ -f "$1/root/ca.pem" ] || die 3 "$1: no PKI there; make one with setup-pki"
}

# locked DIR: one change at a time; openssl's own files have no lock
locked() {
    exec 9>"$1/lock" || die 3 "$1: no permission to change it"
    flock -w 60 9 || die 3 "$1: another change has been going on for a minute"
}

new_key() { # new_key CURVE FILE
    quiet openssl genpkey -algorithm EC -pkeyopt "ec_paramgen_curve:$1" -out "$2" &&
        chmod 0600 "$2"
}

# new_request KEY NAME OUT
new_request() {
    quiet openssl req -new -config "$profiles/ca.cnf" -subj "/CN=$2" -key "$1" -out "$3"
}

new_ca() { # new_ca FOLDER: the book-keeping of a CA that has issued nothing
    mkdir -p "$1/issued" &&
        : >"$1/index.txt" && : >"$1/index.txt.attr" && echo 01 >"$1/crlnumber"
}

# issue CA PROFILE DAYS SUBJECT CSR OUT [OPTION...]: a certificate. Clocks of others may lag behind by
# 5 minutes. "openssl ca" ends with 0 also when it has refused a request: the certificate tells.
issue() {
    rm -f "$6"
    CMC_CA=$1 quiet openssl ca -batch -notext -config "$profiles/ca.cnf" \
        -extfile "$profiles/$2.cnf" -extensions profile \
        -startdate "$(date -u -d '-5 minutes' +%Y%m%d%H%M%SZ)" -days "$3" -utf8 -subj "/CN=$4" \
        -in "$5" -out "$6" "${@:7}" && quiet openssl x509 -in "$6" -noout
}

# strong CSR: refuses what its key did not sign, and keys that no verifier of ours accepts
strong() {
    local text
    openssl req -in "$1" -noout -verify 2>&1 </dev/null | grep -q 'verify OK' ||
        die 1 "$1: not a certificate request that its key signed"
    text=$(openssl req -in "$1" -noout -pubkey | openssl pkey -pubin -noout -text) ||
        die 1 "$1: the key cannot be read"
    case $text in
    *'NIST CURVE: P-256'* | *'NIST CURVE: P-384'* | *'NIST CURVE: P-521'*) return ;;
    *Modulus:*)
        if [[ $text =~ \(([0-9]+)\ bit ]] && [ "${BASH_REMATCH[1]}" -ge 2048 ] &&
            [ "${BASH_REMATCH[1]}" -le 8192 ]; then
            return
        fi
        ;;
    esac
    die 1 "$1: need an RSA key of 2048 to 8192 bits, or P-256, P-384, P-521"
}

# new_crl CA DAYS: its revocation list, whole or not at all
new_crl() {
    CMC_CA=$1 quiet openssl ca -config "$profiles/ca.cnf" -gencrl -crldays "$2" \
        -crl_lastupdate "$(date -u -d '-5 minutes' +%Y%m%d%H%M%SZ)" -out "$1/crl.new" &&
        mv "$1/crl.new" "$1/crl.pem"
}

# publish DIR: what everyone may have, and verifiers need
publish() {
    local dir=$1 ca
    mkdir -p "$dir/public" && chmod 0755 "$dir/public" || return
    cp "$dir/root/ca.pem" "$dir/public/root.pem" || return
    for ca in metadata-ca ak-ca tls-ca; do
        cp "$dir/$ca/ca.pem" "$dir/public/$ca.pem" || return
    done
    cat "$dir"/{root,metadata-ca,ak-ca,tls-ca}/crl.pem >"$dir/public/crls.new" &&
        mv "$dir/public/crls.new" "$dir/public/crls.pem" && chmod 0644 "$dir"/public/*.pem
}
