/* SPDX-License-Identifier: Apache-2.0 */
/* attest/meta/key.c -- a public key, and what its certificate says about who holds it. */
#include "attest/meta/key.h"

#include <openssl/core_names.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>
#include <string.h>
#include <strings.h>

enum { RSA_BITS_MIN = 2048, RSA_BITS_MAX = 8192, HOST_MAX = 253, KEY_FILE_MAX = 65536 };

CMC_DEFINE_CLEANUP(names_freep, GENERAL_NAMES *, GENERAL_NAMES_free)
CMC_DEFINE_CLEANUP(object_freep, ASN1_OBJECT *, ASN1_OBJECT_free)

/* A curve given by its parameters can be P-256 in all but the generator (CVE-2020-0601). */
static int strong_curve(const EVP_PKEY *pkey, struct cmc_err *err)
{
    char curve[64] = "unknown";
    int explicit_params = 0;
    (void)EVP_PKEY_get_group_name(pkey, curve, sizeof(curve), NULL);
    (void)EVP_PKEY_get_int_param(pkey, OSSL_PKEY_PARAM_EC_DECODED_FROM_EXPLICIT_PARAMS,
                                 &explicit_params);
    if (explicit_params)
        return cmc_fail(err, CMC_E_VERIFY, "its curve is given by parameters, not by name");
    static const char *const good[] = {SN_X9_62_prime256v1, SN_secp384r1, SN_secp521r1};
    for (size_t i = 0; i < sizeof(good) / sizeof(good[0]); i++)
        if (strcmp(curve, good[i]) == 0)
            return 0;
    return cmc_fail(err, CMC_E_VERIFY, "weak key: curve %s, need P-256, P-384 or P-521", curve);
}

int meta_key_strong(const EVP_PKEY *pkey, struct cmc_err *err)
{
    const int type = EVP_PKEY_get_base_id(pkey), bits = EVP_PKEY_get_bits(pkey);
    if (type == EVP_PKEY_EC)
        return strong_curve(pkey, err);
    if (type != EVP_PKEY_RSA)
        return cmc_fail(err, CMC_E_VERIFY, "a key of kind %s, need RSA or an elliptic curve",
                        EVP_PKEY_get0_type_name(pkey) ? EVP_PKEY_get0_type_name(pkey) : "unknown");
    if (bits < RSA_BITS_MIN || bits > RSA_BITS_MAX)
        return cmc_fail(err, CMC_E_VERIFY, "weak or oversized key: RSA of %d bits, need %d to %d",
                        bits, RSA_BITS_MIN, RSA_BITS_MAX);
    return 0;
}

size_t meta_key_curve_bytes(const EVP_PKEY *pkey)
{
    if (EVP_PKEY_get_base_id(pkey) != EVP_PKEY_EC)
        return 0;
    return ((size_t)EVP_PKEY_get_bits(pkey) + 7) / 8;
}

size_t meta_key_half(const struct meta_key *k)
{
    return meta_key_curve_bytes(k->pkey);
}

static int set_spki(struct meta_key *k, struct cmc_err *err)
{
    unsigned char *der = NULL;
    const int n = i2d_PUBKEY(k->pkey, &der);
    if (n <= 0)
        return meta_ossl_fail(err, CMC_E_FORMAT, "public key cannot be encoded");
    cmc_sha256(der, (size_t)n, k->spki);
    OPENSSL_free(der);
    return 0;
}

