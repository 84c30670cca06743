/* SPDX-License-Identifier: Apache-2.0 */
/* tests/unit/measure/test_jcs.c -- numbers as RFC 8785 writes them (its appendix B and the places
 * where lengths change), and the order of names. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "measure/jcs.h"
#include "tests/lib/rows.h"

static const struct {
    uint64_t bits; /* of the double */
    const char *text;
} numbers[] = {
    {0x0000000000000000, "0"},
    {0x8000000000000000, "0"},
    {0x0000000000000001, "5e-324"},
    {0x8000000000000001, "-5e-324"},
    {0x7fefffffffffffff, "1.7976931348623157e+308"},
    {0xffefffffffffffff, "-1.7976931348623157e+308"},
    {0x4340000000000000, "9007199254740992"},
    {0xc340000000000000, "-9007199254740992"},
    {0x4430000000000000, "295147905179352830000"},
    {0x44b52d02c7e14af5, "9.999999999999997e+22"},
    {0x44b52d02c7e14af6, "1e+23"},
    {0x44b52d02c7e14af7, "1.0000000000000001e+23"},
    {0x444b1ae4d6e2ef4e, "999999999999999700000"},
    {0x444b1ae4d6e2ef4f, "999999999999999900000"},
    {0x444b1ae4d6e2ef50, "1e+21"},
    {0x3eb0c6f7a0b5ed8c, "9.999999999999997e-7"},
    {0x3eb0c6f7a0b5ed8d, "0.000001"},
    {0x41b3de4355555553, "333333333.3333332"},
    {0x41b3de4355555554, "333333333.33333325"},
    {0x41b3de4355555557, "333333333.33333343"},
    {0xbecbf647612f3696, "-0.0000033333333333333333"},
    {0x43143ff3c1cb0959, "1424953923781206.2"},
    {0x43e0000000000000, "9223372036854776000"},
    {0xc3e0000000000000, "-9223372036854776000"},
    {0x43f0000000000000, "18446744073709552000"},
    {0x3ff8000000000000, "1.5"},
    {0x3fb999999999999a, "0.1"},
    {0x000fffffffffffff, "2.225073858507201e-308"},
    {0x0010000000000000, "2.2250738585072014e-308"},
    {0x0000000000000002, "1e-323"},
    {0x4024000000000000, "10"},
    {0x3d06849b86a12b9b, "1e-14"},
    /* powers of two: the nearest of 16 digits does not read back, the next above does */
    {0x0060000000000000, "7.120236347223045e-307"},
    {0x3d30000000000000, "5.684341886080802e-14"},
    {0x7bb0000000000000, "6.090821257125e+287"},
};

static void numbers_are_ecmascripts(void **state)
{
    (void)state;
    for (size_t i = 0; i < ROWS(numbers); i++) {
        cmc_autobuf struct cmc_buf b = cmc_buf_of(64);
        double v;
        memcpy(&v, &numbers[i].bits, sizeof(v));
        measure_jcs_put_number(&b, v);
        cmc_put_u8(&b, 0);
        assert_string_equal((const char *)b.data, numbers[i].text);
    }
}

/* In order; the sixth and seventh would change places by bytes. */
static const char *const names[] = {"",           "A",          "a",      "aa",      "\u00e9",
                                    "\U00010000", "\U0010ffff", "\ue000", "\ue000a", "\uffff"};

static void names_are_in_the_order_of_utf16(void **state)
{
    (void)state;
    for (size_t i = 0; i < ROWS(names); i++)
        for (size_t j = 0; j < ROWS(names); j++) {
            int way = measure_jcs_order(names[i], strlen(names[i]), names[j], strlen(names[j]));
            assert_int_equal((way > 0) - (way < 0), (i > j) - (i < j));
        }
    assert_true(measure_jcs_order("a\0", 2, "a", 1) > 0);
    assert_true(measure_jcs_order("\ud7ff", 3, "\U00010000", 4) < 0);
    assert_true(measure_jcs_order("x\U00010000", 5, "x\uffee", 4) < 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(numbers_are_ecmascripts),
                                       cmocka_unit_test(names_are_in_the_order_of_utf16)};
    return cmocka_run_group_tests_name("measure/jcs", tests, NULL, NULL);
}
