/* SPDX-License-Identifier: Apache-2.0 */
/* base/json_scan.h -- tokens of a JSON text; for base/json_*.c alone. */
#ifndef BASE_JSON_SCAN_H
#define BASE_JSON_SCAN_H
#include "base/json.h"

struct cmc_json_scan {
    const uint8_t *text;
    size_t len, at;
    const struct cmc_json *node; /* being read, for messages */
    struct cmc_err *err;
};

/* Fails with line, column and path of s->at and s->node in front of the text. */
int cmc_json_scan_fail(const struct cmc_json_scan *s, enum cmc_code code, const char *fmt, ...)
    CMC_PRINTF(3, 4);
/* Skips white space; the byte behind it, or -1 at the end. */
int cmc_json_scan_peek(struct cmc_json_scan *s);
/* Reads a string, s->at behind its opening quote. out: room for what is left of the text;
 * receives the decoded bytes and a NUL. */
CMC_MUST_CHECK int cmc_json_scan_string(struct cmc_json_scan *s, char *out, size_t *out_len);
/* Reads an integer into node. */
CMC_MUST_CHECK int cmc_json_scan_int(struct cmc_json_scan *s, struct cmc_json *node);
#endif
