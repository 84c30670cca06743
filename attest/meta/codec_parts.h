/* SPDX-License-Identifier: Apache-2.0 */
/* attest/meta/codec_parts.h -- what the files of the codec share; for attest/meta/codec_*.c alone.
 */
#ifndef ATTEST_META_CODEC_PARTS_H
#define ATTEST_META_CODEC_PARTS_H
#include "attest/meta/doc.h"
#include "measure/cbor.h"

/* Where the decoder is: a member or an element, and what it is in. */
struct meta_place {
    const struct meta_place *up; /* NULL: the top */
    const char *name;            /* NULL: element index */
    size_t index;
};
/* "$.components[3].name"; safe for terminals, cut at the tail. */
void meta_place_path(const struct meta_place *p, char out[static META_PATH_MAX]);

/* One decoder for both encodings: JSON is walked by node (never NULL then), CBOR is read on. Heads
 * of items are CBOR's in both: a JSON string is a text, an object a map. */
struct meta_decoder {
    struct meta_doc *doc;
    struct cmc_reader cbor;
    bool json;
    const struct meta_place *place;
    struct cmc_err *err;
};
int meta_decoder_fail(const struct meta_decoder *d, enum cmc_code code, const char *fmt, ...)
    CMC_PRINTF(3, 4);
/* Adds the place to what a callee said. */
int meta_decoder_wrap(const struct meta_decoder *d);
CMC_MUST_CHECK int meta_decoder_head(struct meta_decoder *d, const struct cmc_json *node,
                                     struct measure_cbor *out);
/* Reads a head that must be of a type. */
CMC_MUST_CHECK int meta_decoder_expect(struct meta_decoder *d, const struct cmc_json *node,
                                       enum measure_cbor_type type, struct measure_cbor *out);
CMC_MUST_CHECK int meta_decoder_alloc(struct meta_decoder *d, size_t count, size_t size,
                                      void **out);
bool meta_value_is_list(enum meta_value v);
/* value is one of the words in only, between '|'. */
bool meta_value_is_one_of(const char *value, const char *only);
/* Where a list's count is. */
static inline size_t meta_field_count_at(const struct meta_field *f)
{
    return f->value == META_TEXTS ? f->at + offsetof(struct meta_texts, count) : f->count_at;
}
/* Whether a field may have n bytes or elements. Errors: -CMC_E_LIMIT, -CMC_E_FORMAT (too few). */
CMC_MUST_CHECK int meta_field_check(const struct meta_field *f, uint64_t n, struct cmc_err *err);
/* The same, with the place. */
CMC_MUST_CHECK int meta_decoder_size(const struct meta_decoder *d, const struct meta_field *f,
                                     uint64_t n);
CMC_MUST_CHECK int meta_decoder_text(struct meta_decoder *d, const struct meta_field *f,
                                     const struct cmc_json *node, const char **out);
CMC_MUST_CHECK int meta_decoder_bytes(struct meta_decoder *d, bool hex, const struct cmc_json *node,
                                      struct meta_bytes *out);
/* Texts, numbers, byte strings and raw values; into at. */
CMC_MUST_CHECK int meta_decoder_scalar(struct meta_decoder *d, const struct meta_field *f,
                                       const struct cmc_json *node, void *at);
/* What stands in front of a member's value. */
struct meta_member {
    bool text;
    const char *name; /* text; of JSON NUL-terminated, too */
    size_t len;
    uint64_t number; /* else */
    bool negative;
};

CMC_MUST_CHECK int meta_decoder_key(struct meta_decoder *d, const struct cmc_json *node,
                                    struct meta_member *out);
bool meta_member_is(const struct meta_member *k, const struct meta_field *f, bool json);
/* For messages; cut when it is long. */
void meta_member_name(const struct meta_member *k, char out[static META_PATH_MAX]);

/* The keys of a map ascend, so none is there twice. */
struct meta_key_order {
    const uint8_t *last;
    size_t len;
};
/* key: where the key that was just read began. */
CMC_MUST_CHECK int meta_decoder_ordered(const struct meta_decoder *d, struct meta_key_order *o,
                                        const uint8_t *key);
/* A free tree: of JSON the node itself, of CBOR what JSON would have. */
CMC_MUST_CHECK int meta_decoder_tree(struct meta_decoder *d, const struct cmc_json *node,
                                     const struct cmc_json **out);
enum { META_SKIP_MAX = 64 };
/* Passes over a whole item of at most META_SKIP_MAX levels. */
CMC_MUST_CHECK int meta_decoder_skip(struct meta_decoder *d, const struct cmc_json *node);

/* One encoder for both encodings. Errors of all: -CMC_E_FORMAT (a text that is not UTF-8, or not
 * allowed), -CMC_E_LIMIT; what does not fit into b is only said by b. */
struct meta_encoder {
    struct cmc_buf *b;
    bool json;
    struct cmc_err *err;
};
CMC_MUST_CHECK int meta_encoder_null(struct meta_encoder *e);
CMC_MUST_CHECK int meta_encoder_text(struct meta_encoder *e, const char *text);
CMC_MUST_CHECK int meta_encoder_int(struct meta_encoder *e, int64_t v);
CMC_MUST_CHECK int meta_encoder_bool(struct meta_encoder *e, bool v);
CMC_MUST_CHECK int meta_encoder_bytes(struct meta_encoder *e, bool hex, const struct meta_bytes *v);
CMC_MUST_CHECK int meta_encoder_tree(struct meta_encoder *e, const struct cmc_json *tree);
/* The same under the rules of a field. */
CMC_MUST_CHECK int meta_encoder_field_text(struct meta_encoder *e, const struct meta_field *f,
                                           const char *text);
CMC_MUST_CHECK int meta_encoder_field_bytes(struct meta_encoder *e, const struct meta_field *f,
                                            const struct meta_bytes *v);
/* The members of an object of byte strings, in the order of the encoding. */
CMC_MUST_CHECK int meta_encoder_pairs(struct meta_encoder *e, const struct meta_named_item *item,
                                      size_t count);
void meta_tree_put_json(struct cmc_buf *b, const struct cmc_json *node);
/* Errors: -CMC_E_LIMIT (memory). */
CMC_MUST_CHECK int meta_tree_put_cbor(struct cmc_buf *b, const struct cmc_json *node,
                                      struct cmc_err *err);
/* A JSON string as Go's encoding/json writes it: <, >, & and U+2028, U+2029 are escaped, too. */
void meta_put_go_text(struct cmc_buf *b, const char *text, size_t len);
#endif
