/* SPDX-License-Identifier: Apache-2.0 */
/* measure/cbor.c -- deterministic CBOR (RFC 8949 section 4.2.1), written and read strictly. */
#include "measure/cbor.h"

#include <string.h>

#include "base/utf8.h"

/* RFC 8949 section 3: the argument in the shortest form (section 4.2.1) */
static void put_head(struct cmc_buf *b, enum measure_cbor_type type, uint64_t v)
{
    const uint8_t major = (uint8_t)(type << 5);
    if (v < 24) {
        cmc_put_u8(b, (uint8_t)(major | v));
    } else if (v <= UINT8_MAX) {
        cmc_put_u8(b, major | 24);
        cmc_put_u8(b, (uint8_t)v);
    } else if (v <= UINT16_MAX) {
        cmc_put_u8(b, major | 25);
        cmc_put_be16(b, (uint16_t)v);
    } else if (v <= UINT32_MAX) {
        cmc_put_u8(b, major | 26);
        cmc_put_be32(b, (uint32_t)v);
    } else {
        cmc_put_u8(b, major | 27);
        cmc_put_be64(b, v);
    }
}

void measure_cbor_put_uint(struct cmc_buf *b, uint64_t v)
{
    put_head(b, MEASURE_CBOR_UINT, v);
}

void measure_cbor_put_negative(struct cmc_buf *b, uint64_t v)
{
    put_head(b, MEASURE_CBOR_NEGATIVE, v);
}

void measure_cbor_put_null(struct cmc_buf *b)
{
    put_head(b, MEASURE_CBOR_SIMPLE, MEASURE_CBOR_NULL);
}

void measure_cbor_put_bool(struct cmc_buf *b, bool v)
{
    put_head(b, MEASURE_CBOR_SIMPLE, v ? MEASURE_CBOR_TRUE : MEASURE_CBOR_FALSE);
}

void measure_cbor_put_bytes(struct cmc_buf *b, const void *data, size_t len)
{
    put_head(b, MEASURE_CBOR_BYTES, len);
    cmc_put(b, data, len);
}

void measure_cbor_put_text(struct cmc_buf *b, const char *text)
{
    put_head(b, MEASURE_CBOR_TEXT, strlen(text));
    cmc_put_text(b, text);
}

void measure_cbor_put_array(struct cmc_buf *b, uint64_t count)
{
    put_head(b, MEASURE_CBOR_ARRAY, count);
}

void measure_cbor_put_map(struct cmc_buf *b, uint64_t pairs)
{
    put_head(b, MEASURE_CBOR_MAP, pairs);
}

bool measure_cbor_is_utf8(const uint8_t *text, size_t len)
{
    for (size_t i = 0, n; i < len; i += n) {
        n = cmc_utf8_len(text + i, len - i);
        if (n == 0)
            return false;
    }
    return true;
}

static uint64_t argument(struct cmc_reader *r, unsigned info)
{
    switch (info) {
    case 24:
        return cmc_read_u8(r);
    case 25:
        return cmc_read_be16(r);
    case 26:
        return cmc_read_be32(r);
    case 27:
        return cmc_read_be64(r);
    default:
        return info;
    }
}

static bool shortest(unsigned info, uint64_t v)
{
    static const uint64_t below[] = {24, UINT8_MAX + 1ULL, UINT16_MAX + 1ULL, UINT32_MAX + 1ULL};
    return info < 24 || v >= below[info - 24];
}

/* The checks that depend on the type; the head is already read and in its shortest form. */
static int check(struct cmc_reader *r, struct measure_cbor *item, struct cmc_err *err)
{
    switch (item->type) {
    case MEASURE_CBOR_UINT:
    case MEASURE_CBOR_NEGATIVE:
        return 0;
    case MEASURE_CBOR_BYTES:
    case MEASURE_CBOR_TEXT:
        if (item->value > r->left)
            return cmc_fail(err, CMC_E_FORMAT, "CBOR: string is cut short");
        item->data = cmc_read_bytes(r, (size_t)item->value);
        if (item->type == MEASURE_CBOR_TEXT &&
            !measure_cbor_is_utf8(item->data, (size_t)item->value))
            return cmc_fail(err, CMC_E_FORMAT, "CBOR: text is not UTF-8");
        return 0;
    case MEASURE_CBOR_ARRAY:
    case MEASURE_CBOR_MAP:
        if (item->value > r->left) /* each element is one byte or more */
            return cmc_fail(err, CMC_E_FORMAT, "CBOR: array or map is cut short");
        return 0;
    case MEASURE_CBOR_SIMPLE:
        if (item->value >= MEASURE_CBOR_FALSE && item->value <= MEASURE_CBOR_NULL)
            return 0;
        return cmc_fail(err, CMC_E_FORMAT, "CBOR: floating-point or unknown simple value");
    default:
        return cmc_fail(err, CMC_E_FORMAT, "CBOR: a tag is not allowed");
    }
}

