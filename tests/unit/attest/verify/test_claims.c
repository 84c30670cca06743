/* SPDX-License-Identifier: Apache-2.0 */
/* tests/unit/attest/verify/test_claims.c -- the tree of claims: its shape, its texts, its limits.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "attest/verify/claims.h"
#include "tests/lib/rows.h"

static int setup(void **state)
{
    *state = verify_tree_new();
    return *state ? 0 : -1;
}

static int teardown(void **state)
{
    verify_tree_free(*state);
    return 0;
}

static void order_is_kept(void **state)
{
    struct verify_tree *t = *state;
    struct verify_claim *a = verify_claim_add(t, NULL, VERIFY_GOOD, "a", "one %d", 1);
    struct verify_claim *b = verify_claim_add(t, NULL, VERIFY_BAD, "b", "two");
    struct verify_claim *a1 = verify_claim_add(t, a, VERIFY_GOOD, "a.1", "%s", "x");
    struct verify_claim *a2 = verify_claim_add(t, a, VERIFY_NOTE, "a.2", "y");
    assert_ptr_equal(verify_claim_top(t), a);
    assert_ptr_equal(a->next, b);
    assert_ptr_equal(a->child, a1);
    assert_ptr_equal(a1->next, a2);
    assert_null(a2->next);
    assert_null(b->child);
    assert_string_equal(a->text, "one 1");
    assert_string_equal(a->id, "a");
}

static void texts_are_safe(void **state)
{
    static const struct {
        const char *in, *out;
    } rows[] = {
        {"plain", "plain"},
        {"", ""},
        {"\x1b[31mred", "\\x1b[31mred"},
        {"two\nlines\r", "two\\x0alines\\x0d"},
        {"\xc3\xa4 \xff", "\xc3\xa4 \\xff"},
        {"\xc2\x9b", "\\xc2\\x9b"},                       /* a C1 control character */
        {"cleaned \\x1b before", "cleaned \\x1b before"}, /* not doubled */
    };
    struct verify_tree *t = *state;
    for (size_t i = 0; i < ROWS(rows); i++) {
        assert_string_equal(verify_tree_text(t, rows[i].in), rows[i].out);
        assert_string_equal(verify_claim_add(t, NULL, VERIFY_NOTE, "n", "%s", rows[i].in)->text,
                            rows[i].out);
    }
    assert_null(verify_tree_text(t, NULL));
    assert_string_equal(verify_tree_hex(t, "\x00\xff", 2), "00ff");
}

static void long_texts_are_cut(void **state)
{
    struct verify_tree *t = *state;
    char text[VERIFY_TEXT_MAX + 100];
    memset(text, 'a', sizeof(text));
    text[sizeof(text) - 1] = 0;
    const char *cut = verify_tree_text(t, text);
    assert_int_equal(strlen(cut), VERIFY_TEXT_MAX + 3);
    assert_string_equal(cut + VERIFY_TEXT_MAX, "...");
    assert_string_equal(verify_tree_fmt(t, "%s", text), cut);
    text[VERIFY_TEXT_MAX] = 0;
    assert_string_equal(verify_tree_fmt(t, "%s", text), text);
}

static void results_of_calls(void **state)
{
    static const struct {
        int result;
        enum verify_status status;
    } rows[] = {{0, VERIFY_GOOD},
                {-CMC_E_VERIFY, VERIFY_BAD},
                {-CMC_E_FORMAT, VERIFY_BAD},
                {-CMC_E_LIMIT, VERIFY_BAD},
                {-CMC_E_SYS, VERIFY_UNCHECKED},
                {-CMC_E_USAGE, VERIFY_UNCHECKED}};
    struct verify_tree *t = *state;
    const struct cmc_err err = {.msg = "the \x07 reason"};
    struct verify_claim *top = verify_claim_add(t, NULL, VERIFY_GOOD, "top", "top");
    for (size_t i = 0; i < ROWS(rows); i++)
        assert_int_equal(verify_claim_result(t, top, "c", rows[i].result, &err, "key %d", 7),
                         rows[i].status);
    assert_string_equal(top->child->text, "key 7");
    assert_string_equal(top->child->next->text, "key 7: the \\x07 reason");
    assert_int_equal(top->child->next->status, VERIFY_BAD);
}

