/* SPDX-License-Identifier: Apache-2.0 */
/* attest/meta/codec_tree.c -- reads free trees: values that no table describes. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "attest/meta/codec_parts.h"
#include "base/hex.h"

static int tree(struct meta_decoder *d, struct cmc_json *node, unsigned depth);

static int too_deep(const struct meta_decoder *d)
{
    return meta_decoder_fail(d, CMC_E_LIMIT, "nested deeper than %d levels", META_DEPTH_MAX);
}

static int copy_text(struct meta_decoder *d, const void *data, size_t len, const char **out)
{
    char *copy;
    if (len && memchr(data, 0, len))
        return meta_decoder_fail(d, CMC_E_FORMAT, "U+0000 in a text");
    if (meta_doc_copy(d->doc, data, len, &copy, d->err) < 0)
        return meta_decoder_wrap(d);
    *out = copy;
    return 0;
}

/* What is bytes in CBOR is base64 in JSON. */
static int tree_bytes(struct meta_decoder *d, const struct measure_cbor *item,
                      struct cmc_json *node)
{
    cmc_autobuf struct cmc_buf text = cmc_buf_of(META_MEMORY_MAX);
    cmc_put_base64(&text, item->data, (size_t)item->value);
    if (cmc_buf_check(&text, "base64 of a byte string", d->err) < 0)
        return meta_decoder_wrap(d);
    node->type = CMC_JSON_STRING;
    node->text_len = text.len;
    return copy_text(d, text.data, text.len, &node->text);
}

/* Integers as keys become their decimal names. */
static int tree_key(struct meta_decoder *d, struct cmc_json *node)
{
    struct measure_cbor key;
    char text[24];
    if (measure_cbor_next(&d->cbor, &key, d->err) < 0)
        return meta_decoder_wrap(d);
    if (key.type == MEASURE_CBOR_TEXT) {
        node->key_len = (size_t)key.value;
        return copy_text(d, key.data, node->key_len, &node->key);
    }
    if (key.type == MEASURE_CBOR_UINT)
        (void)snprintf(text, sizeof(text), "%" PRIu64, key.value);
    else if (key.type == MEASURE_CBOR_NEGATIVE && key.value < UINT64_MAX)
        (void)snprintf(text, sizeof(text), "-%" PRIu64, key.value + 1);
    else
        return meta_decoder_fail(d, CMC_E_FORMAT, "a key that is no text and no integer");
    node->key_len = strlen(text);
    return copy_text(d, text, node->key_len, &node->key);
}

static int by_name(const void *a, const void *b)
{
    const struct cmc_json *const *x = a, *const *y = b;
    return strcmp((*x)->key, (*y)->key);
}

static int sort_members(struct meta_decoder *d, struct cmc_json *node)
{
    void *sorted;
    size_t n = 0;
    int rc = meta_decoder_alloc(d, node->count, sizeof(const struct cmc_json *), &sorted);
    if (rc < 0)
        return rc;
    node->sorted = sorted;
    for (const struct cmc_json *c = node->child; c; c = c->next)
        node->sorted[n++] = c;
    qsort(node->sorted, n, sizeof(const struct cmc_json *), by_name);
    for (size_t i = 1; i < n; i++)
        if (by_name(&node->sorted[i - 1], &node->sorted[i]) == 0) /* 1 and "1" */
            return meta_decoder_fail(d, CMC_E_FORMAT, "the member %s is there twice",
                                     node->sorted[i]->key);
    return 0;
}

static int tree_children(struct meta_decoder *d, struct cmc_json *node, size_t count,
                         unsigned depth)
{
    void *room;
    struct meta_key_order order = {0};
    if (depth >= META_DEPTH_MAX)
        return too_deep(d);
    int rc = meta_decoder_alloc(d, count, sizeof(*node), &room);
    struct cmc_json *child = room;
    for (size_t i = 0; rc == 0 && i < count; i++) {
        const uint8_t *key = d->cbor.p;
        child[i] = (struct cmc_json){.parent = node};
        if (node->type == CMC_JSON_OBJECT)
            rc = tree_key(d, &child[i]);
        if (rc == 0 && node->type == CMC_JSON_OBJECT)
            rc = meta_decoder_ordered(d, &order, key);
        if (rc == 0)
            rc = tree(d, &child[i], depth + 1);
        if (i)
            child[i - 1].next = &child[i];
    }
    if (rc < 0)
        return rc;
    node->count = count;
    node->child = count ? child : NULL;
    return node->type == CMC_JSON_OBJECT ? sort_members(d, node) : 0;
}

