/* SPDX-License-Identifier: Apache-2.0 */
/* attest/meta/sign_make.c -- makes signed items, and gives out only what verifies. */
#include <openssl/ecdsa.h>
#include <openssl/rsa.h>
#include <string.h>

#include "attest/meta/sign_load.h"
#include "attest/meta/signed.h"

CMC_DEFINE_CLEANUP(ecdsa_freep, ECDSA_SIG *, ECDSA_SIG_free)

enum { SIG_MAX = 1024, DER_SLACK = 64 }; /* RSA of 8192 bits */

struct work { /* one item in the making */
    struct meta_signed item;
    struct meta_loaded by[META_SIGNATURES_MAX];
    struct cmc_buf head[META_SIGNATURES_MAX];
};

static void work_free(struct work *w)
{
    for (size_t i = 0; i < META_SIGNATURES_MAX; i++) {
        meta_loaded_done(&w->by[i]);
        cmc_buf_done(&w->head[i]);
    }
    meta_signed_done(&w->item);
    free(w);
}
CMC_DEFINE_CLEANUP(work_freep, struct work *, work_free)

/* The certificates' bytes and, behind them, room for the signature. */
static int put_chain(const struct meta_loaded *l, struct meta_signed_by *by, struct cmc_err *err)
{
    size_t size = SIG_MAX;
    for (size_t i = 0; i < l->count; i++)
        size += (size_t)i2d_X509(l->cert[i], NULL);
    unsigned char *at = by->bytes = malloc(size);
    if (!at)
        return cmc_fail(err, CMC_E_LIMIT, "out of memory");
    for (size_t i = 0; i < l->count; i++) {
        const unsigned char *begin = at;
        (void)i2d_X509(l->cert[i], &at);
        by->chain[by->chain_count++] = (struct meta_der){begin, (size_t)(at - begin)};
    }
    by->sig.data = at;
    return 0;
}

static bool set_up(EVP_MD_CTX *ctx, const struct meta_loaded *l)
{
    EVP_PKEY_CTX *p = NULL;
    if (EVP_DigestSignInit(ctx, &p, meta_key_digest(l->alg->hash), NULL, l->pkey) != 1)
        return false;
    if (l->alg->scheme != META_RSAPSS)
        return true; /* RSA pads by PKCS#1 v1.5 unless told otherwise */
    return EVP_PKEY_CTX_set_rsa_padding(p, RSA_PKCS1_PSS_PADDING) == 1 &&
           EVP_PKEY_CTX_set_rsa_pss_saltlen(p, RSA_PSS_SALTLEN_DIGEST) == 1;
}

/* RFC 7518 section 3.4, RFC 9053 section 2.1: r || s, each as long as the curve's order */
static bool to_raw(const uint8_t *der, size_t der_len, size_t n, uint8_t *out)
{
    CMC_CLEANUP(ecdsa_freep) ECDSA_SIG *sig = d2i_ECDSA_SIG(NULL, &der, (long)der_len);
    return sig && BN_bn2binpad(ECDSA_SIG_get0_r(sig), out, (int)n) > 0 &&
           BN_bn2binpad(ECDSA_SIG_get0_s(sig), out + n, (int)n) > 0;
}

static int sign_one(struct work *w, size_t i, struct cmc_err *err)
{
    cmc_autobuf struct cmc_buf input = cmc_buf_of(META_INPUT_MAX);
    CMC_CLEANUP(meta_md_ctx_freep) EVP_MD_CTX *ctx = EVP_MD_CTX_new();
    const struct meta_loaded *l = &w->by[i];
    struct meta_signed_by *by = &w->item.by[i];
    uint8_t sig[SIG_MAX + DER_SLACK];
    size_t len = sizeof(sig);

    meta_signed_put_input(&w->item, i, &input);
    if (cmc_buf_check(&input, "what is signed", err) < 0)
        return -(int)err->code;
    if (!ctx || !set_up(ctx, l) || EVP_DigestSign(ctx, sig, &len, input.data, input.len) != 1)
        return meta_ossl_fail(err, CMC_E_FORMAT, "cannot sign with %s", l->alg->name);
    const size_t n = l->alg->curve_bytes;
    uint8_t *out = by->bytes + (by->sig.data - by->bytes);
    if (n && !to_raw(sig, len, n, out))
        return meta_ossl_fail(err, CMC_E_FORMAT, "signature cannot be read back");
    if (!n)
        memcpy(out, sig, len);
    by->sig.len = n ? 2 * n : len;
    return 0;
}

