/* SPDX-License-Identifier: Apache-2.0 */
/* tests/unit/base/test_hex.c -- RFC 4648 vectors, and text that tries to leave its line. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "base/hex.h"
#include "tests/lib/rows.h"

static void hex_both_ways(void **state)
{
    uint8_t all[256], back[256];
    char text[2 * sizeof(all) + 1];
    struct cmc_err err = {0};
    (void)state;
    for (size_t i = 0; i < sizeof(all); i++)
        all[i] = (uint8_t)i;
    cmc_hex(all, sizeof(all), text);
    assert_int_equal(strlen(text), 512);
    assert_memory_equal(text, "000102", 6);
    assert_string_equal(text + 506, "fdfeff");
    assert_int_equal(cmc_unhex(text, 512, back, sizeof(back), &err), 0);
    assert_memory_equal(back, all, sizeof(all));
    cmc_hex(all, 0, text);
    assert_string_equal(text, "");
    assert_int_equal(cmc_unhex("aAfF09", 6, back, 3, &err), 0);
    assert_memory_equal(back, "\xaa\xff\x09", 3);
}

static void hex_into_a_buffer(void **state)
{
    cmc_autobuf struct cmc_buf b = cmc_buf_of(16);
    (void)state;
    cmc_put_hex(&b, (const uint8_t *)"\x00\xff", 2);
    assert_int_equal(b.len, 4);
    assert_memory_equal(b.data, "00ff", 4);
}

static void hex_that_is_none(void **state)
{
    static const struct {
        const char *text;
        size_t len;
    } rows[] = {{"", 2},   {"ab", 1}, {"abcd", 1}, {"abc", 2}, {"0g", 1},
                {"g0", 1}, {" 0", 1}, {"0x", 1},   {"+1", 1},  {"\xff\xff", 1}};
    (void)state;
    for (size_t i = 0; i < ROWS(rows); i++) {
        uint8_t out[4] = {0x77, 0x77, 0x77, 0x77};
        struct cmc_err err = {0};
        size_t text_len = strcmp(rows[i].text, "ab") == 0 ? 1 : strlen(rows[i].text);
        assert_int_equal(cmc_unhex(rows[i].text, text_len, out, rows[i].len, &err), -CMC_E_FORMAT);
        assert_memory_equal(out, "\x77\x77\x77\x77", 4);
    }
}

static void base64(void **state)
{
    static const char *const rows[][2] = {/* RFC 4648 section 10, then the last digits */
                                          {"", ""},
                                          {"f", "Zg=="},
                                          {"fo", "Zm8="},
                                          {"foo", "Zm9v"},
                                          {"foob", "Zm9vYg=="},
                                          {"fooba", "Zm9vYmE="},
                                          {"foobar", "Zm9vYmFy"},
                                          {"\xfb\xff\xbf", "+/+/"}};
    (void)state;
    for (size_t i = 0; i < ROWS(rows); i++) {
        cmc_autobuf struct cmc_buf b = cmc_buf_of(64);
        cmc_put_base64(&b, (const uint8_t *)rows[i][0], strlen(rows[i][0]));
        assert_int_equal(b.len, strlen(rows[i][1]));
        if (b.len)
            assert_memory_equal(b.data, rows[i][1], b.len);
    }
}

