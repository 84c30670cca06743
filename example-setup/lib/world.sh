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

world_config() { # the site's configuration, in the private /etc: everything is below /run
    mkdir -p /etc/cmc $world/state
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
    wait_for 10 test -S $world/tpm.sock
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
    world_config
    world_tpm || die "swtpm does not answer" $world/tpm.log
    # mounts the private /run/cmc and writes the first event
    cmc-recorder --init </dev/null >$world/recorder.log 2>&1 || die "cmc-recorder --init" $world/recorder.log
    world_containerd || die "containerd does not answer" $world/containerd.log
}
