# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=bash
# example-setup/lib/manifest.sh -- from reference values to a signed manifest and its entry in the
# signed image description, in a directory of metadata.
#
# The directory: NAME.json (signed), image.description.json (signed), listings/DIGEST, and payload/,
# which holds what was signed: NAME.refs, NAME.manifest, NAME.description, image.description.
# cmcd reads the signed items and the listings.

metadata=${CMC_METADATA:-/etc/cmc/metadata}
pki=${CMC_PKI:-/etc/cmc/pki}
key='' chain='' rules='' manifest='' base=example.os developer='' level=1 days=365 out=''
program=${0##*/} work='' made='' until=''

say() {
    printf '%s: %s\n' "$program" "$1" >&2
}

usage() { # usage TEXT
    say "$1; see --help"
    exit 2
}

fail() { # fail TEXT
    say "$1"
    exit 1
}

help() { # the comment at the program's top
    sed -n '3,/^set -u/s/^# \{0,1\}//p' "$0" | sed '1s/^/usage: /'
    exit 0
}

own_names='--out|--metadata|--manifest|--base|--level|--developer|--days|--rules|--pki|--key|--chain'
options=() rest=()

own_option() { # own_option NAME VALUE: NAME is one of own_names
    [ -n "$2" ] || usage "$1 needs a value"
    case $1 in
    --out) out=$2 ;;
    --metadata) metadata=$2 ;;
    --manifest) manifest=$2 ;;
    --base) base=$2 ;;
    --level) level=$2 ;;
    --developer) developer=$2 ;;
    --days) days=$2 ;;
    --rules) rules=$2 ;;
    --pki) pki=$2 ;;
    --key) key=$2 ;;
    --chain) chain=$2 ;;
    *) program_option "$1" "$2" ;;
    esac
}

