/* SPDX-License-Identifier: Apache-2.0 */
/* attest/meta/codec_value.c -- reads single values: texts, numbers, byte strings. */
#include <inttypes.h>
#include <string.h>

#include "attest/meta/codec_parts.h"
#include "base/hex.h"

static const char *what_is(const struct measure_cbor *item, bool json)
{
    switch (item->type) {
    case MEASURE_CBOR_UINT:
    case MEASURE_CBOR_NEGATIVE:
        return "a number";
    case MEASURE_CBOR_BYTES:
        return "a byte string";
    case MEASURE_CBOR_TEXT:
        return json ? "a string" : "a text string";
    case MEASURE_CBOR_ARRAY:
        return "an array";
    case MEASURE_CBOR_MAP:
        return json ? "an object" : "a map";
    case MEASURE_CBOR_SIMPLE:
        break;
    }
    return item->value == MEASURE_CBOR_NULL ? "null" : "true or false";
}

/* CBOR's heads also stand for what JSON has. */
static struct measure_cbor head_of(const struct cmc_json *node)
{
    switch (node->type) {
    case CMC_JSON_NULL:
        return (struct measure_cbor){.type = MEASURE_CBOR_SIMPLE, .value = MEASURE_CBOR_NULL};
    case CMC_JSON_FALSE:
        return (struct measure_cbor){.type = MEASURE_CBOR_SIMPLE, .value = MEASURE_CBOR_FALSE};
    case CMC_JSON_TRUE:
        return (struct measure_cbor){.type = MEASURE_CBOR_SIMPLE, .value = MEASURE_CBOR_TRUE};
    case CMC_JSON_INT:
        if (node->negative)
            return (struct measure_cbor){MEASURE_CBOR_NEGATIVE, node->magnitude - 1, NULL};
        return (struct measure_cbor){MEASURE_CBOR_UINT, node->magnitude, NULL};
    case CMC_JSON_STRING:
        return (struct measure_cbor){MEASURE_CBOR_TEXT, node->text_len,
                                     (const uint8_t *)node->text};
    case CMC_JSON_ARRAY:
        return (struct measure_cbor){.type = MEASURE_CBOR_ARRAY, .value = node->count};
    case CMC_JSON_OBJECT:
        break;
    }
    return (struct measure_cbor){.type = MEASURE_CBOR_MAP, .value = node->count};
}

int meta_decoder_head(struct meta_decoder *d, const struct cmc_json *node, struct measure_cbor *out)
{
    if (!node)
        return measure_cbor_next(&d->cbor, out, d->err) < 0 ? meta_decoder_wrap(d) : 0;
    *out = head_of(node);
    return 0;
}

int meta_decoder_expect(struct meta_decoder *d, const struct cmc_json *node,
                        enum measure_cbor_type type, struct measure_cbor *out)
{
    int rc = meta_decoder_head(d, node, out);
    if (rc < 0 || out->type == type)
        return rc;
    const struct measure_cbor wanted = {.type = type};
    return meta_decoder_fail(d, CMC_E_FORMAT, "expected %s, found %s", what_is(&wanted, d->json),
                             what_is(out, d->json));
}

int meta_decoder_alloc(struct meta_decoder *d, size_t count, size_t size, void **out)
{
    return meta_doc_alloc(d->doc, count, size, out, d->err) < 0 ? meta_decoder_wrap(d) : 0;
}

bool meta_value_is_list(enum meta_value v)
{
    return v == META_TEXTS || v == META_BYTES_LIST || v == META_LIST || v == META_BYTES_MAP;
}

static size_t max_of(const struct meta_field *f)
{
    if (f->max)
        return f->max;
    if (f->value == META_BYTES || f->value == META_HEX)
        return SIZE_MAX;
    return meta_value_is_list(f->value) ? META_LIST_MAX : META_TEXT_MAX;
}

int meta_field_check(const struct meta_field *f, uint64_t n, struct cmc_err *err)
{
    const char *unit = meta_value_is_list(f->value) ? "elements" : "bytes";
    if (n > max_of(f))
        return cmc_fail(err, CMC_E_LIMIT, "%" PRIu64 " %s, at most %zu", n, unit, max_of(f));
    if (n < f->min)
        return cmc_fail(err, CMC_E_FORMAT, "%" PRIu64 " %s, at least %zu", n, unit, f->min);
    return 0;
}

int meta_decoder_size(const struct meta_decoder *d, const struct meta_field *f, uint64_t n)
{
    return meta_field_check(f, n, d->err) < 0 ? meta_decoder_wrap(d) : 0;
}

int meta_decoder_text(struct meta_decoder *d, const struct meta_field *f,
                      const struct cmc_json *node, const char **out)
{
    struct measure_cbor item;
    char *copy;
    int rc = meta_decoder_expect(d, node, MEASURE_CBOR_TEXT, &item);
    if (rc == 0 && !meta_value_is_list(f->value))
        rc = meta_decoder_size(d, f, item.value);
    if (rc < 0)
        return rc;
    if (item.value > META_TEXT_MAX && meta_value_is_list(f->value))
        return meta_decoder_fail(d, CMC_E_LIMIT, "%" PRIu64 " bytes, at most %d", item.value,
                                 META_TEXT_MAX);
    if (item.value && memchr(item.data, 0, (size_t)item.value))
        return meta_decoder_fail(d, CMC_E_FORMAT, "U+0000 in a text");
    if (node) { /* lives as long */
        *out = node->text;
        return 0;
    }
    if (meta_doc_copy(d->doc, item.data, (size_t)item.value, &copy, d->err) < 0)
        return meta_decoder_wrap(d);
    *out = copy;
    return 0;
}

