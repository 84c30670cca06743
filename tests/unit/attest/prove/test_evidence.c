/* SPDX-License-Identifier: Apache-2.0 */
/* tests/unit/attest/prove/test_evidence.c -- a quote of a register that changes all the time is
 * explained by the log, whatever was read meanwhile. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <string.h>

#include "tests/unit/attest/prove/bed.h"

static struct bed bed;
static struct prove *p;

/* A TPM whose register is at event `at` when it quotes, and elsewhere when it is read. */
static struct {
    size_t at, calls;
    unsigned strange; /* so many quotes are of another PCR's value that nobody reads */
    int rc;
} tpm;

static void digest_of(const struct tpm_quote_ask *ask, struct tpm_quote *q)
{
    struct cmc_sha256_ctx c;
    cmc_sha256_init(&c);
    for (unsigned i = 0; i < TPM_PCRS; i++)
        if (ask->pcrs & 1u << i)
            cmc_sha256_add(&c, q->value[i], CMC_SHA256_LEN);
    cmc_sha256_end(&c, q->digest);
}

static int quote(struct prove *prover, const struct tpm_quote_ask *ask, struct tpm_quote *out,
                 struct cmc_err *err)
{
    struct prove_log log = {0};
    struct tpm_quote q = {.attest.len = 1};
    (void)prover;
    if (tpm.rc < 0)
        return cmc_fail(err, CMC_E_TPM, "gone");
    assert_int_equal(prove_log_read(bed.run, CMC_ALG_SHA256, &log, err), 0);
    memset(q.value[2], 2, CMC_SHA256_LEN);
    memcpy(q.value[13], log.event[tpm.at].value, CMC_SHA256_LEN);
    q.value[3][0] = tpm.calls++ < tpm.strange;
    digest_of(ask, &q);
    q.value[3][0] = 0;
    memset(q.value[13], 0xee, CMC_SHA256_LEN);
    *out = q;
    prove_log_done(&log);
    return 0;
}

static const struct prove_driver driver = {.kind = "tpm", .quote = quote};

static int set_up(void **state)
{
    (void)state;
    bed_init(&bed, MEASURE_PROFILE_EXACT);
    p = bed_open(&bed);
    bed_write(&bed);
    memset(&tpm, 0, sizeof(tpm));
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    prove_close(p);
    bed_done(&bed);
    return 0;
}

static void the_log_explains_the_register(void **state)
{
    static const uint8_t nonce[CMC_SHA256_LEN] = {9};
    (void)state;
    p->driver = &driver;
    for (tpm.at = 0; tpm.at < 5; tpm.at++) {
        struct prove_evidence e;
        struct prove_log log = {0};
        struct cmc_err err = {0};
        tpm.calls = 0;
        if (prove_evidence_exact(p, nonce, &e, &log, &err) < 0)
            fail_msg("%s", err.msg);
        assert_int_equal(tpm.calls, 1);
        assert_true(prove_evidence_fits(&e));
        assert_memory_equal(e.quote.value[13], log.event[tpm.at].value, CMC_SHA256_LEN);
        assert_memory_equal(e.ask.nonce, nonce, sizeof(nonce));
        assert_int_equal(e.ask.pcrs, 0xfbff);
        prove_log_done(&log);
    }
}

/* Another PCR changed in between: quoted again. */
static void another_quote_is_made(void **state)
{
    static const uint8_t nonce[CMC_SHA256_LEN];
    struct prove_evidence e = {.ask.bank = 7};
    struct prove_log log = {0};
    struct cmc_err err = {0};
    (void)state;
    p->driver = &driver;
    tpm.strange = 3;
    assert_int_equal(prove_evidence_exact(p, nonce, &e, &log, &err), 0);
    assert_int_equal(tpm.calls, 4);
    prove_log_done(&log);
    tpm.strange = 99;
    tpm.calls = 0;
    e.ask.bank = 7;
    assert_int_equal(prove_evidence_exact(p, nonce, &e, &log, &err), -CMC_E_TPM);
    assert_int_equal(tpm.calls, 8);
    assert_non_null(strstr(err.msg, "of 8 quotes none is of the PCR values"));
    assert_int_equal(e.ask.bank, 7);
    assert_null(log.event);
    tpm.rc = -1;
    assert_int_equal(prove_evidence_exact(p, nonce, &e, &log, &err), -CMC_E_TPM);
    assert_string_equal(err.msg, "gone");
}

static void what_is_quoted(void **state)
{
    (void)state;
    assert_int_equal(prove_selection(p), 0x20ff); /* software */
    p->driver = &driver;
    assert_int_equal(prove_selection(p), 0xfbff);
    p->cfg.pcr = 14;
    p->cfg.exclude = 1u << 9 | 1u << 13;
    assert_int_equal(prove_selection(p), 0xddff);
    p->cfg.pcr = 23;
    p->cfg.exclude = 0;
    assert_int_equal(prove_selection(p), 0x80ffff);
}

/* What software says comes from the log alone, which must replay. */
static void software_says_what_the_log_says(void **state)
{
    static const uint8_t nonce[CMC_SHA256_LEN];
    struct prove_evidence e;
    struct prove_log log = {0};
    struct cmc_err err = {0};
    (void)state;
    assert_int_equal(prove_evidence_exact(p, nonce, &e, &log, &err), 0);
    assert_true(prove_evidence_fits(&e));
    assert_memory_equal(e.quote.value[13], log.event[4].value, CMC_SHA256_LEN);
    assert_int_equal(e.quote.reset_count, bed.log.reset_count);
    e.quote.value[13][31] ^= 1;
    assert_false(prove_evidence_fits(&e));
    prove_log_done(&log);
    bed.log.bytes.data[60] ^= 1;
    bed_write(&bed);
    assert_true(prove_evidence_exact(p, nonce, &e, &log, &err) < 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(the_log_explains_the_register, set_up, tear_down),
        cmocka_unit_test_setup_teardown(another_quote_is_made, set_up, tear_down),
        cmocka_unit_test_setup_teardown(what_is_quoted, set_up, tear_down),
        cmocka_unit_test_setup_teardown(software_says_what_the_log_says, set_up, tear_down),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
