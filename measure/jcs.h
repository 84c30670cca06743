/* SPDX-License-Identifier: Apache-2.0 */
/* measure/jcs.h -- what RFC 8785 (canonical JSON) has besides base/json.h: doubles, and names in
 * the order of UTF-16. */
#ifndef MEASURE_JCS_H
#define MEASURE_JCS_H
#include "base/buf.h"

/* v as ECMAScript writes it: shortest digits that read back as v. v is finite. */
void measure_jcs_put_number(struct cmc_buf *b, double v);
/* Below 0, 0, above 0: the order of two well-formed UTF-8 texts by their UTF-16 code units. */
int measure_jcs_order(const char *a, size_t a_len, const char *b, size_t b_len);
#endif
