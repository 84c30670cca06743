/* SPDX-License-Identifier: Apache-2.0 */
/* attest/verify/quote_signature.c -- the signature over the quote: allowed, fitting, right. */
#include <string.h>

#include <tss2/tss2_mu.h>

#include "attest/verify/quote_parts.h"

struct signature {
    uint16_t alg, hash;
    uint8_t raw[TPM2_MAX_RSA_KEY_BYTES]; /* longer than r and s together */
    size_t len;
};

/* r || s, each half bytes or more: a TPM may leave out leading zeros. */
static void join(const TPMS_SIGNATURE_ECDSA *e, size_t half, struct signature *out)
{
    const size_t r = e->signatureR.size, s = e->signatureS.size, longer = r > s ? r : s;
    const size_t each = longer > half ? longer : half;
    memset(out->raw, 0, 2 * each);
    memcpy(out->raw + each - r, e->signatureR.buffer, r);
    memcpy(out->raw + 2 * each - s, e->signatureS.buffer, s);
    out->len = 2 * each;
}

static bool allowed_alg(uint16_t alg)
{
    return alg == TPM2_ALG_RSASSA || alg == TPM2_ALG_RSAPSS || alg == TPM2_ALG_ECDSA;
}

static bool allowed_hash(uint16_t hash)
{
    return hash == TPM2_ALG_SHA256 || hash == TPM2_ALG_SHA384 || hash == TPM2_ALG_SHA512;
}

/* What is wrong with the bytes, or NULL. The algorithms are judged before the rest is read. */
static const char *read_signature(const struct meta_bytes *in, size_t half, struct signature *out)
{
    struct cmc_reader r = cmc_reader_of(in->data, in->len);
    TPMT_SIGNATURE s = {0};
    size_t at = 0;
    out->alg = cmc_read_be16(&r);
    out->hash = cmc_read_be16(&r);
    if (r.bad)
        return "is truncated";
    if (!allowed_alg(out->alg))
        return "has an algorithm that is none of RSASSA, RSAPSS, ECDSA";
    if (!allowed_hash(out->hash))
        return "has a hash that is none of SHA-256, SHA-384, SHA-512";
    if (Tss2_MU_TPMT_SIGNATURE_Unmarshal(in->data, in->len, &at, &s) != TSS2_RC_SUCCESS)
        return "is no TPMT_SIGNATURE";
    if (at != in->len)
        return "has bytes behind it";
    if (out->alg == TPM2_ALG_ECDSA) {
        join(&s.signature.ecdsa, half, out);
        return NULL;
    }
    const TPM2B_PUBLIC_KEY_RSA *sig = &s.signature.rsassa.sig; /* RSAPSS has the same shape */
    out->len = sig->size;
    memcpy(out->raw, sig->buffer, sig->size);
    return NULL;
}

bool verify_quote_signature(const struct verify_evidence *e, struct verify_quote *q,
                            struct verify_tree *t, struct verify_claim *up)
{
    struct signature s = {0};
    struct cmc_err err = {0};
    const char *fault = read_signature(&e->signature, meta_key_half(q->key), &s);
    if (fault) {
        (void)verify_claim_add(t, up, VERIFY_BAD, "quote.algorithm",
                               "the signature (0x%04x, 0x%04x) %s", s.alg, s.hash, fault);
        return false;
    }
    const struct meta_signature sig = {.alg = s.alg, .hash = s.hash, .data = s.raw, .len = s.len};
    const int rc = meta_key_verify(q->key, &sig, e->attest.data, e->attest.len, &err);
    q->hash = s.hash;
    return verify_claim_result(t, up, "quote.signature", rc, &err,
                               "the key's signature over %zu bytes", e->attest.len) == VERIFY_GOOD;
}
