/* SPDX-License-Identifier: Apache-2.0 */
/* tests/unit/attest/verify/test_exact.c -- whole reports: both encodings, garbage, limits, memory.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdlib.h>
#include <string.h>

#include "tests/lib/report_bed.h"
#include "tests/lib/rows.h"

struct whole { /* a report as bytes */
    struct report_bed b;
    struct cmc_buf bytes;
};

static int setup(void **state)
{
    struct whole *w = calloc(1, sizeof(*w));
    struct cmc_err err = {0};
    *state = w;
    report_bed_usual(&w->b);
    verify_result_free(report_bed_run(&w->b));
    w->bytes = cmc_buf_of(META_EXACT_MAX);
    assert_int_equal(meta_exact_encode(&w->b.report, META_CBOR, &w->bytes, &err), 0);
    return 0;
}

static int teardown(void **state)
{
    struct whole *w = *state;
    report_bed_done(&w->b);
    cmc_buf_done(&w->bytes);
    free(w);
    return 0;
}

static struct verify_result *verify(struct whole *w, const void *data, size_t len)
{
    struct verify_result *r = NULL;
    struct cmc_err err = {0};
    assert_int_equal(
        verify_report(data, len, w->b.nonce, sizeof(w->b.nonce), &w->b.policy, &r, &err), 0);
    return r;
}

/* JSON and CBOR of one report give one result. */
static void encodings(void **state)
{
    struct whole *w = *state;
    struct cmc_buf out[2] = {cmc_buf_of(1 << 20), cmc_buf_of(1 << 20)};
    struct cmc_err err = {0};
    for (int i = 0; i < 2; i++) {
        cmc_autobuf struct cmc_buf bytes = cmc_buf_of(META_EXACT_MAX);
        assert_int_equal(meta_exact_encode(&w->b.report, i ? META_JSON : META_CBOR, &bytes, &err),
                         0);
        struct verify_result *r = verify(w, bytes.data, bytes.len);
        assert_int_equal(r->verdict, VERIFY_TRUSTED_IF_ROOT);
        assert_int_equal(verify_result_put_json(r, &out[i], &err), 0);
        verify_result_free(r);
    }
    assert_int_equal(out[0].len, out[1].len);
    assert_memory_equal(out[0].data, out[1].data, out[0].len);
    cmc_buf_done(&out[0]);
    cmc_buf_done(&out[1]);
}

/* Cut anywhere it is no report, and never trusted. */
static void truncated(void **state)
{
    struct whole *w = *state;
    for (size_t len = 0; len < w->bytes.len; len += len < 64 ? 1 : 61) {
        struct verify_result *r = verify(w, w->bytes.data, len);
        assert_int_equal(r->verdict, VERIFY_NOT_TRUSTED);
        assert_int_equal(report_bed_claim(r, "report.format")->status, VERIFY_BAD);
        assert_null(r->host);
        verify_result_free(r);
    }
}

/* What the report calls itself is inside nothing that was signed. */
static void its_own_name_is_never_shown(void **state)
{
    struct whole *w = *state;
    cmc_autobuf struct cmc_buf out = cmc_buf_of(1 << 20);
    struct cmc_err err = {0};
    w->b.report.name = "canary";
    struct verify_result *r = report_bed_verify(&w->b);
    assert_int_equal(verify_result_put_json(r, &out, &err), 0);
    assert_null(memmem(out.data, out.len, "canary", 6));
    verify_result_free(r);
}

static void garbage(void **state)
{
    static const char *const rows[] = {"",
                                       "x",
                                       "{}",
                                       "[]",
                                       "{\"type\":\"cmc-exact\"}",
                                       "\xa0",
                                       "\xbf\xff",
                                       "null",
                                       "{\"type\":\"Attestation Report\"}"};
    struct whole *w = *state;
    for (size_t i = 0; i < ROWS(rows); i++) {
        struct verify_result *r = verify(w, rows[i], strlen(rows[i]));
        assert_int_equal(r->verdict, VERIFY_NOT_TRUSTED);
        assert_non_null(r->reason);
        verify_result_free(r);
    }
}

static void too_large(void **state)
{
    struct whole *w = *state;
    char *data = calloc(1, (size_t)VERIFY_REPORT_MAX + 1);
    struct verify_result *r = verify(w, data, (size_t)VERIFY_REPORT_MAX + 1);
    report_bed_refused(r, "report.format", "67108865 bytes, at most 67108864");
    verify_result_free(r);
    free(data);
}

static void no_roots_at_all(void **state)
{
    struct whole *w = *state;
    struct verify_result *r = NULL;
    struct cmc_err err = {0};
    w->b.policy.trust = NULL;
    assert_int_equal(verify_report(w->bytes.data, w->bytes.len, w->b.nonce, sizeof(w->b.nonce),
                                   &w->b.policy, &r, &err),
                     -CMC_E_USAGE);
    assert_null(r);
}

/* A root of metadata is none of keys, and the other way round. */
static void roots_have_roles(void **state)
{
    struct whole *w = *state;
    struct cmc_err err = {0};
    for (int swap = 0; swap < 2; swap++) {
        struct meta_trust *t = NULL;
        char *ak = pki_pem(&w->b.ak_ca), *metadata = pki_pem(&w->b.meta_ca);
        assert_int_equal(meta_trust_new(PKI_NOW, &t, &err), 0);
        assert_int_equal(
            meta_trust_add_roots(t, swap ? META_ROLE_METADATA : META_ROLE_AK, ak, strlen(ak), &err),
            0);
        assert_int_equal(meta_trust_add_roots(t, swap ? META_ROLE_AK : META_ROLE_METADATA, metadata,
                                              strlen(metadata), &err),
                         0);
        w->b.policy.trust = t;
        struct verify_result *r = verify(w, w->bytes.data, w->bytes.len);
        assert_int_equal(r->verdict, swap ? VERIFY_NOT_TRUSTED : VERIFY_TRUSTED_IF_ROOT);
        verify_result_free(r);
        meta_trust_free(t);
        free(ak);
        free(metadata);
    }
}

/* The lists that may be empty: no item, no digest, no detail, no certificate, no log. */
static void empty_lists(void **state)
{
    struct whole *w = *state;
    const struct meta_exact full = w->b.report;
    for (int i = 0; i < 4; i++) {
        w->b.report = full;
        if (i == 0)
            w->b.report.item_count = w->b.report.digest_count = 0;
        else if (i == 1)
            w->b.report.item_count = 0;
        else if (i == 2)
            w->b.report.digest_count = 0;
        else
            w->b.report.log.len = 0;
        struct verify_result *r = report_bed_verify(&w->b);
        assert_int_equal(r->verdict, VERIFY_NOT_TRUSTED);
        verify_result_free(r);
    }
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(encodings),        TEST(truncated),   TEST(its_own_name_is_never_shown),
        TEST(garbage),          TEST(too_large),   TEST(no_roots_at_all),
        TEST(roots_have_roles), TEST(empty_lists),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
