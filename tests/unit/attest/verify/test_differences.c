/* SPDX-License-Identifier: Apache-2.0 */
/* tests/unit/attest/verify/test_differences.c -- what differs is named by member; values of secrets
 * and of hooks are words, and many differences are counted. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "attest/verify/claims.h"
#include "attest/verify/exact_parts.h"
#include "tests/lib/rows.h"

struct change {
    const char *path, *before, *after;
};

static const char *const mine[] = {"MINE*"};

/* What a comparer tells, and what is kept of it. */
static struct row {
    const char *name;
    struct change told;
    const char *const *secrets; /* NULL: the default list */
    struct change kept;
} rows[] = {
    {"a member", {"process.cwd", "\"/\"", "\"/x\""}, NULL, {"process.cwd", "\"/\"", "\"/x\""}},
    {"a new member", {"process.cwd", NULL, "\"/x\""}, NULL, {"process.cwd", NULL, "\"/x\""}},
    {"a variable", {"process.env VAL", "a", "b"}, NULL, {"process.env VAL", "a", "b"}},
    {"a secret",
     {"process.env DB_PASSWORD", "a", "b"},
     NULL,
     {"process.env DB_PASSWORD", "a value that is not shown", "another one"}},
    {"a new secret",
     {"process.env API_KEY", NULL, "b"},
     NULL,
     {"process.env API_KEY", NULL, "a value that is not shown"}},
    {"a secret that is gone",
     {"process.env a_token", "a", NULL},
     NULL,
     {"process.env a_token", "a value that is not shown", NULL}},
    {"the second of a name",
     {"process.env DB_PASSWORD #2", "a", "b"},
     NULL,
     {"process.env DB_PASSWORD #2", "a value that is not shown", "another one"}},
    {"the second of another name",
     {"process.env VAL #2", "a", "b"},
     NULL,
     {"process.env VAL #2", "a", "b"}},
    {"a name of the caller's list, twice",
     {"process.env MINE1 #2", "a", "b"},
     mine,
     {"process.env MINE1 #2", "a value that is not shown", "another one"}},
    {"not on the caller's list",
     {"process.env DB_PASSWORD", "a", "b"},
     mine,
     {"process.env DB_PASSWORD", "a", "b"}},
    {"a number sign and no name", {"process.env #2", "a", "b"}, mine, {"process.env #2", "a", "b"}},
    {"a hook",
     {"hooks.prestart[0].env[0]", "a", "b"},
     mine,
     {"hooks.prestart[0].env[0]", "a value that is not shown", "another one"}},
    {"what only looks like a variable",
     {"process.envDB_PASSWORD", "a", "b"},
     NULL,
     {"process.envDB_PASSWORD", "a", "b"}},
    {"what a terminal would obey",
     {"process.env A\x1b", "\x1b[2J", "b"},
     NULL,
     {"process.env A\\x1b", "\\x1b[2J", "b"}},
};

static const struct row *told; /* what tell() tells */

static int tell(const struct cmc_buf *a, const struct cmc_buf *b, measure_config_diff_fn *diff,
                void *ctx, struct cmc_err *err)
{
    (void)a;
    (void)b;
    (void)err;
    diff(ctx, told->told.path, told->told.before, told->told.after);
    return 0;
}

static void expect_text(const char *got, const char *want)
{
    assert_int_equal(got == NULL, want == NULL);
    if (want)
        assert_string_equal(got, want);
}

static void run_row(void **state)
{
    CMC_CLEANUP(verify_tree_freep) struct verify_tree *tree = verify_tree_new();
    struct verify_differences out = {.count = 77};
    struct cmc_err err = {0};
    told = *state;
    const struct verify_policy policy = {.secrets = told->secrets,
                                         .secret_count = told->secrets ? 1 : 0};
    const struct verify_compared x = {.policy = &policy, .tree = tree, .compare = tell};
    assert_int_equal(verify_differences_between(&x, &out, &err), 0);
    assert_int_equal(out.count, 1);
    expect_text(out.at[0].path, told->kept.path);
    expect_text(out.at[0].before, told->kept.before);
    expect_text(out.at[0].after, told->kept.after);
}

