/* SPDX-License-Identifier: Apache-2.0 */
/* tools/cmc_measure_toml.h -- reads the flat TOML that containerd hands over as runtime options:
 * KEY = VALUE lines, where a value is a text, true, false or a decimal integer. */
#ifndef TOOLS_CMC_MEASURE_TOML_H
#define TOOLS_CMC_MEASURE_TOML_H
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"

enum {
    CMC_MEASURE_TOML_BYTES_MAX = 65536, /* a whole document */
    CMC_MEASURE_TOML_KEY_MAX = 64,      /* a bare key */
    CMC_MEASURE_TOML_TEXT_MAX = 4095    /* a decoded text: PATH_MAX less its NUL */
};

enum cmc_measure_toml_kind { CMC_MEASURE_TOML_TEXT, CMC_MEASURE_TOML_BOOL, CMC_MEASURE_TOML_INT };

struct cmc_measure_toml { /* one pair, and where the next one starts */
    const char *at, *end;
    unsigned ended; /* lines before it */
    unsigned line;  /* of this pair, from 1 */
    char key[CMC_MEASURE_TOML_KEY_MAX + 1];
    enum cmc_measure_toml_kind kind;
    char text[CMC_MEASURE_TOML_TEXT_MAX + 1]; /* CMC_MEASURE_TOML_TEXT: UTF-8 without NUL */
    bool flag;                                /* CMC_MEASURE_TOML_BOOL */
    int64_t number;                           /* CMC_MEASURE_TOML_INT */
};

/* text: borrowed for as long as t is read. */
void cmc_measure_toml_init(struct cmc_measure_toml *t, const char *text, size_t len);
/* The next pair. Returns 1, 0 at the end, or < 0: -CMC_E_LIMIT, -CMC_E_FORMAT (with the line;
 * tables, arrays, dotted and quoted keys, dates, fractions and multi-line texts are not read).
 * Names that are given twice are the caller's to see.
 * Source: TOML 1.0.0, the parts named above. */
CMC_MUST_CHECK int cmc_measure_toml_next(struct cmc_measure_toml *t, struct cmc_err *err);
#endif
