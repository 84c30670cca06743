/* SPDX-License-Identifier: Apache-2.0 */
/* attest/meta/key_verify.c -- whether a signature holds under a key. */
#include <openssl/ecdsa.h>
#include <openssl/err.h>
#include <openssl/rsa.h>
#include <string.h>

#include "attest/meta/key.h"

CMC_DEFINE_CLEANUP(ecdsa_freep, ECDSA_SIG *, ECDSA_SIG_free)

enum { DER_MAX = 160 }; /* of r and s of P-521 */

const EVP_MD *meta_key_digest(uint16_t hash)
{
    if (hash == CMC_ALG_SHA256)
        return EVP_sha256();
    if (hash == CMC_ALG_SHA384)
        return EVP_sha384();
    return hash == CMC_ALG_SHA512 ? EVP_sha512() : NULL;
}

/* r || s to what libcrypto reads: SEQUENCE { r, s } (RFC 3279 section 2.2.3). */
static int to_der(const struct meta_key *k, const struct meta_signature *sig, uint8_t *der,
                  size_t *der_len, struct cmc_err *err)
{
    const size_t n = meta_key_curve_bytes(k->pkey);
    if (sig->len != 2 * n)
        return cmc_fail(err, CMC_E_VERIFY, "signature of %zu bytes, the key's are %zu", sig->len,
                        2 * n);
    CMC_CLEANUP(ecdsa_freep) ECDSA_SIG *ec = ECDSA_SIG_new();
    BIGNUM *r = BN_bin2bn(sig->data, (int)n, NULL), *s = BN_bin2bn(sig->data + n, (int)n, NULL);
    if (!ec || !r || !s || ECDSA_SIG_set0(ec, r, s) != 1) {
        BN_free(r);
        BN_free(s);
        return meta_ossl_fail(err, CMC_E_LIMIT, "out of memory for a signature");
    }
    const int len = i2d_ECDSA_SIG(ec, NULL);
    if (len <= 0 || len > DER_MAX)
        return meta_ossl_fail(err, CMC_E_VERIFY, "signature cannot be encoded");
    *der_len = (size_t)i2d_ECDSA_SIG(ec, &der);
    return 0;
}

/* The scheme must fit the key before any number is computed: no confusion of algorithms. */
static int check_scheme(const struct meta_key *k, const struct meta_signature *sig,
                        struct cmc_err *err)
{
    const bool curve = meta_key_curve_bytes(k->pkey) != 0;
    if (sig->alg != META_RSASSA && sig->alg != META_RSAPSS && sig->alg != META_ECDSA)
        return cmc_fail(err, CMC_E_VERIFY, "signature scheme 0x%04x is not one of ours", sig->alg);
    if (!meta_key_digest(sig->hash))
        return cmc_fail(err, CMC_E_VERIFY,
                        "signature over hash algorithm 0x%04x, need SHA-256, SHA-384 or SHA-512",
                        sig->hash);
    if (curve != (sig->alg == META_ECDSA))
        return cmc_fail(err, CMC_E_VERIFY, "signature scheme 0x%04x does not fit the %s key",
                        sig->alg, curve ? "elliptic curve" : "RSA");
    return 0;
}

static bool set_up(EVP_MD_CTX *ctx, const struct meta_key *k, const struct meta_signature *sig)
{
    EVP_PKEY_CTX *p = NULL;
    if (EVP_DigestVerifyInit(ctx, &p, meta_key_digest(sig->hash), NULL, k->pkey) != 1)
        return false;
    if (sig->alg == META_ECDSA)
        return true;
    if (sig->alg == META_RSASSA)
        return EVP_PKEY_CTX_set_rsa_padding(p, RSA_PKCS1_PADDING) == 1;
    return EVP_PKEY_CTX_set_rsa_padding(p, RSA_PKCS1_PSS_PADDING) == 1 &&
           EVP_PKEY_CTX_set_rsa_pss_saltlen(p, sig->salt_as_hash ? RSA_PSS_SALTLEN_DIGEST
                                                                 : RSA_PSS_SALTLEN_AUTO) == 1;
}

int meta_key_verify(const struct meta_key *k, const struct meta_signature *sig, const void *data,
                    size_t len, struct cmc_err *err)
{
    uint8_t der[DER_MAX];
    const uint8_t *bytes = sig->data;
    size_t count = sig->len;
    CMC_CLEANUP(meta_md_ctx_freep) EVP_MD_CTX *ctx = EVP_MD_CTX_new();

    if (check_scheme(k, sig, err) < 0)
        return -(int)err->code;
    if (sig->alg == META_ECDSA) {
        if (to_der(k, sig, der, &count, err) < 0)
            return -(int)err->code;
        bytes = der;
    }
    if (!ctx || !set_up(ctx, k, sig))
        return meta_ossl_fail(err, CMC_E_LIMIT, "signature cannot be set up");
    const int good = EVP_DigestVerify(ctx, bytes, count, data, len);
    ERR_clear_error();
    return good == 1 ? 0 : cmc_fail(err, CMC_E_VERIFY, "signature does not hold under the key");
}
