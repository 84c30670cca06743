/* SPDX-License-Identifier: Apache-2.0 */
/* measure/cbor.h -- the part of CBOR that our formats use, deterministic both ways
 * (RFC 8949 section 4.2.1): integers, byte and text strings, arrays, maps, false, true, null. */
#ifndef MEASURE_CBOR_H
#define MEASURE_CBOR_H
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"

enum { MEASURE_CBOR_DEPTH_MAX = 16 };

enum measure_cbor_type { /* the major types of RFC 8949 section 3.1 that are used */
                         MEASURE_CBOR_UINT = 0,
                         MEASURE_CBOR_NEGATIVE = 1, /* -1 - value */
                         MEASURE_CBOR_BYTES = 2,
                         MEASURE_CBOR_TEXT = 3,
                         MEASURE_CBOR_ARRAY = 4,
                         MEASURE_CBOR_MAP = 5,
                         MEASURE_CBOR_SIMPLE = 7 /* value 20 false, 21 true, 22 null */
};
enum { MEASURE_CBOR_FALSE = 20, MEASURE_CBOR_TRUE, MEASURE_CBOR_NULL };

struct measure_cbor {
    enum measure_cbor_type type;
    uint64_t value;      /* an integer, a length, a count of elements or of pairs, a simple value */
    const uint8_t *data; /* BYTES, TEXT: value bytes, borrowed from the input */
};

/* Writers: the shortest form. Faults stick in b. */
void measure_cbor_put_uint(struct cmc_buf *b, uint64_t v);
void measure_cbor_put_negative(struct cmc_buf *b, uint64_t v); /* -1 - v */
void measure_cbor_put_null(struct cmc_buf *b);
void measure_cbor_put_bool(struct cmc_buf *b, bool v);
void measure_cbor_put_bytes(struct cmc_buf *b, const void *data, size_t len);
void measure_cbor_put_text(struct cmc_buf *b, const char *text);
void measure_cbor_put_array(struct cmc_buf *b, uint64_t count);
void measure_cbor_put_map(struct cmc_buf *b, uint64_t pairs);

/* Reads one item: of an array or map only its head, whose count is at most the bytes left.
 * Errors: -CMC_E_FORMAT (truncated, not the shortest form, indefinite length, a tag, a float,
 * another simple value, text that is not UTF-8); r and *out are then of no use. */
CMC_MUST_CHECK int measure_cbor_next(struct cmc_reader *r, struct measure_cbor *out,
                                     struct cmc_err *err);
/* Reads the same, and nothing but an item of the type. what: names it in the error. */
CMC_MUST_CHECK int measure_cbor_expect(struct cmc_reader *r, enum measure_cbor_type type,
                                       const char *what, struct measure_cbor *out,
                                       struct cmc_err *err);
/* Passes over one whole item: keys of maps ascend in the order of their bytes, none is there
 * twice. Errors: as above, and -CMC_E_LIMIT over MEASURE_CBOR_DEPTH_MAX levels. */
CMC_MUST_CHECK int measure_cbor_skip(struct cmc_reader *r, struct cmc_err *err);
/* The same with another limit on levels. */
CMC_MUST_CHECK int measure_cbor_skip_within(struct cmc_reader *r, unsigned levels,
                                            struct cmc_err *err);

/* Well-formed UTF-8 (Unicode 15, table 3-7). */
bool measure_cbor_is_utf8(const uint8_t *text, size_t len);
#endif
