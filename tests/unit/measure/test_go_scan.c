/* SPDX-License-Identifier: Apache-2.0 */
/* tests/unit/measure/test_go_scan.c -- tokens as Go reads them: what is mended, what is refused. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "measure/go_scan.h"
#include "tests/lib/rows.h"

#define FFFD "\xef\xbf\xbd"
#define TEXT(s)                                                                                    \
    {                                                                                              \
        s, sizeof(s) - 1                                                                           \
    }

struct text {
    const char *p;
    size_t len;
};

/* An own copy of exact size, so that one byte read too far is seen. */
static struct measure_go_scan scan_of(const struct text *t, uint8_t **out, struct cmc_err *err)
{
    uint8_t *copy = malloc(t->len ? t->len : 1);
    assert_non_null(copy);
    memcpy(copy, t->p, t->len);
    *err = (struct cmc_err){0};
    *out = copy;
    return (struct measure_go_scan){.text = copy, .len = t->len, .err = err};
}

static const struct {
    struct text in, out;
} strings[] = {
    {TEXT("\"\""), TEXT("")},
    {TEXT("\"a/b\\/\\\"\\\\\\b\\f\\n\\r\\t\""), TEXT("a/b/\"\\\b\f\n\r\t")},
    {TEXT("\"\x7f\u00e9\u20ac\U0010ffff\""), TEXT("\x7f\u00e9\u20ac\U0010ffff")},
    {TEXT("\"\\u0041\\u00e9\\u20AC\\uFFFF\""), TEXT("A\u00e9\u20ac\uffff")},
    {TEXT("\"a\\u0000b\""), TEXT("a\0b")},
    /* pairs, and halves of pairs */
    {TEXT("\"\\ud83d\\ude00\""), TEXT("\U0001f600")},
    {TEXT("\"\\udbff\\udfff\""), TEXT("\U0010ffff")},
    {TEXT("\"\\ud83d\""), TEXT(FFFD)},
    {TEXT("\"\\ude00\""), TEXT(FFFD)},
    {TEXT("\"\\ud83dx\""), TEXT(FFFD "x")},
    {TEXT("\"\\ud83d\\n\""), TEXT(FFFD "\n")},
    {TEXT("\"\\ud83d\\u0041\""), TEXT(FFFD "A")},
    {TEXT("\"\\ud83d\\ud83d\\ude00\""), TEXT(FFFD "\U0001f600")},
    {TEXT("\"\\ude00\\ud83d\""), TEXT(FFFD FFFD)},
    {TEXT("\"\\ude00\\ude00\""), TEXT(FFFD FFFD)},
    /* bytes that are no UTF-8, one by one */
    {TEXT("\"\xff\""), TEXT(FFFD)},
    {TEXT("\"\x80z\""), TEXT(FFFD "z")},
    {TEXT("\"\xc3\""), TEXT(FFFD)},
    {TEXT("\"\xc0\xaf\""), TEXT(FFFD FFFD)},
    {TEXT("\"\xe2\x82\""), TEXT(FFFD FFFD)},
    {TEXT("\"\xed\xa0\x80\""), TEXT(FFFD FFFD FFFD)},
    {TEXT("\"\xf0\x9f\x98x\""), TEXT(FFFD FFFD FFFD "x")},
    {TEXT("\"\xf4\x90\x80\x80\""), TEXT(FFFD FFFD FFFD FFFD)},
    {TEXT("\"" FFFD "\""), TEXT(FFFD)},
};

static void strings_are_mended(void **state)
{
    (void)state;
    for (size_t i = 0; i < ROWS(strings); i++) {
        struct cmc_err err;
        uint8_t *copy;
        struct measure_go_scan s = scan_of(&strings[i].in, &copy, &err);
        size_t cap = MEASURE_GO_STRING_GROWTH * s.len + 1, len = 77;
        char *out = malloc(cap);
        assert_non_null(out);
        assert_int_equal(measure_go_scan_string(&s, out, &len), 0);
        assert_int_equal(len, strings[i].out.len);
        assert_memory_equal(out, strings[i].out.p, len + 1);
        assert_int_equal(s.at, s.len);
        free(out);
        free(copy);
    }
}