/* RFC 5280 section 4.2.1.6: a dNSName; here without wildcards. */
static int add_host(struct meta_key *k, size_t *count, const ASN1_STRING *name, struct cmc_err *err)
{
    static const char letters[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
                                  "0123456789-._*";
    const char *text = (const char *)ASN1_STRING_get0_data(name);
    const size_t len = (size_t)ASN1_STRING_length(name);
    if (*count == META_KEY_HOSTS_MAX)
        return cmc_fail(err, CMC_E_LIMIT, "certificate \"%s\" has more than %d names", k->subject,
                        META_KEY_HOSTS_MAX);
    char *copy = len ? strndup(text, len) : NULL;
    if (len && !copy)
        return cmc_fail(err, CMC_E_LIMIT, "out of memory");
    if (len == 0 || len > HOST_MAX || strspn(copy, letters) != len) { /* a NUL ends strspn early */
        free(copy);
        return cmc_fail(err, CMC_E_VERIFY, "certificate \"%s\" has a dNSName that no host can have",
                        k->subject);
    }
    k->host[(*count)++] = copy;
    return 0;
}

/* TCG EK Credential Profile 3.1.2 (and the AK's after it): attributes in a directoryName. */
static int set_attribute(const X509_NAME *name, const char *oid, char *out, struct cmc_err *err)
{
    CMC_CLEANUP(object_freep) ASN1_OBJECT *object = OBJ_txt2obj(oid, 1);
    if (!object)
        return meta_ossl_fail(err, CMC_E_LIMIT, "object identifier %s", oid);
    const int at = X509_NAME_get_index_by_OBJ(name, object, -1);
    if (at < 0)
        return 0;
    if (*out || X509_NAME_get_index_by_OBJ(name, object, at) >= 0)
        return cmc_fail(err, CMC_E_VERIFY, "its subjectAltName has %s twice", oid);
    meta_ossl_text(X509_NAME_ENTRY_get_data(X509_NAME_get_entry(name, at)), out);
    return 0;
}

static int read_names(struct meta_key *k, X509 *cert, struct cmc_err *err)
{
    CMC_CLEANUP(names_freep)
    GENERAL_NAMES *names = X509_get_ext_d2i(cert, NID_subject_alt_name, NULL, NULL);
    size_t hosts = 0;
    int rc = 0;
    for (int i = 0; rc == 0 && i < sk_GENERAL_NAME_num(names); i++) {
        const GENERAL_NAME *name = sk_GENERAL_NAME_value(names, i);
        if (name->type == GEN_DNS)
            rc = add_host(k, &hosts, name->d.dNSName, err);
        else if (name->type == GEN_DIRNAME &&
                 (set_attribute(name->d.directoryName, "2.23.133.2.1", k->manufacturer, err) < 0 ||
                  set_attribute(name->d.directoryName, "2.23.133.2.2", k->model, err) < 0))
            rc = cmc_wrap(err, "certificate \"%s\"", k->subject);
    }
    return rc;
}

static struct meta_key *new_key(EVP_PKEY *pkey)
{
    struct meta_key *k = pkey ? calloc(1, sizeof(*k)) : NULL;
    if (!k) {
        EVP_PKEY_free(pkey);
        return NULL;
    }
    k->pkey = pkey;
    return k;
}

int meta_key_of_cert(X509 *cert, struct meta_key **out, struct cmc_err *err)
{
    CMC_CLEANUP(meta_key_freep) struct meta_key *k = new_key(X509_get_pubkey(cert));
    if (!k)
        return meta_ossl_fail(err, CMC_E_LIMIT, "out of memory for a certificate's key");
    meta_ossl_name(X509_get_subject_name(cert), k->subject);
    if (set_spki(k, err) < 0 || read_names(k, cert, err) < 0)
        return -(int)err->code;
    *out = CMC_TAKE_PTR(k);
    return 0;
}

static EVP_PKEY *read_spki(const void *spki, size_t len)
{
    const unsigned char *at = spki;
    if (len && at[0] == 0x30) { /* a SEQUENCE: DER */
        EVP_PKEY *pkey = d2i_PUBKEY(NULL, &at, (long)len);
        if (pkey && at == (const unsigned char *)spki + len)
            return pkey;
        EVP_PKEY_free(pkey);
        return NULL;
    }
    CMC_CLEANUP(meta_bio_freep) BIO *bio = BIO_new_mem_buf(spki, (int)len);
    return bio ? PEM_read_bio_PUBKEY(bio, NULL, meta_ossl_no_pass, NULL) : NULL;
}

int meta_key_bare(const void *spki, size_t len, struct meta_key **out, struct cmc_err *err)
{
    if (len > KEY_FILE_MAX)
        return cmc_fail(err, CMC_E_LIMIT, "public key of %zu bytes, at most %d", len, KEY_FILE_MAX);
    CMC_CLEANUP(meta_key_freep) struct meta_key *k = new_key(read_spki(spki, len));
    if (!k)
        return meta_ossl_fail(err, CMC_E_FORMAT, "not a public key in PEM or DER");
    if (meta_key_strong(k->pkey, err) < 0)
        /* NOLINTNEXTLINE(clang-analyzer-unix.Malloc): k has a cleanup */
        return cmc_wrap(err, "public key");
    if (set_spki(k, err) < 0)
        return -(int)err->code;
    *out = CMC_TAKE_PTR(k);
    return 0;
}

void meta_key_free(struct meta_key *k)
{
    if (!k)
        return;
    for (size_t i = 0; k->host[i]; i++)
        free(k->host[i]);
    EVP_PKEY_free(k->pkey);
    free(k);
}

const char *meta_key_host(const struct meta_key *k, size_t i)
{
    return i < META_KEY_HOSTS_MAX ? k->host[i] : NULL;
}

bool meta_key_names(const struct meta_key *k, const char *host)
{
    for (size_t i = 0; k->host[i]; i++)
        if (!strchr(k->host[i], '*') && strcasecmp(k->host[i], host) == 0)
            return true;
    return false;
}

const char *meta_key_subject(const struct meta_key *k)
{
    return k->subject;
}

const char *meta_key_tpm_manufacturer(const struct meta_key *k)
{
    return *k->manufacturer ? k->manufacturer : NULL;
}

const char *meta_key_tpm_model(const struct meta_key *k)
{
    return *k->model ? k->model : NULL;
}

const uint8_t *meta_key_spki(const struct meta_key *k)
{
    return k->spki;
}
