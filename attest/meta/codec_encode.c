/* SPDX-License-Identifier: Apache-2.0 */
/* attest/meta/codec_encode.c -- structs into documents, as tables say. */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "attest/meta/codec_parts.h"
#include "base/hex.h"

struct encoder {
    struct cmc_buf *b;
    bool json;
    struct cmc_err *err;
};
static int put_record(struct encoder *e, const struct meta_record *record, const uint8_t *base);

static const void *pointer_at(const void *at)
{
    const void *p;
    memcpy(&p, at, sizeof(p));
    return p;
}

static size_t count_of(const struct meta_field *f, const uint8_t *base)
{
    size_t n;
    memcpy(&n, base + meta_field_count_at(f), sizeof(n));
    return n;
}

static bool all_empty(const struct meta_record *record, const uint8_t *base);

static bool is_empty(const struct meta_field *f, const uint8_t *base)
{
    const void *at = base + f->at;
    switch (f->value) {
    case META_TEXT:
        return !pointer_at(at) || *(const char *)pointer_at(at) == '\0';
    case META_CONST:
        return true;
    case META_BOOL:
        return !*(const bool *)at;
    case META_INT:
        return *(const int64_t *)at == 0;
    case META_U32:
        return *(const uint32_t *)at == 0;
    case META_BYTES:
    case META_HEX:
    case META_RAW:
        return ((const struct meta_bytes *)at)->len == 0;
    case META_TEXTS:
    case META_BYTES_LIST:
    case META_LIST:
    case META_BYTES_MAP:
        return count_of(f, base) == 0;
    case META_RECORD:
    case META_TREE:
        return !pointer_at(at);
    case META_INSIDE:
        break;
    }
    return all_empty(f->of, at);
}

static bool all_empty(const struct meta_record *record, const uint8_t *base)
{
    for (size_t i = 0; i < record->count; i++)
        if (!is_empty(&record->field[i], base))
            return false;
    return true;
}

static int put_null(struct encoder *e)
{
    if (e->json)
        cmc_put_text(e->b, "null");
    else
        measure_cbor_put_null(e->b);
    return 0;
}

static int put_text(struct encoder *e, const char *text)
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

static int put_field_text(struct encoder *e, const struct meta_field *f, const char *text)
{
    text = text ? text : "";
    if (f->only && !meta_value_is_one_of(text, f->only))
        return cmc_fail(e->err, CMC_E_FORMAT, "\"%.60s\", expected \"%s\"", text, f->only);
    int rc = meta_field_check(f, strlen(text), e->err);
    return rc < 0 ? rc : put_text(e, text);
}

static int put_int(struct encoder *e, int64_t v)
{
    if (e->json)
        cmc_put_fmt(e->b, "%" PRId64, v);
    else if (v < 0)
        measure_cbor_put_negative(e->b, (uint64_t)(-1 - v));
    else
        measure_cbor_put_uint(e->b, (uint64_t)v);
    return 0;
}

static int put_bool(struct encoder *e, bool v)
{
    if (e->json)
        cmc_put_text(e->b, v ? "true" : "false");
    else
        measure_cbor_put_bool(e->b, v);
    return 0;
}

static int put_bytes(struct encoder *e, bool hex, const struct meta_bytes *v)
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

static int put_field_bytes(struct encoder *e, const struct meta_field *f,
                           const struct meta_bytes *v)
{
    if (v->null && f->rule == META_ALWAYS)
        return put_null(e);
    int rc = meta_field_check(f, v->len, e->err);
    return rc < 0 ? rc : put_bytes(e, f->value == META_HEX, v);
}

static int put_tree(struct encoder *e, const struct cmc_json *tree)
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

static int put_pairs(struct encoder *e, const struct meta_named_item *item, size_t count)
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
        rc = put_text(e, order[i]->digest);
        if (e->json)
            cmc_put_u8(e->b, ':');
        if (rc == 0)
            rc = put_bytes(e, false, &order[i]->data);
    }
    return rc;
}

static int put_element(struct encoder *e, const struct meta_field *f, const void *at, size_t i)
{
    if (f->value == META_TEXTS)
        return put_text(e, ((const char *const *)at)[i]);
    if (f->value == META_BYTES_LIST)
        return put_bytes(e, false, (const struct meta_bytes *)at + i);
    return put_record(e, f->of, (const uint8_t *)at + i * f->of->size);
}

static bool is_null_list(const struct meta_field *f, const void *at)
{
    if (f->rule != META_ALWAYS)
        return false;
    return f->value == META_TEXTS ? ((const struct meta_texts *)at)->null : !pointer_at(at);
}

