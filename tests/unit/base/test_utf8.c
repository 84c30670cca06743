/* SPDX-License-Identifier: Apache-2.0 */
/* tests/unit/base/test_utf8.c -- every code point, and every pair of bytes. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "base/utf8.h"
#include "tests/lib/rows.h"

static void put_and_measure_agree(void **state)
{
    (void)state;
    for (uint32_t cp = 0; cp <= 0x10ffff; cp++) {
        char text[4];
        if (cp >= 0xd800 && cp <= 0xdfff)
            continue;
        size_t n = cmc_utf8_put(cp, text);
        assert_int_equal(n, cp < 0x80 ? 1 : cp < 0x800 ? 2 : cp < 0x10000 ? 3 : 4);
        assert_int_equal(cmc_utf8_len((const uint8_t *)text, n), n);
        for (size_t cut = 0; cut < n; cut++)
            assert_int_equal(cmc_utf8_len((const uint8_t *)text, cut), 0);
    }
}

static void known_forms(void **state)
{
    static const struct {
        const char *in;
        size_t want;
    } rows[] = {{"\x7f", 1},
                {"\x80", 0},
                {"\xc0\x80", 0}, /* overlong */
                {"\xc1\xbf", 0},
                {"\xc2\x80", 2},
                {"\xe0\x9f\xbf", 0},
                {"\xe0\xa0\x80", 3},
                {"\xed\x9f\xbf", 3},
                {"\xed\xa0\x80", 0}, /* U+D800 */
                {"\xee\x80\x80", 3},
                {"\xf0\x8f\xbf\xbf", 0},
                {"\xf0\x90\x80\x80", 4},
                {"\xf4\x8f\xbf\xbf", 4},
                {"\xf4\x90\x80\x80", 0}, /* U+110000 */
                {"\xf5\x80\x80\x80", 0},
                {"\xe2\x82(", 0},
                {"\xe2(\xac", 0},
                {"\xf0\x9f\x98(", 0},
                {"\xff", 0}};
    (void)state;
    for (size_t i = 0; i < ROWS(rows); i++)
        assert_int_equal(cmc_utf8_len((const uint8_t *)rows[i].in, strlen(rows[i].in)),
                         rows[i].want);
}

static void put_writes_the_known_bytes(void **state)
{
    char text[4];
    (void)state;
    assert_int_equal(cmc_utf8_put(0x20ac, text), 3);
    assert_memory_equal(text, "\xe2\x82\xac", 3);
    assert_int_equal(cmc_utf8_put(0x1f600, text), 4);
    assert_memory_equal(text, "\xf0\x9f\x98\x80", 4);
    assert_int_equal(cmc_utf8_put(0xe9, text), 2);
    assert_memory_equal(text, "\xc3\xa9", 2);
}

static void escapes(void **state)
{
    static const struct {
        const char *in;
        int want;
    } rows[] = {{"\\u0000", 0},       {"\\u00e9", 0xe9}, {"\\uABcd", 0xabcd}, {"\\uffff", 0xffff},
                {"\\uffff0", 0xffff}, {"\\u123", -1},    {"\\u12g4", -1},     {"\\u 123", -1},
                {"\\U0041", -1},      {"/u0041", -1},    {"\\x0041", -1},     {"", -1}};
    (void)state;
    for (size_t i = 0; i < ROWS(rows); i++)
        assert_int_equal(cmc_utf8_escape((const uint8_t *)rows[i].in, strlen(rows[i].in)),
                         rows[i].want);
    assert_int_equal(cmc_utf8_escape((const uint8_t *)"\\u0041", 5), -1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(escapes), cmocka_unit_test(put_and_measure_agree),
        cmocka_unit_test(known_forms), cmocka_unit_test(put_writes_the_known_bytes)};
    return cmocka_run_group_tests_name("base/utf8", tests, NULL, NULL);
}
