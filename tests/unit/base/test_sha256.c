/* SPDX-License-Identifier: Apache-2.0 */
/* tests/unit/base/test_sha256.c -- the shim's SHA-256 equals libcrypto's for every length. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "base/hash.h"
#include "base/sha256.h"

static void test_fips_vector(void **state)
{
    (void)state;
    static const uint8_t abc[32] = {0xba, 0x78, 0x16, 0xbf, 0x8f, 0x01, 0xcf, 0xea,
                                    0x41, 0x41, 0x40, 0xde, 0x5d, 0xae, 0x22, 0x23,
                                    0xb0, 0x03, 0x61, 0xa3, 0x96, 0x17, 0x7a, 0x9c,
                                    0xb4, 0x10, 0xff, 0x61, 0xf2, 0x00, 0x15, 0xad};
    uint8_t got[32] = {0};
    cmc_small_sha256("abc", 3, got);
    assert_memory_equal(got, abc, 32);
}

static void test_equals_libcrypto(void **state)
{
    (void)state;
    static uint8_t data[1000];
    uint8_t got[32], want[32];
    for (size_t len = 0; len <= sizeof(data); len++) {
        if (len)
            data[len - 1] = (uint8_t)(len * 31);
        cmc_small_sha256(data, len, got);
        cmc_sha256(data, len, want);
        assert_memory_equal(got, want, 32);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_fips_vector),
        cmocka_unit_test(test_equals_libcrypto),
    };
    return cmocka_run_group_tests_name("base/sha256", tests, NULL, NULL);
}