static int tree_int(struct meta_decoder *d, const struct measure_cbor *item, struct cmc_json *node)
{
    const bool negative = item->type == MEASURE_CBOR_NEGATIVE;
    if (negative && item->value > INT64_MAX)
        return meta_decoder_fail(d, CMC_E_FORMAT, "an integer below -2^63");
    node->type = CMC_JSON_INT;
    node->negative = negative;
    node->magnitude = item->value + (negative ? 1 : 0);
    return 0;
}

static int tree(struct meta_decoder *d, struct cmc_json *node, unsigned depth)
{
    struct measure_cbor item;
    if (measure_cbor_next(&d->cbor, &item, d->err) < 0)
        return meta_decoder_wrap(d);
    switch (item.type) {
    case MEASURE_CBOR_UINT:
    case MEASURE_CBOR_NEGATIVE:
        return tree_int(d, &item, node);
    case MEASURE_CBOR_BYTES:
        return tree_bytes(d, &item, node);
    case MEASURE_CBOR_TEXT:
        node->type = CMC_JSON_STRING;
        node->text_len = (size_t)item.value;
        return copy_text(d, item.data, node->text_len, &node->text);
    case MEASURE_CBOR_ARRAY:
    case MEASURE_CBOR_MAP:
        node->type = item.type == MEASURE_CBOR_MAP ? CMC_JSON_OBJECT : CMC_JSON_ARRAY;
        return tree_children(d, node, (size_t)item.value, depth);
    case MEASURE_CBOR_SIMPLE:
        break;
    }
    node->type = item.value == MEASURE_CBOR_NULL   ? CMC_JSON_NULL
                 : item.value == MEASURE_CBOR_TRUE ? CMC_JSON_TRUE
                                                   : CMC_JSON_FALSE;
    return 0;
}

static bool deeper(const struct cmc_json *node, unsigned levels)
{
    if (levels == 0)
        return node->type == CMC_JSON_ARRAY || node->type == CMC_JSON_OBJECT;
    for (const struct cmc_json *c = node->child; c; c = c->next)
        if (deeper(c, levels - 1))
            return true;
    return false;
}

int meta_decoder_tree(struct meta_decoder *d, const struct cmc_json *node,
                      const struct cmc_json **out)
{
    void *room;
    if (node) {
        if (deeper(node, META_DEPTH_MAX))
            return too_deep(d);
        *out = node;
        return 0;
    }
    int rc = meta_decoder_alloc(d, 1, sizeof(*node), &room);
    if (rc == 0)
        rc = tree(d, room, 0);
    if (rc == 0)
        *out = room;
    return rc;
}

/* RFC 8949 section 4.2.1: bytewise order of the encoded keys. No encoding is a prefix of another,
 * so the shorter length decides nothing. */
int meta_decoder_ordered(const struct meta_decoder *d, struct meta_key_order *o, const uint8_t *key)
{
    /* of what a key is made of is read before its value: the head says how long it is */
    struct cmc_reader r = cmc_reader_of(key, (size_t)(d->cbor.p - key));
    struct measure_cbor item;
    if (measure_cbor_next(&r, &item, d->err) < 0)
        return meta_decoder_wrap(d);
    const size_t len = (size_t)(r.p - key);
    if (o->last && memcmp(o->last, key, o->len < len ? o->len : len) >= 0)
        return meta_decoder_fail(d, CMC_E_FORMAT, "CBOR: map keys do not ascend");
    o->last = key;
    o->len = len;
    return 0;
}

int meta_decoder_skip(struct meta_decoder *d, const struct cmc_json *node)
{
    if (node)
        return 0;
    return measure_cbor_skip_within(&d->cbor, META_SKIP_MAX, d->err) < 0 ? meta_decoder_wrap(d) : 0;
}
