# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=bash
# example-setup/lib/image.sh -- a small container image out of this machine's busybox, offline.

busybox_tree() { # busybox_tree DIRECTORY: busybox, with its libraries where it needs any
    local applet library
    mkdir -p "$1/bin" "$1/etc" "$1/tmp"
    cp "$(command -v busybox)" "$1/bin/busybox"
    for library in $(ldd "$1/bin/busybox" 2>/dev/null | grep -oE '/[^ ]+'); do
        mkdir -p "$1${library%/*}"
        cp -L "$library" "$1$library"
    done
    for applet in cat echo env ls sh sleep true; do
        ln -sf busybox "$1/bin/$applet"
    done
    echo 'root:x:0:0:root:/:/bin/sh' >"$1/etc/passwd"
}

# shellcheck disable=SC2016 # $VAL is for the container's shell
image_build() { # image_build ARCHIVE TAG [FILE]: an OCI image that says what VAL is; one byte more in FILE
    local work
    work=$(mktemp -d) || return 1
    umoci init --layout "$work/oci" &&
        umoci new --image "$work/oci:$2" &&
        umoci unpack --image "$work/oci:$2" "$work/bundle" &&
        busybox_tree "$work/bundle/rootfs" &&
        { [ -z "${3:-}" ] || printf x >>"$work/bundle/rootfs/$3"; } &&
        umoci repack --image "$work/oci:$2" "$work/bundle" &&
        umoci config --image "$work/oci:$2" --config.env PATH=/bin --config.cmd /bin/sh \
            --config.cmd -c --config.cmd 'echo "the container says: VAL is $VAL"' &&
        tar -C "$work/oci" -cf "$1" . &&
        rm -rf "$work"
}
