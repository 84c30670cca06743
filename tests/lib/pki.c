/* SPDX-License-Identifier: Apache-2.0 */
/* tests/lib/pki.c -- keys and certificates of any kind, made by a test for itself. */
#include "tests/lib/pki.h"

#include <openssl/core_names.h>
#include <openssl/ecdsa.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/rsa.h>
#include <openssl/x509v3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"

enum { KEYS_MAX = 32 };

static struct {
    char kind[24];
    EVP_PKEY *key;
} cache[KEYS_MAX];

static void drop_cache(void)
{
    for (size_t i = 0; i < KEYS_MAX; i++)
        EVP_PKEY_free(cache[i].key);
}

/* Not a test of anything: a set-up that fails must be seen. */
static void need(int good, const char *what)
{
    if (good > 0)
        return;
    ERR_print_errors_fp(stderr);
    (void)fprintf(stderr, "pki: %s failed\n", what);
    abort();
}

static EVP_PKEY *new_key(const char *kind)
{
    char name[24];
    (void)snprintf(name, sizeof(name), "%.*s", (int)strcspn(kind, "#"), kind);
    if (strncmp(name, "RSA-", 4) == 0)
        return EVP_PKEY_Q_keygen(NULL, NULL, "RSA", (size_t)strtoul(name + 4, NULL, 10));
    if (strcmp(name, "ED25519") == 0)
        return EVP_PKEY_Q_keygen(NULL, NULL, name);
    if (strcmp(name, "explicit") != 0)
        return EVP_PKEY_Q_keygen(NULL, NULL, "EC", name);
    EVP_PKEY *key = EVP_PKEY_Q_keygen(NULL, NULL, "EC", "P-256");
    need(EVP_PKEY_set_utf8_string_param(key, OSSL_PKEY_PARAM_EC_ENCODING, "explicit"), "explicit");
    return key;
}

EVP_PKEY *pki_key(const char *kind)
{
    if (!kind)
        kind = "P-256";
    size_t i = 0;
    while (i < KEYS_MAX && cache[i].key && strcmp(cache[i].kind, kind) != 0)
        i++;
    if (i >= KEYS_MAX)
        abort(); /* more kinds of keys than the cache has room for */
    if (cache[i].key)
        return cache[i].key;
    if (i == 0)
        (void)atexit(drop_cache);
    (void)snprintf(cache[i].kind, sizeof(cache[i].kind), "%s", kind);
    cache[i].key = new_key(kind);
    need(cache[i].key != NULL, kind);
    return cache[i].key;
}

static const EVP_MD *md_of(const char *name, const EVP_PKEY *key)
{
    if (EVP_PKEY_get_base_id(key) == EVP_PKEY_ED25519)
        return NULL;
    return EVP_get_digestbyname(name ? name : "SHA256");
}

static CONF *config(const char *ext)
{
    CONF *conf = NCONF_new(NULL);
    BIO *bio = BIO_new_mem_buf(ext, -1);
    need(NCONF_load_bio(conf, bio, NULL), ext);
    BIO_free(bio);
    return conf;
}

static void add_extensions(const char *ext, X509 *cert, X509 *issuer, X509_CRL *crl)
{
    X509V3_CTX ctx;
    if (!ext)
        return;
    CONF *conf = config(ext);
    X509V3_set_ctx(&ctx, issuer, cert, NULL, crl, 0);
    X509V3_set_nconf(&ctx, conf);
    if (crl)
        need(X509V3_EXT_CRL_add_nconf(conf, &ctx, "ext", crl), ext);
    else
        need(X509V3_EXT_add_nconf(conf, &ctx, "ext", cert), ext);
    NCONF_free(conf);
}

static void set_times(X509 *cert, int64_t from, int64_t to)
{
    if (from == 0 && to == 0) {
        from = -86400;
        to = 86400;
    }
    (void)ASN1_TIME_set(X509_getm_notBefore(cert), (time_t)(PKI_NOW + from));
    (void)ASN1_TIME_set(X509_getm_notAfter(cert), (time_t)(PKI_NOW + to));
}

void pki_make(struct pki_cert *out, const struct pki_spec *spec, const struct pki_cert *issuer)
{
    static long serials = 1000;
    *out = (struct pki_cert){.key = pki_key(spec->key), .cert = X509_new()};
    X509_NAME *name = X509_get_subject_name(out->cert);
    EVP_PKEY *signing = issuer ? issuer->key : out->key;

    need(X509_set_version(out->cert, spec->version ? spec->version - 1 : X509_VERSION_3),
         "version");
    need(
        ASN1_INTEGER_set(X509_get_serialNumber(out->cert), spec->serial ? spec->serial : ++serials),
        "serial");
    need(X509_NAME_add_entry_by_txt(name, "CN", MBSTRING_UTF8, (const unsigned char *)spec->name,
                                    -1, -1, 0),
         "name");
    need(X509_set_issuer_name(out->cert, issuer ? X509_get_subject_name(issuer->cert) : name),
         "issuer");
    set_times(out->cert, spec->from, spec->to);
    need(X509_set_pubkey(out->cert, out->key), "key");
    add_extensions(spec->ext, out->cert, issuer ? issuer->cert : out->cert, NULL);
    need(X509_sign(out->cert, signing, md_of(spec->digest, signing)), "sign");
    const int n = i2d_X509(out->cert, &out->der);
    need(n, "DER");
    out->len = (size_t)n;
}

