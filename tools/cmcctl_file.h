/* SPDX-License-Identifier: Apache-2.0 */
/* tools/cmcctl_file.h -- reads a file that a command names, and writes standard output. */
#ifndef TOOLS_CMCCTL_FILE_H
#define TOOLS_CMCCTL_FILE_H
#include "base/buf.h"

/* Appends the bytes of a file, as many as out takes. Errors: -CMC_E_SYS, -CMC_E_LIMIT. */
CMC_MUST_CHECK int cmcctl_file_read(const char *path, struct cmc_buf *out, struct cmc_err *err);
/* Writes b to standard output. Errors: -CMC_E_LIMIT (b is bad), -CMC_E_SYS. */
CMC_MUST_CHECK int cmcctl_file_print(const struct cmc_buf *b, struct cmc_err *err);
#endif
