#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# traces_test.sh -- a private world leaves nothing on the machine: after success, failure, ^C, kill.
set -u
cd "$(dirname "$0")/../.." || exit 1
work=$(mktemp -d) || exit 1
trap 'rm -rf "$work"' EXIT

# containerd, a TPM and a container that keeps running in each of two namespaces, then $1
cat >"$work/busy" <<'EOF'
. example-setup/lib/say.sh
. example-setup/lib/world.sh
. example-setup/lib/image.sh
mkdir -p "$world/none/bin" "$world/none/libexec"
world_env "$world/none"
world_users && world_tpm && world_containerd || exit 9
busybox_tree $world/rootfs
ctr run -d --rootfs $world/rootfs sleeper /bin/sleep 1000 || exit 9
ctr -n "$CMC_NS-other" run -d --rootfs $world/rootfs sleeper /bin/sleep 1000 || exit 9
echo "$CMC_NS" >"$READY"
eval "$1"
EOF

machine() { # what may not change. Processes of others come and go: ours carry CMC_NS
    echo "mounts:" && awk '{ print $1, $2, $3 }' /proc/self/mounts
    echo "packages:" && dpkg-query -W -f '${Package} ${Version} ${db:Status-Status}\n'
    echo "controllers:" && cat /sys/fs/cgroup/cgroup.subtree_control 2>/dev/null
    echo "below /run:" && find /run -maxdepth 1 | sort
    echo "containerd:" && find /run/containerd /var/lib/containerd /run/cmc /var/lib/cmc \
        /etc/cni /opt/containerd /opt/cni -maxdepth 2 2>/dev/null | sort
}

marked() { # processes with this CMC_NS in their environment
    grep -lsa "CMC_NS=$1" /proc/[0-9]*/environ
}

trial() { # trial NAME STATUS COMMAND [SIGNAL]
    local name=$1 want=$2 status ns pid why=''
    export READY=$work/ready
    rm -f "$READY"
    machine >"$work/before"
    env --default-signal=INT,TERM,HUP example-setup/lib/private-world bash "$work/busy" "$3" \
        >"$work/out" 2>&1 &
    pid=$!
    for _ in {1..300}; do
        [ -s "$READY" ] && break
        sleep 0.1
    done
    ns=$(cat "$READY" 2>/dev/null)
    [ -n "$ns" ] || why="the world did not start: $(tail -n 3 "$work/out")"
    [ -z "$ns" ] || [ -n "$(marked "$ns")" ] || [ -z "${4:-}" ] || why='no process was there to end'
    [ -z "${4:-}" ] || kill -s "$4" $pid
    wait $pid
    status=$?
    machine >"$work/after"
    [ $status = "$want" ] || why+=" exit status $status, expected $want;"
    [ -z "$(marked "${ns:-none}")" ] || why+=" processes are left: $(marked "$ns" | tr '\n' ' ');"
    [ -z "$(find /sys/fs/cgroup -name "${ns:-none}*")" ] || why+=' control groups are left;'
    diff "$work/before" "$work/after" >"$work/diff" || why+=" changed: $(tr '\n' ';' <"$work/diff")"
    if [ -z "$why" ]; then echo "ok $name"; else echo "not ok $name - $why"; fi
}

trial "after success" 0 true
trial "after failure" 5 'exit 5'
trial "after ^C" 130 'sleep 1000' INT
trial "after SIGTERM" 143 'sleep 1000' TERM
trial "after SIGHUP" 129 'sleep 1000' HUP
