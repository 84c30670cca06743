/* SPDX-License-Identifier: Apache-2.0 */
/* attest/prove/key.c -- the attestation key for a CA: public key, request, certificates. */
#include <string.h>

#include <openssl/core_names.h>
#include <openssl/err.h>
#include <openssl/param_build.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>

#include "attest/meta/ossl.h"
#include "attest/prove/parts.h"

enum { HOST_MAX = 253, CN_MAX = 64, POINT = 65 };

CMC_DEFINE_CLEANUP(bn_freep, BIGNUM *, BN_free)
CMC_DEFINE_CLEANUP(bld_freep, OSSL_PARAM_BLD *, OSSL_PARAM_BLD_free)
CMC_DEFINE_CLEANUP(param_freep, OSSL_PARAM *, OSSL_PARAM_free)
CMC_DEFINE_CLEANUP(pkey_ctx_freep, EVP_PKEY_CTX *, EVP_PKEY_CTX_free)
CMC_DEFINE_CLEANUP(req_freep, X509_REQ *, X509_REQ_free)
CMC_DEFINE_CLEANUP(sig_freep, ECDSA_SIG *, ECDSA_SIG_free)
CMC_DEFINE_CLEANUP(algor_freep, X509_ALGOR *, X509_ALGOR_free)

static void der_freep(unsigned char **der)
{
    OPENSSL_free(*der);
}

static EVP_PKEY *from_params(const char *type, OSSL_PARAM_BLD *bld)
{
    EVP_PKEY *key = NULL;
    CMC_CLEANUP(param_freep) OSSL_PARAM *params = OSSL_PARAM_BLD_to_param(bld);
    CMC_CLEANUP(pkey_ctx_freep) EVP_PKEY_CTX *ctx = EVP_PKEY_CTX_new_from_name(NULL, type, NULL);
    if (!params || !ctx || EVP_PKEY_fromdata_init(ctx) != 1 ||
        EVP_PKEY_fromdata(ctx, &key, EVP_PKEY_PUBLIC_KEY, params) != 1)
        return NULL;
    return key;
}

static EVP_PKEY *of_ecdsa(const struct tpm_ak_key *k)
{
    uint8_t point[POINT] = {POINT_CONVERSION_UNCOMPRESSED};
    CMC_CLEANUP(bld_freep) OSSL_PARAM_BLD *bld = OSSL_PARAM_BLD_new();
    memcpy(point + 1, k->x, sizeof(k->x));
    memcpy(point + 1 + sizeof(k->x), k->y, sizeof(k->y));
    if (!bld ||
        !OSSL_PARAM_BLD_push_utf8_string(bld, OSSL_PKEY_PARAM_GROUP_NAME, "prime256v1", 0) ||
        !OSSL_PARAM_BLD_push_octet_string(bld, OSSL_PKEY_PARAM_PUB_KEY, point, sizeof(point)))
        return NULL;
    return from_params("EC", bld);
}

static EVP_PKEY *of_rsa(const struct tpm_ak_key *k)
{
    CMC_CLEANUP(bn_freep) BIGNUM *n = BN_bin2bn(k->n, sizeof(k->n), NULL);
    CMC_CLEANUP(bld_freep) OSSL_PARAM_BLD *bld = OSSL_PARAM_BLD_new();
    if (!n || !bld || !OSSL_PARAM_BLD_push_BN(bld, OSSL_PKEY_PARAM_RSA_N, n) ||
        !OSSL_PARAM_BLD_push_uint32(bld, OSSL_PKEY_PARAM_RSA_E, k->e))
        return NULL;
    return from_params("RSA", bld);
}

int prove_key_of_ak(const struct tpm_ak *ak, EVP_PKEY **out, struct cmc_err *err)
{
    struct tpm_ak_key k;
    if (tpm_ak_public(ak, &k, err) < 0)
        return -(int)err->code;
    EVP_PKEY *key = k.alg == TPM_AK_RSA_2048 ? of_rsa(&k) : of_ecdsa(&k);
    if (!key)
        return meta_ossl_fail(err, CMC_E_FORMAT, "attestation key");
    *out = key;
    return 0;
}

