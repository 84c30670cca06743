/* SPDX-License-Identifier: Apache-2.0 */
/* tools/cmc_measure_replace.h -- writes a file as a whole or not at all. */
#ifndef TOOLS_CMC_MEASURE_REPLACE_H
#define TOOLS_CMC_MEASURE_REPLACE_H
#include <sys/types.h>

#include "base/buf.h"

/* Makes the file called name (no slash) below dirfd hold exactly data: a new file of this mode is
 * written, made durable and renamed; nothing is followed, and who reads sees the old file or the
 * new one. Whatever had the name before, save a directory, is replaced.
 * Errors: -CMC_E_SYS, -CMC_E_USAGE (name); nothing is left of the attempt then. */
CMC_MUST_CHECK int cmc_measure_replace(int dirfd, const char *name, mode_t mode,
                                       const struct cmc_buf *data, struct cmc_err *err);
/* The same of a path, whose directory is followed as usual. What is there and no regular file stays
 * (-CMC_E_USAGE): a device, a pipe, a link. */
CMC_MUST_CHECK int cmc_measure_replace_at(const char *path, mode_t mode, const struct cmc_buf *data,
                                          struct cmc_err *err);
#endif
