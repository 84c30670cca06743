/* SPDX-License-Identifier: Apache-2.0 */
/* tests/unit/attest/prove/test_key.c -- requests for certificates, and the chains that come back.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <string.h>

#include <openssl/pem.h>
#include <openssl/x509v3.h>

#include "tests/lib/rows.h"
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

static X509_REQ *request(const char *host)
{
    struct cmc_err err = {0};
    cmc_autobuf struct cmc_buf pem = cmc_buf_of(8192);
    if (prove_csr(p, host, &pem, &err) < 0)
        fail_msg("%s", err.msg);
    BIO *bio = BIO_new_mem_buf(pem.data, (int)pem.len);
    X509_REQ *req = PEM_read_bio_X509_REQ(bio, NULL, NULL, NULL);
    BIO_free_all(bio);
    assert_non_null(req);
    return req;
}

static void a_request_names_key_and_host(void **state)
{
    static const char *const hosts[] = {
        "host.example", "h",
        "a-very-long-name-of-a-host-that-does-not-fit-into-a-common-name.of.some.example"};
    (void)state;
    for (size_t i = 0; i < ROWS(hosts); i++) {
        X509_REQ *req = request(hosts[i]);
        char cn[128] = "";
        assert_int_equal(X509_REQ_verify(req, p->key), 1);
        assert_int_equal(EVP_PKEY_eq(X509_REQ_get0_pubkey(req), p->key), 1);
        (void)X509_NAME_get_text_by_NID(X509_REQ_get_subject_name(req), NID_commonName, cn,
                                        sizeof(cn));
        assert_int_equal(strncmp(cn, hosts[i], strlen(hosts[i]) > 61 ? 61 : strlen(hosts[i])), 0);
        assert_string_equal(cn + strlen(cn) - 3, " AK");
        STACK_OF(X509_EXTENSION) *ext = X509_REQ_get_extensions(req);
        GENERAL_NAMES *names = X509V3_get_d2i(ext, NID_subject_alt_name, NULL, NULL);
        assert_int_equal(sk_GENERAL_NAME_num(names), 1);
        const GENERAL_NAME *name = sk_GENERAL_NAME_value(names, 0);
        assert_int_equal(name->type, GEN_DNS);
        assert_string_equal((const char *)ASN1_STRING_get0_data(name->d.dNSName), hosts[i]);
        GENERAL_NAMES_free(names);
        sk_X509_EXTENSION_pop_free(ext, X509_EXTENSION_free);
        X509_REQ_free(req);
    }
}

static void hosts_are_names(void **state)
{
    static const char *const hosts[] = {"",   "a b",       "a,DNS:b", "a\n", "-a",
                                        ".a", "h\xc3\xa4", "a/b",     "a:b", "a,b"};
    (void)state;
    for (size_t i = 0; i < ROWS(hosts); i++) {
        struct cmc_err err = {0};
        cmc_autobuf struct cmc_buf pem = cmc_buf_of(8192);
        assert_int_equal(prove_csr(p, hosts[i], &pem, &err), -CMC_E_USAGE);
        assert_int_equal(pem.len, 0);
    }
}

static void read_chain(const struct cmc_buf *pem, int want, const char *text)
{
    struct cmc_err err = {0};
    struct prove_chain c = {.count = 7};
    const int rc = prove_chain_read(pem->data, pem->len, p->key, &c, &err);
    if (rc != want || (text && !strstr(err.msg, text)))
        fail_msg("%d: %s", rc, err.msg);
    if (rc == 0)
        prove_chain_done(&c);
    else
        assert_int_equal(c.count, 7);
}

static void chains_are_judged(void **state)
{
    static const char garbage[] = "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n";
    struct cmc_buf chain = {0}, other = cmc_buf_of(65536);
    struct cmc_err err = {0};
    (void)state;
    bed_read(bed.storage, "sw_ak_chain.pem", &chain);
    chain.max = 65536;
    read_chain(&chain, 0, NULL);
    assert_int_equal(prove_chain_put_pem(&p->chain, &other, &err), 0);
    assert_int_equal(other.len, chain.len);
    assert_memory_equal(other.data, chain.data, chain.len);
    const size_t leaf =
        (size_t)((uint8_t *)memmem(chain.data, chain.len, "-----END", 8) - chain.data) +
        strlen("-----END CERTIFICATE-----\n");

    other.len = 0;
    read_chain(&other, -CMC_E_FORMAT, "no certificate in 0 bytes");
    cmc_put_text(&other, "garbage");
    read_chain(&other, -CMC_E_FORMAT, "certificate 1 (PEM)");
    other.len = 0;
    cmc_put(&other, chain.data + leaf, chain.len - leaf); /* the CA alone */
    read_chain(&other, -CMC_E_VERIFY, "test CA, is not of the attestation key");
    other.len = 0;
    cmc_put(&other, chain.data, leaf);
    read_chain(&other, 0, NULL);
    cmc_put(&other, chain.data, leaf); /* twice */
    read_chain(&other, -CMC_E_VERIFY, "certificate 2, of host AK, is not of the issuer");
    other.len = 0;
    cmc_put(&other, chain.data, chain.len);
    cmc_put_text(&other, garbage);
    read_chain(&other, -CMC_E_FORMAT, "certificate 3 (PEM)");
    other.len = chain.len;
    for (int i = 0; i < 7; i++)
        cmc_put(&other, chain.data + leaf, chain.len - leaf); /* it issued itself */
    read_chain(&other, -CMC_E_LIMIT, "at most 8");
    cmc_buf_done(&chain);
    cmc_buf_done(&other);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(a_request_names_key_and_host, set_up, tear_down),
        cmocka_unit_test_setup_teardown(hosts_are_names, set_up, tear_down),
        cmocka_unit_test_setup_teardown(chains_are_judged, set_up, tear_down),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