static void base64_back(void **state)
{
    static const struct {
        enum cmc_base64 form;
        const char *text, *want; /* NULL: refused */
    } rows[] = {
        {CMC_BASE64, "", ""},
        {CMC_BASE64, "Zg==", "f"},
        {CMC_BASE64, "Zm8=", "fo"},
        {CMC_BASE64, "Zm9vYmFy", "foobar"},
        {CMC_BASE64, "+/+/", "\xfb\xff\xbf"},
        {CMC_BASE64URL, "Zg", "f"},
        {CMC_BASE64URL, "Zm8", "fo"},
        {CMC_BASE64URL, "-_-_", "\xfb\xff\xbf"},
        {CMC_BASE64, "Zg", NULL},
        {CMC_BASE64, "Zg=", NULL},
        {CMC_BASE64, "Zh==", NULL}, /* a bit that belongs to no byte */
        {CMC_BASE64, "Zm9=", NULL},
        {CMC_BASE64, "Z===", NULL},
        {CMC_BASE64, "====", NULL},
        {CMC_BASE64, "Zg==Zg==", NULL},
        {CMC_BASE64, "Zm9v\n", NULL},
        {CMC_BASE64, "Zm 9", NULL},
        {CMC_BASE64, "-_-_", NULL},
        {CMC_BASE64URL, "Zg==", NULL},
        {CMC_BASE64URL, "Zm9vY", NULL},
        {CMC_BASE64URL, "+/+/", NULL},
        {CMC_BASE64URL, "Zh", NULL},
    };
    (void)state;
    for (size_t i = 0; i < ROWS(rows); i++) {
        uint8_t out[32];
        size_t len = 99;
        struct cmc_err err = {0};
        const size_t n = strlen(rows[i].text);
        const int rc = cmc_unbase64(rows[i].text, n, rows[i].form, out, &len, &err);
        assert_int_equal(rc, rows[i].want ? 0 : -CMC_E_FORMAT);
        assert_int_equal(len, rows[i].want ? strlen(rows[i].want) : 99);
        if (rows[i].want)
            assert_memory_equal(out, rows[i].want, len);
        assert_true(cmc_unbase64_max(n) <= sizeof(out));
    }
}

static void base64url_is_written_without_padding(void **state)
{
    cmc_autobuf struct cmc_buf b = cmc_buf_of(64);
    (void)state;
    cmc_put_base64url(&b, (const uint8_t *)"\xfb\xff\xbf\xff", 4);
    cmc_put_base64url(&b, (const uint8_t *)"fo", 2);
    assert_int_equal(b.len, 9);
    assert_memory_equal(b.data, "-_-__wZm8", 9);
}

static const struct safe {
    const char *in;
    size_t max;
    const char *want;
} safes[] = {
    {"plain text ~", 100, "plain text ~"},
    {"a\nb\tc", 100, "a\\x0ab\\x09c"},
    {"\x1b[31m", 100, "\\x1b[31m"},
    {"back\\slash", 100, "back\\x5cslash"},
    {"\x7f", 100, "\\x7f"},
    {"\xc3\xa9", 100, "\xc3\xa9"},            /* e acute stays */
    {"\xc2\x9b", 100, "\\xc2\\x9b"},          /* U+009B is a control character */
    {"\xc3", 100, "\\xc3"},                   /* cut short */
    {"\xff\xc0\xaf", 100, "\\xff\\xc0\\xaf"}, /* never UTF-8 */
    {"\xed\xa0\x80", 100, "\\xed\\xa0\\x80"}, /* a surrogate */
    {"\xf0\x9f\x98\x80", 100, "\xf0\x9f\x98\x80"},
    {"abcdef", 3, "abc..."},
    {"abc", 3, "abc"},
    {"", 3, ""},
};

static void text_that_is_safe_to_show(void **state)
{
    (void)state;
    for (size_t i = 0; i < ROWS(safes); i++) {
        cmc_autobuf struct cmc_buf b = cmc_buf_of(256);
        cmc_put_safe(&b, safes[i].in, strlen(safes[i].in), safes[i].max);
        assert_int_equal(b.len, strlen(safes[i].want));
        if (b.len)
            assert_memory_equal(b.data, safes[i].want, b.len);
    }
}

static void a_cut_never_splits_a_character(void **state)
{
    (void)state;
    for (size_t max = 0; max < 4; max++) {
        cmc_autobuf struct cmc_buf b = cmc_buf_of(256);
        cmc_put_safe(&b, "\xf0\x9f\x98\x80z", 5, max);
        for (size_t i = 0; i < b.len; i++)
            assert_true(b.data[i] < 0x80);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(hex_both_ways),
        cmocka_unit_test(hex_into_a_buffer),
        cmocka_unit_test(hex_that_is_none),
        cmocka_unit_test(base64),
        cmocka_unit_test(base64_back),
        cmocka_unit_test(base64url_is_written_without_padding),
        cmocka_unit_test(text_that_is_safe_to_show),
        cmocka_unit_test(a_cut_never_splits_a_character),
    };
    return cmocka_run_group_tests_name("base/hex", tests, NULL, NULL);
}
