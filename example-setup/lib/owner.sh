# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=bash
# example-setup/lib/owner.sh -- under sudo, what is built belongs to the user who called sudo.

owner_uid=0 owner_gid=0
if [ "$(id -u)" = 0 ] && [ "${SUDO_UID:-0}" != 0 ]; then
    owner_uid=$SUDO_UID owner_gid=${SUDO_GID:-$SUDO_UID}
fi

as_owner() { # as_owner COMMAND [ARG]...
    if [ "$owner_uid" = 0 ]; then
        "$@"
    else
        setpriv --reuid="$owner_uid" --regid="$owner_gid" --clear-groups \
            env HOME="$(getent passwd "$owner_uid" | cut -d: -f6)" "$@"
    fi
}

give_to_owner() { # give_to_owner DIRECTORY...: what root's test runs wrote into the build folders
    [ "$owner_uid" = 0 ] || chown -hR "$owner_uid:$owner_gid" "$@"
}
