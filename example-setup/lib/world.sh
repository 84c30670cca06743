# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=bash
# example-setup/lib/world.sh -- a software TPM and a containerd inside a private world.
#
# Sourced by programs that private-world runs. Exports what ctr, tpm2-tools and cmc read.

world=/run/cmc-world
world_programs= # directories with a ':' after each: where to look first for containerd and others

wait_for() { # wait_for SECONDS COMMAND...: until COMMAND succeeds
    local end=$((SECONDS + $1))
    shift
    until "$@" >/dev/null 2>&1; do
        [ $SECONDS -lt $end ] || return 1
        sleep 0.05
    done
}

world_env() { # world_env TREE: TREE holds bin/ and libexec/ as cmake builds or installs them
    # Copied, so that all of it is root's: the shim refuses to run a helper that others can write.
    if [ ! -d $world/tree ]; then
        mkdir -p $world/tree
        cp -a --no-preserve=ownership "$1/bin" "$1/libexec" $world/tree/ || return 1
    fi
    export PATH=$world_programs$world/tree/bin:$world/tree/libexec/cmc:/usr/sbin:/usr/bin:/sbin:/bin
    export CONTAINERD_ADDRESS=$world/containerd.sock CONTAINERD_NAMESPACE=$CMC_NS
    export CMC_TCTI=swtpm:path=$world/tpm.sock TPM2TOOLS_TCTI=swtpm:path=$world/tpm.sock
    unset LD_LIBRARY_PATH
}

# In the private /etc: cmc is who cmcd runs as, auditor is who asks it and may see details.
world_users() { # a machine with cmc installed has some of them
    local name
    for name in cmc auditors; do
        getent group $name >/dev/null || groupadd --system $name || return 1
    done
    id -u cmc >/dev/null 2>&1 || useradd --system --no-create-home --gid cmc cmc || return 1
    id -u auditor >/dev/null 2>&1 || useradd --system --no-create-home --gid auditors auditor || return 1
    usermod --append --groups auditors cmc
}

unprivileged() { # unprivileged NAME: setpriv's options, one per line
    printf '%s\n' "--reuid=$1" "--regid=$(id -g "$1")" --init-groups --bounding-set=-all \
        --inh-caps=-all --no-new-privs
}

as_user() { # as_user NAME COMMAND...
    local options
    mapfile -t options < <(unprivileged "$1")
    setpriv "${options[@]}" "${@:2}"
}

world_config() { # the site's configuration, in the private /etc: everything is below /run
    mkdir -p /etc/cmc $world/state
    chgrp cmc $world/state
    chmod 0750 $world/state
    cat >/etc/cmc/shim.json <<EOF
{"tcti": "$CMC_TCTI", "runtime_dir": "/run/cmc", "state_dir": "$world/state", "keep_listing": true}
EOF
}

world_tpm() { # a fresh TPM on the first call, the same one reset (and so PCRs zeroed) after that
    mkdir -p $world/tpm
    rm -f $world/tpm.sock $world/tpm.sock.ctrl
    swtpm socket --tpm2 --tpmstate dir=$world/tpm --flags not-need-init,startup-clear \
        --server type=unixio,path=$world/tpm.sock --ctrl type=unixio,path=$world/tpm.sock.ctrl \
        >$world/tpm.log 2>&1 </dev/null &
    echo $! >$world/tpm.pid
    wait_for 10 test -S $world/tpm.sock && chgrp cmc $world/tpm.sock $world/tpm.sock.ctrl &&
        chmod 0660 $world/tpm.sock $world/tpm.sock.ctrl
}