static int tell_many(const struct cmc_buf *a, const struct cmc_buf *b, measure_config_diff_fn *diff,
                     void *ctx, struct cmc_err *err)
{
    (void)b;
    (void)err;
    for (size_t i = 0; i < a->len; i++) {
        char path[32];
        (void)snprintf(path, sizeof(path), "member%zu", i);
        diff(ctx, path, "a", "b");
    }
    return 0;
}

static void many_are_counted(void **state)
{
    static const struct {
        size_t told, kept;
        const char *last;
    } counts[] = {
        {0, 0, NULL},
        {1, 1, "member0"},
        {VERIFY_DIFFERENCES_MAX, VERIFY_DIFFERENCES_MAX, "member255"},
        {VERIFY_DIFFERENCES_MAX + 1, VERIFY_DIFFERENCES_MAX + 1, "1 more"},
        {VERIFY_DIFFERENCES_MAX + 9, VERIFY_DIFFERENCES_MAX + 1, "9 more"},
    };
    (void)state;
    for (size_t i = 0; i < ROWS(counts); i++) {
        CMC_CLEANUP(verify_tree_freep) struct verify_tree *tree = verify_tree_new();
        const struct cmc_buf a = {.len = counts[i].told};
        const struct verify_policy policy = {0};
        const struct verify_compared x = {
            .policy = &policy, .tree = tree, .reference = &a, .compare = tell_many};
        struct verify_differences out = {.count = 77};
        struct cmc_err err = {0};
        assert_int_equal(verify_differences_between(&x, &out, &err), 0);
        assert_int_equal(out.count, counts[i].kept);
        if (counts[i].last)
            assert_string_equal(out.at[out.count - 1].path, counts[i].last);
    }
}

static struct meta_bytes bytes_of(const char *text)
{
    return (struct meta_bytes){.data = (const uint8_t *)text, .len = strlen(text)};
}

/* Of two details, by the comparer that reads them; what is no detail leaves nothing behind. */
static void of_details(void **state)
{
    CMC_CLEANUP(verify_tree_freep) struct verify_tree *tree = verify_tree_new();
    const struct verify_policy policy = {0};
    const struct verify_exact x = {.policy = &policy, .tree = tree};
    const struct meta_bytes a = bytes_of("{\"process\":{\"cwd\":\"/\"}}"),
                            b = bytes_of("{\"process\":{\"cwd\":\"/x\"}}"), none = bytes_of("{");
    struct verify_differences out = {.count = 77};
    struct cmc_err err = {0};
    (void)state;
    assert_true(verify_differences(&x, &a, &none, &out, &err) < 0);
    assert_int_equal(out.count, 77);
    assert_int_equal(verify_differences(&x, &a, &a, &out, &err), 0);
    assert_int_equal(out.count, 0);
    assert_int_equal(verify_differences(&x, &a, &b, &out, &err), 0);
    assert_int_equal(out.count, 1);
    assert_string_equal(out.at[0].path, "process.cwd");
    assert_string_equal(out.at[0].before, "\"/\"");
    assert_string_equal(out.at[0].after, "\"/x\"");
}

int main(void)
{
    struct CMUnitTest tests[ROWS(rows) + 2];
    size_t n = 0;
    for (; n < ROWS(rows); n++)
        tests[n] = (struct CMUnitTest){rows[n].name, run_row, NULL, NULL, &rows[n]};
    tests[n++] = (struct CMUnitTest)cmocka_unit_test(many_are_counted);
    tests[n++] = (struct CMUnitTest)cmocka_unit_test(of_details);
    return cmocka_run_group_tests_name("attest/verify/differences", tests, NULL, NULL);
}
