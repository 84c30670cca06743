/* SPDX-License-Identifier: Apache-2.0 */
/* tests/unit/attest/prove/test_items.c -- metadata in one order, each item once. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <string.h>

#include "tests/unit/attest/prove/bed.h"

enum { ITEMS = 40, SAME = 3 };

static void one_order_whatever_was_given(void **state)
{
    static uint8_t text[ITEMS][8];
    struct prove_item item[ITEMS + SAME];
    uint8_t cached[2][CMC_SHA256_LEN];
    struct prove_items got;
    struct cmc_err err = {0};
    (void)state;
    for (size_t i = 0; i < ITEMS; i++) {
        text[i][0] = (uint8_t)i;
        item[i] = (struct prove_item){.data = text[i], .len = sizeof(text[i])};
    }
    for (size_t i = 0; i < SAME; i++)
        item[ITEMS + i] = item[i];
    cmc_sha256(text[5], sizeof(text[5]), cached[0]);
    memset(cached[1], 0, sizeof(cached[1])); /* one that we do not have */
    const struct prove_request r = {.cached = (const uint8_t(*)[CMC_SHA256_LEN])cached,
                                    .cached_count = 2,
                                    .item = item,
                                    .item_count = ITEMS + SAME};
    assert_int_equal(prove_items_of(&r, &got, &err), 0);
    assert_int_equal(got.count, ITEMS);
    for (size_t i = 0; i < got.count; i++) {
        uint8_t digest[CMC_SHA256_LEN];
        cmc_sha256(got.at[i].data.data, got.at[i].data.len, digest);
        assert_memory_equal(digest, got.at[i].digest, sizeof(digest));
        assert_true(i == 0 || memcmp(got.at[i - 1].digest, digest, sizeof(digest)) < 0);
        assert_int_equal(got.at[i].cached, got.at[i].data.data[0] == 5);
    }
    prove_items_done(&got);
}

static void none_and_too_many(void **state)
{
    struct prove_items got;
    struct cmc_err err = {0};
    (void)state;
    struct prove_request r = {0};
    assert_int_equal(prove_items_of(&r, &got, &err), 0);
    assert_int_equal(got.count, 0);
    prove_items_done(&got);
    r.item_count = META_EXACT_LIST + 1;
    assert_int_equal(prove_items_of(&r, &got, &err), -CMC_E_LIMIT);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(one_order_whatever_was_given),
        cmocka_unit_test(none_and_too_many),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
