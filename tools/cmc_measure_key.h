/* SPDX-License-Identifier: Apache-2.0 */
/* tools/cmc_measure_key.h -- the redaction key, read from its file. */
#ifndef TOOLS_CMC_MEASURE_KEY_H
#define TOOLS_CMC_MEASURE_KEY_H
#include "base/buf.h"

enum { CMC_MEASURE_KEY_LEN = 32 };

/* Reads a redaction key from fd (borrowed). Errors: -CMC_E_SYS, -CMC_E_VERIFY (group or others may
 * read the file), -CMC_E_FORMAT (length); key untouched then. */
CMC_MUST_CHECK int cmc_measure_key_read(int fd, const char *name,
                                        uint8_t key[static CMC_MEASURE_KEY_LEN],
                                        struct cmc_err *err);
#endif
