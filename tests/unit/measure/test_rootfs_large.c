/* SPDX-License-Identifier: Apache-2.0 */
/* tests/unit/measure/test_rootfs_large.c -- pieces of a file in any order make the same tree. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "measure/rootfs_large.h"
#include "tests/lib/rows.h"

enum { PIECE = MEASURE_BATCH_BYTES };

static struct measure_fsverity *tree;

/* A digest of a piece that says which piece it is. */
static void digest_of(const struct measure_piece *p, uint8_t out[static CMC_SHA256_LEN])
{
    memset(out, (int)(p->number & 0xff), CMC_SHA256_LEN);
    out[0] = (uint8_t)(p->number >> 8);
}

static void in_order(uint64_t size, uint8_t out[static CMC_SHA256_LEN])
{
    measure_fsverity_start(tree);
    for (uint64_t at = 0; at < size; at += PIECE) {
        uint8_t digest[CMC_SHA256_LEN];
        digest_of(&(struct measure_piece){.number = at / PIECE}, digest);
        measure_fsverity_add_subtree(tree, digest);
    }
    measure_fsverity_end(tree, size, out);
}

/* Keeps up to hands pieces and ends any of them. */
static void out_of_order(uint64_t size, size_t hands, uint8_t out[static CMC_SHA256_LEN])
{
    struct measure_large l;
    struct measure_piece held[MEASURE_PIECES_AHEAD];
    uint32_t seed = 1;
    uint64_t expected = 0;
    size_t count = 0;
    measure_large_start(&l, 3, size, tree);
    while (!measure_large_is_over(&l)) {
        uint8_t digest[CMC_SHA256_LEN];
        while (count < hands && measure_large_claim(&l, &held[count])) {
            assert_int_equal(held[count].number, expected);
            assert_int_equal(held[count].at, expected++ * PIECE);
            assert_true(held[count].len == PIECE || held[count].at + held[count].len == size);
            count++;
        }
        if (count == 0)
            fail_msg("nothing to do, and not over");
        seed = seed * 1664525 + 1013904223;
        const size_t i = (seed >> 16) % (count ? count : 1);
        digest_of(&held[i], digest);
        measure_large_put(&l, &held[i], digest);
        held[i] = held[--count];
    }
    assert_int_equal(count, 0);
    assert_false(l.failed);
    measure_fsverity_end(tree, size, out);
}

static void any_order(void **state)
{
    (void)state;
    static const uint64_t pieces[] = {2, 3, 127, 128, 129, 1000, 20000};
    static const size_t hands[] = {1, 2, 16, MEASURE_PIECES_AHEAD};
    for (size_t i = 0; i < ROWS(pieces); i++)
        for (size_t k = 0; k < ROWS(hands); k++) {
            uint8_t want[CMC_SHA256_LEN], got[CMC_SHA256_LEN];
            const uint64_t size = pieces[i] * PIECE - (k % 3) * 4095;
            in_order(size, want);
            out_of_order(size, hands[k], got);
            assert_memory_equal(got, want, sizeof(want));
        }
}

/* Who is slow holds up the others before they have read more than can be kept. */
static void nobody_gets_too_far_ahead(void **state)
{
    (void)state;
    struct measure_large l;
    struct measure_piece first, p;
    const uint8_t digest[CMC_SHA256_LEN] = {0};
    measure_large_start(&l, 3, (uint64_t)1000 * PIECE, tree);
    assert_true(measure_large_claim(&l, &first));
    for (int i = 1; i < MEASURE_PIECES_AHEAD; i++) {
        assert_true(measure_large_claim(&l, &p));
        measure_large_put(&l, &p, digest);
    }
    assert_false(measure_large_claim(&l, &p));
    assert_false(measure_large_is_over(&l));
    measure_large_put(&l, &first, digest);
    assert_true(measure_large_claim(&l, &p));
    assert_int_equal(p.number, MEASURE_PIECES_AHEAD);
}

static void a_failure_ends_it_when_nobody_reads(void **state)
{
    (void)state;
    struct measure_large l;
    struct measure_piece a, b, c;
    const uint8_t digest[CMC_SHA256_LEN] = {0};
    measure_large_start(&l, 3, (uint64_t)10 * PIECE, tree);
    assert_true(measure_large_claim(&l, &a));
    assert_true(measure_large_claim(&l, &b));
    measure_large_fail(&l);
    assert_false(measure_large_claim(&l, &c));
    assert_false(measure_large_is_over(&l));
    measure_large_put(&l, &a, digest);
    assert_true(measure_large_is_over(&l));
    assert_true(l.failed);
}

static int set_up(void **state)
{
    (void)state;
    tree = malloc(sizeof(*tree));
    if (tree)
        measure_fsverity_init(tree);
    return tree ? 0 : -1;
}

static int tear_down(void **state)
{
    (void)state;
    free(tree);
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(any_order),
        cmocka_unit_test(nobody_gets_too_far_ahead),
        cmocka_unit_test(a_failure_ends_it_when_nobody_reads),
    };
    return cmocka_run_group_tests_name("measure/rootfs_large", tests, set_up, tear_down);
}
