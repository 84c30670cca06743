/* SPDX-License-Identifier: Apache-2.0 */
/* tests/unit/attest/verify/test_quote.c -- quotes: one that holds, and each way in which one does
 * not, by the claim that says so. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#define OPENSSL_SUPPRESS_DEPRECATED /* only the old calls let a test choose r */
#include <openssl/ec.h>
#include <openssl/ecdsa.h>
#include <stdlib.h>
#include <string.h>
#include <tss2/tss2_mu.h>

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

static void holds(void **state)
{
    struct verify_result *r = report_bed_run(*state);
    assert_int_equal(r->verdict, VERIFY_TRUSTED_IF_ROOT);
    assert_string_equal(r->words, "TRUSTED if the host's root is honest");
    assert_string_equal(r->host, "h.example");
    assert_string_equal(r->key_kind, "TPM (id:00001014 SLB9670)");
    assert_string_equal(r->profile, "exact");
    assert_true(r->has_ak);
    assert_int_equal(r->pcr, 13);
    assert_int_equal(r->created, PKI_NOW);
    static const char *const ids[] = {
        "key.chain",  "key.kind",    "key.host",    "quote.signature", "quote.magic",
        "quote.type", "quote.nonce", "quote.clock", "quote.selection", "quote.values"};
    for (size_t i = 0; i < ROWS(ids); i++) {
        const struct verify_claim *c = report_bed_claim(r, ids[i]);
        assert_non_null(c);
        assert_int_equal(c->status, VERIFY_GOOD);
    }
    assert_null(report_bed_claim(r, "key.pinned"));
    verify_result_free(r);
}

/* What a test does to the structure before it is signed. */
struct spoil {
    const char *name;
    void (*fn)(struct report_bed *b);
    const char *id, *words;
};

static void magic(struct report_bed *b)
{
    b->attest.magic ^= 1;
}
static void nonce_of_another(struct report_bed *b)
{
    b->attest.extraData.buffer[31] ^= 1;
}
static void nonce_itself(struct report_bed *b)
{
    memcpy(b->attest.extraData.buffer, b->nonce, sizeof(b->nonce));
}
static void nonce_short(struct report_bed *b)
{
    b->attest.extraData.size = 31;
}
static void nonce_long(struct report_bed *b)
{
    b->attest.extraData.size = 33;
}
static void nonce_none(struct report_bed *b)
{
    b->attest.extraData.size = 0;
}
static void no_bank(struct report_bed *b)
{
    b->attest.attested.quote.pcrSelect.count = 0;
    b->report.pcr_count = 0;
}
static void unknown_bank(struct report_bed *b)
{
    b->attest.attested.quote.pcrSelect.pcrSelections[0].hash = TPM2_ALG_SM3_256;
}
static void bank_twice(struct report_bed *b)
{
    TPML_PCR_SELECTION *s = &b->attest.attested.quote.pcrSelect;
    s->pcrSelections[s->count++] = s->pcrSelections[0];
}
static void empty_bank(struct report_bed *b)
{
    TPML_PCR_SELECTION *s = &b->attest.attested.quote.pcrSelect;
    s->pcrSelections[s->count++] = (TPMS_PCR_SELECTION){.hash = TPM2_ALG_SHA384, .sizeofSelect = 3};
}
static void high_pcr(struct report_bed *b)
{
    TPMS_PCR_SELECTION *s = &b->attest.attested.quote.pcrSelect.pcrSelections[0];
    s->sizeofSelect = 4;
    s->pcrSelect[3] = 1;
}
static void digest_other(struct report_bed *b)
{
    b->attest.attested.quote.pcrDigest.buffer[0] ^= 1;
}
static void digest_short(struct report_bed *b)
{
    b->attest.attested.quote.pcrDigest.size = 31;
}
static void digest_empty(struct report_bed *b)
{
    b->attest.attested.quote.pcrDigest.size = 0;
}
static void unsafe_value(struct report_bed *b)
{
    b->attest.clockInfo.safe = 2;
}
static void value_other(struct report_bed *b)
{
    b->value[3][7] ^= 1;
}
static void subset(struct report_bed *b)
{
    b->report.pcr_count--;
}
static void superset(struct report_bed *b)
{
    const size_t n = b->report.pcr_count++;
    b->pcr[n] = (struct meta_exact_pcr){
        .bank = TPM2_ALG_SHA256, .index = 14, .value = {.data = b->value[n], .len = 32}};
}
static void none(struct report_bed *b)
{
    b->report.pcr_count = 0;
}
static void wrong_bank(struct report_bed *b)
{
    b->pcr[0].bank = TPM2_ALG_SHA384;
}
static void wrong_index(struct report_bed *b)
{
    b->pcr[8].index = 12;
}
static void turned(struct report_bed *b)
{
    const struct meta_exact_pcr first = b->pcr[0];
    b->pcr[0] = b->pcr[1];
    b->pcr[1] = first;
}
static void value_short(struct report_bed *b)
{
    b->pcr[2].value.len = 31;
}