static void worst_and_first(void **state)
{
    static const struct {
        size_t count;
        enum verify_status worst, kids[3];
    } rows[] = {
        {0, VERIFY_UNCHECKED, {VERIFY_GOOD}},
        {1, VERIFY_UNCHECKED, {VERIFY_NOTE}},
        {3, VERIFY_GOOD, {VERIFY_GOOD, VERIFY_NOTE, VERIFY_GOOD}},
        {3, VERIFY_UNCHECKED, {VERIFY_GOOD, VERIFY_UNCHECKED, VERIFY_GOOD}},
        {3, VERIFY_BAD, {VERIFY_UNCHECKED, VERIFY_BAD, VERIFY_GOOD}},
        {3, VERIFY_BAD, {VERIFY_NOTE, VERIFY_GOOD, VERIFY_BAD}},
    };
    struct verify_tree *t = *state;
    for (size_t i = 0; i < ROWS(rows); i++) {
        struct verify_claim *c = verify_claim_add(t, NULL, VERIFY_GOOD, "c", "c");
        for (size_t k = 0; k < rows[i].count; k++)
            (void)verify_claim_add(t, c, rows[i].kids[k], "k", "k");
        assert_int_equal(verify_claim_worst(c), rows[i].worst);
    }
    struct verify_claim *bad = verify_claim_add(t, NULL, VERIFY_BAD, "bad", "bad");
    assert_ptr_not_equal(verify_claim_first(verify_claim_top(t), VERIFY_BAD), bad);
    struct verify_claim *deep = verify_claim_add(t, bad, VERIFY_BAD, "deep", "deep");
    assert_ptr_equal(verify_claim_first(bad, VERIFY_BAD), deep);
    assert_null(verify_claim_first(deep, VERIFY_GOOD));
}

static void a_fault_sticks(void **state)
{
    struct verify_tree *t = *state;
    struct cmc_err err = {0};
    assert_int_equal(verify_tree_check(t, &err), 0);
    assert_null(verify_tree_alloc(t, SIZE_MAX, 16));
    assert_int_equal(verify_tree_check(t, &err), -CMC_E_LIMIT);
    assert_null(verify_tree_alloc(t, 1, 1));
    assert_string_equal(verify_tree_text(t, "x"), "");
    struct verify_claim *spilt = verify_claim_add(t, NULL, VERIFY_GOOD, "a", "a");
    assert_non_null(spilt);
    (void)verify_claim_add(t, spilt, VERIFY_GOOD, "b", "b");
    assert_null(verify_claim_top(t));
}

static void sizes_that_wrap(void **state)
{
    static const size_t rows[][2] = {{SIZE_MAX, 16}, {SIZE_MAX / 16 + 2, 16}, {1, SIZE_MAX}};
    (void)state;
    for (size_t i = 0; i < ROWS(rows); i++) {
        struct verify_tree *t = verify_tree_new();
        assert_null(verify_tree_alloc(t, rows[i][0], rows[i][1]));
        verify_tree_free(t);
    }
}

static void limit_of_all(void **state)
{
    struct verify_tree *t = *state;
    struct cmc_err err = {0};
    const unsigned char *p = verify_tree_alloc(t, VERIFY_TREE_BYTES_MAX / 2, 1);
    assert_non_null(p);
    assert_int_equal(p[VERIFY_TREE_BYTES_MAX / 2 - 1], 0);
    assert_null(verify_tree_alloc(t, VERIFY_TREE_BYTES_MAX / 2 + 1, 1));
    assert_int_equal(verify_tree_check(t, &err), -CMC_E_LIMIT);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(order_is_kept, setup, teardown),
        cmocka_unit_test_setup_teardown(texts_are_safe, setup, teardown),
        cmocka_unit_test_setup_teardown(long_texts_are_cut, setup, teardown),
        cmocka_unit_test_setup_teardown(results_of_calls, setup, teardown),
        cmocka_unit_test_setup_teardown(worst_and_first, setup, teardown),
        cmocka_unit_test_setup_teardown(a_fault_sticks, setup, teardown),
        cmocka_unit_test(sizes_that_wrap),
        cmocka_unit_test_setup_teardown(limit_of_all, setup, teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
