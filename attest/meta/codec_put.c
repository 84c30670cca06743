/* SPDX-License-Identifier: Apache-2.0 */
/* attest/meta/codec_put.c -- writes single values: texts, numbers, byte strings. */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "attest/meta/codec_parts.h"
#include "base/hex.h"

int meta_encoder_null(struct meta_encoder *e)
{
    if (e->json)
        cmc_put_text(e->b, "null");
    else
        measure_cbor_put_null(e->b);
    return 0;
}

int meta_encoder_text(struct meta_encoder *e, const char *text)
{
    const size_t len = strlen(text);
    if (!measure_cbor_is_utf8((const uint8_t *)text, len))
        return cmc_fail(e->err, CMC_E_FORMAT, "a text that is not UTF-8");
    if (e->json)
        meta_put_go_text(e->b, text, len);
    else
        measure_cbor_put_text(e->b, text);
    return 0;
}

int meta_encoder_field_text(struct meta_encoder *e, const struct meta_field *f, const char *text)
{
    text = text ? text : "";
    if (f->only && !meta_value_is_one_of(text, f->only))
        return cmc_fail(e->err, CMC_E_FORMAT, "\"%.60s\", expected \"%s\"", text, f->only);
    int rc = meta_field_check(f, strlen(text), e->err);
    return rc < 0 ? rc : meta_encoder_text(e, text);
}

int meta_encoder_int(struct meta_encoder *e, int64_t v)
{
    if (e->json)
        cmc_put_fmt(e->b, "%" PRId64, v);
    else if (v < 0)
        measure_cbor_put_negative(e->b, (uint64_t)(-1 - v));
    else
        measure_cbor_put_uint(e->b, (uint64_t)v);
    return 0;
}

int meta_encoder_bool(struct meta_encoder *e, bool v)
{
    if (e->json)
        cmc_put_text(e->b, v ? "true" : "false");
    else
        measure_cbor_put_bool(e->b, v);
    return 0;
}

int meta_encoder_bytes(struct meta_encoder *e, bool hex, const struct meta_bytes *v)
{
    if (!e->json) {
        measure_cbor_put_bytes(e->b, v->data, v->len);
        return 0;
    }
    cmc_put_u8(e->b, '"');
    if (hex)
        cmc_put_hex(e->b, v->data, v->len);
    else
        cmc_put_base64(e->b, v->data, v->len);
    cmc_put_u8(e->b, '"');
    return 0;
}

int meta_encoder_field_bytes(struct meta_encoder *e, const struct meta_field *f,
                             const struct meta_bytes *v)
{
    if (v->null && f->rule == META_ALWAYS)
        return meta_encoder_null(e);
    int rc = meta_field_check(f, v->len, e->err);
    return rc < 0 ? rc : meta_encoder_bytes(e, f->value == META_HEX, v);
}

int meta_encoder_tree(struct meta_encoder *e, const struct cmc_json *tree)
{
    if (!e->json)
        return meta_tree_put_cbor(e->b, tree, e->err);
    meta_tree_put_json(e->b, tree);
    return 0;
}

static int by_name(const void *a, const void *b)
{
    const struct meta_named_item *const *x = a, *const *y = b;
    return strcmp((*x)->digest, (*y)->digest);
}

/* RFC 8949 section 4.2.1 for texts as keys: the length is in front. */
static int by_length(const void *a, const void *b)
{
    const struct meta_named_item *const *x = a, *const *y = b;
    const size_t n = strlen((*x)->digest), m = strlen((*y)->digest);
    return n == m ? by_name(a, b) : n < m ? -1 : 1;
}

int meta_encoder_pairs(struct meta_encoder *e, const struct meta_named_item *item, size_t count)
{
    int rc = 0;
    cmc_autofree const struct meta_named_item **order =
        calloc(count + 1, sizeof(const struct meta_named_item *));
    if (!order)
        return cmc_fail(e->err, CMC_E_LIMIT, "%zu members: out of memory", count);
    for (size_t i = 0; i < count; i++)
        order[i] = &item[i];
    qsort(order, count, sizeof(const struct meta_named_item *), e->json ? by_name : by_length);
    for (size_t i = 0; rc == 0 && i < count; i++) {
        if (i && by_name(&order[i - 1], &order[i]) == 0)
            return cmc_fail(e->err, CMC_E_FORMAT, "%s is there twice", order[i]->digest);
        if (i && e->json)
            cmc_put_u8(e->b, ',');
        rc = meta_encoder_text(e, order[i]->digest);
        if (e->json)
            cmc_put_u8(e->b, ':');
        if (rc == 0)
            rc = meta_encoder_bytes(e, false, &order[i]->data);
    }
    return rc;
}