static struct spoil spoils[] = {
    {"magic", magic, "quote.magic", "0xff544346 instead of 0xff544347"},
    {"extraData of another nonce", nonce_of_another, "quote.nonce", "not made of this request"},
    {"extraData is the nonce itself", nonce_itself, "quote.nonce", "not made of this request"},
    {"extraData too short", nonce_short, "quote.nonce", "not made of this request"},
    {"extraData too long", nonce_long, "quote.nonce", "not made of this request"},
    {"no extraData", nonce_none, "quote.nonce", "not made of this request"},
    {"no bank", no_bank, "quote.banks", "no PCR is quoted"},
    {"a bank that we cannot compute", unknown_bank, "quote.banks", "we cannot compute"},
    {"a bank twice", bank_twice, "quote.banks", "twice"},
    {"a bank without PCRs", empty_bank, "quote.banks", "selects no PCR"},
    {"a PCR above 23", high_pcr, "quote.banks", "above 23"},
    {"another digest", digest_other, "quote.values", "not those that the quote was made of"},
    {"a shorter digest", digest_short, "quote.values", "not those that the quote was made of"},
    {"no digest", digest_empty, "quote.values", "not those that the quote was made of"},
    {"safe is 2", unsafe_value, "quote.format", "neither 0 nor 1"},
    {"another PCR value", value_other, "quote.values", "not those that the quote was made of"},
    {"a value less", subset, "quote.selection",
     "PCR 13 of bank sha256, of which the report has no"},
    {"a value more", superset, "quote.selection", "PCR 14 of bank 0x000b, which is not quoted"},
    {"no value", none, "quote.selection", "PCR 0 of bank sha256, of which the report has no"},
    {"a value of another bank", wrong_bank, "quote.selection", "PCR 0 of bank 0x000c"},
    {"a value of another PCR", wrong_index, "quote.selection", "PCR 12 of bank 0x000b"},
    {"values in another order", turned, "quote.selection", "PCR 1 of bank 0x000b"},
    {"a value too short", value_short, "quote.selection", "31 bytes"},
};

/* The structure is wrong, and the key signed it: a signature is not enough. */
static void spoilt(void **state)
{
    struct report_bed b;
    const struct spoil *row = *state;
    report_bed_usual(&b);
    report_bed_quote(&b);
    report_bed_report(&b);
    row->fn(&b);
    report_bed_marshal(&b);
    report_bed_sign(&b);
    const size_t spoilt_count = b.report.pcr_count;
    report_bed_report(&b);
    b.report.pcr_count = spoilt_count;
    expect_refused(report_bed_verify(&b), row->id, row->words);
    report_bed_done(&b);
}

