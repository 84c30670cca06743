/* SPDX-License-Identifier: Apache-2.0 */
/* attest/prove/driver_sw.c -- the attestation key is in a file, and nothing but that file vouches
 * for what it signs. */
#include <limits.h>
#include <string.h>

#include <openssl/ec.h>
#include <openssl/x509.h>

#include "attest/meta/ossl.h"
#include "attest/prove/parts.h"

enum {
    FILE_MAX = 4096,
    HALF = 32,
    /* TPM 2.0 Part 2, 6.2, 6.9, 9.2; TCG Algorithm Registry */
    GENERATED = 0xff544347,
    ST_ATTEST_QUOTE = 0x8018,
    ALG_ECDSA = 0x0018,
    SELECT_BYTES = TPM_PCRS / 8
};
static const char file[] = "sw_ak_private.key"; /* PKCS#8, DER */

CMC_DEFINE_CLEANUP(sig_freep, ECDSA_SIG *, ECDSA_SIG_free)
CMC_DEFINE_CLEANUP(p8_freep, PKCS8_PRIV_KEY_INFO *, PKCS8_PRIV_KEY_INFO_free)

static void secret_done(struct cmc_buf *b)
{
    if (b->data)
        OPENSSL_cleanse(b->data, b->cap);
    cmc_buf_done(b);
}

static int load_key(struct prove *p, struct cmc_err *err)
{
    CMC_CLEANUP(secret_done) struct cmc_buf der = cmc_buf_of(FILE_MAX);
    int found = prove_file_read(p->cfg.storage, file, FILE_MAX, &der, err);
    if (found <= 0)
        return found;
    const unsigned char *at = der.data;
    CMC_CLEANUP(p8_freep)
    PKCS8_PRIV_KEY_INFO *p8 = d2i_PKCS8_PRIV_KEY_INFO(NULL, &at, (long)der.len);
    CMC_CLEANUP(meta_pkey_freep) EVP_PKEY *key = p8 ? EVP_PKCS82PKEY(p8) : NULL;
    if (!key || at != der.data + der.len || !EVP_PKEY_is_a(key, "EC") ||
        EVP_PKEY_get_bits(key) != 8 * HALF)
        return meta_ossl_fail(err, CMC_E_FORMAT, "%.200s/%s: expected a P-256 key in PKCS#8 (DER)",
                              p->cfg.storage, file);
    p->key = CMC_TAKE_PTR(key);
    return 1;
}

static int make(struct prove *p, const char *alg, struct cmc_err *err)
{
    unsigned char *der = NULL;
    if (alg && strcmp(alg, "ecdsa-p256") != 0)
        return cmc_fail(err, CMC_E_USAGE, "software key: algorithm %.40s: expected ecdsa-p256",
                        alg);
    CMC_CLEANUP(meta_pkey_freep) EVP_PKEY *key = EVP_EC_gen("P-256");
    CMC_CLEANUP(p8_freep) PKCS8_PRIV_KEY_INFO *p8 = key ? EVP_PKEY2PKCS8(key) : NULL;
    int len = p8 ? i2d_PKCS8_PRIV_KEY_INFO(p8, &der) : 0;
    if (len <= 0)
        return meta_ossl_fail(err, CMC_E_LIMIT, "make a software key");
    int rc = prove_file_write(p->cfg.storage, file, der, (size_t)len, err);
    OPENSSL_clear_free(der, (size_t)len);
    if (rc < 0)
        return rc;
    p->key = CMC_TAKE_PTR(key);
    return 0;
}

static int sign(struct prove *p, const void *data, size_t len, struct tpm_signature *out,
                struct cmc_err *err)
{
    unsigned char der[128];
    size_t der_len = sizeof(der);
    const unsigned char *at = der;
    struct tpm_signature raw = {.len = (size_t)2 * HALF};
    CMC_CLEANUP(meta_md_ctx_freep) EVP_MD_CTX *ctx = EVP_MD_CTX_new();
    if (!ctx || EVP_DigestSignInit(ctx, NULL, EVP_sha256(), NULL, p->key) != 1 ||
        EVP_DigestSign(ctx, der, &der_len, data, len) != 1)
        return meta_ossl_fail(err, CMC_E_LIMIT, "sign with the software key");
    CMC_CLEANUP(sig_freep) ECDSA_SIG *sig = d2i_ECDSA_SIG(NULL, &at, (long)der_len);
    if (!sig || BN_bn2binpad(ECDSA_SIG_get0_r(sig), raw.data, HALF) != HALF ||
        BN_bn2binpad(ECDSA_SIG_get0_s(sig), raw.data + HALF, HALF) != HALF)
        return meta_ossl_fail(err, CMC_E_LIMIT, "sign with the software key");
    *out = raw;
    return 0;
}