static int put_elements(struct encoder *e, const struct meta_field *f, const void *at, size_t n)
{
    int rc = 0;
    if (f->value == META_BYTES_MAP)
        return put_pairs(e, at, n);
    for (size_t i = 0; rc == 0 && i < n; i++) {
        if (i && e->json)
            cmc_put_u8(e->b, ',');
        rc = put_element(e, f, at, i);
    }
    return rc;
}

static int put_list(struct encoder *e, const struct meta_field *f, const uint8_t *base)
{
    const size_t n = count_of(f, base);
    const bool map = f->value == META_BYTES_MAP;
    if (is_null_list(f, base + f->at))
        return put_null(e);
    int rc = meta_field_check(f, n, e->err);
    if (rc < 0)
        return rc;
    if (e->json)
        cmc_put_u8(e->b, map ? '{' : '[');
    else if (map)
        measure_cbor_put_map(e->b, n);
    else
        measure_cbor_put_array(e->b, n);
    rc = put_elements(e, f, pointer_at(base + f->at), n); /* also of struct meta_texts */
    if (e->json)
        cmc_put_u8(e->b, map ? '}' : ']');
    return rc;
}

static int put_pointed(struct encoder *e, const struct meta_field *f, const void *value)
{
    if (!value && f->rule == META_ALWAYS)
        return put_null(e);
    if (!value)
        return cmc_fail(e->err, CMC_E_FORMAT, "missing");
    return f->value == META_TREE ? put_tree(e, value) : put_record(e, f->of, value);
}

static int put_raw(struct encoder *e, const struct meta_bytes *v)
{
    if (v->len == 0)
        return put_null(e);
    cmc_put(e->b, v->data, v->len);
    return 0;
}

static int put_value(struct encoder *e, const struct meta_field *f, const uint8_t *base)
{
    const void *at = base + f->at;
    switch (f->value) {
    case META_TEXT:
        return put_field_text(e, f, pointer_at(at));
    case META_CONST:
        return put_text(e, f->only);
    case META_BOOL:
        return put_bool(e, *(const bool *)at);
    case META_INT:
        return put_int(e, *(const int64_t *)at);
    case META_U32:
        return put_int(e, *(const uint32_t *)at);
    case META_BYTES:
    case META_HEX:
        return put_field_bytes(e, f, at);
    case META_TEXTS:
    case META_BYTES_LIST:
    case META_LIST:
    case META_BYTES_MAP:
        return put_list(e, f, base);
    case META_RECORD:
    case META_TREE:
        return put_pointed(e, f, pointer_at(at));
    case META_INSIDE:
        return put_record(e, f->of, at);
    case META_RAW:
        break;
    }
    return put_raw(e, at);
}

static bool is_written(const struct meta_field *f, const uint8_t *base)
{
    return f->rule != META_MAY || !is_empty(f, base);
}

static int put_key(struct encoder *e, const struct meta_field *f)
{
    if (!e->json && f->key != META_TEXT_KEY)
        return put_int(e, f->key);
    int rc = put_text(e, f->name);
    if (e->json)
        cmc_put_u8(e->b, ':');
    return rc;
}

static int put_members(struct encoder *e, const struct meta_record *record, const uint8_t *base)
{
    bool first = true;
    for (size_t i = 0; i < record->count; i++) {
        const struct meta_field *f = &record->field[i];
        if (!is_written(f, base))
            continue;
        if (!first && e->json)
            cmc_put_u8(e->b, ',');
        first = false;
        int rc = put_key(e, f);
        if (rc == 0)
            rc = put_value(e, f, base);
        if (rc < 0)
            return cmc_wrap(e->err, "%s", f->name);
    }
    return 0;
}

static int put_record(struct encoder *e, const struct meta_record *record, const uint8_t *base)
{
    size_t n = 0;
    if (record->bare)
        return put_value(e, record->field, base);
    for (size_t i = 0; i < record->count; i++)
        n += is_written(&record->field[i], base) ? 1 : 0;
    if (e->json)
        cmc_put_u8(e->b, '{');
    else
        measure_cbor_put_map(e->b, n);
    int rc = put_members(e, record, base);
    if (e->json)
        cmc_put_u8(e->b, '}');
    return rc;
}

int meta_codec_encode(const struct meta_record *record, const void *value,
                      enum meta_encoding encoding, struct cmc_buf *out, struct cmc_err *err)
{
    struct encoder e = {.b = out, .json = encoding == META_JSON, .err = err};
    int rc = put_record(&e, record, value);
    if (rc < 0)
        return cmc_wrap(err, "%s", record->name);
    return cmc_buf_check(out, record->name, err);
}