static const struct {
    struct text in;
    const char *text;
} bad_strings[] = {
    {TEXT("\""), "line 1: the text ends inside a string"},
    {TEXT("\"a"), "line 1: the text ends inside a string"},
    {TEXT("\"a\\"), "line 1: unknown escape in a string"},
    {TEXT("\"\\'\""), "line 1: unknown escape in a string"},
    {TEXT("\"\\x41\""), "line 1: unknown escape in a string"},
    {TEXT("\"\\\0\""), "line 1: unknown escape in a string"},
    {TEXT("\"\\u\""), "line 1: \\u needs four hexadecimal digits"},
    {TEXT("\"\\u004\""), "line 1: \\u needs four hexadecimal digits"},
    {TEXT("\"\\u00g1\""), "line 1: \\u needs four hexadecimal digits"},
    {TEXT("\"\\u004"), "line 1: \\u needs four hexadecimal digits"},
    {TEXT("\"\\ud83d\\u00"), "line 1: \\u needs four hexadecimal digits"},
    {TEXT("\"a\n\""), "line 1: control character 0x0a in a string"},
    {TEXT("\"\x1f\""), "line 1: control character 0x1f in a string"},
    {TEXT("\"\0\""), "line 1: control character 0x00 in a string"},
};

static void bad_strings_are_refused(void **state)
{
    (void)state;
    for (size_t i = 0; i < ROWS(bad_strings); i++) {
        struct cmc_err err;
        uint8_t *copy;
        struct measure_go_scan s = scan_of(&bad_strings[i].in, &copy, &err);
        char out[64];
        size_t len = 77;
        assert_int_equal(measure_go_scan_string(&s, out, &len), -CMC_E_FORMAT);
        assert_string_equal(err.msg, bad_strings[i].text);
        assert_int_equal(len, 77);
        free(copy);
    }
}

static const struct {
    struct text in;
    size_t used; /* 0: refused */
} numbers[] = {
    {TEXT("0"), 1},     {TEXT("-0"), 2},        {TEXT("12,"), 2},
    {TEXT("01"), 1}, /* what follows is the caller's to refuse */
    {TEXT("0.50"), 4},  {TEXT("-1.5e+10]"), 8}, {TEXT("1E5"), 3},
    {TEXT("1e-5 "), 4}, {TEXT("1e5.5"), 3},     {TEXT("-"), 0},
    {TEXT("-a"), 0},    {TEXT("1."), 0},        {TEXT("1.e5"), 0},
    {TEXT("1e"), 0},    {TEXT("1e+"), 0},       {TEXT("-.5"), 0},
    {TEXT("\0"), 0},
};

static void numbers_follow_the_grammar(void **state)
{
    (void)state;
    for (size_t i = 0; i < ROWS(numbers); i++) {
        struct cmc_err err;
        uint8_t *copy;
        struct measure_go_scan s = scan_of(&numbers[i].in, &copy, &err);
        int rc = measure_go_scan_number(&s);
        assert_int_equal(rc, numbers[i].used ? 0 : -CMC_E_FORMAT);
        if (rc == 0)
            assert_int_equal(s.at, numbers[i].used);
        free(copy);
    }
}

static const struct {
    struct text in;
    char first; /* 0: refused */
    size_t used;
} words[] = {
    {TEXT("null"), 'n', 4}, {TEXT("true]"), 't', 4}, {TEXT("falsex"), 'f', 5},
    {TEXT("nul"), 0, 0},    {TEXT("nULL"), 0, 0},    {TEXT("NaN"), 0, 0},
    {TEXT("fals"), 0, 0},   {TEXT("+1"), 0, 0},      {TEXT("}"), 0, 0},
};

static void words_are_three(void **state)
{
    (void)state;
    for (size_t i = 0; i < ROWS(words); i++) {
        struct cmc_err err;
        uint8_t *copy;
        struct measure_go_scan s = scan_of(&words[i].in, &copy, &err);
        char first = '!';
        int rc = measure_go_scan_word(&s, &first);
        assert_int_equal(rc, words[i].first ? 0 : -CMC_E_FORMAT);
        assert_int_equal(first, words[i].first ? words[i].first : '!');
        assert_int_equal(s.at, words[i].used);
        free(copy);
    }
}

static void white_space_is_four_bytes(void **state)
{
    const struct text in = TEXT(" \t\r\n\v"), lines = TEXT("\n\n  ");
    struct cmc_err err;
    uint8_t *copy;
    struct measure_go_scan s = scan_of(&in, &copy, &err);
    (void)state;
    assert_int_equal(measure_go_scan_peek(&s), '\v');
    assert_int_equal(s.at, 4);
    free(copy);
    s = scan_of(&lines, &copy, &err);
    assert_int_equal(measure_go_scan_peek(&s), -1);
    assert_int_equal(measure_go_scan_fail(&s, CMC_E_LIMIT, "%d", 5), -CMC_E_LIMIT);
    assert_string_equal(err.msg, "line 3: 5");
    free(copy);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(strings_are_mended), cmocka_unit_test(bad_strings_are_refused),
        cmocka_unit_test(numbers_follow_the_grammar), cmocka_unit_test(words_are_three),
        cmocka_unit_test(white_space_is_four_bytes)};
    return cmocka_run_group_tests_name("measure/go_scan", tests, NULL, NULL);
}
