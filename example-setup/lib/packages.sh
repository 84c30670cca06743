# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=bash
# example-setup/lib/packages.sh -- names the missing Debian packages and installs them, nothing else.

# What is there already under another package's name (containerd.io, moby-runc, busybox) is used
# as it is: installing ours would replace it.
declare -A package_command=([containerd]=containerd [runc]=runc [busybox-static]=busybox)

packages_missing() { # packages_missing LIST...: prints one name per line
    local package
    sort -u "$@" | while read -r package; do
        case $(dpkg-query -W -f '${db:Status-Status}' "$package" 2>/dev/null) in
        installed) continue ;;
        esac
        [ -n "${package_command[$package]:-}" ] &&
            command -v "${package_command[$package]}" >/dev/null && continue
        echo "$package"
    done
}

apt_install() {
    DEBIAN_FRONTEND=noninteractive apt-get install -y --no-install-recommends --no-remove \
        -o DPkg::Lock::Timeout=300 "$@" </dev/null
}

packages_install() { # packages_install LIST...
    local missing
    mapfile -t missing < <(packages_missing "$@")
    if [ ${#missing[@]} -eq 0 ]; then
        echo "packages: all there"
        return 0
    fi
    echo "packages: missing: ${missing[*]}"
    if [ "$(id -u)" != 0 ]; then
        echo "packages: as root: apt-get install --no-install-recommends ${missing[*]}" >&2
        return 1
    fi
    # stale or empty package lists show as a failed install: then, and only then, update once
    apt_install "${missing[@]}" ||
        { apt-get update -o DPkg::Lock::Timeout=300 </dev/null && apt_install "${missing[@]}"; }
}
