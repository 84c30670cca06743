/* SPDX-License-Identifier: Apache-2.0 */
/* shim/inner.h -- the real runc shim and our helper: found, judged, started. */
#ifndef SHIM_INNER_H
#define SHIM_INNER_H
#include <limits.h>

#include "base/site.h"

#define SHIM_INNER_NAME  "containerd-shim-runc-v2"
#define SHIM_HELPER_NAME "cmc-measure"

/* The real shim: configured (may be NULL), else the first in search (a PATH), else beside the
 * program publish. Never this program itself under another name, and never a relative directory:
 * the current one is the bundle. Errors: -CMC_E_SYS, -CMC_E_VERIFY; out untouched. */
CMC_MUST_CHECK int shim_inner_find(const char *configured, const char *search, const char *publish,
                                   char out[static PATH_MAX], struct cmc_err *err);
/* Opens the helper: configured (may be NULL), else beside this program, else in
 * ../libexec/cmc of it. It must be a regular file of root that only root writes, and it is
 * executed by the descriptor that was judged. Returns an O_CLOEXEC fd, or -CMC_E_SYS,
 * -CMC_E_VERIFY. */
CMC_MUST_CHECK int shim_inner_open_helper(const char *configured, struct cmc_err *err);
/* Fails when argv[0] is an absolute path of another program than this one: another copy of us
 * takes us for the real shim, and would for ever. */
CMC_MUST_CHECK int shim_inner_check_loop(const char *argv0, struct cmc_err *err);
#endif
