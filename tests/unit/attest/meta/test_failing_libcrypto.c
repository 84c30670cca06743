/* SPDX-License-Identifier: Apache-2.0 */
/* tests/unit/attest/meta/test_failing_libcrypto.c -- a call of libcrypto fails, or a signed item is
 * spoilt before it is given out: refused, and by its own words. */
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include <openssl/ecdsa.h>
#include <openssl/rsa.h>

#include "attest/meta/sign.h"
#include "attest/meta/signed.h"
#include "base/cleanup.h"
#include "tests/lib/pki.h"
#include "tests/lib/rows.h"

static const char *failing; /* the function whose call fails; NULL: none */
static unsigned countdown;  /* its how manyth call */

static bool fails(const char *name)
{
    return failing && strcmp(failing, name) == 0 && --countdown == 0;
}

/* Where it can be, the call is made and only said to have failed: who ignores that goes on. */
/* NOLINTBEGIN(bugprone-reserved-identifier, cert-dcl37-c, cert-dcl51-cpp): the linker's names */
#define WRAP(type, name, failed, parameters, arguments)                                            \
    type __real_##name parameters;                                                                 \
    type __wrap_##name parameters;                                                                 \
    type __wrap_##name parameters                                                                  \
    {                                                                                              \
        const type result = __real_##name arguments;                                               \
        return fails(#name) ? (failed) : result;                                                   \
    }
WRAP(int, EVP_DigestVerifyInit, 0,
     (EVP_MD_CTX * ctx, EVP_PKEY_CTX **p, const EVP_MD *md, ENGINE *e, EVP_PKEY *pkey),
     (ctx, p, md, e, pkey))
WRAP(int, EVP_DigestSignInit, 0,
     (EVP_MD_CTX * ctx, EVP_PKEY_CTX **p, const EVP_MD *md, ENGINE *e, EVP_PKEY *pkey),
     (ctx, p, md, e, pkey))
WRAP(int, EVP_PKEY_CTX_set_rsa_padding, 0, (EVP_PKEY_CTX * ctx, int mode), (ctx, mode))
WRAP(int, EVP_PKEY_CTX_set_rsa_pss_saltlen, 0, (EVP_PKEY_CTX * ctx, int len), (ctx, len))
WRAP(int, BN_bn2binpad, -1, (const BIGNUM *n, unsigned char *to, int len), (n, to, len))
WRAP(int, OBJ_obj2txt, 0, (char *to, int len, const ASN1_OBJECT *o, int no_name),
     (to, len, o, no_name))

int __real_i2d_PUBKEY(const EVP_PKEY *pkey, unsigned char **out);
int __wrap_i2d_PUBKEY(const EVP_PKEY *pkey, unsigned char **out);
int __wrap_i2d_PUBKEY(const EVP_PKEY *pkey, unsigned char **out)
{
    return fails("i2d_PUBKEY") ? -1 : __real_i2d_PUBKEY(pkey, out);
}

int __real_OPENSSL_sk_push(OPENSSL_STACK *st, const void *data);
int __wrap_OPENSSL_sk_push(OPENSSL_STACK *st, const void *data);
int __wrap_OPENSSL_sk_push(OPENSSL_STACK *st, const void *data)
{
    return fails("OPENSSL_sk_push") ? 0 : __real_OPENSSL_sk_push(st, data);
}

ECDSA_SIG *__real_d2i_ECDSA_SIG(ECDSA_SIG **sig, const unsigned char **at, long len);
ECDSA_SIG *__wrap_d2i_ECDSA_SIG(ECDSA_SIG **sig, const unsigned char **at, long len);
ECDSA_SIG *__wrap_d2i_ECDSA_SIG(ECDSA_SIG **sig, const unsigned char **at, long len)
{
    return fails("d2i_ECDSA_SIG") ? NULL : __real_d2i_ECDSA_SIG(sig, at, len);
}

void *__real_CRYPTO_zalloc(size_t n, const char *file, int line);
void *__wrap_CRYPTO_zalloc(size_t n, const char *file, int line);
void *__wrap_CRYPTO_zalloc(size_t n, const char *file, int line)
{
    return fails("CRYPTO_zalloc") ? NULL : __real_CRYPTO_zalloc(n, file, line);
}

/* A fault of the chain as a whole: of no certificate. */
X509 *__real_X509_STORE_CTX_get_current_cert(const X509_STORE_CTX *ctx);
X509 *__wrap_X509_STORE_CTX_get_current_cert(const X509_STORE_CTX *ctx);
X509 *__wrap_X509_STORE_CTX_get_current_cert(const X509_STORE_CTX *ctx)
{
    const bool none = failing && strcmp(failing, "X509_STORE_CTX_get_error") == 0;
    return none ? NULL : __real_X509_STORE_CTX_get_current_cert(ctx);
}
int __real_X509_STORE_CTX_get_error(const X509_STORE_CTX *ctx);
int __wrap_X509_STORE_CTX_get_error(const X509_STORE_CTX *ctx);
int __wrap_X509_STORE_CTX_get_error(const X509_STORE_CTX *ctx)
{
    const bool none = failing && strcmp(failing, "X509_STORE_CTX_get_error") == 0;
    return none ? X509_V_ERR_OUT_OF_MEM : __real_X509_STORE_CTX_get_error(ctx);
}

/* What is written is not what was signed. */
static void (*spoil)(struct meta_signed *s);
void __real_meta_cose_put(const struct meta_signed *s, struct cmc_buf *out);
void __wrap_meta_cose_put(const struct meta_signed *s, struct cmc_buf *out);
void __wrap_meta_cose_put(const struct meta_signed *s, struct cmc_buf *out)
{
    struct meta_signed copy = *s;
    if (spoil)
        spoil(&copy);
    __real_meta_cose_put(&copy, out);
}
/* NOLINTEND(bugprone-reserved-identifier, cert-dcl37-c, cert-dcl51-cpp) */

enum { COUNT = 2 }; /* signatures of an item, certificates of a chain */

static const char payload[] = "{\"type\":\"Manifest\"}";
static char key[] = "/tmp/cmc-test-key-XXXXXX", rsa[] = "/tmp/cmc-test-rsa-XXXXXX",
            cert[] = "/tmp/cmc-test-cert-XXXXXX", rsa_cert[] = "/tmp/cmc-test-cert-XXXXXX";
static struct pki_cert root, leaf, rsa_leaf;
static struct meta_trust *trust;
static const char *const chain[] = {cert}, *const rsa_chain[] = {rsa_cert};
static const struct meta_signer by_curve[COUNT] = {{key, chain, 1, NULL}, {key, chain, 1, NULL}},
                                by_rsa[COUNT] = {{rsa, rsa_chain, 1, "PS256"},
                                                 {rsa, rsa_chain, 1, "PS256"}};

static int sign(const struct meta_signer *by, struct cmc_buf *out, struct cmc_err *err)
{
    const struct meta_signing how = {by, COUNT, META_CBOR, PKI_NOW};
    return meta_sign(payload, strlen(payload), &how, out, err);
}

static const struct row {
    const char *name;
    unsigned at; /* 1: the first call */
    bool rsa, verifies;
    int want;
    const char *text;
} rows[] = {
    {"EVP_DigestSignInit", 1, false, false, CMC_E_FORMAT, "cannot sign with ES256"},
    {"EVP_PKEY_CTX_set_rsa_padding", 1, true, false, CMC_E_FORMAT, "cannot sign with PS256"},
    {"EVP_PKEY_CTX_set_rsa_pss_saltlen", 1, true, false, CMC_E_FORMAT, "cannot sign with PS256"},
    {"d2i_ECDSA_SIG", 1, false, false, CMC_E_FORMAT, "signature cannot be read back"},
    {"BN_bn2binpad", 1, false, false, CMC_E_FORMAT, "signature cannot be read back"},
    {"BN_bn2binpad", 2, false, false, CMC_E_FORMAT, "signature cannot be read back"},
    {"CRYPTO_zalloc", 1, false, false, CMC_E_LIMIT, "out of memory"},
    {"EVP_DigestVerifyInit", 1, false, true, CMC_E_LIMIT, "signature cannot be set up"},
    {"EVP_PKEY_CTX_set_rsa_padding", 1, true, true, CMC_E_LIMIT, "signature cannot be set up"},
    {"EVP_PKEY_CTX_set_rsa_pss_saltlen", 1, true, true, CMC_E_LIMIT, "signature cannot be set up"},
    {"i2d_PUBKEY", 1, false, true, CMC_E_FORMAT, "public key cannot be encoded"},
    {"OPENSSL_sk_push", 1, false, true, CMC_E_LIMIT, "out of memory"},
    {"OBJ_obj2txt", 1, false, true, CMC_E_VERIFY, "\"leaf\" is not for metadata"},
};

static void each_call_fails_once(void **state)
{
    (void)state;
    for (size_t i = 0; i < ROWS(rows); i++) {
        const struct row *t = &rows[i];
        const struct meta_signer *by = t->rsa ? by_rsa : by_curve;
        cmc_autobuf struct cmc_buf item = cmc_buf_of(0);
        struct meta_verified v = {.count = 77};
        struct cmc_err err = {0};
        if (t->verifies)
            assert_int_equal(sign(by, &item, &err), 0);
        failing = t->name;
        countdown = t->at;
        const int rc = t->verifies
                           ? meta_verify(item.data, item.len, trust, META_ROLE_METADATA, &v, &err)
                           : sign(by, &item, &err);
        failing = NULL;
        if (rc != -t->want || !strstr(err.msg, t->text))
            fail_msg("%s: %d, %s", t->name, rc, err.msg);
        assert_int_equal(v.count, 77);
    }
}

static void a_bare_key_that_cannot_be_encoded(void **state)
{
    struct meta_key *k = NULL;
    struct cmc_err err = {0};
    char *pem = pki_public_pem(leaf.key);
    (void)state;
    failing = "i2d_PUBKEY";
    countdown = 1;
    assert_int_equal(meta_key_bare(pem, strlen(pem), &k, &err), -CMC_E_FORMAT);
    failing = NULL;
    assert_null(k);
    free(pem);
}

static void a_fault_of_no_certificate(void **state)
{
    struct meta_key *k = NULL;
    struct meta_trust *none;
    struct cmc_err err = {0};
    const struct meta_der one = {leaf.der, leaf.len};
    (void)state;
    assert_int_equal(meta_trust_new(PKI_NOW, &none, &err), 0);
    failing = "X509_STORE_CTX_get_error";
    assert_int_equal(meta_trust_verify(none, META_ROLE_METADATA, &one, 1, &k, &err), -CMC_E_VERIFY);
    failing = NULL;
    assert_string_equal(err.msg, "certificate chain is refused: out of memory");
    meta_trust_free(none);
}

static void other_bytes(struct meta_signed *s)
{
    static uint8_t other[sizeof(payload)];
    s->payload.data = other;
}
static void fewer_bytes(struct meta_signed *s)
{
    s->payload.len--;
}
static void fewer_signatures(struct meta_signed *s)
{
    s->count--;
}
static void fewer_certificates(struct meta_signed *s)
{
    s->by[1].chain_count--;
}
static void another_signature(struct meta_signed *s)
{
    s->by[1].sig = s->by[0].sig;
    s->by[1].sig.len--;
}

/* As a fault of the machine would have it. */
static void nothing_spoilt_is_given_out(void **state)
{
    static const struct {
        void (*spoil)(struct meta_signed *s);
        const char *text;
    } faults[] = {
        {other_bytes, "what was just signed: it does not say what was signed"},
        {fewer_bytes, "what was just signed: it does not say what was signed"},
        {fewer_signatures, "what was just signed: it does not say what was signed"},
        {fewer_certificates, "what was just signed: signature 2: it has other certificates"},
        {another_signature, "what was just signed: signature 2: signature of 63 bytes"},
    };
    (void)state;
    for (size_t i = 0; i < ROWS(faults); i++) {
        struct cmc_buf out = {.len = 77};
        struct cmc_err err = {0};
        spoil = faults[i].spoil;
        const int rc = sign(by_curve, &out, &err);
        spoil = NULL;
        if (rc >= 0 || !strstr(err.msg, faults[i].text))
            fail_msg("row %zu: %d, %s", i, rc, err.msg);
        assert_int_equal(out.len, 77);
    }
}

static int put(char *name, char *text)
{
    cmc_autofd int fd = mkstemp(name);
    const bool good = fd >= 0 && write(fd, text, strlen(text)) == (ssize_t)strlen(text);
    free(text);
    return good ? 0 : -1;
}

static int set_up(void **state)
{
    struct cmc_err err = {0};
    (void)state;
    pki_make(&root, &(struct pki_spec){.name = "root", .key = "P-256#root", .ext = PKI_CA}, NULL);
    pki_make(&leaf, &(struct pki_spec){.name = "leaf", .ext = PKI_METADATA}, &root);
    pki_make(&rsa_leaf, &(struct pki_spec){.name = "leaf", .key = "RSA-2048", .ext = PKI_METADATA},
             &root);
    char *pem = pki_pem(&root);
    const int rc = put(key, pki_key_pem(leaf.key)) | put(cert, pki_pem(&leaf)) |
                   put(rsa, pki_key_pem(rsa_leaf.key)) | put(rsa_cert, pki_pem(&rsa_leaf)) |
                   meta_trust_new(PKI_NOW, &trust, &err) |
                   meta_trust_add_roots(trust, 0, pem, strlen(pem), &err);
    free(pem);
    return rc;
}

static int tear_down(void **state)
{
    (void)state;
    meta_trust_free(trust);
    pki_done(&root);
    pki_done(&leaf);
    pki_done(&rsa_leaf);
    return unlink(key) | unlink(cert) | unlink(rsa) | unlink(rsa_cert);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_call_fails_once),
        cmocka_unit_test(a_bare_key_that_cannot_be_encoded),
        cmocka_unit_test(a_fault_of_no_certificate),
        cmocka_unit_test(nothing_spoilt_is_given_out),
    };
    return cmocka_run_group_tests_name("attest/meta/failing_libcrypto", tests, set_up, tear_down);
}