static int check_host(const char *host, struct cmc_err *err)
{
    static const char letters[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789";
    size_t len = strlen(host);
    if (len == 0 || len > HOST_MAX || host[0] == '-' || host[0] == '.')
        return cmc_fail(err, CMC_E_USAGE, "host name of %zu bytes: expected 1 to %d", len,
                        HOST_MAX);
    while (*host && (strchr(letters, *host) || strchr("-._", *host)))
        host++;
    return *host ? cmc_fail(err, CMC_E_USAGE, "host name: byte 0x%02x: expected a DNS name",
                            (unsigned char)*host)
                 : 0;
}

static int add_names(X509_REQ *req, const char *host)
{
    char cn[CN_MAX + 1], san[HOST_MAX + sizeof("DNS:")];
    int len = snprintf(cn, sizeof(cn), "%.*s AK", CN_MAX - 3, host); /* cut: the SAN decides */
    (void)snprintf(san, sizeof(san), "DNS:%s", host);
    X509_NAME *subject = X509_REQ_get_subject_name(req);
    X509_EXTENSION *ext = X509V3_EXT_conf_nid(NULL, NULL, NID_subject_alt_name, san);
    STACK_OF(X509_EXTENSION) *list = sk_X509_EXTENSION_new_null();
    int ok = ext && list && sk_X509_EXTENSION_push(list, ext) == 1;
    if (!ok)
        X509_EXTENSION_free(ext);
    ok = ok && X509_REQ_add_extensions(req, list) == 1 &&
         X509_NAME_add_entry_by_NID(subject, NID_commonName, MBSTRING_ASC,
                                    (const unsigned char *)cn, len, -1, 0) == 1;
    sk_X509_EXTENSION_pop_free(list, X509_EXTENSION_free);
    return ok;
}

/* ASN.1 of a raw signature (RFC 5480, A.1 for r and s). Returns bytes, 0 on a fault. */
static int encode_signature(const struct tpm_signature *raw, bool ecdsa, unsigned char **out)
{
    if (!ecdsa) {
        *out = OPENSSL_memdup(raw->data, raw->len);
        return *out ? (int)raw->len : 0;
    }
    const int half = (int)raw->len / 2;
    CMC_CLEANUP(sig_freep) ECDSA_SIG *sig = ECDSA_SIG_new();
    CMC_CLEANUP(bn_freep) BIGNUM *r = BN_bin2bn(raw->data, half, NULL);
    CMC_CLEANUP(bn_freep) BIGNUM *s = BN_bin2bn(raw->data + half, half, NULL);
    if (!sig || !r || !s || ECDSA_SIG_set0(sig, r, s) != 1)
        return 0;
    r = s = NULL;
    int len = i2d_ECDSA_SIG(sig, out);
    return len > 0 ? len : 0;
}

static bool add_signature(X509_REQ *req, const struct tpm_signature *raw, bool ecdsa)
{
    CMC_CLEANUP(der_freep) unsigned char *der = NULL;
    CMC_CLEANUP(algor_freep) X509_ALGOR *alg = X509_ALGOR_new();
    int len = encode_signature(raw, ecdsa, &der);
    ASN1_BIT_STRING *bits = ASN1_BIT_STRING_new();
    if (!len || !alg || !bits || ASN1_STRING_set(bits, der, len) != 1) {
        ASN1_BIT_STRING_free(bits);
        return false;
    }
    bits->flags &= ~(ASN1_STRING_FLAG_BITS_LEFT | 0x07); /* whole bytes */
    bits->flags |= ASN1_STRING_FLAG_BITS_LEFT;
    X509_REQ_set0_signature(req, bits);
    return X509_ALGOR_set0(alg,
                           OBJ_nid2obj(ecdsa ? NID_ecdsa_with_SHA256 : NID_sha256WithRSAEncryption),
                           ecdsa ? V_ASN1_UNDEF : V_ASN1_NULL, NULL) == 1 &&
           X509_REQ_set1_signature_algo(req, alg) == 1;
}

static int put_pem(BIO *bio, struct cmc_buf *out, struct cmc_err *err)
{
    char *text = NULL;
    long len = BIO_get_mem_data(bio, &text);
    cmc_put(out, text, len > 0 ? (size_t)len : 0);
    return cmc_buf_check(out, "PEM", err);
}

int prove_csr(struct prove *p, const char *host, struct cmc_buf *out, struct cmc_err *err)
{
    struct tpm_signature raw;
    CMC_CLEANUP(req_freep) X509_REQ *req = X509_REQ_new();
    CMC_CLEANUP(der_freep) unsigned char *body = NULL;
    CMC_CLEANUP(meta_bio_freep) BIO *bio = BIO_new(BIO_s_mem());
    if (check_host(host, err) < 0)
        return -(int)err->code;
    if (!req || !bio || X509_REQ_set_version(req, X509_REQ_VERSION_1) != 1 ||
        !add_names(req, host) || X509_REQ_set_pubkey(req, p->key) != 1)
        return meta_ossl_fail(err, CMC_E_LIMIT, "certificate request for %s", host);
    int len = i2d_re_X509_REQ_tbs(req, &body);
    if (len <= 0)
        return meta_ossl_fail(err, CMC_E_LIMIT, "certificate request for %s", host);
    if (p->driver->sign(p, body, (size_t)len, &raw, err) < 0)
        return cmc_wrap(err, "certificate request");
    /* The signature itself is proof of possession: whoever gets one that fails made a mistake. */
    if (!add_signature(req, &raw, EVP_PKEY_is_a(p->key, "EC")) ||
        X509_REQ_verify(req, p->key) != 1 || PEM_write_bio_X509_REQ(bio, req) != 1)
        return meta_ossl_fail(err, CMC_E_TPM, "certificate request for %s", host);
    return put_pem(bio, out, err);
}

void prove_chain_done(struct prove_chain *c)
{
    cmc_buf_done(&c->der);
    *c = (struct prove_chain){0};
}

static int add_cert(struct prove_chain *c, X509 *cert, struct cmc_err *err)
{
    CMC_CLEANUP(der_freep) unsigned char *der = NULL;
    int len = i2d_X509(cert, &der);
    if (len <= 0)
        return meta_ossl_fail(err, CMC_E_FORMAT, "certificate %zu", c->count + 1);
    if (c->count == META_CERTS_MAX || len > META_CERT_BYTES_MAX)
        return cmc_fail(err, CMC_E_LIMIT,
                        "certificate %zu of %d bytes: at most %d of %d bytes each", c->count + 1,
                        len, META_CERTS_MAX, META_CERT_BYTES_MAX);
    c->cert[c->count++].len = (size_t)len;
    cmc_put(&c->der, der, (size_t)len);
    return 0;
}

static int check_cert(X509 *cert, X509 *before, EVP_PKEY *key, size_t n, struct cmc_err *err)
{
    char subject[META_OSSL_NAME_CAP];
    meta_ossl_name(X509_get_subject_name(cert), subject);
    if (n == 0 && EVP_PKEY_eq(X509_get0_pubkey(cert), key) != 1)
        return cmc_fail(err, CMC_E_VERIFY,
                        "the first certificate, of %.200s, is not of the attestation key: was the "
                        "key made anew? Let the CA sign its request",
                        subject);
    if (before && X509_check_issued(cert, before) != X509_V_OK)
        return cmc_fail(err, CMC_E_VERIFY,
                        "certificate %zu, of %.200s, is not of the issuer of the one before it",
                        n + 1, subject);
    return 0;
}

int prove_chain_read(const void *pem, size_t len, EVP_PKEY *key, struct prove_chain *out,
                     struct cmc_err *err)
{
    CMC_CLEANUP(prove_chain_done)
    struct prove_chain c = {.der = cmc_buf_of((size_t)META_CERTS_MAX * META_CERT_BYTES_MAX)};
    CMC_CLEANUP(meta_x509_freep) X509 *before = NULL;
    if (len == 0 || len > INT_MAX)
        return cmc_fail(err, CMC_E_FORMAT, "no certificate in %zu bytes", len);
    CMC_CLEANUP(meta_bio_freep) BIO *bio = BIO_new_mem_buf(pem, (int)len);
    if (!bio)
        return meta_ossl_fail(err, CMC_E_LIMIT, "certificates");
    for (X509 *cert; (cert = PEM_read_bio_X509(bio, NULL, meta_ossl_no_pass, NULL));) {
        int rc = check_cert(cert, before, key, c.count, err);
        if (rc == 0)
            rc = add_cert(&c, cert, err);
        X509_free(before);
        before = cert;
        if (rc < 0)
            return rc;
    }
    if (ERR_GET_REASON(ERR_peek_last_error()) != PEM_R_NO_START_LINE || c.count == 0)
        return meta_ossl_fail(err, CMC_E_FORMAT, "certificate %zu (PEM)", c.count + 1);
    ERR_clear_error();
    if (cmc_buf_check(&c.der, "certificates", err) < 0)
        return -(int)err->code;
    for (size_t i = 0, at = 0; i < c.count; at += c.cert[i++].len)
        c.cert[i].data = c.der.data + at;
    *out = c;
    c = (struct prove_chain){0};
    return 0;
}

int prove_chain_put_pem(const struct prove_chain *c, struct cmc_buf *out, struct cmc_err *err)
{
    CMC_CLEANUP(meta_bio_freep) BIO *bio = BIO_new(BIO_s_mem());
    bool ok = bio != NULL;
    for (size_t i = 0; i < c->count && ok; i++)
        ok = PEM_write_bio(bio, PEM_STRING_X509, "", c->cert[i].data, (long)c->cert[i].len) > 0;
    if (!ok)
        return meta_ossl_fail(err, CMC_E_LIMIT, "certificates");
    return put_pem(bio, out, err);
}
