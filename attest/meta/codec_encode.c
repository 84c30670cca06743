/* SPDX-License-Identifier: Apache-2.0 */
/* attest/meta/codec_encode.c -- structs into documents, as tables say. */
#include <string.h>

#include "attest/meta/codec_parts.h"

static int put_record(struct meta_encoder *e, const struct meta_record *record,
                      const uint8_t *base);

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

static int put_element(struct meta_encoder *e, const struct meta_field *f, const void *at, size_t i)
{
    if (f->value == META_TEXTS)
        return meta_encoder_text(e, ((const char *const *)at)[i]);
    if (f->value == META_BYTES_LIST)
        return meta_encoder_bytes(e, false, (const struct meta_bytes *)at + i);
    return put_record(e, f->of, (const uint8_t *)at + i * f->of->size);
}

static bool is_null_list(const struct meta_field *f, const void *at)
{
    if (f->rule != META_ALWAYS)
        return false;
    return f->value == META_TEXTS ? ((const struct meta_texts *)at)->null : !pointer_at(at);
}

static int put_elements(struct meta_encoder *e, const struct meta_field *f, const void *at,
                        size_t n)
{
    int rc = 0;
    if (f->value == META_BYTES_MAP)
        return meta_encoder_pairs(e, at, n);
    for (size_t i = 0; rc == 0 && i < n; i++) {
        if (i && e->json)
            cmc_put_u8(e->b, ',');
        rc = put_element(e, f, at, i);
    }
    return rc;
}

static int put_list(struct meta_encoder *e, const struct meta_field *f, const uint8_t *base)
{
    const size_t n = count_of(f, base);
    const bool map = f->value == META_BYTES_MAP;
    if (is_null_list(f, base + f->at))
        return meta_encoder_null(e);
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

static int put_pointed(struct meta_encoder *e, const struct meta_field *f, const void *value)
{
    if (!value && f->rule == META_ALWAYS)
        return meta_encoder_null(e);
    if (!value)
        return cmc_fail(e->err, CMC_E_FORMAT, "missing");
    return f->value == META_TREE ? meta_encoder_tree(e, value) : put_record(e, f->of, value);
}

static int put_raw(struct meta_encoder *e, const struct meta_bytes *v)
{
    if (v->len == 0)
        return meta_encoder_null(e);
    cmc_put(e->b, v->data, v->len);
    return 0;
}

static int put_value(struct meta_encoder *e, const struct meta_field *f, const uint8_t *base)
{
    const void *at = base + f->at;
    switch (f->value) {
    case META_TEXT:
        return meta_encoder_field_text(e, f, pointer_at(at));
    case META_CONST:
        return meta_encoder_text(e, f->only);
    case META_BOOL:
        return meta_encoder_bool(e, *(const bool *)at);
    case META_INT:
        return meta_encoder_int(e, *(const int64_t *)at);
    case META_U32:
        return meta_encoder_int(e, *(const uint32_t *)at);
    case META_BYTES:
    case META_HEX:
        return meta_encoder_field_bytes(e, f, at);
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

static int put_key(struct meta_encoder *e, const struct meta_field *f)
{
    if (!e->json && f->key != META_TEXT_KEY)
        return meta_encoder_int(e, f->key);
    int rc = meta_encoder_text(e, f->name);
    if (e->json)
        cmc_put_u8(e->b, ':');
    return rc;
}

static int put_members(struct meta_encoder *e, const struct meta_record *record,
                       const uint8_t *base)
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

static int put_record(struct meta_encoder *e, const struct meta_record *record, const uint8_t *base)
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
    struct meta_encoder e = {.b = out, .json = encoding == META_JSON, .err = err};
    int rc = put_record(&e, record, value);
    if (rc < 0)
        return cmc_wrap(err, "%s", record->name);
    return cmc_buf_check(out, record->name, err);
}
