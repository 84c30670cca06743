/* SPDX-License-Identifier: Apache-2.0 */
/* tests/unit/attest/verify/test_out_of_memory.c -- each allocation of the verifier fails once: no
 * verdict, or one that trusts nothing; never a crash, a leak, or half of an answer. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdlib.h>
#include <string.h>

#include "attest/verify/metadata.h"
#include "tests/lib/fail_alloc.h"
#include "tests/lib/report_bed.h"

static struct report_bed bed;
static struct cmc_buf bytes; /* the report */
static enum verify_verdict verdict;
static size_t differences, claims; /* of the run without a fault */

static size_t count(const struct verify_claim *c)
{
    size_t n = 0;
    for (; c; c = c->next)
        n += 1 + count(c->child);
    return n;
}

static int judge(struct cmc_err *err)
{
    struct verify_result *r = NULL;
    const int rc =
        verify_report(bytes.data, bytes.len, bed.nonce, sizeof(bed.nonce), &bed.policy, &r, err);
    if (rc < 0) {
        assert_null(r);
        return rc;
    }
    const bool whole = r->verdict == verdict && r->container_count == 1 &&
                       r->container[0].difference_count == differences && count(r->claim) == claims;
    assert_true(whole || (r->verdict != VERIFY_TRUSTED && r->verdict != VERIFY_TRUSTED_IF_ROOT));
    verify_result_free(r);
    return whole && !fail_alloc_happened()
               ? 0
               : cmc_fail(err, CMC_E_LIMIT, "less than there is to say, or what can do without");
}

static void each_of(const char *rules, const char *measured)
{
    struct cmc_err err = {0};
    report_bed_bare(&bed);
    struct verify_result *r = report_bed_judge(&bed, BED_HELLO, rules, measured, 0x11);
    verdict = r->verdict;
    differences = r->container[0].difference_count;
    claims = count(r->claim);
    verify_result_free(r);
    bytes = cmc_buf_of(META_EXACT_MAX);
    assert_int_equal(meta_exact_encode(&bed.report, META_JSON, &bytes, &err), 0);
    fail_alloc_each(judge);
    cmc_buf_done(&bytes);
    report_bed_done(&bed);
}

static void equal(void **state)
{
    (void)state;
    each_of(NULL, BED_HELLO);
    assert_int_equal(verdict, VERIFY_TRUSTED_IF_ROOT);
}

static void different(void **state)
{
    (void)state;
    each_of(NULL, BED_EVIL);
    assert_int_equal(verdict, VERIFY_NOT_TRUSTED);
    assert_int_equal(differences, 1);
}

static void by_rules(void **state)
{
    (void)state;
    each_of("{\"process\":{\"env\":\"replace:VAL=*\"}}", BED_EVIL);
    assert_int_equal(verdict, VERIFY_TRUSTED_IF_ROOT);
}

/* Of metadata alone: what is said against it is said of memory, and half of it is never good. */
static int load(struct cmc_err *err)
{
    CMC_CLEANUP(verify_tree_freep) struct verify_tree *t = verify_tree_new();
    const struct verify_item item[] = {{bed.item[0].data, bed.item[0].len},
                                       {bed.item[1].data, bed.item[1].len}};
    const struct verify_metadata_input in = {.trust = bed.trust, .own = item, .own_count = 2};
    struct verify_metadata m;
    if (!t)
        return cmc_fail(err, CMC_E_LIMIT, "no tree");
    const enum verify_status status = verify_metadata_load(&in, t, NULL, &m);
    int rc = verify_tree_check(t, err);
    if (rc == 0 && fail_alloc_happened()) {
        const struct verify_claim *first = verify_claim_first(verify_claim_top(t), VERIFY_BAD);
        first = first ? first : verify_claim_first(verify_claim_top(t), VERIFY_UNCHECKED);
        assert_int_not_equal(status, VERIFY_GOOD);
        assert_non_null(strstr(first->text, "memory"));
        rc = cmc_fail(err, CMC_E_LIMIT, "%s", first->text);
    }
    if (rc == 0)
        assert_true(status == VERIFY_GOOD && m.reference_count == 1);
    verify_metadata_done(&m);
    return rc;
}

static void metadata(void **state)
{
    (void)state;
    report_bed_bare(&bed);
    verify_result_free(report_bed_judge(&bed, BED_HELLO, NULL, BED_HELLO, 0x11));
    fail_alloc_each(load);
    report_bed_done(&bed);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(equal),
        cmocka_unit_test(different),
        cmocka_unit_test(by_rules),
        cmocka_unit_test(metadata),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
