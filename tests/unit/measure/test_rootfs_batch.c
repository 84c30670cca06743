/* SPDX-License-Identifier: Apache-2.0 */
/* tests/unit/measure/test_rootfs_batch.c -- small files together have the digests that each has
 * alone. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "measure/rootfs_batch.h"
#include "tests/lib/rows.h"

#define BLOCK ((size_t)MEASURE_FSVERITY_BLOCK)
#define ALL   ((size_t)MEASURE_BATCH_BYTES)

static struct measure_batch *batch;
static struct measure_fsverity *alone;

/* Bytes that no two files or places share. */
static void fill(uint8_t *to, size_t len, uint32_t seed)
{
    for (size_t i = 0; i < len; i++) {
        seed = seed * 1664525 + 1013904223;
        to[i] = (uint8_t)(seed >> 24);
    }
}

static void add(size_t size, uint32_t seed, uint8_t *out)
{
    assert_true(measure_batch_has_room(batch, size));
    fill(measure_batch_room(batch), size + 1, seed); /* the byte more must not count */
    measure_batch_add(batch, size, out);
}

static void expect(size_t size, uint32_t seed, const uint8_t *got)
{
    uint8_t want[CMC_SHA256_LEN], *data = malloc(size + 1);
    assert_non_null(data);
    fill(data, size, seed);
    measure_fsverity_start(alone);
    measure_fsverity_add(alone, data, size);
    measure_fsverity_end(alone, size, want);
    free(data);
    assert_memory_equal(got, want, sizeof(want));
}

static void each_size_alone(void **state)
{
    (void)state;
    static const size_t sizes[] = {0,         1,       BLOCK - 1,   BLOCK,   BLOCK + 1,
                                   2 * BLOCK, ALL / 2, ALL - BLOCK, ALL - 1, ALL};
    for (size_t i = 0; i < ROWS(sizes); i++) {
        uint8_t got[CMC_SHA256_LEN];
        memset(batch->arena, 0xa5, sizeof(batch->arena));
        add(sizes[i], 7, got);
        measure_batch_end(batch);
        expect(sizes[i], 7, got);
    }
}

static void a_batch_ends_where_it_is_full(void **state)
{
    (void)state;
    uint8_t got[CMC_SHA256_LEN];
    assert_false(measure_batch_has_room(batch, ALL + 1));
    assert_false(measure_batch_has_room(batch, UINT64_MAX));
    add(ALL - BLOCK, 1, got);
    assert_true(measure_batch_has_room(batch, BLOCK));
    assert_false(measure_batch_has_room(batch, BLOCK + 1));
    measure_batch_end(batch);
    for (size_t i = 0; i < MEASURE_BATCH_FILES; i++)
        add(0, 1, got);
    assert_false(measure_batch_has_room(batch, 0));
    measure_batch_end(batch);
    expect(0, 1, got);
}

static void random_batches(void **state)
{
    (void)state;
    uint32_t seed = 1;
    for (int round = 0; round < 60; round++) {
        size_t size[MEASURE_BATCH_FILES], count = 0;
        uint8_t got[MEASURE_BATCH_FILES][CMC_SHA256_LEN];
        for (;; count++) {
            seed = seed * 1664525 + 1013904223;
            const size_t most = (size_t[]){2, BLOCK + 2, 6 * BLOCK, 60 * BLOCK}[round % 4];
            const size_t next = (seed >> 8) % most;
            if (!measure_batch_has_room(batch, next))
                break;
            size[count] = next;
            add(next, seed, got[count]);
        }
        const uint32_t last = seed;
        measure_batch_end(batch);
        seed = last;
        for (size_t i = count; i-- > 0;) { /* the generator, run back: 1664525 * 4276115653 = 1 */
            seed = (seed - 1013904223) * UINT32_C(4276115653);
            expect(size[i], seed, got[i]);
        }
        seed = last;
    }
}

static void subtrees_make_a_file(void **state)
{
    (void)state;
    static const size_t sizes[] = {1, ALL - 1, ALL, ALL + 1, 3 * ALL, 3 * ALL + 5};
    for (size_t i = 0; i < ROWS(sizes); i++) {
        uint8_t got[CMC_SHA256_LEN], digest[CMC_SHA256_LEN], *data = malloc(sizes[i]);
        struct measure_fsverity *v = malloc(sizeof(*v));
        assert_non_null(data);
        assert_non_null(v);
        fill(data, sizes[i], 3);
        measure_fsverity_init(v);
        measure_fsverity_start(v);
        for (size_t at = 0; at < sizes[i]; at += ALL) {
            const size_t len = sizes[i] - at < ALL ? sizes[i] - at : ALL;
            memcpy(measure_batch_room(batch), data + at, len);
            measure_batch_subtree(batch, len, digest);
            measure_fsverity_add_subtree(v, digest);
        }
        measure_fsverity_end(v, sizes[i], got);
        if (sizes[i] > BLOCK) /* one block has no digests above it */
            expect(sizes[i], 3, got);
        free(data);
        free(v);
    }
}

static int set_up(void **state)
{
    (void)state;
    batch = calloc(1, sizeof(*batch));
    alone = malloc(sizeof(*alone));
    if (!batch || !alone)
        return -1;
    measure_fsverity_init(alone);
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    free(batch);
    free(alone);
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_size_alone),
        cmocka_unit_test(a_batch_ends_where_it_is_full),
        cmocka_unit_test(random_batches),
        cmocka_unit_test(subtrees_make_a_file),
    };
    return cmocka_run_group_tests_name("measure/rootfs_batch", tests, set_up, tear_down);
}
