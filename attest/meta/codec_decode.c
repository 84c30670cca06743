/* SPDX-License-Identifier: Apache-2.0 */
/* attest/meta/codec_decode.c -- documents into structs, as tables say. */
#include <string.h>
#include <strings.h>

#include "attest/meta/codec_parts.h"

static int decode_record(struct meta_decoder *d, const struct meta_record *record,
                         const struct cmc_json *node, uint8_t *out);

static int decode_pair(struct meta_decoder *d, const struct meta_field *f,
                       const struct cmc_json *node, struct meta_key_order *order,
                       struct meta_named_item *out)
{
    const uint8_t *key = d->cbor.p;
    int rc = 0;
    if (node)
        out->digest = node->key;
    else
        rc = meta_decoder_text(d, f, NULL, &out->digest);
    if (rc == 0 && !node)
        rc = meta_decoder_ordered(d, order, key);
    return rc < 0 ? rc : meta_decoder_bytes(d, false, node, &out->data);
}

static size_t element_size(const struct meta_field *f)
{
    switch ((int)f->value) {
    case META_TEXTS:
        return sizeof(const char *);
    case META_BYTES_LIST:
        return sizeof(struct meta_bytes);
    case META_BYTES_MAP:
        return sizeof(struct meta_named_item);
    default:
        return f->of->size;
    }
}

static int decode_element(struct meta_decoder *d, const struct meta_field *f,
                          const struct cmc_json *node, struct meta_key_order *order, void *out)
{
    switch ((int)f->value) {
    case META_TEXTS:
        return meta_decoder_text(d, f, node, out);
    case META_BYTES_LIST:
        return meta_decoder_bytes(d, false, node, out);
    case META_BYTES_MAP:
        return decode_pair(d, f, node, order, out);
    default:
        return decode_record(d, f->of, node, out);
    }
}

static int decode_list(struct meta_decoder *d, const struct meta_field *f,
                       const struct cmc_json *node, uint8_t *base)
{
    const struct meta_place *up = d->place;
    struct meta_place place = {.up = up};
    struct meta_key_order order = {0};
    struct measure_cbor head;
    void *room;
    const size_t size = element_size(f);
    int rc = meta_decoder_expect(
        d, node, f->value == META_BYTES_MAP ? MEASURE_CBOR_MAP : MEASURE_CBOR_ARRAY, &head);
    if (rc == 0)
        rc = meta_decoder_size(d, f, head.value);
    if (rc == 0)
        rc = meta_decoder_alloc(d, (size_t)head.value, size, &room);
    if (rc < 0)
        return rc;
    d->place = &place;
    const struct cmc_json *child = node ? node->child : NULL;
    for (; rc == 0 && place.index < head.value; place.index++) {
        rc = decode_element(d, f, child, &order, (uint8_t *)room + place.index * size);
        child = child ? child->next : NULL;
    }
    d->place = up;
    if (rc < 0)
        return rc;
    const size_t count = (size_t)head.value;
    memcpy(base + f->at, &room, sizeof(room)); /* whatever type the pointer is of */
    memcpy(base + meta_field_count_at(f), &count, sizeof(count));
    return 0;
}

static int decode_pointer(struct meta_decoder *d, const struct meta_field *f,
                          const struct cmc_json *node, void *at)
{
    void *room;
    int rc = meta_decoder_alloc(d, 1, f->of->size, &room);
    if (rc == 0)
        rc = decode_record(d, f->of, node, room);
    if (rc == 0)
        memcpy(at, &room, sizeof(room));
    return rc;
}

/* Of the others zeros say it. */
static void set_null(const struct meta_field *f, void *at)
{
    if (f->value == META_BYTES || f->value == META_HEX)
        *(struct meta_bytes *)at = (struct meta_bytes){.null = true};
    else if (f->value == META_TEXTS)
        *(struct meta_texts *)at = (struct meta_texts){.null = true};
}

