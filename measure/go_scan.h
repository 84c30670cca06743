/* SPDX-License-Identifier: Apache-2.0 */
/* measure/go_scan.h -- tokens of a JSON text as Go's encoding/json reads them: tolerant in strings
 * (docs/formats/cmc-config.md, section 4.1). What must be strict uses base/json.h. */
#ifndef MEASURE_GO_SCAN_H
#define MEASURE_GO_SCAN_H
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"

enum { MEASURE_GO_STRING_GROWTH = 3 }; /* one bad byte becomes the three of U+FFFD */

struct measure_go_scan {
    const uint8_t *text;
    size_t len, at;
    struct cmc_err *err;
};

/* Fails with the line of s->at in front of the text. */
int measure_go_scan_fail(const struct measure_go_scan *s, enum cmc_code code, const char *fmt, ...)
    CMC_PRINTF(3, 4);
/* Skips white space; the byte behind it, or -1 at the end. */
int measure_go_scan_peek(struct measure_go_scan *s);
/* Reads a string, s->at at its opening quote. out: room for MEASURE_GO_STRING_GROWTH times what is
 * left of the text; receives well-formed UTF-8, which may hold NUL, and a NUL. */
CMC_MUST_CHECK int measure_go_scan_string(struct measure_go_scan *s, char *out, size_t *out_len);
/* Skips a number. */
CMC_MUST_CHECK int measure_go_scan_number(struct measure_go_scan *s);
/* Skips a word: null, true or false. *first: its first letter. */
CMC_MUST_CHECK int measure_go_scan_word(struct measure_go_scan *s, char *first);
#endif
