/* SPDX-License-Identifier: Apache-2.0 */
/* tests/unit/attest/prove/test_driver.c -- keys in a file and in a TPM, and what they sign. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdlib.h>
#include <string.h>

#include <openssl/ec.h>
#include <openssl/x509.h>

#include "tests/lib/rows.h"
#include "tests/lib/swtpm.h"
#include "tests/unit/attest/prove/bed.h"

static struct bed bed;
static struct prove *p;

static int set_up(void **state)
{
    (void)state;
    bed_init(&bed, MEASURE_PROFILE_EXACT);
    p = bed_open(&bed);
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    prove_close(p);
    bed_done(&bed);
    return 0;
}

static bool verifies(EVP_PKEY *key, const void *data, size_t len, const uint8_t *raw)
{
    ECDSA_SIG *sig = ECDSA_SIG_new();
    unsigned char *der = NULL;
    EVP_MD_CTX *ctx = EVP_MD_CTX_new();
    assert_int_equal(ECDSA_SIG_set0(sig, BN_bin2bn(raw, 32, NULL), BN_bin2bn(raw + 32, 32, NULL)),
                     1);
    const int der_len = i2d_ECDSA_SIG(sig, &der);
    assert_int_equal(EVP_DigestVerifyInit(ctx, NULL, EVP_sha256(), NULL, key), 1);
    const bool good = EVP_DigestVerify(ctx, der, (size_t)der_len, data, len) == 1;
    OPENSSL_free(der);
    ECDSA_SIG_free(sig);
    EVP_MD_CTX_free(ctx);
    return good;
}

static void put_expected(struct cmc_buf *b, const struct tpm_quote_ask *ask,
                         const struct tpm_quote *q)
{
    unsigned char *der = NULL;
    uint8_t spki[CMC_SHA256_LEN];
    const int len = i2d_PUBKEY(p->key, &der);
    cmc_sha256(der, (size_t)len, spki);
    OPENSSL_free(der);
    cmc_put(b, "\xff\x54\x43\x47\x80\x18\x00\x22\x00\x0b", 10);
    cmc_put(b, spki, sizeof(spki));
    cmc_put(b, "\x00\x20", 2);
    cmc_put(b, ask->nonce, sizeof(ask->nonce));
    cmc_put_be64(b, 0);
    cmc_put_be32(b, 77);
    cmc_put(b, "\0\0\0\0\0\0\0\0\0\0\0\0\0", 13);
    cmc_put(b, "\0\0\0\1\0\x0b\3\xff\x20\0\0\x20", 12);
    cmc_put(b, q->digest, sizeof(q->digest));
}

/* The bytes of docs/formats/report.md, 5; signed. */
static void software_quotes_like_a_tpm(void **state)
{
    const struct tpm_quote_ask ask = {.bank = CMC_ALG_SHA256, .pcrs = 0x20ff, .nonce = {5}};
    struct tpm_quote q = {.reset_count = 77, .value[13] = {1}};
    struct cmc_err err = {0};
    uint8_t raw[64];
    cmc_autobuf struct cmc_buf want = cmc_buf_of(1024);
    (void)state;
    assert_int_equal(p->driver->quote(p, &ask, &q, &err), 0);
    put_expected(&want, &ask, &q);
    assert_int_equal(q.attest.len, want.len);
    assert_memory_equal(q.attest.data, want.data, want.len);
    assert_int_equal(q.signature.len, 72);
    assert_memory_equal(q.signature.data, "\0\x18\0\x0b\0\x20", 6);
    assert_memory_equal(q.signature.data + 38, "\0\x20", 2);
    memcpy(raw, q.signature.data + 6, 32);
    memcpy(raw + 32, q.signature.data + 40, 32);
    assert_true(verifies(p->key, q.attest.data, q.attest.len, raw));
    q.attest.data[20] ^= 1;
    assert_false(verifies(p->key, q.attest.data, q.attest.len, raw));
}

static void assert_no_key(const void *der, size_t len)
{
    struct cmc_err err = {0};
    struct prove *other = NULL;
    bed_save(bed.storage, "sw_ak_private.key", der, len, 0600);
    assert_int_equal(prove_open(&bed.cfg, &other, &err), -CMC_E_FORMAT);
    assert_non_null(strstr(err.msg, "expected a P-256 key in PKCS#8 (DER)"));
    assert_null(other);
}

static void other_keys_are_refused(void **state)
{
    EVP_PKEY *const keys[] = {EVP_EC_gen("P-384"), EVP_RSA_gen(2048)};
    struct cmc_buf good = {0};
    (void)state;
    for (size_t i = 0; i < ROWS(keys); i++) {
        unsigned char *der = NULL;
        PKCS8_PRIV_KEY_INFO *p8 = EVP_PKEY2PKCS8(keys[i]);
        const int len = i2d_PKCS8_PRIV_KEY_INFO(p8, &der);
        assert_no_key(der, (size_t)len);
        OPENSSL_free(der);
        PKCS8_PRIV_KEY_INFO_free(p8);
        EVP_PKEY_free(keys[i]);
    }
    bed_read(bed.storage, "sw_ak_private.key", &good); /* the RSA one: any text will do */
    good.max = 8192;
    assert_no_key("", 0);
    assert_no_key("x", 1);
    assert_no_key(good.data, good.len - 1);
    cmc_put_u8(&good, 0);
    assert_no_key(good.data, good.len);
    cmc_buf_done(&good);
}

/* A key in a TPM makes a request that verifies, quotes, and is refused when the TPM changes. */
static void a_tpm_holds_the_key(void **state)
{
    static const char *const algs[] = {"ecdsa-p256", "rsa2048"};
    struct swtpm tpm;
    (void)state;
    if (!swtpm_start(&tpm, NULL))
        skip();
    for (size_t i = 0; i < ROWS(algs); i++) {
        struct cmc_err err = {0};
        cmc_autobuf struct cmc_buf csr = cmc_buf_of(8192);
        cmc_autobuf struct cmc_buf chain = cmc_buf_of(65536);
        struct prove_config c = bed.cfg;
        struct prove *prover = NULL;
        c.driver = "tpm";
        c.tcti = tpm.tcti;
        c.storage = i ? bed.run : bed.storage;
        if (prove_create_key(&c, algs[i], &csr, &err) < 0)
            fail_msg("%s", err.msg);
        bed_certify(&bed, &csr, &chain);
        if (prove_install(&c, chain.data, chain.len, &err) < 0 || prove_open(&c, &prover, &err) < 0)
            fail_msg("%s", err.msg);
        if (!prover)
            abort();
        const struct tpm_quote_ask ask = {.bank = CMC_ALG_SHA256, .pcrs = 0xff};
        struct tpm_quote q;
        assert_int_equal(prover->driver->quote(prover, &ask, &q, &err), 0);
        prove_close(prover);
        prover = NULL;
        c.tcti = "swtpm:path=/nowhere";
        assert_int_equal(prove_open(&c, &prover, &err), -CMC_E_TPM);
    }
    struct cmc_err err = {0};
    cmc_autobuf struct cmc_buf csr = cmc_buf_of(8192);
    struct prove_config c = bed.cfg;
    c.driver = "tpm";
    c.tcti = tpm.tcti;
    c.storage = bed.dir;
    assert_int_equal(prove_create_key(&c, "ed25519", &csr, &err), -CMC_E_USAGE);
    swtpm_stop(&tpm);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(software_quotes_like_a_tpm, set_up, tear_down),
        cmocka_unit_test_setup_teardown(other_keys_are_refused, set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_tpm_holds_the_key, set_up, tear_down),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
