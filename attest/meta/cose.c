/* SPDX-License-Identifier: Apache-2.0 */
/* attest/meta/cose.c -- reads and writes COSE_Sign (RFC 9052 section 4.1), strictly. */
#include <inttypes.h>
#include <string.h>

#include "attest/meta/signed.h"
#include "measure/cbor.h"

enum { HEAD_ALG = 1, HEAD_CRIT = 2, HEAD_X5CHAIN = 33 }; /* RFC 9052 table 3, RFC 9360 table 1 */

static const uint8_t tag_sign[2] = {0xd8, 98}; /* RFC 9052 table 1 */
static const char context[] = "Signature";     /* RFC 9052 section 4.4 */

/* The tag comes first, and no other item of this family must pass for it. */
static int read_tag(struct cmc_reader *r, struct cmc_err *err)
{
    if (r->left >= sizeof(tag_sign) && memcmp(r->p, tag_sign, sizeof(tag_sign)) == 0) {
        (void)cmc_read_bytes(r, sizeof(tag_sign));
        return 0;
    }
    const uint8_t first = r->left ? *r->p : 0;
    if (first >> 5 == 6)
        return cmc_fail(err, CMC_E_VERIFY, "tag %u is not that of COSE_Sign (98)",
                        first == 0xd8 && r->left > 1 ? r->p[1] : first & 31U);
    return cmc_fail(err, CMC_E_FORMAT, "begins without the tag of COSE_Sign (98)");
}

static int get(struct cmc_reader *r, enum measure_cbor_type type, const char *what,
               struct measure_cbor *out, struct cmc_err *err)
{
    return measure_cbor_expect(r, type, what, out, err);
}

static int get_array(struct cmc_reader *r, uint64_t count, const char *what, struct cmc_err *err)
{
    struct measure_cbor v;
    if (get(r, MEASURE_CBOR_ARRAY, what, &v, err) < 0)
        return -(int)err->code;
    if (v.value != count)
        return cmc_fail(err, CMC_E_FORMAT, "%s of %" PRIu64 " elements, need %" PRIu64, what,
                        v.value, count);
    return 0;
}

/* RFC 9052 section 3: a label is an integer or a text; only integers are used here. */
static int get_label(struct cmc_reader *r, int64_t *out, struct cmc_err *err)
{
    struct measure_cbor v;
    if (measure_cbor_next(r, &v, err) < 0)
        return -(int)err->code;
    if ((v.type != MEASURE_CBOR_UINT && v.type != MEASURE_CBOR_NEGATIVE) || v.value > INT32_MAX)
        return cmc_fail(err, CMC_E_VERIFY, "has a label or algorithm that no item has");
    *out = v.type == MEASURE_CBOR_UINT ? (int64_t)v.value : -1 - (int64_t)v.value;
    return 0;
}

/* What is signed of a header: {1: algorithm}, and nothing else. */
static int read_protected(const struct meta_der *head, const struct meta_alg **alg,
                          struct cmc_err *err)
{
    struct cmc_reader r = cmc_reader_of(head->data, head->len);
    struct measure_cbor map;
    int64_t label = 0, id = 0;
    if (head->len == 0)
        return cmc_fail(err, CMC_E_VERIFY, "is empty: the algorithm must be in it");
    if (get(&r, MEASURE_CBOR_MAP, "header", &map, err) < 0)
        return -(int)err->code;
    for (uint64_t i = 0; i < map.value; i++) {
        if (get_label(&r, &label, err) < 0)
            return -(int)err->code;
        if (label == HEAD_CRIT)
            return cmc_fail(err, CMC_E_VERIFY,
                            "has extensions that a verifier must know (crit): none are known here");
        if (label != HEAD_ALG || i > 0)
            return cmc_fail(err, CMC_E_VERIFY, "has label %" PRId64 ": need 1 (alg), once", label);
        if (get_label(&r, &id, err) < 0)
            return -(int)err->code;
    }
    if (r.left)
        return cmc_fail(err, CMC_E_FORMAT, "has %zu bytes behind its map", r.left);
    if (label != HEAD_ALG)
        return cmc_fail(err, CMC_E_VERIFY, "has no algorithm");
    return meta_alg_by_cose(id, alg, err);
}

static int read_chain(struct cmc_reader *r, struct meta_signed_by *by, struct cmc_err *err)
{
    struct measure_cbor v;
    if (get(r, MEASURE_CBOR_ARRAY, "x5chain", &v, err) < 0)
        return -(int)err->code;
    if (v.value > META_CERTS_MAX)
        return cmc_fail(err, CMC_E_LIMIT, "x5chain: %" PRIu64 " certificates, at most %d", v.value,
                        META_CERTS_MAX);
    for (uint64_t left = v.value; left; left--) {
        if (get(r, MEASURE_CBOR_BYTES, "certificate", &v, err) < 0)
            return -(int)err->code;
        by->chain[by->chain_count++] = (struct meta_der){v.data, v.value};
    }
    return 0;
}

/* What is not signed of a header: {33: [certificate, ...]}, or nothing. */
static int read_unprotected(struct cmc_reader *r, struct meta_signed_by *by, struct cmc_err *err)
{
    struct measure_cbor map;
    int64_t label = 0;
    if (get(r, MEASURE_CBOR_MAP, "unprotected header", &map, err) < 0)
        return -(int)err->code;
    for (uint64_t i = 0; i < map.value; i++) {
        if (get_label(r, &label, err) < 0)
            return -(int)err->code;
        if (label == HEAD_ALG)
            return cmc_fail(err, CMC_E_VERIFY, "has the algorithm where it is not signed");
        if (label != HEAD_X5CHAIN || i > 0)
            return cmc_fail(err, CMC_E_VERIFY, "has label %" PRId64 ": need 33 (x5chain), once",
                            label);
        if (read_chain(r, by, err) < 0)
            return -(int)err->code;
    }
    return 0;
}