/* TPM 2.0 Part 2, 6.9, table 19: every other thing that a TPM attests. */
static void other_types(void **state)
{
    static const struct {
        uint16_t type;
        const char *words;
    } rows[] = {
        {0x8014, "TPM_ST_ATTEST_NV)"},
        {0x8015, "COMMAND_AUDIT"},
        {0x8016, "SESSION_AUDIT"},
        {0x8017, "TPM_ST_ATTEST_CERTIFY"},
        {0x8019, "TIME"},
        {0x801a, "CREATION"},
        {0x801c, "TPM_ST_ATTEST_NV_DIGEST"},
        {0x801b, "none that is"},
        {0x0000, "none that is"},
        {0x8000, "none that is"},
        {0xffff, "none that is"},
    };
    struct report_bed *b = *state;
    for (size_t i = 0; i < ROWS(rows); i++) {
        report_bed_quote(b);
        report_bed_marshal(b);
        b->attest_bytes.data[4] = (uint8_t)(rows[i].type >> 8);
        b->attest_bytes.data[5] = (uint8_t)rows[i].type;
        report_bed_sign(b);
        report_bed_report(b);
        expect_refused(report_bed_verify(b), "quote.type", rows[i].words);
    }
}

/* Cut at every byte, and signed so. */
static void truncated(void **state)
{
    struct report_bed *b = *state;
    report_bed_quote(b);
    report_bed_marshal(b);
    while (b->attest_bytes.len > 0) {
        b->attest_bytes.len--;
        report_bed_sign(b);
        report_bed_report(b);
        expect_refused(report_bed_verify(b), "quote.format",
                       b->attest_bytes.len < 6 ? "truncated" : "no TPMS_ATTEST");
    }
}

static void trailing(void **state)
{
    struct report_bed *b = *state;
    report_bed_quote(b);
    report_bed_marshal(b);
    cmc_put_u8(&b->attest_bytes, 0);
    report_bed_sign(b);
    report_bed_report(b);
    expect_refused(report_bed_verify(b), "quote.format", "bytes stand behind");
}

/* One bit of each byte, two or three of most: CVE-2023-3674 was a verifier that only logged this.
 */
static void one_bit_of_the_quote(void **state)
{
    struct report_bed *b = *state;
    expect_trusted(report_bed_run(b));
    for (size_t bit = 0; bit < 8 * b->attest_bytes.len; bit += 3) {
        b->attest_bytes.data[bit / 8] ^= (uint8_t)(1 << bit % 8);
        expect_refused(report_bed_verify(b), "quote.signature", "the key's signature");
        b->attest_bytes.data[bit / 8] ^= (uint8_t)(1 << bit % 8);
    }
}

static void one_bit_of_the_signature(void **state)
{
    struct report_bed *b = *state;
    expect_trusted(report_bed_run(b));
    for (size_t bit = 0; bit < 8 * b->signature.len; bit += 3) {
        b->signature.data[bit / 8] ^= (uint8_t)(1 << bit % 8);
        struct verify_result *r = report_bed_verify(b);
        assert_int_equal(r->verdict, VERIFY_NOT_TRUSTED);
        assert_true(report_bed_claim(r, "quote.algorithm") ||
                    report_bed_claim(r, "quote.signature")->status == VERIFY_BAD);
        assert_null(report_bed_claim(r, "quote.magic"));
        verify_result_free(r);
        b->signature.data[bit / 8] ^= (uint8_t)(1 << bit % 8);
    }
}

static void one_bit_of_the_certificate(void **state)
{
    struct report_bed *b = *state;
    expect_trusted(report_bed_run(b));
    for (size_t bit = 0; bit < 8 * b->ak.len; bit += 7) {
        b->ak.der[bit / 8] ^= (uint8_t)(1 << bit % 8);
        struct verify_result *r = report_bed_verify(b);
        assert_int_equal(r->verdict, VERIFY_NOT_TRUSTED);
        assert_int_equal(report_bed_claim(r, "key")->status, VERIFY_BAD);
        assert_null(report_bed_claim(r, "quote"));
        assert_null(r->host);
        assert_false(r->has_ak);
        verify_result_free(r);
        b->ak.der[bit / 8] ^= (uint8_t)(1 << bit % 8);
    }
}

