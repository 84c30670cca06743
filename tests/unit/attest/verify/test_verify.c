/* SPDX-License-Identifier: Apache-2.0 */
/* tests/unit/attest/verify/test_verify.c -- which claims make which verdict, and in which words;
 * what is no report, and what is no question. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "tests/lib/report_bed.h"
#include "tests/lib/rows.h"

/* One container with its reference, and what the policy asks for. */
static struct row {
    const char *name, *model, *measured;
    bool require_host, bad_nonce;
    enum verify_verdict verdict;
    const char *words, *reason; /* reason: part of it */
} rows[] = {
    {"all but the host", "SLB9670", BED_HELLO, false, false, VERIFY_TRUSTED_IF_ROOT,
     "TRUSTED if the host's root is honest", "PCR 0 has no reference"},
    {"the host is asked for", "SLB9670", BED_HELLO, true, false, VERIFY_NOT_TRUSTED, "NOT TRUSTED",
     "PCR 0 has no reference"},
    {"another container", "SLB9670", BED_EVIL, false, false, VERIFY_NOT_TRUSTED, "NOT TRUSTED",
     "VAL"},
    {"another nonce", "SLB9670", BED_HELLO, false, true, VERIFY_NOT_TRUSTED, "NOT TRUSTED",
     "nonce"},
    {"a TPM that is software", "swtpm", BED_HELLO, false, false, VERIFY_TRUSTED_IF_ROOT,
     "TRUSTED if the host's root is honest, on the word of a software TPM (swtpm)",
     "PCR 0 has no reference"},
    {"a TPM that is software, and another container", "swtpm", BED_EVIL, false, false,
     VERIFY_NOT_TRUSTED, "NOT TRUSTED", "VAL"},
};

static struct verify_result *run(const struct row *t, struct report_bed *b)
{
    cmc_autobuf struct cmc_buf refs = cmc_buf_of(1 << 20);
    report_bed_open(b, t->model);
    logs_put(&b->log, MEASURE_RECORDER_START, MEASURE_MARK_DONE);
    const struct measure_config *want = report_bed_config(b, BED_HELLO, NULL);
    const struct measure_config *have = report_bed_config(b, t->measured, NULL);
    report_bed_reference(&refs, "web", want, 0x11, "");
    report_bed_metadata(b, (const char *)refs.data, NULL);
    report_bed_create(b, "web-1", have, 0x11);
    b->policy.require_host = t->require_host;
    verify_result_free(report_bed_run(b));
    b->nonce[0] ^= t->bad_nonce;
    return report_bed_verify(b);
}

static void run_row(void **state)
{
    const struct row *t = *state;
    struct report_bed b;
    struct verify_result *r = run(t, &b);
    assert_string_equal(r->words, t->words);
    assert_int_equal(r->verdict, t->verdict);
    assert_int_equal(r->created, PKI_NOW);
    if (!r->reason || !strstr(r->reason, t->reason))
        fail_msg("\"%s\" is not in \"%s\"", t->reason, r->reason ? r->reason : "(none)");
    assert_non_null(r->claim);
    verify_result_free(r);
    report_bed_done(&b);
}

static void questions(void **state)
{
    static const struct {
        size_t nonce_len;
        bool roots;
        int want;
        const char *says;
    } t[] = {
        {VERIFY_NONCE_MIN - 1, true, -CMC_E_USAGE, "a nonce of 7 bytes: 8 to 64 are taken"},
        {VERIFY_NONCE_MAX + 1, true, -CMC_E_USAGE, "a nonce of 65 bytes: 8 to 64 are taken"},
        {VERIFY_NONCE_MIN, false, -CMC_E_USAGE, "a policy without roots"},
        {VERIFY_NONCE_MIN, true, 0, NULL},
        {VERIFY_NONCE_MAX, true, 0, NULL},
    };
    static const uint8_t nonce[VERIFY_NONCE_MAX + 1];
    (void)state;
    for (size_t i = 0; i < ROWS(t); i++) {
        struct meta_trust *trust = NULL;
        struct verify_result *const untouched = (void *)&trust, *r = untouched;
        struct cmc_err err = {0};
        assert_int_equal(meta_trust_new(PKI_NOW, &trust, &err), 0);
        const struct verify_policy policy = {.trust = t[i].roots ? trust : NULL};
        assert_int_equal(verify_report("x", 1, nonce, t[i].nonce_len, &policy, &r, &err),
                         t[i].want);
        if (t[i].want == 0) {
            assert_int_equal(r->verdict, VERIFY_NOT_TRUSTED);
            assert_non_null(r->reason);
            verify_result_free(r);
        } else {
            assert_non_null(strstr(err.msg, t[i].says));
            assert_ptr_equal(r, untouched);
        }
        meta_trust_free(trust);
    }
}

/* A report of one byte too many is a verdict too, and not read at all. */
static void too_long(void **state)
{
    static const uint8_t nonce[VERIFY_NONCE_MIN];
    struct meta_trust *trust = NULL;
    struct verify_result *r = NULL;
    struct cmc_err err = {0};
    (void)state;
    assert_int_equal(meta_trust_new(PKI_NOW, &trust, &err), 0);
    const struct verify_policy policy = {.trust = trust};
    assert_int_equal(verify_report(nonce, (size_t)VERIFY_REPORT_MAX + 1, nonce, sizeof(nonce),
                                   &policy, &r, &err),
                     0);
    assert_int_equal(r->verdict, VERIFY_NOT_TRUSTED);
    assert_string_equal(r->claim->id, "report.format");
    assert_string_equal(r->reason, "the report has 67108865 bytes, at most 67108864 are read");
    assert_null(r->claim->next);
    verify_result_free(r);
    verify_result_free(NULL);
    meta_trust_free(trust);
}

int main(void)
{
    struct CMUnitTest tests[ROWS(rows) + 2];
    size_t n = 0;
    for (; n < ROWS(rows); n++)
        tests[n] = (struct CMUnitTest){rows[n].name, run_row, NULL, NULL, &rows[n]};
    tests[n++] = (struct CMUnitTest)cmocka_unit_test(questions);
    tests[n++] = (struct CMUnitTest)cmocka_unit_test(too_long);
    return cmocka_run_group_tests_name("attest/verify/verify", tests, NULL, NULL);
}