void pki_done(struct pki_cert *c)
{
    X509_free(c->cert);
    OPENSSL_free(c->der);
    *c = (struct pki_cert){.len = 0};
}

static char *text_of(BIO *bio)
{
    char *data;
    const long n = BIO_get_mem_data(bio, &data);
    char *out = strndup(data, (size_t)n);
    BIO_free(bio);
    return out;
}

char *pki_pem(const struct pki_cert *c)
{
    BIO *bio = BIO_new(BIO_s_mem());
    need(PEM_write_bio_X509(bio, c->cert), "PEM");
    return text_of(bio);
}

char *pki_key_pem(EVP_PKEY *key)
{
    BIO *bio = BIO_new(BIO_s_mem());
    need(PEM_write_bio_PrivateKey(bio, key, NULL, NULL, 0, NULL, NULL), "PEM");
    return text_of(bio);
}

char *pki_public_pem(EVP_PKEY *key)
{
    BIO *bio = BIO_new(BIO_s_mem());
    need(PEM_write_bio_PUBKEY(bio, key), "PEM");
    return text_of(bio);
}

char *pki_crl_pem(const struct pki_crl *spec)
{
    X509_CRL *crl = X509_CRL_new();
    ASN1_TIME *t = ASN1_TIME_set(NULL, (time_t)(PKI_NOW + spec->from));
    need(X509_CRL_set_version(crl, X509_CRL_VERSION_2), "version");
    need(X509_CRL_set_issuer_name(crl, X509_get_subject_name(spec->issuer->cert)), "issuer");
    need(X509_CRL_set1_lastUpdate(crl, t), "from");
    if (spec->to) {
        (void)ASN1_TIME_set(t, (time_t)(PKI_NOW + spec->to));
        need(X509_CRL_set1_nextUpdate(crl, t), "to");
    }
    if (spec->revoked) {
        X509_REVOKED *r = X509_REVOKED_new();
        ASN1_INTEGER *serial = ASN1_INTEGER_new();
        need(ASN1_INTEGER_set(serial, spec->revoked), "serial");
        need(X509_REVOKED_set_serialNumber(r, serial), "serial");
        (void)ASN1_TIME_set(t, (time_t)(PKI_NOW - 10));
        need(X509_REVOKED_set_revocationDate(r, t), "date");
        need(X509_CRL_add0_revoked(crl, r), "revoked");
        ASN1_INTEGER_free(serial);
    }
    add_extensions(spec->ext, NULL, spec->issuer->cert, crl);
    need(X509_CRL_sign(crl, spec->issuer->key, md_of(spec->digest, spec->issuer->key)), "sign");
    BIO *bio = BIO_new(BIO_s_mem());
    need(PEM_write_bio_X509_CRL(bio, crl), "PEM");
    ASN1_TIME_free(t);
    X509_CRL_free(crl);
    return text_of(bio);
}

static void to_raw(uint8_t *sig, size_t *len, size_t n)
{
    const uint8_t *at = sig;
    ECDSA_SIG *ec = d2i_ECDSA_SIG(NULL, &at, (long)*len);
    need(ec && BN_bn2binpad(ECDSA_SIG_get0_r(ec), sig, (int)n) > 0 &&
             BN_bn2binpad(ECDSA_SIG_get0_s(ec), sig + n, (int)n) > 0,
         "raw");
    ECDSA_SIG_free(ec);
    *len = 2 * n;
}

uint8_t *pki_sign(EVP_PKEY *key, const char *digest, int pss_salt, const void *data, size_t len,
                  size_t *sig_len)
{
    EVP_MD_CTX *ctx = EVP_MD_CTX_new();
    EVP_PKEY_CTX *p = NULL;
    uint8_t *sig = calloc(1, 1200);
    *sig_len = 1200;
    need(sig && EVP_DigestSignInit(ctx, &p, md_of(digest, key), NULL, key), "sign");
    if (pss_salt != PKI_NO_PSS)
        need(EVP_PKEY_CTX_set_rsa_padding(p, RSA_PKCS1_PSS_PADDING) > 0 &&
                 EVP_PKEY_CTX_set_rsa_pss_saltlen(p, pss_salt) > 0,
             "PSS");
    need(EVP_DigestSign(ctx, sig, sig_len, data, len), "sign");
    EVP_MD_CTX_free(ctx);
    if (EVP_PKEY_get_base_id(key) == EVP_PKEY_EC)
        to_raw(sig, sig_len, ((size_t)EVP_PKEY_get_bits(key) + 7) / 8);
    return sig;
}
