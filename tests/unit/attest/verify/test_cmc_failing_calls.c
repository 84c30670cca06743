/* SPDX-License-Identifier: Apache-2.0 */
/* tests/unit/attest/verify/test_cmc_failing_calls.c -- each digest, normal form and comparison of
 * verifying a report of CMC fails once. A digest and a form are there all the same, and right: who
 * does not look at what the call said goes on as if nothing had happened. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "attest/verify/cmc_parts.h"
#include "attest/verify/exact_parts.h"
#include "tests/lib/cmc_bed.h"
#include "tests/lib/rows.h"

enum call { HASH, FORM, COMPARE };

static enum call failing;
static size_t countdown; /* 0: none fails; n: the nth from now does */

static bool fails(enum call which)
{
    return which == failing && countdown > 0 && --countdown == 0;
}

static int spoil(enum call which, int rc, struct cmc_err *err)
{
    return fails(which) ? cmc_fail(err, CMC_E_FORMAT, "spoilt") : rc;
}

/* NOLINTBEGIN(bugprone-reserved-identifier, cert-dcl37-c, cert-dcl51-cpp): the linker's names */
int __real_cmc_hash2(uint16_t alg, const void *a, size_t a_len, const void *b, size_t b_len,
                     uint8_t *out, struct cmc_err *err);
int __real_verify_cmc_form(const struct cmc_json *spec, struct cmc_buf *form, struct cmc_err *err);
int __real_verify_differences_between(const struct verify_compared *x,
                                      struct verify_differences *out, struct cmc_err *err);
int __wrap_cmc_hash2(uint16_t alg, const void *a, size_t a_len, const void *b, size_t b_len,
                     uint8_t *out, struct cmc_err *err);
int __wrap_verify_cmc_form(const struct cmc_json *spec, struct cmc_buf *form, struct cmc_err *err);
int __wrap_verify_differences_between(const struct verify_compared *x,
                                      struct verify_differences *out, struct cmc_err *err);

/* NOLINTNEXTLINE(readability-function-size): as it is */
int __wrap_cmc_hash2(uint16_t alg, const void *a, size_t a_len, const void *b, size_t b_len,
                     uint8_t *out, struct cmc_err *err)
{
    return spoil(HASH, __real_cmc_hash2(alg, a, a_len, b, b_len, out, err), err);
}

int __wrap_verify_cmc_form(const struct cmc_json *spec, struct cmc_buf *form, struct cmc_err *err)
{
    return spoil(FORM, __real_verify_cmc_form(spec, form, err), err);
}

int __wrap_verify_differences_between(const struct verify_compared *x,
                                      struct verify_differences *out, struct cmc_err *err)
{
    return fails(COMPARE) ? cmc_fail(err, CMC_E_FORMAT, "spoilt")
                          : __real_verify_differences_between(x, out, err);
}
/* NOLINTEND(bugprone-reserved-identifier, cert-dcl37-c, cert-dcl51-cpp) */

static void usual(struct cmc_bed *b)
{
    (void)b;
}

/* As near to "web" as to "db". */
static void strange(struct cmc_bed *b)
{
    struct cmc_bed_event *web = &cmc_bed_artifact(b, 13)->event[0];
    web->spec = CMC_BED_SPEC("EVIL", "");
    web->seed = 9;
    cmc_bed_event(web);
}

static struct row {
    const char *name;
    void (*make)(struct cmc_bed *b);
    enum call call;
    size_t first, last;     /* of these calls */
    const char *id, *words; /* of the claim that is refused; NULL: none */
    const char *nearest;    /* that could be compared */
    size_t differences;
} rows[] = {
    {"the nonce of the evidence", usual, HASH, 1, 1, "report.hash", "spoilt", NULL, 0},
    {"names of items", usual, HASH, 2, 4, "metadata.digest", "another digest", NULL, 0},
    {"digests of items", usual, HASH, 5, 7, "metadata.digest", "does not list", NULL, 0},
    {"registers", usual, HASH, 8, 12, "log.replay", "spoilt", NULL, 0},
    {"the digest of registers", usual, HASH, 13, 13, "quote.values", "spoilt", NULL, 0},
    {"templates of references", usual, HASH, 14, 15, NULL, NULL, NULL, 0},
    {"templates of events", usual, HASH, 16, 17, "container.event", "spoilt", NULL, 0},
    {"no more digests", usual, HASH, 18, 18, NULL, NULL, NULL, 0},
    {"configurations of events", usual, FORM, 1, 2, "container.event", "its ociSpec: spoilt", NULL,
     0},
    {"no more configurations", usual, FORM, 3, 3, NULL, NULL, NULL, 0},
    {"nothing is compared", usual, COMPARE, 1, 1, NULL, NULL, NULL, 0},
    {"no failure", strange, COMPARE, 3, 3, "container.config", "VAL", "web", 1},
    {"the first to compare", strange, FORM, 2, 3, "container.config", "VAL", "db", 2},
    {"the second to compare", strange, FORM, 4, 5, "container.config", "VAL", "web", 1},
    {"the first comparison", strange, COMPARE, 1, 1, "container.config", "VAL", "db", 2},
    {"the second comparison", strange, COMPARE, 2, 2, "container.config", "VAL", "web", 1},
};

static void run_row(void **state)
{
    const struct row *row = *state;
    for (size_t n = row->first; n <= row->last; n++) {
        struct cmc_bed *b = cmc_bed_open();
        row->make(b);
        cmc_autobuf struct cmc_buf report = cmc_bed_report(b);
        struct verify_result *r = NULL;
        struct cmc_err err = {0};
        failing = row->call;
        countdown = n;
        assert_int_equal(verify_report(report.data, report.len, b->asked, sizeof(b->asked),
                                       &b->policy, &r, &err),
                         0);
        countdown = 0;
        bed_expect(r->claim, row->id, row->words);
        if (row->nearest) {
            assert_string_equal(r->container[0].reference, row->nearest);
            assert_int_equal(r->container[0].difference_count, row->differences);
        }
        verify_result_free(r);
        cmc_bed_close(b);
    }
}

int main(void)
{
    struct CMUnitTest tests[ROWS(rows)];
    for (size_t i = 0; i < ROWS(rows); i++)
        tests[i] = (struct CMUnitTest){rows[i].name, run_row, NULL, NULL, &rows[i]};
    return cmocka_run_group_tests_name("attest/verify/cmc failing calls", tests, NULL, NULL);
}
