/* SPDX-License-Identifier: Apache-2.0 */
/* tests/unit/attest/verify/test_quote_key.c -- whose key it is: kinds of keys, chains, hosts,
 * pins, and software that is named as such. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdlib.h>
#include <string.h>

#include "attest/verify/quote.h"
#include "tests/lib/report_bed.h"
#include "tests/lib/rows.h"

static int setup(void **state)
{
    *state = calloc(1, sizeof(struct report_bed));
    report_bed_usual(*state);
    return 0;
}

static int teardown(void **state)
{
    report_bed_done(*state);
    free(*state);
    return 0;
}

static void expect_trusted(struct verify_result *r)
{
    if (r->verdict != VERIFY_TRUSTED_IF_ROOT)
        fail_msg("%s: %s", r->words, r->reason);
    verify_result_free(r);
}

static void expect_refused(struct verify_result *r, const char *id, const char *words)
{
    report_bed_refused_at_once(r, id, words);
    verify_result_free(r);
}

/* A genuine report of somebody else: what it says is shown. */
static void expect_another(struct verify_result *r, const char *id, const char *words)
{
    report_bed_refused(r, id, words);
    assert_int_equal(report_bed_claim(r, "quote")->status, VERIFY_GOOD);
    verify_result_free(r);
}

/* Another kind of key signs as well; its digest of the PCRs is in the hash of the signature. */
static void kinds_of_keys(void **state)
{
    static const struct {
        const char *key;
        uint16_t alg, hash;
    } rows[] = {{"P-256#ak", TPM2_ALG_ECDSA, TPM2_ALG_SHA256},
                {"P-384#ak", TPM2_ALG_ECDSA, TPM2_ALG_SHA384},
                {"P-521#ak", TPM2_ALG_ECDSA, TPM2_ALG_SHA512},
                {"RSA-2048#ak", TPM2_ALG_RSASSA, TPM2_ALG_SHA256},
                {"RSA-2048#ak", TPM2_ALG_RSASSA, TPM2_ALG_SHA512},
                {"RSA-2048#ak", TPM2_ALG_RSAPSS, TPM2_ALG_SHA256}};
    struct report_bed *b = *state;
    for (size_t i = 0; i < ROWS(rows); i++) {
        const struct pki_spec spec = {
            .name = "ak", .key = rows[i].key, .ext = PKI_TPM_AK("h.example", "SLB9670")};
        pki_done(&b->ak);
        pki_make(&b->ak, &spec, &b->ak_ca);
        b->alg = rows[i].alg;
        b->hash = rows[i].hash;
        expect_trusted(report_bed_run(b));
        b->signature.data[b->signature.len - 1] ^= 1;
        expect_refused(report_bed_verify(b), "quote.signature", "the key's signature");
    }
    b->signature.data[1] = TPM2_ALG_ECDSA; /* an RSA key, and bytes that could be a curve's */
    expect_refused(report_bed_verify(b), "quote.algorithm", "is no TPMT_SIGNATURE");
}

static void another_key(void **state)
{
    struct report_bed *b = *state;
    expect_trusted(report_bed_run(b));
    EVP_PKEY *right = b->ak.key;
    b->ak.key = pki_key("P-256#other");
    report_bed_sign(b);
    b->ak.key = right;
    report_bed_report(b);
    expect_refused(report_bed_verify(b), "quote.signature", "the key's signature");
}

static void chains(void **state)
{
    struct report_bed *b = *state;
    expect_trusted(report_bed_run(b));
    b->report.cert_count = 1; /* the root is the verifier's own */
    expect_trusted(report_bed_verify(b));
    b->cert[0] = (struct meta_bytes){.data = b->signer.der, .len = b->signer.len};
    expect_refused(report_bed_verify(b), "key.chain", "the key's certificate");
    b->cert[0] = (struct meta_bytes){.data = b->ak_ca.der, .len = b->ak_ca.len};
    expect_refused(report_bed_verify(b), "key.chain", "the key's certificate");
}

static void other_hosts(void **state)
{
    struct report_bed *b = *state;
    b->policy.host = "other.example";
    struct verify_result *r = report_bed_run(b);
    report_bed_refused(r, "key.host",
                       "genuine report of another host: the certificate names "
                       "h.example, expected other.example");
    assert_string_equal(r->host, "h.example"); /* the rest was judged, and is shown */
    assert_int_equal(r->container_count, 1);
    assert_int_equal(report_bed_claim(r, "quote")->status, VERIFY_GOOD);
    verify_result_free(r);
    b->policy.host = NULL;
    r = report_bed_run(b);
    assert_int_equal(r->verdict, VERIFY_TRUSTED_IF_ROOT);
    assert_int_equal(report_bed_claim(r, "key.host")->status, VERIFY_NOTE);
    verify_result_free(r);
}

