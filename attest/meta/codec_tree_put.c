/* SPDX-License-Identifier: Apache-2.0 */
/* attest/meta/codec_tree_put.c -- writes free trees in both encodings, and texts as Go does. */
#include <stdlib.h>
#include <string.h>

#include "attest/meta/codec_parts.h"

static size_t go_escape(const uint8_t *p, size_t left)
{
    if (*p == '<' || *p == '>' || *p == '&')
        return 1;
    const bool separator = left >= 3 && p[0] == 0xe2 && p[1] == 0x80 && (p[2] & 0xfe) == 0xa8;
    return separator ? 3 : 0;
}

void meta_put_go_text(struct cmc_buf *b, const char *text, size_t len)
{
    cmc_autobuf struct cmc_buf plain = cmc_buf_of(SIZE_MAX);
    cmc_put_json_text(&plain, text, len);
    b->bad |= plain.bad;
    for (size_t i = 0, run, n = 0; i < plain.len; i += run + n) {
        for (run = 0, n = 0; i + run < plain.len; run++) {
            n = go_escape(plain.data + i + run, plain.len - i - run);
            if (n)
                break;
        }
        cmc_put(b, plain.data + i, run);
        if (n == 1)
            cmc_put_fmt(b, "\\u%04x", plain.data[i + run]);
        else if (n == 3)
            cmc_put_fmt(b, "\\u20%02x", plain.data[i + run + 2] - 0x80U);
    }
}

void meta_tree_put_json(struct cmc_buf *b, const struct cmc_json *node)
{
    const bool object = node->type == CMC_JSON_OBJECT;
    if (node->type == CMC_JSON_STRING) {
        meta_put_go_text(b, node->text, node->text_len);
        return;
    }
    if (!object && node->type != CMC_JSON_ARRAY) {
        cmc_put_json(b, node);
        return;
    }
    cmc_put_u8(b, object ? '{' : '[');
    for (const struct cmc_json *c = node->child; c; c = c->next) {
        if (object) {
            meta_put_go_text(b, c->key, c->key_len);
            cmc_put_u8(b, ':');
        }
        meta_tree_put_json(b, c);
        if (c->next)
            cmc_put_u8(b, ',');
    }
    cmc_put_u8(b, object ? '}' : ']');
}

/* RFC 8949 section 4.2.1 for texts as keys: the length is in front. */
static int by_cbor_key(const void *a, const void *b)
{
    const struct cmc_json *const *x = a, *const *y = b;
    if ((*x)->key_len != (*y)->key_len)
        return (*x)->key_len < (*y)->key_len ? -1 : 1;
    return memcmp((*x)->key, (*y)->key, (*x)->key_len);
}

static int put_map(struct cmc_buf *b, const struct cmc_json *node, struct cmc_err *err)
{
    int rc = 0;
    cmc_autofree const struct cmc_json **order =
        calloc(node->count + 1, sizeof(const struct cmc_json *));
    if (!order)
        return cmc_fail(err, CMC_E_LIMIT, "map of %zu members: out of memory", node->count);
    size_t n = 0;
    for (const struct cmc_json *c = node->child; c; c = c->next)
        order[n++] = c;
    qsort(order, n, sizeof(const struct cmc_json *), by_cbor_key);
    measure_cbor_put_map(b, n);
    for (size_t i = 0; rc == 0 && i < n; i++) {
        measure_cbor_put_text(b, order[i]->key);
        rc = meta_tree_put_cbor(b, order[i], err);
    }
    return rc;
}

static int put_array(struct cmc_buf *b, const struct cmc_json *node, struct cmc_err *err)
{
    int rc = 0;
    measure_cbor_put_array(b, node->count);
    for (const struct cmc_json *c = node->child; rc == 0 && c; c = c->next)
        rc = meta_tree_put_cbor(b, c, err);
    return rc;
}

int meta_tree_put_cbor(struct cmc_buf *b, const struct cmc_json *node, struct cmc_err *err)
{
    switch (node->type) {
    case CMC_JSON_NULL:
        measure_cbor_put_null(b);
        return 0;
    case CMC_JSON_FALSE:
    case CMC_JSON_TRUE:
        measure_cbor_put_bool(b, node->type == CMC_JSON_TRUE);
        return 0;
    case CMC_JSON_INT:
        if (node->negative)
            measure_cbor_put_negative(b, node->magnitude - 1);
        else
            measure_cbor_put_uint(b, node->magnitude);
        return 0;
    case CMC_JSON_STRING:
        measure_cbor_put_text(b, node->text);
        return 0;
    case CMC_JSON_ARRAY:
        return put_array(b, node, err);
    case CMC_JSON_OBJECT:
        break;
    }
    return put_map(b, node, err);
}