read_options() { # read_options NAMES ARGUMENT...: others into options, what follows them into rest
    local names="^($own_names${1:+|$1})\$"
    shift
    while [ $# -gt 0 ]; do
        if [ "$1" = -- ]; then
            shift
            break
        elif [ "$1" = --help ] || [ "$1" = -h ]; then
            help
        elif [[ ${1%%=*} =~ $names ]]; then
            if [[ $1 = *=* ]]; then
                own_option "${1%%=*}" "${1#*=}"
            else
                [ $# -gt 1 ] || usage "$1 needs a value"
                own_option "$1" "$2"
                shift
            fi
        elif [[ $1 = -* ]]; then
            options+=("$1")
        else
            break
        fi
        shift
    done
    rest=("$@")
    [ ${#rest[@]} -gt 0 ] || usage "name an image"
}

leftovers=()
trap '[ ${#leftovers[@]} = 0 ] || rm -rf "${leftovers[@]}"' EXIT

scratch() { # scratch VARIABLE [BESIDE]: a temporary directory, gone at the end
    local made_here
    made_here=$(mktemp -d ${2:+"$2.XXXXXX"}) || fail "cannot make a temporary directory ${2:+beside $2}"
    leftovers+=("$made_here")
    printf -v "$1" %s "$made_here"
}

is_name() {
    [[ $1 =~ ^[A-Za-z0-9][A-Za-z0-9._-]{0,199}$ ]]
}

manifest_name() { # manifest_name IMAGE: docker.io/library/busybox:1 is busybox-1
    local name=${1##*/}
    name=${name//[^A-Za-z0-9._-]/-}
    printf '%s' "${name:-image}"
}

check_own_options() { # check_own_options IMAGE
    local part
    [ -z "$out" ] || return 0
    key=${key:-$pki/signers/signer/key.pem}
    chain=${chain:-$pki/signers/signer/chain.pem}
    manifest=${manifest:-$(manifest_name "$1")}
    is_name "$manifest" || usage "--manifest \"$manifest\" is not the name of a file"
    [ "$manifest" != image.description ] || usage "a manifest cannot be called image.description"
    [[ $level =~ ^[0-9]$ ]] || usage "--level takes 0 to 9"
    [[ $days =~ ^[1-9][0-9]{0,4}$ ]] || usage "--days takes 1 to 99999"
    for part in ${base//,/ }; do
        is_name "$part" || usage "--base \"$part\" is not the name of a manifest"
    done
    [ -z "$rules" ] || [ -r "$rules" ] || usage "--rules $rules cannot be read"
    IFS=, read -ra certificates <<<"$chain"
    for part in "$key" "${certificates[@]}"; do
        [ -r "$part" ] || fail "$part cannot be read; pki/setup-pki makes keys, --key and --chain name them"
    done
    if [ -z "$developer" ]; then
        developer=$(openssl x509 -in "${certificates[0]}" -noout -subject -nameopt sep_multiline,utf8 |
            sed -n 's/^ *CN=//p')
    fi
    [[ $developer =~ ^[^\"\\[:cntrl:]]+$ ]] || usage "--developer takes text without quotes and backslashes"
}

now() { # now [DAYS]
    date -u -d "+${1:-0} days" +%Y-%m-%dT%H:%M:%SZ
}

quoted() { # quoted LIST: a,b is ["a","b"]
    printf '["%s"]' "${1//,/\",\"}"
}

head_of() { # head_of TYPE NAME: the members that all items have
    printf '{"type":"%s","name":"%s","version":"%s","validity":{"notBefore":"%s","notAfter":"%s"}' \
        "$1" "$2" "$made" "$made" "$until"
}

put_manifest() { # put_manifest REFERENCES
    head_of Manifest "$manifest"
    printf ',"sbom":{"bomFormat":"CycloneDX","specVersion":"1.7","version":1,"components":'
    cat "$1" || return
    printf '},"developerCommonName":"%s","baseLayers":%s,"certLevel":%s,"caFingerprints":[]}\n' \
        "$developer" "$(quoted "$base")" "$level"
}

put_description() { # the entry of the manifest
    printf '{"type":"Manifest Description","name":"%s.description","manifest":"%s"' "$manifest" "$manifest"
    if [ -n "$rules" ]; then
        printf ',"ociRules":'
        cat "$rules" || return
    fi
    printf '}\n'
}

put_image_description() { # put_image_description DIRECTORY: of all entries there
    local entry comma=''
    head_of "Image Description" image.description
    printf ',"location":"","descriptions":['
    for entry in "$1"/*.description; do
        [ "${entry##*/}" != image.description ] || continue
        printf '%s\n' "$comma"
        cat "$entry" || return
        comma=,
    done
    printf ']}\n'
}

replace() { # replace TEMPORARY FILE: as a whole or not at all
    { chmod 0644 "$1" && mv -T "$1" "$2"; } || fail "cannot write $2"
}

sign() { # sign PAYLOAD FILE
    cmc-signing-tool -in "$1" -out "$work/signed" -keys "$key" -x5cs "$chain" >"$work/log" 2>&1 ||
        { cat "$work/log" >&2 && fail "$1 is not signed"; }
    replace "$work/signed" "$2"
}

same() { # same FILE FILE: both there and equal
    [ -f "$1" ] && [ -f "$2" ] && cmp -s "$1" "$2"
}

digest_in() { # digest_in MEMBER REFERENCES
    sed -n "s/.*\"$1\":\"\([0-9a-f]*\)\".*/\1/p" "$2" 2>/dev/null
}

# What people want to know: digests, and paths where both listings are there.
show_change() { # show_change OLD NEW: references
    local member old new
    for member in configSha256 rootfsSha256; do
        old=$(digest_in $member "$1")
        new=$(digest_in $member "$2")
        if [ "$old" = "$new" ]; then
            printf '  %s %s, as before\n' $member "$new"
        else
            printf '  %s %s\n     before %s\n' $member "$new" "${old:-none}"
        fi
    done
    if [ "$old" != "$new" ] && [ -f "$metadata/listings/$old" ] && [ -f "$metadata/listings/$new" ]; then
        diff "$metadata/listings/$old" "$metadata/listings/$new" | sed -n 's/^[<>] /  &/p' | head -n 20
    fi
}

open_metadata() { # one change at a time
    [ -z "$work" ] || return 0 # it is, and ours
    mkdir -p "$metadata/payload" "$metadata/listings" || fail "cannot make $metadata"
    scratch work "$metadata/.update"
    { exec {lock}>"$metadata/.lock" && flock "$lock"; } || fail "cannot lock $metadata"
    made=$(now) until=$(now "$days")
}

# The manifest in $work/manifest and its entry in $work/description are signed and installed.
install_signed() {
    local payload=$metadata/payload
    sign "$work/manifest" "$metadata/$manifest.json"
    replace "$work/description" "$payload/$manifest.description"
    put_image_description "$payload" >"$work/image" || fail "cannot write in $work"
    sign "$work/image" "$metadata/image.description.json"
    replace "$work/image" "$payload/image.description"
    replace "$work/manifest" "$payload/$manifest.manifest"
}

is_installed() { # the manifest is there, signed, and has its entry
    [ -f "$metadata/$manifest.json" ] && [ -f "$metadata/image.description.json" ] &&
        same "$work/description" "$metadata/payload/$manifest.description"
}

say_state() { # say_state WORD
    printf '%s: %s\n' "$manifest" "$1"
}

# install_manifest REFERENCES LISTING: makes, signs and installs the manifest, and says what changed.
# Without changes nothing is written. LISTING may be "".
install_manifest() {
    local payload=$metadata/payload digest
    open_metadata
    digest=$(digest_in rootfsSha256 "$1")
    if [ -n "$2" ] && ! [ -f "$metadata/listings/$digest" ]; then
        { cp "$2" "$work/listing" && replace "$work/listing" "$metadata/listings/$digest"; } ||
            fail "cannot write in $work"
    fi
    { put_description >"$work/description" && put_settings >"$work/settings"; } ||
        fail "cannot write in $work"
    if is_installed && same "$1" "$payload/$manifest.refs" &&
        same "$work/settings" "$payload/$manifest.settings"; then
        say_state "nothing changed"
        return
    fi
    if [ -f "$metadata/$manifest.json" ]; then say_state changed; else say_state new; fi
    show_change "$payload/$manifest.refs" "$1"
    { put_manifest "$1" >"$work/manifest" && cp "$1" "$work/refs"; } || fail "cannot write in $work"
    install_signed
    replace "$work/settings" "$payload/$manifest.settings"
    replace "$work/refs" "$payload/$manifest.refs" # last: all is done
}

install_payload() { # install_payload FILE: a manifest that is there already
    open_metadata
    { put_description >"$work/description" && cp "$1" "$work/manifest"; } ||
        fail "cannot write in $work"
    if is_installed && same "$1" "$metadata/payload/$manifest.manifest"; then
        say_state "nothing changed"
        return
    fi
    install_signed
    say_state installed
}

put_settings() { # what a manifest says besides its references, and who signs
    printf '%s\n' "$base" "$level" "$developer" "$days" && cat "${certificates[@]}"
}

# take_references REFERENCES LISTING: installs them, or writes them where --out says.
take_references() {
    local beside
    case $out in
    '') install_manifest "$1" "$2" ;;
    -) cat "$1" ;;
    *)
        scratch beside "$out"
        { cp "$1" "$beside/new" && replace "$beside/new" "$out"; } || fail "cannot write $out"
        ;;
    esac
}
