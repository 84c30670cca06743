/* SPDX-License-Identifier: Apache-2.0 */
/* tests/unit/attest/verify/test_cmc_out_of_memory.c -- each allocation of verifying a report of CMC
 * fails once: no verdict, the same one, or one that trusts nothing. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "attest/verify/attestation_result.h"
#include "attest/verify/cmc_parts.h"
#include "tests/lib/cmc_bed.h"
#include "tests/lib/fail_alloc.h"
#include "tests/lib/rows.h"

static struct cmc_bed *bed;
static struct cmc_buf report;
static enum verify_verdict verdict;
static size_t whole; /* bytes of the result without a fault */

static bool is_trusted(enum verify_verdict v)
{
    return v == VERIFY_TRUSTED || v == VERIFY_TRUSTED_IF_ROOT;
}

static int put_attestation(const struct verify_result *r, struct cmc_err *err)
{
    cmc_autobuf struct cmc_buf out = cmc_buf_of(1 << 20);
    const int rc = verify_attestation_result_put(r, META_CBOR, &out, err);
    assert_true(rc < 0 || out.len > 0);
    return rc;
}

static int judge(struct cmc_err *err)
{
    struct verify_result *r = NULL;
    cmc_autobuf struct cmc_buf out = cmc_buf_of(1 << 20);
    int rc = verify_report(report.data, report.len, bed->asked, sizeof(bed->asked), &bed->policy,
                           &r, err);
    if (rc < 0) {
        assert_null(r);
        return rc;
    }
    const bool same = r->verdict == verdict;
    assert_true(same || !is_trusted(r->verdict));
    rc = verify_result_put_json(r, &out, err);
    if (rc == 0)
        rc = put_attestation(r, err);
    verify_result_free(r);
    if (rc < 0)
        return rc;
    if (is_trusted(verdict) && same)
        assert_int_equal(out.len, whole);
    return fail_alloc_happened() ? cmc_fail(err, CMC_E_LIMIT, "what can do without") : 0;
}

static void another_container(struct cmc_bed *b)
{
    struct cmc_bed_event *e = &cmc_bed_artifact(b, 13)->event[0];
    e->spec = CMC_BED_SPEC("EVIL", "");
    cmc_bed_event(e);
    b->encoding = META_CBOR;
}

static void by_rules(struct cmc_bed *b)
{
    struct cmc_bed_event *e = &cmc_bed_artifact(b, 13)->event[0];
    e->spec = CMC_BED_SPEC("HELLO", ",\"EXTRA=1\"");
    cmc_bed_event(e);
}

static void software(struct cmc_bed *b)
{
    char *text = NULL;
    struct cmc_bed_artifact *a = &b->artifact[b->artifacts - 1];
    b->artifact[0] = *a;
    b->artifact[0].type = "SW Eventlog";
    b->artifacts = 1;
    b->software = b->policy.software = true;
    memcpy(&text, &b->manifest[1], sizeof(text)); /* its references are for a TPM */
    for (char *p; (p = strstr(text, "\"TPM\"")) != NULL;)
        /* NOLINTNEXTLINE(bugprone-not-null-terminated-result): in the middle of a text */
        memcpy(p, "\"SW\" ", 5);
}

/* More digests than fit into the block that a result begins with. */
static void many_digests(struct cmc_bed *b)
{
    b->more_digests = 300;
    b->items = 0; /* nothing else: it takes time */
    b->more_evidence = -1;
}

static struct row {
    const char *name;
    void (*spoil)(struct cmc_bed *b);
    bool trusted;
} rows[] = {
    {"another container", another_container, false},
    {"allowed by rules", by_rules, true},
    {"software", software, true},
    {"many digests", many_digests, false},
};

static void run_row(void **state)
{
    const struct row *t = *state;
    struct cmc_err err = {0};
    cmc_autobuf struct cmc_buf out = cmc_buf_of(1 << 20);
    bed = cmc_bed_open();
    t->spoil(bed);
    struct verify_result *r = NULL;
    report = cmc_bed_report(bed);
    assert_int_equal(verify_report(report.data, report.len, bed->asked, sizeof(bed->asked),
                                   &bed->policy, &r, &err),
                     0);
    verdict = r->verdict;
    assert_int_equal(is_trusted(verdict), t->trusted);
    assert_int_equal(verify_result_put_json(r, &out, &err), 0);
    verify_result_free(r);
    whole = out.len;
    fail_alloc_each(judge);
    cmc_buf_done(&report);
    cmc_bed_close(bed);
}

static int make_room(struct cmc_err *err)
{
    CMC_CLEANUP(verify_tree_freep) struct verify_tree *t = verify_tree_new();
    struct verify_cmc v = {.t = t};
    if (!t)
        return cmc_fail(err, CMC_E_LIMIT, "no tree");
    for (size_t n = 1; n <= 1000; n *= 10) {
        const size_t room = v.room;
        if (!verify_cmc_room(&v, n)) {
            assert_int_equal(v.room, room);
            assert_int_not_equal(verify_tree_check(t, err), 0);
            break;
        }
        memset(&v.container[v.count], 0x11, n * sizeof(*v.container));
        v.count += n;
    }
    return verify_tree_check(t, err);
}

/* Rows for containers: what there is stays. */
static void room(void **state)
{
    (void)state;
    fail_alloc_each(make_room);
}

int main(void)
{
    struct CMUnitTest tests[ROWS(rows) + 1] = {[ROWS(rows)] = cmocka_unit_test(room)};
    for (size_t i = 0; i < ROWS(rows); i++)
        tests[i] = (struct CMUnitTest){rows[i].name, run_row, NULL, NULL, &rows[i]};
    return cmocka_run_group_tests_name("attest/verify/cmc out of memory", tests, NULL, NULL);
}