int measure_cbor_next(struct cmc_reader *r, struct measure_cbor *out, struct cmc_err *err)
{
    const uint8_t first = cmc_read_u8(r);
    const unsigned info = first & 31;
    if (info > 27)
        return cmc_fail(err, CMC_E_FORMAT, "CBOR: indefinite length or reserved value");
    struct measure_cbor item = {.type = (enum measure_cbor_type)(first >> 5),
                                .value = argument(r, info)};
    if (r->bad)
        return cmc_fail(err, CMC_E_FORMAT, "CBOR: item is cut short");
    if (item.type == MEASURE_CBOR_SIMPLE ? info > 23 : !shortest(info, item.value))
        return cmc_fail(err, CMC_E_FORMAT, "CBOR: not the shortest form, or a float");
    const int rc = check(r, &item, err);
    if (rc == 0)
        *out = item;
    return rc;
}

int measure_cbor_expect(struct cmc_reader *r, enum measure_cbor_type type, const char *what,
                        struct measure_cbor *out, struct cmc_err *err)
{
    static const char *const names[] = {"an unsigned integer",
                                        "a negative integer",
                                        "a byte string",
                                        "a text string",
                                        "an array",
                                        "a map",
                                        "a tag",
                                        "a simple value"};
    struct measure_cbor item = {0};
    if (measure_cbor_next(r, &item, err) < 0)
        return cmc_wrap(err, "%s", what);
    if (item.type != type)
        return cmc_fail(err, CMC_E_FORMAT, "%s: expected %s, found %s", what, names[type],
                        names[item.type]);
    *out = item;
    return 0;
}

static int skip(struct cmc_reader *r, unsigned left, struct cmc_err *err);

static int skip_map(struct cmc_reader *r, uint64_t pairs, unsigned left, struct cmc_err *err)
{
    const uint8_t *last = NULL;
    size_t last_len = 0;
    for (uint64_t i = 0; i < pairs; i++) {
        const uint8_t *key = r->p;
        int rc = skip(r, left, err);
        if (rc < 0)
            return rc;
        const size_t len = (size_t)(r->p - key);
        /* RFC 8949 section 4.2.1: bytewise order of the encoded keys. No encoding is a prefix of
         * another, so the shorter length decides nothing. */
        if (last && memcmp(last, key, last_len < len ? last_len : len) >= 0)
            return cmc_fail(err, CMC_E_FORMAT, "CBOR: map keys do not ascend");
        last = key;
        last_len = len;
        rc = skip(r, left, err);
        if (rc < 0)
            return rc;
    }
    return 0;
}

static int skip(struct cmc_reader *r, unsigned left, struct cmc_err *err)
{
    struct measure_cbor item = {0};
    if (left == 0)
        return cmc_fail(err, CMC_E_LIMIT, "CBOR: nested too deep");
    int rc = measure_cbor_next(r, &item, err);
    if (rc == 0 && item.type == MEASURE_CBOR_MAP)
        return skip_map(r, item.value, left - 1, err);
    for (uint64_t i = 0; rc == 0 && item.type == MEASURE_CBOR_ARRAY && i < item.value; i++)
        rc = skip(r, left - 1, err);
    return rc;
}

int measure_cbor_skip(struct cmc_reader *r, struct cmc_err *err)
{
    return measure_cbor_skip_within(r, MEASURE_CBOR_DEPTH_MAX, err);
}

int measure_cbor_skip_within(struct cmc_reader *r, unsigned levels, struct cmc_err *err)
{
    const int rc = skip(r, levels, err);
    if (rc == -CMC_E_LIMIT)
        return cmc_fail(err, CMC_E_LIMIT, "CBOR: nested more than %u levels deep", levels);
    return rc;
}
