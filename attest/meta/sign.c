/* SPDX-License-Identifier: Apache-2.0 */
/* attest/meta/sign.c -- whether a signed item holds: its chains, its algorithms, its signatures. */
#include "attest/meta/sign.h"

#include "attest/meta/signed.h"

void meta_signed_done(struct meta_signed *s)
{
    for (size_t i = 0; i < s->count; i++)
        free(s->by[i].bytes);
    cmc_json_free(s->doc);
    cmc_buf_done(&s->payload);
    *s = (struct meta_signed){.count = 0};
}

int meta_signed_parse(const void *item, size_t len, struct meta_signed *out, struct cmc_err *err)
{
    CMC_CLEANUP(meta_signed_done) struct meta_signed s = {.count = 0};
    enum meta_encoding encoding;
    if (meta_encoding_of(item, len, &encoding, err) < 0)
        return -(int)err->code;
    const int rc = encoding == META_JSON ? meta_jws_parse(item, len, &s, err)
                                         : meta_cose_parse(item, len, &s, err);
    if (rc < 0)
        return rc;
    *out = s;
    s = (struct meta_signed){.count = 0};
    return 0;
}

void meta_signed_put_input(const struct meta_signed *s, size_t i, struct cmc_buf *out)
{
    if (s->encoding == META_JSON)
        meta_jws_put_input(s, i, out);
    else
        meta_cose_put_input(s, i, out);
}

int meta_signed_check(const struct meta_signed *s, size_t i, const struct meta_key *key,
                      struct cmc_err *err)
{
    cmc_autobuf struct cmc_buf input = cmc_buf_of(META_INPUT_MAX);
    const struct meta_signed_by *by = &s->by[i];
    const struct meta_signature sig = {.alg = by->alg->scheme,
                                       .hash = by->alg->hash,
                                       .data = by->sig.data,
                                       .len = by->sig.len,
                                       .salt_as_hash = true};
    if (meta_alg_fits(by->alg, key->pkey, err) < 0)
        return -(int)err->code;
    meta_signed_put_input(s, i, &input);
    if (cmc_buf_check(&input, "what is signed", err) < 0)
        return -(int)err->code;
    return meta_key_verify(key, &sig, input.data, input.len, err);
}

static int verify_one(const struct meta_signed *s, size_t i, const struct meta_trust *trust,
                      enum meta_role role, struct meta_key **out, struct cmc_err *err)
{
    CMC_CLEANUP(meta_key_freep) struct meta_key *key = NULL;
    const struct meta_signed_by *by = &s->by[i];
    if (by->chain_count == 0)
        return cmc_fail(err, CMC_E_VERIFY, "no certificate: nobody vouches for the key");
    if (meta_trust_verify(trust, role, by->chain, by->chain_count, &key, err) < 0 ||
        meta_signed_check(s, i, key, err) < 0)
        return -(int)err->code;
    *out = CMC_TAKE_PTR(key);
    return 0;
}

int meta_verify(const void *item, size_t len, const struct meta_trust *trust, enum meta_role role,
                struct meta_verified *out, struct cmc_err *err)
{
    CMC_CLEANUP(meta_signed_done) struct meta_signed s = {.count = 0};
    CMC_CLEANUP(meta_verified_done) struct meta_verified v = {.count = 0};
    if (meta_signed_parse(item, len, &s, err) < 0)
        return -(int)err->code;
    for (; v.count < s.count; v.count++) {
        const int rc = verify_one(&s, v.count, trust, role, &v.signer[v.count], err);
        if (rc < 0)
            return s.count == 1 ? rc : cmc_wrap(err, "signature %zu", v.count + 1);
    }
    v.payload = s.payload;
    s.payload = cmc_buf_of(0);
    *out = v;
    v = (struct meta_verified){.count = 0}; /* NOLINT(*-deadcode.DeadStores): v has a cleanup */
    return 0;
}

void meta_verified_done(struct meta_verified *v)
{
    for (size_t i = 0; i < v->count; i++)
        meta_key_free(v->signer[i]);
    cmc_buf_done(&v->payload);
    *v = (struct meta_verified){.count = 0};
}

int meta_verify_bare(const void *item, size_t len, const struct meta_key *key,
                     struct cmc_buf *payload, struct cmc_err *err)
{
    CMC_CLEANUP(meta_signed_done) struct meta_signed s = {.count = 0};
    if (meta_signed_parse(item, len, &s, err) < 0)
        return -(int)err->code;
    if (s.count != 1 || s.by[0].chain_count)
        return cmc_fail(err, CMC_E_VERIFY, "need one signature, and no certificate with it");
    if (meta_signed_check(&s, 0, key, err) < 0)
        return -(int)err->code;
    *payload = s.payload;
    s.payload = cmc_buf_of(0);
    return 0;
}
