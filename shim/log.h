/* SPDX-License-Identifier: Apache-2.0 */
/* shim/log.h -- the file that holds the shim's log lines. */
#ifndef SHIM_LOG_H
#define SHIM_LOG_H
#include "base/site.h"

enum { SHIM_LOG_BYTES_MAX = 4 << 20 };

/* Opens the site's log for appending, made when missing. A regular file above SHIM_LOG_BYTES_MAX
 * is first renamed to NAME.1, over the one that was there. Returns a fd, or -1: it is missing and
 * cannot be made, or its name is a symlink. */
int shim_log_open(const struct cmc_site *site);
#endif
