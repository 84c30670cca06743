/* SPDX-License-Identifier: Apache-2.0 */
/* tests/unit/attest/meta/test_key.c -- what a certificate says of a key, and signatures under it.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <openssl/param_build.h>

#include "attest/meta/trust.h"
#include "tests/lib/pki.h"
#include "tests/lib/rows.h"

enum { RSASSA = 0x0014, RSAPSS = 0x0016, ECDSA = 0x0018, S1 = 4, S256 = 11, S384, S512 };

static struct meta_key *bare(const char *kind)
{
    struct cmc_err err = {0};
    struct meta_key *k = NULL;
    char *pem = pki_public_pem(pki_key(kind));
    assert_int_equal(meta_key_bare(pem, strlen(pem), &k, &err), 0);
    free(pem);
    return k;
}

struct row {
    const char *name, *key, *digest;
    int salt; /* PKI_NO_PSS: none */
    uint16_t alg, hash;
    bool salt_as_hash;
    const char *want; /* NULL: it holds */
};
static struct row rows[] = {
    {"ECDSA P-256", "P-256", "SHA256", PKI_NO_PSS, ECDSA, S256, false, NULL},
    {"ECDSA P-256, SHA-384", "P-256", "SHA384", PKI_NO_PSS, ECDSA, S384, false, NULL},
    {"ECDSA P-384", "P-384", "SHA384", PKI_NO_PSS, ECDSA, S384, false, NULL},
    {"ECDSA P-521", "P-521", "SHA512", PKI_NO_PSS, ECDSA, S512, false, NULL},
    {"RSASSA", "RSA-2048", "SHA256", PKI_NO_PSS, RSASSA, S256, false, NULL},
    {"RSASSA 3072, SHA-512", "RSA-3072", "SHA512", PKI_NO_PSS, RSASSA, S512, false, NULL},
    {"RSAPSS, salt as hash", "RSA-2048", "SHA256", 32, RSAPSS, S256, true, NULL},
    {"RSAPSS, longest salt, as TPMs have it", "RSA-2048", "SHA256", 222, RSAPSS, S256, false, NULL},
    {"RSAPSS, longest salt where the hash's is asked", "RSA-2048", "SHA256", 222, RSAPSS, S256,
     true, "signature does not hold under the key"},
    {"another hash", "P-256", "SHA256", PKI_NO_PSS, ECDSA, S384, false,
     "signature does not hold under the key"},
    {"SHA-1", "P-256", "SHA1", PKI_NO_PSS, ECDSA, S1, false,
     "signature over hash algorithm 0x0004, need SHA-256, SHA-384 or SHA-512"},
    {"scheme of RSA, key of a curve", "P-256", "SHA256", PKI_NO_PSS, RSASSA, S256, false,
     "signature scheme 0x0014 does not fit the elliptic curve key"},
    {"scheme of a curve, key of RSA", "RSA-2048", "SHA256", PKI_NO_PSS, ECDSA, S256, false,
     "signature scheme 0x0018 does not fit the RSA key"},
    {"HMAC", "P-256", "SHA256", PKI_NO_PSS, 5, S256, false,
     "signature scheme 0x0005 is not one of ours"},
    {"RSASSA said, RSAPSS made", "RSA-2048", "SHA256", 32, RSASSA, S256, false,
     "signature does not hold under the key"},
};

static void run_row(void **state)
{
    static const char data[] = "what is signed";
    const struct row *t = *state;
    struct cmc_err err = {0};
    size_t len;
    struct meta_key *k = bare(t->key);
    uint8_t *bytes = pki_sign(pki_key(t->key), t->digest, t->salt, data, sizeof(data), &len);
    struct meta_signature sig = {
        .alg = t->alg, .hash = t->hash, .data = bytes, .len = len, .salt_as_hash = t->salt_as_hash};
    const int rc = meta_key_verify(k, &sig, data, sizeof(data), &err);
    if (t->want) {
        assert_int_equal(rc, -CMC_E_VERIFY);
        assert_string_equal(err.msg, t->want);
    } else {
        assert_int_equal(rc, 0);
        assert_int_equal(meta_key_verify(k, &sig, data, sizeof(data) - 1, &err), -CMC_E_VERIFY);
        bytes[len / 2] ^= 1;
        assert_int_equal(meta_key_verify(k, &sig, data, sizeof(data), &err), -CMC_E_VERIFY);
        bytes[len / 2] ^= 1;
        for (size_t n = 0; n < len; n++) { /* cut anywhere */
            sig.len = n;
            assert_int_equal(meta_key_verify(k, &sig, data, sizeof(data), &err), -CMC_E_VERIFY);
        }
    }
    free(bytes);
    meta_key_free(k);
}

