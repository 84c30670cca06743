/* SPDX-License-Identifier: Apache-2.0 */
/* base/safe_open.h -- opens a file once, without following anything, then judges the descriptor. */
#ifndef BASE_SAFE_OPEN_H
#define BASE_SAFE_OPEN_H
#include <stdint.h>

#include "base/err.h"

/* Opens path (relative, below dirfd) for reading, on behalf of a privileged caller.
 * Accepts only a regular file of at most max bytes, owned by root, not writable by
 * group or others, with a single link; no symlink or magic link on the way.
 * Returns a fd the caller owns, or -CMC_E_SYS / -CMC_E_VERIFY / -CMC_E_LIMIT.
 * Needs Linux >= 5.6; without openat2(2) it fails closed. */
CMC_MUST_CHECK int cmc_open_trusted(int dirfd, const char *path, uint64_t max, struct cmc_err *err);
#endif
