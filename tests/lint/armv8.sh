#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# What is for ARM only compiles: on other machines, no build would notice when it does not.
cd "$(dirname "$0")/../.." || exit 1
clang --target=aarch64-linux-gnu -march=armv8-a+crypto -ffreestanding -std=c17 -I. -Wall -Wextra \
    -Wconversion -Werror -fsyntax-only base/sha256_armv8.c