/* Verifies a chain of one below a root, and gives its key. */
static int key_of(const struct pki_spec *spec, enum meta_role role, struct meta_key **out,
                  struct cmc_err *err)
{
    static const struct pki_spec ca = {.name = "root", .key = "P-256#root", .ext = PKI_CA};
    struct pki_cert root, leaf;
    struct meta_trust *t;
    pki_make(&root, &ca, NULL);
    pki_make(&leaf, spec, &root);
    char *pem = pki_pem(&root);
    assert_int_equal(meta_trust_new(PKI_NOW, &t, err), 0);
    assert_int_equal(meta_trust_add_roots(t, (int)role, pem, strlen(pem), err), 0);
    const struct meta_der chain = {leaf.der, leaf.len};
    const int rc = meta_trust_verify(t, role, &chain, 1, out, err);
    free(pem);
    meta_trust_free(t);
    pki_done(&root);
    pki_done(&leaf);
    return rc;
}

static void names(void **state)
{
    (void)state;
    struct cmc_err err = {0};
    struct meta_key *k;
    const struct pki_spec spec = {
        .name = "AK \x1b[31m",
        .ext = PKI_AK "subjectAltName=dirName:tpm,DNS:a.example,DNS:*.b.example,DNS:C.example\n"
                      "[tpm]\na.2.23.133.2.1=id:00001014\na.2.23.133.2.2=swtpm\n"
                      "a.2.23.133.2.3=id:20191023\n"};
    assert_int_equal(key_of(&spec, META_ROLE_AK, &k, &err), 0);
    assert_string_equal(meta_key_subject(k), "AK \\x1b[31m");
    assert_string_equal(meta_key_tpm_manufacturer(k), "id:00001014");
    assert_string_equal(meta_key_tpm_model(k), "swtpm");
    assert_string_equal(meta_key_host(k, 0), "a.example");
    assert_string_equal(meta_key_host(k, 2), "C.example");
    assert_null(meta_key_host(k, 3));
    assert_null(meta_key_host(k, META_KEY_HOSTS_MAX + 1));
    assert_true(meta_key_names(k, "a.example"));
    assert_true(meta_key_names(k, "A.EXAMPLE"));
    assert_true(meta_key_names(k, "c.example"));
    assert_false(meta_key_names(k, "x.b.example")); /* no wildcards */
    assert_false(meta_key_names(k, "*.b.example"));
    assert_false(meta_key_names(k, "example"));
    assert_false(meta_key_names(k, "aa.example"));
    assert_false(meta_key_names(k, ""));
    meta_key_free(k);
}

/* What a TPM is may be said in two names. */
static void names_in_two_parts(void **state)
{
    (void)state;
    struct cmc_err err = {0};
    struct meta_key *k;
    const struct pki_spec spec = {.name = "AK",
                                  .ext = PKI_AK "subjectAltName=dirName:t,dirName:u\n"
                                                "[t]\na.2.23.133.2.1=id:00001014\n"
                                                "[u]\na.2.23.133.2.2=swtpm\n"};
    assert_int_equal(key_of(&spec, META_ROLE_AK, &k, &err), 0);
    assert_string_equal(meta_key_tpm_manufacturer(k), "id:00001014");
    assert_string_equal(meta_key_tpm_model(k), "swtpm");
    meta_key_free(k);
}

static void no_names(void **state)
{
    (void)state;
    struct cmc_err err = {0};
    struct meta_key *k;
    const struct pki_spec spec = {.name = "soft", .ext = PKI_AK};
    assert_int_equal(key_of(&spec, META_ROLE_SOFTWARE_AK, &k, &err), 0);
    assert_null(meta_key_host(k, 0));
    assert_null(meta_key_tpm_model(k));
    assert_null(meta_key_tpm_manufacturer(k));
    assert_false(meta_key_names(k, "soft")); /* the common name is no host */
    meta_key_free(k);
}

static void bad_names(void **state)
{
    (void)state;
    static char many[4096], longest[512];
    struct cmc_err err = {0};
    struct meta_key *k;
    int n = snprintf(many, sizeof(many), PKI_AK "subjectAltName=DNS:h0");
    for (int i = 1; i <= META_KEY_HOSTS_MAX; i++)
        n += snprintf(many + n, sizeof(many) - (size_t)n, ",DNS:h%d", i);
    (void)snprintf(many + n, sizeof(many) - (size_t)n, "\n");
    /* 254 characters */
    (void)snprintf(longest, sizeof(longest), PKI_AK "subjectAltName=DNS:%0254d\n", 0);
    const struct {
        const char *ext, *want;
        int code;
    } bad[] = {
        {longest, "has a dNSName that no host can have", CMC_E_VERIFY},
        /* a NUL in the middle: C programs would read another name */
        {PKI_AK "subjectAltName=DER:300f820d676f6f642e6500762e636f6d00\n",
         "certificate \"x\" has a dNSName that no host can have", CMC_E_VERIFY},
        {PKI_AK "subjectAltName=DER:30028200\n", "has a dNSName that no host can have",
         CMC_E_VERIFY},
        {PKI_AK "subjectAltName=DNS:a b\n", "has a dNSName that no host can have", CMC_E_VERIFY},
        {many, "has more than 32 names", CMC_E_LIMIT},
        {PKI_AK "subjectAltName=dirName:t\n[t]\na.2.23.133.2.2=m\nb.2.23.133.2.2=n\n",
         "its subjectAltName has 2.23.133.2.2 twice", CMC_E_VERIFY},
        {PKI_AK "subjectAltName=dirName:t,dirName:t\n[t]\na.2.23.133.2.2=m\n",
         "its subjectAltName has 2.23.133.2.2 twice", CMC_E_VERIFY},
        {PKI_AK "subjectAltName=dirName:t\n[t]\na.2.23.133.2.2=m\n", "names a TPM", CMC_E_VERIFY},
    };
    for (size_t i = 0; i < ROWS(bad); i++) {
        const struct pki_spec spec = {.name = "x", .ext = bad[i].ext};
        assert_int_equal(key_of(&spec, META_ROLE_SOFTWARE_AK, &k, &err), -bad[i].code);
        if (!strstr(err.msg, bad[i].want))
            fail_msg("said \"%s\", expected \"%s\"", err.msg, bad[i].want);
    }
}