bool meta_value_is_one_of(const char *value, const char *only)
{
    const size_t n = strlen(value);
    for (const char *word = only; word; word = strchr(word, '|')) {
        word += *word == '|';
        if (strcspn(word, "|") == n && memcmp(word, value, n) == 0)
            return true;
    }
    return false;
}

static int decode_text(struct meta_decoder *d, const struct meta_field *f,
                       const struct cmc_json *node, const char **out)
{
    const char *value = "";
    int rc = meta_decoder_text(d, f, node, &value);
    if (rc < 0)
        return rc;
    if (f->only && !meta_value_is_one_of(value, f->only)) {
        cmc_autobuf struct cmc_buf found = cmc_buf_of(256);
        cmc_put_safe(&found, value, strlen(value), 60);
        return meta_decoder_fail(d, CMC_E_FORMAT, "\"%.*s\", expected \"%s\"", (int)found.len,
                                 (const char *)found.data, f->only);
    }
    *out = value;
    return 0;
}

static int decode_bool(struct meta_decoder *d, const struct cmc_json *node, bool *out)
{
    struct measure_cbor item;
    int rc = meta_decoder_expect(d, node, MEASURE_CBOR_SIMPLE, &item);
    if (rc == 0)
        *out = item.value == MEASURE_CBOR_TRUE;
    return rc;
}

static int decode_int(struct meta_decoder *d, const struct cmc_json *node, bool u32, void *out)
{
    struct measure_cbor item;
    int rc = meta_decoder_head(d, node, &item);
    if (rc < 0)
        return rc;
    if (item.type != MEASURE_CBOR_UINT && item.type != MEASURE_CBOR_NEGATIVE)
        return meta_decoder_fail(d, CMC_E_FORMAT, "expected a number, found %s",
                                 what_is(&item, d->json));
    if (item.value > (u32 ? UINT32_MAX : INT64_MAX) || (u32 && item.type == MEASURE_CBOR_NEGATIVE))
        return meta_decoder_fail(d, CMC_E_FORMAT, "a number that is too large or negative");
    if (u32)
        *(uint32_t *)out = (uint32_t)item.value;
    else
        *(int64_t *)out =
            item.type == MEASURE_CBOR_UINT ? (int64_t)item.value : -1 - (int64_t)item.value;
    return 0;
}

/* Bytes that a JSON string stands for. */
static int unpack(struct meta_decoder *d, const struct measure_cbor *item, bool hex,
                  struct meta_bytes *out)
{
    const char *digits = (const char *)item->data;
    size_t len = hex ? (size_t)item->value / 2 : cmc_unbase64_max((size_t)item->value);
    void *room;
    int rc = meta_decoder_alloc(d, len, 1, &room);
    if (rc < 0)
        return rc;
    if (hex)
        rc = cmc_unhex(digits, (size_t)item->value, room, len, d->err);
    else
        rc = cmc_unbase64(digits, (size_t)item->value, CMC_BASE64, room, &len, d->err);
    if (rc < 0)
        return meta_decoder_wrap(d);
    *out = (struct meta_bytes){.data = room, .len = len};
    return 0;
}

int meta_decoder_bytes(struct meta_decoder *d, bool hex, const struct cmc_json *node,
                       struct meta_bytes *out)
{
    struct measure_cbor item;
    char *copy;
    int rc = meta_decoder_expect(d, node, node ? MEASURE_CBOR_TEXT : MEASURE_CBOR_BYTES, &item);
    if (rc < 0)
        return rc;
    if (node)
        return unpack(d, &item, hex, out);
    if (meta_doc_copy(d->doc, item.data, (size_t)item.value, &copy, d->err) < 0)
        return meta_decoder_wrap(d);
    *out = (struct meta_bytes){.data = (const uint8_t *)copy, .len = (size_t)item.value};
    return 0;
}

static int decode_bytes(struct meta_decoder *d, const struct meta_field *f,
                        const struct cmc_json *node, struct meta_bytes *out)
{
    struct meta_bytes value = {0};
    int rc = meta_decoder_bytes(d, f->value == META_HEX, node, &value);
    if (rc == 0)
        rc = meta_decoder_size(d, f, value.len);
    if (rc == 0)
        *out = value;
    return rc;
}

/* The value as it is encoded; of JSON as our encoder writes it. */
static int decode_raw(struct meta_decoder *d, const struct cmc_json *node, struct meta_bytes *out)
{
    cmc_autobuf struct cmc_buf json = cmc_buf_of(META_MEMORY_MAX);
    const uint8_t *begin = d->cbor.p;
    char *copy;
    int rc = meta_decoder_skip(d, node);
    if (rc < 0)
        return rc;
    if (node)
        meta_tree_put_json(&json, node);
    if (cmc_buf_check(&json, "a JSON value", d->err) < 0)
        return meta_decoder_wrap(d);
    const size_t len = node ? json.len : (size_t)(d->cbor.p - begin);
    if (meta_doc_copy(d->doc, node ? json.data : begin, len, &copy, d->err) < 0)
        return meta_decoder_wrap(d);
    *out = (struct meta_bytes){.data = (const uint8_t *)copy, .len = len};
    return 0;
}

int meta_decoder_scalar(struct meta_decoder *d, const struct meta_field *f,
                        const struct cmc_json *node, void *at)
{
    const char *constant;
    switch ((int)f->value) {
    case META_TEXT:
        return decode_text(d, f, node, at);
    case META_CONST:
        return decode_text(d, f, node, &constant);
    case META_BOOL:
        return decode_bool(d, node, at);
    case META_INT:
    case META_U32:
        return decode_int(d, node, f->value == META_U32, at);
    case META_BYTES:
    case META_HEX:
        return decode_bytes(d, f, node, at);
    default:
        return decode_raw(d, node, at);
    }
}
