/* SPDX-License-Identifier: Apache-2.0 */
/* base/pb.c -- protobuf on the wire; knows fields, not messages. */
#include "base/pb.h"

#include "base/utf8.h"

enum { NUMBER_MAX = (1 << 29) - 1, VARINT_MAX = 10 };

/* Little endian groups of 7 bits; the tenth byte has room for one bit only. */
static uint64_t varint(struct cmc_reader *r)
{
    uint64_t v = 0;
    for (unsigned i = 0; i < VARINT_MAX; i++) {
        uint8_t byte = cmc_read_u8(r);
        if (i == VARINT_MAX - 1 && byte > 1)
            break;
        v |= (uint64_t)(byte & 0x7f) << (7 * i);
        if (!(byte & 0x80))
            return v;
    }
    r->bad = true;
    return 0;
}

static uint64_t little_endian(struct cmc_reader *r, size_t n)
{
    const uint8_t *p = cmc_read_bytes(r, n);
    uint64_t v = 0;
    for (size_t i = n; p && i-- > 0;)
        v = v << 8 | p[i];
    return v;
}

static struct cmc_span delimited(struct cmc_reader *r)
{
    uint64_t len = varint(r);
    if (len > r->left)
        r->bad = true;
    const uint8_t *p = cmc_read_bytes(r, (size_t)len);
    return (struct cmc_span){p, p ? (size_t)len : 0};
}

static void value(struct cmc_reader *r, struct cmc_pb_field *f)
{
    switch (f->wire) {
    case CMC_PB_VARINT:
        f->value = varint(r);
        break;
    case CMC_PB_FIXED64:
        f->value = little_endian(r, 8);
        break;
    case CMC_PB_BYTES:
        f->bytes = delimited(r);
        break;
    case CMC_PB_FIXED32:
        f->value = little_endian(r, 4);
        break;
    default: /* groups, and two wire types that do not exist */
        r->bad = true;
    }
}

int cmc_pb_next(struct cmc_reader *r, struct cmc_pb_field *out, struct cmc_err *err)
{
    if (r->left == 0 && !r->bad)
        return 0;
    const struct cmc_reader start = *r;
    uint64_t tag = varint(r);
    struct cmc_pb_field f = {.wire = (enum cmc_pb_wire)(tag & 7)};
    if (!r->bad && (tag >> 3 == 0 || tag >> 3 > NUMBER_MAX))
        r->bad = true;
    if (!r->bad)
        value(r, &f);
    if (r->bad)
        return cmc_fail(err, CMC_E_FORMAT, "protobuf: bad field %llu of wire type %u, at byte %zu",
                        (unsigned long long)(tag >> 3), (unsigned)(tag & 7), start.left - r->left);
    f.number = (uint32_t)(tag >> 3);
    f.whole = (struct cmc_span){start.p, start.left - r->left};
    *out = f;
    return 1;
}

bool cmc_pb_is_text(const struct cmc_span *s)
{
    for (size_t i = 0, n; i < s->len; i += n) {
        n = cmc_utf8_len(s->p + i, s->len - i);
        if (n == 0 || s->p[i] == '\0')
            return false;
    }
    return true;
}

void cmc_pb_put_varint(struct cmc_buf *b, uint64_t v)
{
    for (; v >= 0x80; v >>= 7)
        cmc_put_u8(b, (uint8_t)(v | 0x80));
    cmc_put_u8(b, (uint8_t)v);
}

void cmc_pb_put_uint(struct cmc_buf *b, uint32_t number, uint64_t v)
{
    cmc_pb_put_varint(b, (uint64_t)number << 3 | CMC_PB_VARINT);
    cmc_pb_put_varint(b, v);
}

void cmc_pb_put_bytes(struct cmc_buf *b, uint32_t number, const void *data, size_t len)
{
    cmc_pb_put_varint(b, (uint64_t)number << 3 | CMC_PB_BYTES);
    cmc_pb_put_varint(b, len);
    cmc_put(b, data, len);
}