/* Of 8200 bits: no prime is needed for a number of that size. */
static void large_keys(void **state)
{
    (void)state;
    struct cmc_err err = {0};
    struct meta_key *k;
    uint8_t *der = NULL;
    BIGNUM *n = BN_new(), *e = BN_new();
    OSSL_PARAM_BLD *b = OSSL_PARAM_BLD_new();
    EVP_PKEY_CTX *ctx = EVP_PKEY_CTX_new_from_name(NULL, "RSA", NULL);
    EVP_PKEY *pkey = NULL;
    assert_true(BN_set_bit(n, 8199) && BN_set_bit(n, 0) && BN_set_word(e, 65537));
    assert_true(OSSL_PARAM_BLD_push_BN(b, "n", n) && OSSL_PARAM_BLD_push_BN(b, "e", e));
    OSSL_PARAM *params = OSSL_PARAM_BLD_to_param(b);
    assert_int_equal(EVP_PKEY_fromdata_init(ctx), 1);
    assert_int_equal(EVP_PKEY_fromdata(ctx, &pkey, EVP_PKEY_PUBLIC_KEY, params), 1);
    const int len = i2d_PUBKEY(pkey, &der);
    assert_int_equal(meta_key_bare(der, (size_t)len, &k, &err), -CMC_E_VERIFY);
    assert_string_equal(err.msg,
                        "public key: weak or oversized key: RSA of 8200 bits, need 2048 to "
                        "8192");
    OPENSSL_free(der);
    OSSL_PARAM_free(params);
    OSSL_PARAM_BLD_free(b);
    EVP_PKEY_free(pkey);
    EVP_PKEY_CTX_free(ctx);
    BN_free(n);
    BN_free(e);
}

static void bare_keys(void **state)
{
    (void)state;
    struct cmc_err err = {0};
    struct meta_key *k, *same;
    uint8_t *der = NULL, sum[CMC_SHA256_LEN];
    const int len = i2d_PUBKEY(pki_key("P-256"), &der);
    assert_int_equal(meta_key_bare(der, (size_t)len, &k, &err), 0);
    cmc_sha256(der, (size_t)len, sum);
    assert_memory_equal(meta_key_spki(k), sum, sizeof(sum));
    assert_string_equal(meta_key_subject(k), "");
    same = bare("P-256");
    assert_memory_equal(meta_key_spki(same), sum, sizeof(sum));
    meta_key_free(same);
    meta_key_free(k);
    meta_key_free(NULL);

    assert_int_equal(meta_key_bare(der, (size_t)len - 1, &k, &err), -CMC_E_FORMAT);
    assert_int_equal(meta_key_bare("x", 1, &k, &err), -CMC_E_FORMAT);
    assert_int_equal(meta_key_bare("", 0, &k, &err), -CMC_E_FORMAT);
    assert_int_equal(meta_key_bare(der, 1 << 20, &k, &err), -CMC_E_LIMIT);
    char *weak = pki_public_pem(pki_key("RSA-1024")), *odd = pki_public_pem(pki_key("ED25519"));
    assert_int_equal(meta_key_bare(weak, strlen(weak), &k, &err), -CMC_E_VERIFY);
    assert_int_equal(meta_key_bare(odd, strlen(odd), &k, &err), -CMC_E_VERIFY);
    free(weak);
    free(odd);
    OPENSSL_free(der);
}

int main(void)
{
    static const struct CMUnitTest more[] = {
        cmocka_unit_test(names),      cmocka_unit_test(names_in_two_parts),
        cmocka_unit_test(no_names),   cmocka_unit_test(bad_names),
        cmocka_unit_test(large_keys), cmocka_unit_test(bare_keys),
    };
    struct CMUnitTest tests[ROWS(rows) + ROWS(more)];
    for (size_t i = 0; i < ROWS(rows); i++)
        tests[i] = (struct CMUnitTest){rows[i].name, run_row, NULL, NULL, &rows[i]};
    memcpy(tests + ROWS(rows), more, sizeof(more));
    return cmocka_run_group_tests_name("attest/meta/key", tests, NULL, NULL);
}
