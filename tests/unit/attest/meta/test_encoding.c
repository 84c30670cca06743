/* SPDX-License-Identifier: Apache-2.0 */
/* tests/unit/attest/meta/test_encoding.c -- JSON, CBOR, or neither. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "attest/meta/sign.h"
#include "tests/lib/rows.h"

static const struct {
    const char *in;
    size_t len;
    int want;
} rows[] = {
    {"{}", 2, META_JSON},
    {" \t\r\n[", 5, META_JSON},
    {"\xa0", 1, META_CBOR},
    {"\x80", 1, META_CBOR},
    {"\xbf\xff", 2, META_CBOR},
    {"\xd8\x62", 2, META_CBOR},
    {"\xdb", 1, META_CBOR},
    {"", 0, 0},
    {" ", 1, 0},
    {" {", 1, 0}, /* what stands behind the end is not read */
    {"1", 1, 0},
    {"\"a\"", 3, 0},
    {"\x7f", 1, 0},
    {"\xdc", 1, 0},
    {"\xf6", 1, 0},
    {"\xff", 1, 0},
    {"\xef\xbb\xbf{}", 5, 0},
};

static void first_bytes_tell(void **state)
{
    (void)state;
    for (size_t i = 0; i < ROWS(rows); i++) {
        enum meta_encoding e = (enum meta_encoding)77;
        struct cmc_err err = {0};
        const int rc = meta_encoding_of(rows[i].in, rows[i].len, &e, &err);
        assert_int_equal(rc, rows[i].want ? 0 : -CMC_E_FORMAT);
        assert_int_equal(e, rows[i].want ? rows[i].want : 77);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(first_bytes_tell)};
    return cmocka_run_group_tests_name("attest/meta/encoding", tests, NULL, NULL);
}