# Authorities of this world, a TPM's key that one of them certifies, and what cmcd is to do with it.
world_keys() { # world_keys HOST
    export CMC_PKI=$world/pki CMC_METADATA=/etc/cmc/metadata
    mkdir -p $CMC_METADATA $world/cmcd /run/cmcd && chown cmc:cmc $world/cmcd /run/cmcd &&
        chmod 0700 $world/cmcd || return 1
    { pki/setup-pki $world/pki && cp -r $world/pki/public /etc/cmc/public; } || return 1
    cat >/etc/cmc/cmcd.json <<EOF
{"host": "$1", "drivers": ["tpm"], "storage": "$world/cmcd", "metadata": ["$CMC_METADATA"],
 "rootCas": ["/etc/cmc/public/root.pem"], "crls": ["/etc/cmc/public/crls.pem"],
 "socketGroup": "auditors", "socketMode": "0666"}
EOF
    as_user cmc cmcd --create-key >$world/ak.csr &&
        pki/sign-ak --tpm-manufacturer id:00001014 --tpm-model swtpm $world/pki $world/ak.csr "$1" \
            >$world/ak.pem &&
        as_user cmc cmcd --install-key $world/ak.pem
}

world_cmcd() { # the daemon, after there are keys and metadata
    local options
    mapfile -t options < <(unprivileged cmc)
    setpriv "${options[@]}" cmcd >>$world/cmcd.log 2>&1 </dev/null &
    echo $! >$world/cmcd.pid
    wait_for 10 test -S /run/cmcd/cmcd.sock
}

is_gone() { # is_gone NAME: of a program whose number is in $world/NAME.pid
    ! kill -0 "$(<$world/"$1".pid)"
}

world_reboot() { # as far as the TPM and cmcd can tell
    kill "$(<$world/cmcd.pid)" "$(<$world/tpm.pid)"
    wait_for 10 is_gone cmcd && wait_for 10 is_gone tpm && rm -f /run/cmcd/cmcd.sock && world_tpm &&
        cmc-recorder --init </dev/null >>$world/recorder.log 2>&1 && world_cmcd
}

world_private_tmp() { # what is written to /tmp from here on is not on the machine afterwards
    mkdir -p $world/private-tmp/upper $world/private-tmp/work && chmod 1777 $world/private-tmp/upper &&
        mount -t overlay -o lowerdir=/tmp,upperdir=$world/private-tmp/upper \
            -o workdir=$world/private-tmp/work cmc-world /tmp
}

# Images lie on a file system such as a machine's disk has, of which digests are kept; it is in memory
# as all of /run, and goes with it. Where none can be mounted they lie on the tmpfs, and each Create
# is measured.
world_disk() {
    local kib
    kib=$(df --output=avail -k $world | tail -n 1)
    [ "$kib" -lt $((12 << 20)) ] || kib=$((12 << 20))
    mkdir -p $world/containerd
    truncate -s $((kib * 3 / 4))K $world/disk &&
        mkfs.ext4 -q -m 0 -O ^has_journal -E lazy_itable_init=1,nodiscard $world/disk &&
        mount -o loop $world/disk $world/containerd && rmdir $world/containerd/lost+found
}

# Without CRI: it would make directories below /etc. containerd 1.x knows it by the first name.
world_containerd() {
    cat >$world/containerd.toml <<EOF
version = 2
root = "$world/containerd/root"
state = "$world/containerd/state"
disabled_plugins = ["io.containerd.grpc.v1.cri", "io.containerd.cri.v1.images",
                    "io.containerd.cri.v1.runtime", "io.containerd.nri.v1.nri"]
[grpc]
  address = "$CONTAINERD_ADDRESS"
[plugins."io.containerd.internal.v1.opt"]
  path = "$world/containerd/opt"
EOF
    (cd / && exec containerd -c $world/containerd.toml) >>$world/containerd.log 2>&1 </dev/null &
    echo $! >$world/containerd.pid
    wait_for 30 ctr version
}

world_start() { # world_start TREE; prints nothing, says what failed by name
    world_env "$1" || die "copy programs from $1"
    world_users || die "make users in the private /etc"
    world_config
    world_tpm || die "swtpm does not answer" $world/tpm.log
    # mounts the private /run/cmc and writes the first event
    cmc-recorder --init </dev/null >$world/recorder.log 2>&1 || die "cmc-recorder --init" $world/recorder.log
    world_disk >$world/disk.log 2>&1 || true
    world_containerd || die "containerd does not answer" $world/containerd.log
}