static bool may_be_null(const struct meta_field *f)
{
    return f->rule == META_ALWAYS &&
           (f->value == META_BYTES || f->value == META_HEX || f->value == META_RECORD ||
            f->value == META_TREE || meta_value_is_list(f->value));
}

static int decode_null(struct meta_decoder *d, const struct meta_field *f,
                       const struct cmc_json *node, void *at)
{
    struct measure_cbor null;
    int rc = meta_decoder_head(d, node, &null);
    if (rc < 0)
        return rc;
    if (!may_be_null(f))
        return meta_decoder_fail(d, CMC_E_FORMAT, "null is not allowed here");
    set_null(f, at);
    return 0;
}

static bool is_null(const struct meta_decoder *d, const struct cmc_json *node)
{
    if (node)
        return node->type == CMC_JSON_NULL;
    return d->cbor.left && *d->cbor.p == (MEASURE_CBOR_SIMPLE << 5 | MEASURE_CBOR_NULL);
}

static int decode_value(struct meta_decoder *d, const struct meta_field *f,
                        const struct cmc_json *node, uint8_t *base)
{
    void *at = base + f->at;
    if (is_null(d, node))
        return decode_null(d, f, node, at);
    switch ((int)f->value) {
    case META_TEXTS:
    case META_BYTES_LIST:
    case META_LIST:
    case META_BYTES_MAP:
        return decode_list(d, f, node, base);
    case META_RECORD:
        return decode_pointer(d, f, node, at);
    case META_INSIDE:
        return decode_record(d, f->of, node, at);
    case META_TREE:
        return meta_decoder_tree(d, node, at);
    default:
        return meta_decoder_scalar(d, f, node, at);
    }
}

static int unknown_member(struct meta_decoder *d, const struct meta_record *record,
                          const struct meta_member *key, const struct cmc_json *node)
{
    char path[META_PATH_MAX];
    if (record->closed)
        return meta_decoder_fail(d, CMC_E_FORMAT, "%s has no such member", record->name);
    for (size_t i = 0; i < record->count && key->text; i++)
        if (key->len == strlen(record->field[i].name) &&
            strncasecmp(key->name, record->field[i].name, key->len) == 0)
            return meta_decoder_fail(d, CMC_E_FORMAT, "write it as \"%s\"", record->field[i].name);
    meta_place_path(d->place, path);
    if (meta_doc_list(d->doc, path, d->err) < 0)
        return meta_decoder_wrap(d);
    return meta_decoder_skip(d, node);
}

static int decode_member(struct meta_decoder *d, const struct meta_record *record,
                         const struct cmc_json *node, uint8_t *out, uint64_t *seen)
{
    char unknown[META_PATH_MAX] = "";
    const struct meta_place *up = d->place;
    struct meta_place place = {.up = up, .name = unknown};
    struct meta_member key = {0};
    int rc = meta_decoder_key(d, node, &key);
    if (rc < 0)
        return rc;
    size_t i = 0;
    while (i < record->count && !meta_member_is(&key, &record->field[i], node != NULL))
        i++;
    d->place = &place;
    if (i < record->count) {
        *seen |= 1ULL << i;
        place.name = record->field[i].name;
        rc = decode_value(d, &record->field[i], node, out);
    } else {
        meta_member_name(&key, unknown);
        rc = unknown_member(d, record, &key, node);
    }
    d->place = up;
    return rc;
}

/* What is absent must be allowed to, and counts as null where that may be. */
static int check_seen(struct meta_decoder *d, const struct meta_record *record, uint64_t seen,
                      uint8_t *out)
{
    for (size_t i = 0; i < record->count; i++) {
        const struct meta_field *f = &record->field[i];
        if (seen & 1ULL << i)
            continue;
        if (f->rule == META_MUST)
            return meta_decoder_fail(d, CMC_E_FORMAT, "%s without the member \"%s\"", record->name,
                                     f->name);
        if (may_be_null(f))
            set_null(f, out + f->at);
    }
    return 0;
}

