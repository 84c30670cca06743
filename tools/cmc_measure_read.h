/* SPDX-License-Identifier: Apache-2.0 */
/* tools/cmc_measure_read.h -- small files that measuring needs, read whole. */
#ifndef TOOLS_CMC_MEASURE_READ_H
#define TOOLS_CMC_MEASURE_READ_H
#include "base/buf.h"

enum { CMC_MEASURE_KEY_LEN = 32 };

/* Appends what fd (borrowed) still holds, at most out->max bytes. name: for texts.
 * Errors: -CMC_E_SYS, -CMC_E_LIMIT. */
CMC_MUST_CHECK int cmc_measure_read(int fd, struct cmc_buf *out, const char *name,
                                    struct cmc_err *err);
/* Reads a redaction key from fd (borrowed). Errors: as above, -CMC_E_VERIFY (group or others may
 * read the file), -CMC_E_FORMAT (length); key untouched then. */
CMC_MUST_CHECK int cmc_measure_read_key(int fd, const char *name,
                                        uint8_t key[static CMC_MEASURE_KEY_LEN],
                                        struct cmc_err *err);
#endif
