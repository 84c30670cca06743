/* SPDX-License-Identifier: Apache-2.0 */
/* base/pb.h -- protobuf on the wire: one field after the other, and a writer. */
#ifndef BASE_PB_H
#define BASE_PB_H
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"

struct cmc_span { /* borrowed bytes; p NULL: absent */
    const uint8_t *p;
    size_t len;
};

enum cmc_pb_wire { CMC_PB_VARINT = 0, CMC_PB_FIXED64 = 1, CMC_PB_BYTES = 2, CMC_PB_FIXED32 = 5 };

struct cmc_pb_field {
    uint32_t number; /* 1..2^29-1 */
    enum cmc_pb_wire wire;
    uint64_t value;        /* CMC_PB_VARINT, CMC_PB_FIXED64, CMC_PB_FIXED32 */
    struct cmc_span bytes; /* CMC_PB_BYTES; p is never NULL then */
    struct cmc_span whole; /* tag and value as they stand in the input */
};

/* The next field of a message. Returns 1; 0 at the end, *out untouched; or -CMC_E_FORMAT with
 * the byte offset from the start of this field: truncated, a number out of range, a varint over
 * 64 bits, a group (no message that we read has one). All of out is borrowed from the input.
 * Source: protobuf.dev, "Encoding". */
CMC_MUST_CHECK int cmc_pb_next(struct cmc_reader *r, struct cmc_pb_field *out, struct cmc_err *err);
/* True when s is well-formed UTF-8 without NUL: what a proto3 string may hold, less NUL. */
bool cmc_pb_is_text(const struct cmc_span *s);

void cmc_pb_put_varint(struct cmc_buf *b, uint64_t v);
void cmc_pb_put_uint(struct cmc_buf *b, uint32_t number, uint64_t v);
void cmc_pb_put_bytes(struct cmc_buf *b, uint32_t number, const void *data, size_t len);
#endif
