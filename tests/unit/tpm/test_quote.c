/* SPDX-License-Identifier: Apache-2.0 */
/* tests/unit/tpm/test_quote.c -- quotes of a software TPM, and answers that are not what was asked
 * for. */
#include "tpm/quote.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include <tss2/tss2_tpm2_types.h>

#include "tests/lib/faulty_tpm.h"
#include "tests/lib/rows.h"

static struct faulty_tpm world;
static struct tpm_ak ak;
static const struct tpm_quote_ask usual = {
    .bank = CMC_ALG_SHA256, .pcrs = 0xfbff, .nonce = {1, 2, 3}};

static int set_up(void **state)
{
    (void)state;
    faulty_tpm_heal(&world);
    return 0;
}

static void extend(unsigned pcr, uint8_t byte)
{
    struct cmc_err err = {0};
    struct tpm_pcr_ctx *t = NULL;
    struct tpm_banks b = {.count = 1, .bank = {{.alg = CMC_ALG_SHA256, .len = 32}}};
    memset(b.bank[0].value, byte, 32);
    assert_int_equal(tpm_pcr_open("fake", &t, &err), 0);
    assert_int_equal(tpm_pcr_extend(t, pcr, &b, &err), 0);
    tpm_pcr_close(t);
}

static void digest_of(const struct tpm_quote_ask *ask, const struct tpm_quote *q, uint8_t out[32])
{
    struct cmc_sha256_ctx c;
    cmc_sha256_init(&c);
    for (unsigned i = 0; i < TPM_PCRS; i++)
        if (ask->pcrs & 1u << i)
            cmc_sha256_add(&c, q->value[i], cmc_hash_size(ask->bank));
    cmc_sha256_end(&c, out);
}

/* The values that were read are the quoted ones, in any bank, few PCRs or all. */
static void values_and_digest_agree(void **state)
{
    static const struct tpm_quote_ask rows[] = {
        {.bank = CMC_ALG_SHA256, .pcrs = 0xfbff},   {.bank = CMC_ALG_SHA256, .pcrs = 1u << 13},
        {.bank = CMC_ALG_SHA256, .pcrs = 0xffffff}, {.bank = CMC_ALG_SHA384, .pcrs = 0x2001},
        {.bank = CMC_ALG_SHA1, .pcrs = 0x20ff},     {.bank = CMC_ALG_SHA512, .pcrs = 0xffff}};
    (void)state;
    extend(13, 5);
    for (size_t i = 0; i < ROWS(rows); i++) {
        struct cmc_err err = {0};
        struct tpm_quote q;
        uint8_t digest[32], values[TPM_PCRS][TPM_DIGEST_MAX];
        if (tpm_quote("fake", &ak, &rows[i], &q, &err) < 0)
            fail_msg("%s", err.msg);
        digest_of(&rows[i], &q, digest);
        assert_memory_equal(digest, q.digest, sizeof(digest));
        assert_true(q.signature.len > 64);
        assert_int_equal(tpm_quote_read("fake", rows[i].bank, rows[i].pcrs, values, &err), 0);
        assert_memory_equal(values, q.value, sizeof(values));
    }
}

static void resets_are_told(void **state)
{
    struct cmc_err err = {0};
    struct tpm_quote before, after;
    (void)state;
    assert_int_equal(tpm_quote("fake", &ak, &usual, &before, &err), 0);
    swtpm_restart(&world.tpm);
    assert_int_equal(tpm_quote("fake", &ak, &usual, &after, &err), 0);
    assert_int_equal(after.reset_count, before.reset_count + 1);
}

static void misuse(void **state)
{
    static const struct tpm_quote_ask rows[] = {{.bank = 0x12, .pcrs = 1},
                                                {.bank = CMC_ALG_SHA256, .pcrs = 0},
                                                {.bank = CMC_ALG_SHA256, .pcrs = 1u << 24}};
    (void)state;
    for (size_t i = 0; i < ROWS(rows); i++) {
        struct cmc_err err = {0};
        struct tpm_quote q = {.reset_count = 7};
        uint8_t values[TPM_PCRS][TPM_DIGEST_MAX] = {{7}};
        assert_int_equal(tpm_quote("fake", &ak, &rows[i], &q, &err), -CMC_E_USAGE);
        assert_int_equal(tpm_quote_read("fake", rows[i].bank, rows[i].pcrs, values, &err),
                         -CMC_E_USAGE);
        assert_int_equal(q.reset_count, 7);
        assert_int_equal(values[0][0], 7);
    }
}