static void signatures_cut_or_extended(void **state)
{
    struct report_bed *b = *state;
    expect_trusted(report_bed_run(b));
    const size_t len = b->signature.len;
    for (size_t n = 0; n < len; n++) {
        b->report.signature.len = n;
        expect_refused(report_bed_verify(b), "quote.algorithm",
                       n < 4 ? "is truncated" : "is no TPMT_SIGNATURE");
    }
    cmc_put_u8(&b->signature, 0);
    report_bed_report(b);
    expect_refused(report_bed_verify(b), "quote.algorithm", "bytes behind it");
}

static void algorithms(void **state)
{
    static const struct {
        uint16_t alg, hash;
        const char *words;
    } rows[] = {
        {TPM2_ALG_ECDSA, TPM2_ALG_SHA1, "none of SHA-256"},
        {TPM2_ALG_ECDSA, TPM2_ALG_SM3_256, "none of SHA-256"},
        {TPM2_ALG_ECDSA, TPM2_ALG_NULL, "none of SHA-256"},
        {TPM2_ALG_NULL, TPM2_ALG_SHA256, "none of RSASSA"},
        {TPM2_ALG_HMAC, TPM2_ALG_SHA256, "none of RSASSA"},
        {TPM2_ALG_SM2, TPM2_ALG_SHA256, "none of RSASSA"},
        {TPM2_ALG_ECSCHNORR, TPM2_ALG_SHA256, "none of RSASSA"},
        {TPM2_ALG_ECDAA, TPM2_ALG_SHA256, "none of RSASSA"},
    };
    struct report_bed *b = *state;
    expect_trusted(report_bed_run(b));
    for (size_t i = 0; i < ROWS(rows); i++) {
        b->signature.data[0] = (uint8_t)(rows[i].alg >> 8);
        b->signature.data[1] = (uint8_t)rows[i].alg;
        b->signature.data[2] = (uint8_t)(rows[i].hash >> 8);
        b->signature.data[3] = (uint8_t)rows[i].hash;
        expect_refused(report_bed_verify(b), "quote.algorithm", rows[i].words);
    }
}

/* What signs is fixed but for the nonce, so that a short r has to be found only once. */
static ECDSA_SIG *sign_with(struct report_bed *b, EC_KEY *key, const BIGNUM *kinv, const BIGNUM *r)
{
    uint8_t digest[CMC_SHA256_LEN];
    cmc_sha256(b->attest_bytes.data, b->attest_bytes.len, digest);
    ECDSA_SIG *sig = ECDSA_do_sign_ex(digest, sizeof(digest), kinv, r, key);
    assert_non_null(sig);
    return sig;
}

static void put_short(struct report_bed *b, const ECDSA_SIG *sig)
{
    TPMT_SIGNATURE out = {.sigAlg = TPM2_ALG_ECDSA};
    TPMS_SIGNATURE_ECDSA *e = &out.signature.ecdsa;
    uint8_t bytes[256];
    size_t at = 0;
    e->hash = TPM2_ALG_SHA256;
    e->signatureR.size = (uint16_t)BN_bn2bin(ECDSA_SIG_get0_r(sig), e->signatureR.buffer);
    e->signatureS.size = (uint16_t)BN_bn2bin(ECDSA_SIG_get0_s(sig), e->signatureS.buffer);
    assert_int_equal(Tss2_MU_TPMT_SIGNATURE_Marshal(&out, bytes, sizeof(bytes), &at), 0);
    b->signature.len = 0;
    cmc_put(&b->signature, bytes, at);
}

/* A TPM may leave out leading zeros of r, of s, or of both. */
static void short_halves(void **state)
{
    static const struct {
        bool r, s;
    } rows[] = {{true, false}, {false, true}, {true, true}};
    struct report_bed *b = *state;
    EC_KEY *key = EVP_PKEY_get1_EC_KEY(b->ak.key);
    for (size_t i = 0; i < ROWS(rows); i++) {
        BIGNUM *kinv = NULL, *r = NULL;
        do
            assert_int_equal(ECDSA_sign_setup(key, NULL, &kinv, &r), 1);
        while ((BN_num_bytes(r) < 32) != rows[i].r);
        ECDSA_SIG *sig = NULL;
        do {
            ECDSA_SIG_free(sig);
            if (++b->nonce[0] == 0)
                b->nonce[1]++;
            report_bed_quote(b);
            report_bed_marshal(b);
            sig = sign_with(b, key, kinv, r);
        } while ((BN_num_bytes(ECDSA_SIG_get0_s(sig)) < 32) != rows[i].s);
        put_short(b, sig);
        report_bed_report(b);
        expect_trusted(report_bed_verify(b));
        ECDSA_SIG_free(sig);
        BN_free(kinv);
        BN_free(r);
    }
    EC_KEY_free(key);
}