static int decode_record(struct meta_decoder *d, const struct meta_record *record,
                         const struct cmc_json *node, uint8_t *out)
{
    struct measure_cbor head;
    struct meta_key_order order = {0};
    uint64_t seen = 0;
    if (record->bare)
        return decode_value(d, record->field, node, out);
    int rc = meta_decoder_expect(d, node, MEASURE_CBOR_MAP, &head);
    const struct cmc_json *child = node ? node->child : NULL;
    for (uint64_t i = 0; rc == 0 && i < head.value; i++) {
        const uint8_t *key = d->cbor.p;
        rc = decode_member(d, record, child, out, &seen);
        if (rc == 0 && !node)
            rc = meta_decoder_ordered(d, &order, key);
        child = child ? child->next : NULL;
    }
    return rc < 0 ? rc : check_seen(d, record, seen, out);
}

static int decode_cbor(struct meta_decoder *d, const struct meta_record *record, const void *data,
                       size_t len, void *out)
{
    d->cbor = cmc_reader_of(data, len);
    int rc = decode_record(d, record, NULL, out);
    if (rc == 0 && d->cbor.left)
        rc = meta_decoder_fail(d, CMC_E_FORMAT, "%zu bytes follow behind the end", d->cbor.left);
    return rc;
}

static int decode_json(struct meta_decoder *d, const struct meta_record *record, const void *data,
                       size_t len, void *out)
{
    struct cmc_json_doc **json = NULL;
    const struct cmc_json *root = NULL;
    const struct cmc_json_limits limits = {.bytes = len, .values = META_VALUES_MAX};
    int rc = meta_doc_own(d->doc, &json, d->err);
    if (rc == 0)
        rc = cmc_json_parse_within(data, len, &limits, json, &root, d->err);
    if (!root)
        return rc;
    d->json = true;
    return decode_record(d, record, root, out);
}

/* Decodes into *out, which may hold a part when it fails. */
static int decode(const struct meta_record *record, const char *place,
                  const struct meta_bytes *part, void *out, struct meta_doc *doc,
                  struct cmc_err *err)
{
    const struct meta_place top = {.name = place};
    struct meta_decoder d = {.doc = doc, .place = &top, .err = err};
    const size_t max = record->max ? record->max : META_ITEM_MAX;
    enum meta_encoding encoding;
    if (part->len > max)
        return cmc_fail(err, CMC_E_LIMIT, "%s of %zu bytes, at most %zu", record->name, part->len,
                        max);
    int rc = meta_encoding_of(part->data, part->len, &encoding, err);
    if (rc == 0 && encoding == META_JSON)
        rc = decode_json(&d, record, part->data, part->len, out);
    else if (rc == 0)
        rc = decode_cbor(&d, record, part->data, part->len, out);
    return rc < 0 ? cmc_wrap(err, "%s", record->name) : 0;
}

int meta_codec_decode_part(const struct meta_record *record, const char *place,
                           const struct meta_bytes *part, void *out, struct meta_doc *doc,
                           struct cmc_err *err)
{
    void *value = NULL;
    int rc = meta_doc_alloc(doc, 1, record->size, &value, err);
    if (rc == 0)
        rc = decode(record, place, part, value, doc, err);
    if (rc == 0)
        memcpy(out, value, record->size);
    return rc;
}

int meta_codec_decode(const struct meta_record *record, const void *data, size_t len, void *out,
                      struct meta_doc **doc, struct cmc_err *err)
{
    const struct meta_bytes whole = {.data = data, .len = len};
    meta_autodoc struct meta_doc *d = meta_doc_new();
    if (!d)
        return cmc_fail(err, CMC_E_LIMIT, "%s: out of memory", record->name);
    int rc = meta_codec_decode_part(record, "$", &whole, out, d, err);
    if (rc == 0)
        *doc = CMC_TAKE_PTR(d);
    return rc;
}