/* Answer to TPM2_Quote: header 10, parameterSize 4, TPM2B_ATTEST: size 2, then magic 4, type 2,
 * qualifiedSigner 2 + 34, extraData 2 + 32, clockInfo 17, firmwareVersion 8, count 4, hash 2,
 * size 1, bitmap 3, digest 2 + 32. */
enum {
    ATTEST = 16,
    TYPE = ATTEST + 4,
    NONCE = ATTEST + 44,
    SELECT = ATTEST + 101,
    DIGEST = ATTEST + 113
};

static size_t at;
static uint8_t bits;
static void flip(uint8_t *answer, size_t *len) /* NOLINT(readability-non-const-parameter) */
{                                              /* the type is faulty_tpm's */
    assert_true(at < *len);
    answer[at] ^= bits;
}

static void other_answers_are_refused(void **state)
{
    static const struct {
        size_t at;
        uint8_t bits;
    } rows[] = {{ATTEST, 1},     {TYPE + 1, 0x01},  {TYPE + 1, 0x02}, {TYPE + 1, 0x0c},
                {NONCE, 1},      {NONCE + 31, 1},   {NONCE - 1, 1},   {DIGEST - 1, 1},
                {SELECT + 3, 2}, {SELECT + 5, 1},   {SELECT + 7, 1},  {SELECT + 8, 4},
                {ATTEST - 1, 1}, {ATTEST - 2, 0x80}};
    (void)state;
    for (size_t i = 0; i < ROWS(rows); i++) {
        struct cmc_err err = {0};
        struct tpm_quote q = {.reset_count = 7};
        at = rows[i].at;
        bits = rows[i].bits;
        faulty_tpm_edit(&world, TPM2_CC_Quote, flip);
        if (tpm_quote("fake", &ak, &usual, &q, &err) != -CMC_E_TPM)
            fail_msg("row %zu: accepted", i);
        assert_int_equal(q.reset_count, 7);
        faulty_tpm_heal(&world);
    }
}

/* Answer to TPM2_PCR_Read: header 10, updateCounter 4, count 4, hash 2, size 1, bitmap 3, count 4,
 * digests: 2 + 32 each */
static void values_of_other_pcrs(void **state)
{
    static const struct {
        size_t at;
        uint8_t bits;
        const char *text;
    } rows[] = {{19, 0x0f, "not all of the PCRs 0x00fbff are allocated in bank 0x000b"},
                {21, 0xff, "not all of the PCRs"},
                {29, 0x20 ^ 0x1f, NULL}};
    (void)state;
    for (size_t i = 0; i < ROWS(rows); i++) {
        struct cmc_err err = {0};
        struct tpm_quote q = {.reset_count = 7};
        at = rows[i].at;
        bits = rows[i].bits;
        faulty_tpm_edit(&world, TPM2_CC_PCR_Read, flip);
        assert_int_equal(tpm_quote("fake", &ak, &usual, &q, &err), -CMC_E_TPM);
        if (rows[i].text && !strstr(err.msg, rows[i].text))
            fail_msg("row %zu: %s", i, err.msg);
        assert_int_equal(q.reset_count, 7);
        faulty_tpm_heal(&world);
    }
}

static void faults_are_told(void **state)
{
    static const uint32_t codes[] = {TPM2_CC_Quote, TPM2_CC_PCR_Read, TPM2_CC_ReadPublic};
    (void)state;
    for (size_t i = 0; i < ROWS(codes); i++) {
        struct cmc_err err = {0};
        struct tpm_quote q = {.reset_count = 7};
        faulty_tpm_fail(&world, codes[i], 0, 1, TPM2_RC_FAILURE);
        assert_int_equal(tpm_quote("fake", &ak, &usual, &q, &err), -CMC_E_TPM);
        assert_int_equal(err.tpm_rc & ~TSS2_RC_LAYER_MASK, TPM2_RC_FAILURE);
        assert_int_equal(q.reset_count, 7);
        faulty_tpm_heal(&world);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(values_and_digest_agree, set_up),
        cmocka_unit_test_setup(resets_are_told, set_up),
        cmocka_unit_test_setup(misuse, set_up),
        cmocka_unit_test_setup(other_answers_are_refused, set_up),
        cmocka_unit_test_setup(values_of_other_pcrs, set_up),
        cmocka_unit_test_setup(faults_are_told, set_up),
    };
    struct cmc_err err = {0};
    if (!swtpm_start(&world.tpm, NULL))
        return 77; /* swtpm is not installed */
    faulty_tpm_use(&world);
    if (tpm_ak_create("fake", TPM_AK_ECDSA_P256, &ak, &err) < 0)
        fail_msg("%s", err.msg);
    const int rc = cmocka_run_group_tests(tests, NULL, NULL);
    swtpm_stop(&world.tpm);
    return rc;
}