static void clock_that_is_not_safe(void **state)
{
    struct report_bed *b = *state;
    report_bed_quote(b);
    b->attest.clockInfo.safe = TPM2_NO;
    report_bed_marshal(b);
    report_bed_sign(b);
    report_bed_report(b);
    struct verify_result *r = report_bed_verify(b);
    assert_int_equal(report_bed_claim(r, "quote.clock")->status, VERIFY_NOTE);
    assert_non_null(strstr(report_bed_claim(r, "quote.clock")->text, "not safe"));
    assert_int_equal(report_bed_claim(r, "quote")->status, VERIFY_GOOD);
    expect_trusted(r);
}

static void banks(void **state)
{
    struct report_bed *b = *state;
    b->banks[0] = TPM2_ALG_SHA1;
    expect_refused(report_bed_run(b), "quote.banks", "only the SHA-1 bank");
    b->banks[1] = TPM2_ALG_SHA256;
    expect_trusted(report_bed_run(b));
    b->value[12][0] ^= 1; /* of the second bank */
    expect_refused(report_bed_verify(b), "quote.values", "not those");
    b->banks[0] = TPM2_ALG_SHA384;
    b->banks[1] = 0;
    expect_refused(report_bed_run(b), "log.banks", "bank sha384 is quoted");
}

static void nonces(void **state)
{
    struct report_bed *b = *state;
    cmc_autobuf struct cmc_buf out = cmc_buf_of(META_EXACT_MAX);
    struct verify_result *r = NULL;
    struct cmc_err err = {0};
    uint8_t other[VERIFY_NONCE_MAX + 1] = {1};
    expect_trusted(report_bed_run(b));
    assert_int_equal(meta_exact_encode(&b->report, META_JSON, &out, &err), 0);
    for (size_t len = 0; len <= sizeof(other); len++) {
        const bool usage = len < VERIFY_NONCE_MIN || len > VERIFY_NONCE_MAX;
        const int rc = verify_report(out.data, out.len, other, len, &b->policy, &r, &err);
        assert_int_equal(rc, usage ? -CMC_E_USAGE : 0);
        if (usage)
            continue;
        const struct verify_claim *c = report_bed_claim(r, "quote.nonce");
        assert_int_equal(c->status, len < 16 ? VERIFY_UNCHECKED : VERIFY_BAD);
        assert_int_equal(r->verdict, len < 16 ? VERIFY_COULD_NOT : VERIFY_NOT_TRUSTED);
        verify_result_free(r);
    }
    assert_int_equal(
        verify_report(out.data, out.len, b->nonce, sizeof(b->nonce), &b->policy, &r, &err), 0);
    expect_trusted(r);
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int main(void)
{
    struct CMUnitTest table[ROWS(spoils)];
    const struct CMUnitTest tests[] = {
        TEST(holds),
        TEST(other_types),
        TEST(truncated),
        TEST(trailing),
        TEST(one_bit_of_the_quote),
        TEST(one_bit_of_the_signature),
        TEST(one_bit_of_the_certificate),
        TEST(signatures_cut_or_extended),
        TEST(algorithms),
        TEST(short_halves),
        TEST(clock_that_is_not_safe),
        TEST(banks),
        TEST(nonces),
    };
    for (size_t i = 0; i < ROWS(spoils); i++)
        table[i] = (struct CMUnitTest){spoils[i].name, spoilt, NULL, NULL, &spoils[i]};
    return cmocka_run_group_tests(table, NULL, NULL) + cmocka_run_group_tests(tests, NULL, NULL);
}
