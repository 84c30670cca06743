#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# Every package that is installed for us has its reason in docs/dependencies.md.
cd "$(dirname "$0")/../.." || exit 1
bad=0
while read -r package; do
    grep -qE "^\| ([^|]*, )?${package//+/\\+}(,[^|]*)? \|" docs/dependencies.md && continue
    echo "docs/dependencies.md: no reason for $package"
    bad=1
done < <(cat example-setup/packages.txt tests/packages.txt)
exit $bad