static int read_signature(struct cmc_reader *r, struct meta_signed_by *by, struct cmc_err *err)
{
    struct measure_cbor head, sig;
    if (get_array(r, 3, "signature", err) < 0 ||
        get(r, MEASURE_CBOR_BYTES, "protected header", &head, err) < 0)
        return -(int)err->code;
    by->head = (struct meta_der){head.data, head.value};
    if (read_protected(&by->head, &by->alg, err) < 0)
        return cmc_wrap(err, "protected header");
    if (read_unprotected(r, by, err) < 0)
        return cmc_wrap(err, "unprotected header");
    if (get(r, MEASURE_CBOR_BYTES, "signature", &sig, err) < 0)
        return -(int)err->code;
    by->sig = (struct meta_der){sig.data, sig.value};
    return 0;
}

/* RFC 9052 section 4.1: the body's own headers say nothing here. */
static int read_body(struct cmc_reader *r, struct measure_cbor *payload, struct cmc_err *err)
{
    struct measure_cbor v;
    if (get(r, MEASURE_CBOR_BYTES, "protected header of the body", &v, err) < 0)
        return -(int)err->code;
    if (v.value)
        return cmc_fail(err, CMC_E_VERIFY, "the body has a protected header: must be empty");
    if (get(r, MEASURE_CBOR_MAP, "unprotected header of the body", &v, err) < 0)
        return -(int)err->code;
    if (v.value)
        return cmc_fail(err, CMC_E_VERIFY, "the body has an unprotected header: must be empty");
    return get(r, MEASURE_CBOR_BYTES, "payload", payload, err);
}

static int read_item(struct cmc_reader *r, struct meta_signed *s, struct cmc_err *err)
{
    struct measure_cbor payload = {0}, all = {0};
    if (read_tag(r, err) < 0 || get_array(r, 4, "COSE_Sign", err) < 0 ||
        read_body(r, &payload, err) < 0 || get(r, MEASURE_CBOR_ARRAY, "signatures", &all, err) < 0)
        return -(int)err->code;
    if (all.value == 0 || all.value > META_SIGNATURES_MAX)
        return cmc_fail(err, all.value ? CMC_E_LIMIT : CMC_E_VERIFY,
                        "%" PRIu64 " signatures, need 1 to %d", all.value, META_SIGNATURES_MAX);
    for (; s->count < all.value; s->count++)
        if (read_signature(r, &s->by[s->count], err) < 0)
            return cmc_wrap(err, "signature %zu", s->count + 1);
    if (r->left)
        return cmc_fail(err, CMC_E_FORMAT, "%zu bytes follow behind the item", r->left);
    s->payload = cmc_buf_of(META_ITEM_MAX);
    cmc_put(&s->payload, payload.data, payload.value);
    return cmc_buf_check(&s->payload, "payload", err);
}

int meta_cose_parse(const void *item, size_t len, struct meta_signed *s, struct cmc_err *err)
{
    struct cmc_reader r = cmc_reader_of(item, len);
    s->encoding = META_CBOR;
    if (len > META_ITEM_MAX)
        return cmc_fail(err, CMC_E_LIMIT, "COSE_Sign of %zu bytes, at most %d", len, META_ITEM_MAX);
    return read_item(&r, s, err) < 0 ? cmc_wrap(err, "COSE_Sign") : 0;
}

void meta_cose_put_head(const struct meta_signed_by *by, struct cmc_buf *out)
{
    measure_cbor_put_map(out, 1);
    measure_cbor_put_uint(out, HEAD_ALG);
    measure_cbor_put_negative(out, (uint64_t)(-1 - by->alg->cose));
}

/* RFC 9052 section 4.4: Sig_structure, without external data */
void meta_cose_put_input(const struct meta_signed *s, size_t i, struct cmc_buf *out)
{
    measure_cbor_put_array(out, 5);
    measure_cbor_put_text(out, context);
    measure_cbor_put_bytes(out, "", 0);
    measure_cbor_put_bytes(out, s->by[i].head.data, s->by[i].head.len);
    measure_cbor_put_bytes(out, "", 0);
    measure_cbor_put_bytes(out, s->payload.data, s->payload.len);
}

static void put_signature(const struct meta_signed_by *by, struct cmc_buf *out)
{
    measure_cbor_put_array(out, 3);
    measure_cbor_put_bytes(out, by->head.data, by->head.len);
    measure_cbor_put_map(out, 1);
    measure_cbor_put_uint(out, HEAD_X5CHAIN);
    measure_cbor_put_array(out, by->chain_count);
    for (size_t i = 0; i < by->chain_count; i++)
        measure_cbor_put_bytes(out, by->chain[i].data, by->chain[i].len);
    measure_cbor_put_bytes(out, by->sig.data, by->sig.len);
}

void meta_cose_put(const struct meta_signed *s, struct cmc_buf *out)
{
    cmc_put(out, tag_sign, sizeof(tag_sign));
    measure_cbor_put_array(out, 4);
    measure_cbor_put_bytes(out, "", 0);
    measure_cbor_put_map(out, 0);
    measure_cbor_put_bytes(out, s->payload.data, s->payload.len);
    measure_cbor_put_array(out, s->count);
    for (size_t i = 0; i < s->count; i++)
        put_signature(&s->by[i], out);
}