static void names_of_hosts(void **state)
{
    static const struct {
        const char *ext, *words;
    } rows[] = {{PKI_AK "subjectAltName=critical,dirName:tpm,DNS:a.example,DNS:b.example\n[tpm]\n"
                        "a.2.23.133.2.1=id:00001014\na.2.23.133.2.2=m\na.2.23.133.2.3=id:1\n",
                 "names a.example and others, expected h.example"},
                {PKI_AK "subjectAltName=critical,dirName:tpm\n[tpm]\n"
                        "a.2.23.133.2.1=id:00001014\na.2.23.133.2.2=m\na.2.23.133.2.3=id:1\n",
                 "names no host, expected h.example"}};
    struct report_bed *b = *state;
    for (size_t i = 0; i < ROWS(rows); i++) {
        const struct pki_spec spec = {.name = "ak", .key = "P-256#ak", .ext = rows[i].ext};
        pki_done(&b->ak);
        pki_make(&b->ak, &spec, &b->ak_ca);
        expect_another(report_bed_run(b), "key.host", rows[i].words);
    }
}

static void pinned_keys(void **state)
{
    struct report_bed *b = *state;
    uint8_t pin[CMC_SHA256_LEN];
    struct verify_result *r = report_bed_run(b);
    memcpy(pin, r->ak, sizeof(pin));
    verify_result_free(r);
    b->policy.ak = pin;
    r = report_bed_verify(b);
    assert_int_equal(report_bed_claim(r, "key.pinned")->status, VERIFY_GOOD);
    expect_trusted(r);
    pin[31] ^= 1;
    expect_another(report_bed_verify(b), "key.pinned", "genuine report of another key");
}

static void software_tpm(void **state)
{
    struct report_bed *b = *state;
    const struct pki_spec spec = {
        .name = "ak", .key = "P-256#ak", .ext = PKI_TPM_AK("h.example", "swtpm")};
    pki_done(&b->ak);
    pki_make(&b->ak, &spec, &b->ak_ca);
    struct verify_result *r = report_bed_run(b);
    assert_int_equal(r->verdict, VERIFY_TRUSTED_IF_ROOT);
    assert_string_equal(r->words, "TRUSTED if the host's root is honest, on the word of a software "
                                  "TPM (swtpm)");
    assert_string_equal(r->key_kind, "software TPM (swtpm)");
    verify_result_free(r);
}

static void software_key(void **state)
{
    struct report_bed *b = *state;
    const struct pki_spec spec = {
        .name = "ak", .key = "P-256#ak", .ext = PKI_AK "subjectAltName=DNS:h.example\n"};
    pki_done(&b->ak);
    pki_make(&b->ak, &spec, &b->ak_ca);
    expect_refused(report_bed_run(b), "key.chain", "names no TPM"); /* it claims to be a TPM's */
    b->report.kind = "sw";
    expect_refused(report_bed_run(b), "key.kind", "software alone is not accepted");
    b->policy.software = true;
    struct verify_result *r = report_bed_run(b);
    assert_int_equal(r->verdict, VERIFY_TRUSTED_IF_ROOT);
    assert_string_equal(r->words,
                        "TRUSTED if the host's root is honest, on the word of a software key");
    verify_result_free(r);
    b->report.kind = "tpm";
    expect_refused(report_bed_run(b), "key.chain", "names no TPM");
}

/* Reports of one profile hold no more, those of the other may. */
static void more_certificates_than_a_chain_has(void **state)
{
    struct report_bed *b = *state;
    CMC_CLEANUP(verify_tree_freep) struct verify_tree *t = verify_tree_new();
    struct meta_bytes cert[META_CERTS_MAX + 1];
    struct verify_quote *q = NULL;
    for (size_t i = 0; i < ROWS(cert); i++)
        cert[i] = (struct meta_bytes){.data = b->ak_ca.der, .len = b->ak_ca.len};
    struct verify_evidence e = {.cert = cert, .cert_count = ROWS(cert), .role = META_ROLE_AK};
    assert_int_equal(verify_quote_check(&e, &b->policy, t, NULL, &q), VERIFY_BAD);
    const struct verify_claim *c = verify_claim_first(verify_claim_top(t), VERIFY_BAD);
    assert_string_equal(c->id, "key.chain");
    assert_string_equal(c->text, "9 certificates: a chain has at most 8");
    e.cert_count = 0;
    assert_int_equal(verify_quote_check(&e, &b->policy, t, NULL, &q), VERIFY_BAD);
    assert_null(q);
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(kinds_of_keys), TEST(another_key),    TEST(chains),
        TEST(other_hosts),   TEST(names_of_hosts), TEST(pinned_keys),
        TEST(software_tpm),  TEST(software_key),   TEST(more_certificates_than_a_chain_has),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