/* The name of the key, as a TPM has names: of its SubjectPublicKeyInfo here. */
static int put_signer(const struct prove *p, struct cmc_buf *b, struct cmc_err *err)
{
    uint8_t spki[CMC_SHA256_LEN];
    unsigned char *der = NULL;
    int len = i2d_PUBKEY(p->key, &der);
    if (len <= 0)
        return meta_ossl_fail(err, CMC_E_LIMIT, "software key");
    cmc_sha256(der, (size_t)len, spki);
    OPENSSL_free(der);
    cmc_put_be16(b, 2 + CMC_SHA256_LEN);
    cmc_put_be16(b, CMC_ALG_SHA256);
    cmc_put(b, spki, sizeof(spki));
    return 0;
}

static void digest_values(const struct tpm_quote_ask *ask, struct tpm_quote *q)
{
    struct cmc_sha256_ctx c;
    cmc_sha256_init(&c);
    for (unsigned i = 0; i < TPM_PCRS; i++)
        if (ask->pcrs & 1u << i)
            cmc_sha256_add(&c, q->value[i], cmc_hash_size(ask->bank));
    cmc_sha256_end(&c, q->digest);
}

/* TPMS_ATTEST (TPM 2.0 Part 2, 10.12.12) */
static int put_attest(const struct prove *p, const struct tpm_quote_ask *ask,
                      const struct tpm_quote *q, struct cmc_buf *b, struct cmc_err *err)
{
    cmc_put_be32(b, GENERATED);
    cmc_put_be16(b, ST_ATTEST_QUOTE);
    if (put_signer(p, b, err) < 0)
        return -(int)err->code;
    cmc_put_be16(b, sizeof(ask->nonce));
    cmc_put(b, ask->nonce, sizeof(ask->nonce));
    cmc_put_be64(b, 0); /* TPMS_CLOCK_INFO: no clock, and what the log says of resets */
    cmc_put_be32(b, q->reset_count);
    cmc_put_be32(b, 0);
    cmc_put_u8(b, 0);
    cmc_put_be64(b, 0); /* no firmware */
    cmc_put_be32(b, 1); /* TPML_PCR_SELECTION */
    cmc_put_be16(b, ask->bank);
    cmc_put_u8(b, SELECT_BYTES);
    for (unsigned i = 0; i < SELECT_BYTES; i++)
        cmc_put_u8(b, (uint8_t)(ask->pcrs >> (8 * i)));
    cmc_put_be16(b, sizeof(q->digest));
    cmc_put(b, q->digest, sizeof(q->digest));
    return cmc_buf_check(b, "software evidence", err);
}

/* TPMT_SIGNATURE (Part 2, 11.3.4) */
static void put_signature(const struct tpm_signature *raw, struct cmc_buf *b)
{
    cmc_put_be16(b, ALG_ECDSA);
    cmc_put_be16(b, CMC_ALG_SHA256);
    cmc_put_be16(b, HALF);
    cmc_put(b, raw->data, HALF);
    cmc_put_be16(b, HALF);
    cmc_put(b, raw->data + HALF, HALF);
}

static void take(const struct cmc_buf *b, struct tpm_blob *out)
{
    out->len = b->len;
    memcpy(out->data, b->data, b->len);
}

static int quote(struct prove *p, const struct tpm_quote_ask *ask, struct tpm_quote *out,
                 struct cmc_err *err)
{
    cmc_autobuf struct cmc_buf attest = cmc_buf_of(TPM_BLOB_MAX);
    cmc_autobuf struct cmc_buf signature = cmc_buf_of(TPM_BLOB_MAX);
    struct tpm_signature raw;
    digest_values(ask, out);
    if (put_attest(p, ask, out, &attest, err) < 0 ||
        sign(p, attest.data, attest.len, &raw, err) < 0)
        return -(int)err->code;
    put_signature(&raw, &signature);
    if (cmc_buf_check(&signature, "signature", err) < 0)
        return -(int)err->code;
    take(&attest, &out->attest);
    take(&signature, &out->signature);
    return 0;
}

const struct prove_driver prove_driver_sw = {.kind = "sw",
                                             .chain = "sw_ak_chain.pem",
                                             .load = load_key,
                                             .make = make,
                                             .sign = sign,
                                             .quote = quote,
                                             .software = true};