static int add_signature(struct work *w, const struct meta_signing *how, size_t i,
                         struct cmc_err *err)
{
    struct meta_signed_by *by = &w->item.by[i];
    if (meta_sign_load(&how->signer[i], how->now, &w->by[i], err) < 0)
        return -(int)err->code;
    w->item.count++;
    if (put_chain(&w->by[i], by, err) < 0)
        return -(int)err->code;
    by->alg = w->by[i].alg;
    w->head[i] = cmc_buf_of(META_INPUT_MAX);
    if (how->encoding == META_JSON)
        meta_jws_put_head(by, &w->head[i]);
    else
        meta_cose_put_head(by, &w->head[i]);
    if (cmc_buf_check(&w->head[i], "header", err) < 0)
        return -(int)err->code;
    by->head = (struct meta_der){w->head[i].data, w->head[i].len};
    return sign_one(w, i, err);
}

/* What is given out is read as a verifier reads it, and must hold under the keys that signed. */
static int verify_own(const struct work *w, const struct cmc_buf *out, struct cmc_err *err)
{
    CMC_CLEANUP(meta_signed_done) struct meta_signed s = {.count = 0};
    if (meta_signed_parse(out->data, out->len, &s, err) < 0)
        return -(int)err->code;
    if (s.count != w->item.count || s.payload.len != w->item.payload.len ||
        memcmp(s.payload.data, w->item.payload.data, s.payload.len) != 0)
        return cmc_fail(err, CMC_E_VERIFY, "it does not say what was signed");
    for (size_t i = 0; i < s.count; i++) {
        const struct meta_key key = {.pkey = w->by[i].pkey};
        if (s.by[i].chain_count != w->by[i].count)
            return cmc_fail(err, CMC_E_VERIFY, "signature %zu: it has other certificates", i + 1);
        if (meta_signed_check(&s, i, &key, err) < 0)
            return cmc_wrap(err, "signature %zu", i + 1);
    }
    return 0;
}

static int make(struct work *w, const struct meta_signing *how, struct cmc_buf *out,
                struct cmc_err *err)
{
    for (size_t i = 0; i < how->count; i++)
        if (add_signature(w, how, i, err) < 0)
            return -(int)err->code;
    if (how->encoding == META_JSON)
        meta_jws_put(&w->item, out);
    else
        meta_cose_put(&w->item, out);
    if (cmc_buf_check(out, "signed item", err) < 0)
        return -(int)err->code;
    if (verify_own(w, out, err) < 0)
        return cmc_wrap(err, "what was just signed");
    return 0;
}

int meta_sign(const void *payload, size_t len, const struct meta_signing *how, struct cmc_buf *out,
              struct cmc_err *err)
{
    if (how->count == 0 || how->count > META_SIGNATURES_MAX)
        return cmc_fail(err, CMC_E_USAGE, "%zu keys, need 1 to %d", how->count,
                        META_SIGNATURES_MAX);
    CMC_CLEANUP(work_freep) struct work *w = calloc(1, sizeof(*w));
    if (!w)
        return cmc_fail(err, CMC_E_LIMIT, "out of memory");
    cmc_autobuf struct cmc_buf item = cmc_buf_of(META_JWS_MAX);
    w->item.encoding = how->encoding;
    w->item.payload = cmc_buf_of(META_ITEM_MAX);
    cmc_put(&w->item.payload, payload, len);
    if (cmc_buf_check(&w->item.payload, "payload", err) < 0 || make(w, how, &item, err) < 0)
        return -(int)err->code;
    *out = item;
    item = cmc_buf_of(0);
    return 0;
}
