/* SPDX-License-Identifier: Apache-2.0 */
/* tests/unit/measure/test_fsverity.c -- the digests that `fsverity digest` prints. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/hex.h"
#include "measure/fsverity.h"
#include "tests/lib/rows.h"

enum { BLOCK = MEASURE_FSVERITY_BLOCK };

/* Byte i of a file is i % 251. Printed by fsverity-utils 1.5, `fsverity digest --compact`. */
struct row {
    const char *name;
    size_t size;
    const char *want;
};

static struct row rows[] = {
    {"empty", 0, "3d248ca542a24fc62d1c43b916eae5016878e2533c88238480b26128a1f1af95"},
    {"one byte", 1, "b803429503d95915829b29fdbc8bbad142f3abfd11b1cadf5526582e685c0551"},
    {"a block less a byte", 4095,
     "5f4953aad672b0188023d6cd6fbce9d09508eb7dad165b6298ce0086bc1e72db"},
    {"a block", 4096, "13e9b8848ae484a36acb3f3cac0ceb2f7601e96633d15c92f9bd3dd44e492157"},
    {"a block and a byte", 4097,
     "b0d074abef4d544404facfab6ba242f6a8ccbde90f1325cd286f3c8aa8d0f8aa"},
    {"a level less a byte", 524287,
     "9735c4bb231d3222d1e5e23a4004d8b59dd33395d7de390530e15c2572000b47"},
    {"a level", 524288, "d82861203d50ae9b60948504a704f35f5118bd229aeb1a22d6dae47b1767c4c4"},
    {"a level and a byte", 524289,
     "4dc6905041c9c4ee73e13b53f63f5d289c46da359b664a965ead7f8cc4d799d4"},
    {"128 levels and a block", 67112960,
     "75fda10993c5ed1adb09247524bd8d392eb70fbc6a1e7951395fdedc9d65feb6"},
    {"10 MiB and a byte", 10485761,
     "c89937ea7e52ed768464ecf440b0a75aaa7690e1e0e74a8338734cff2ab85190"},
};

static uint8_t *content(size_t size)
{
    uint8_t *data = malloc(size + 1);
    assert_non_null(data);
    for (size_t i = 0; i < size; i++)
        data[i] = (uint8_t)(i % 251);
    return data;
}

static struct measure_fsverity *fresh(void)
{
    struct measure_fsverity *v = malloc(sizeof(*v));
    assert_non_null(v);
    memset(v, 0xa5, sizeof(*v));
    measure_fsverity_init(v);
    return v;
}

static void digest(struct measure_fsverity *v, const uint8_t *data, size_t size, size_t piece,
                   char *hex)
{
    uint8_t out[CMC_SHA256_LEN];
    measure_fsverity_start(v);
    for (size_t at = 0; at < size; at += piece)
        measure_fsverity_add(v, data + at, size - at < piece ? size - at : piece);
    measure_fsverity_end(v, size, out);
    cmc_hex(out, sizeof(out), hex);
}

static void run_row(void **state)
{
    const struct row *t = *state;
    static const size_t pieces[] = {BLOCK, (size_t)7 * BLOCK, 128 << 10, (size_t)1 << 30};
    char hex[2 * CMC_SHA256_LEN + 1];
    struct measure_fsverity *v = fresh();
    uint8_t *data = content(t->size);
    for (size_t i = 0; i < ROWS(pieces); i++) {
        digest(v, data, t->size, pieces[i], hex);
        assert_string_equal(hex, t->want);
    }
    free(data);
    free(v);
}

/* Runs of zero blocks, with data around them, at and beside each border of a subtree. */
static void folding_changes_nothing(void **state)
{
    (void)state;
    static const size_t runs[] = {0, 1, 2, 127, 128, 129, 255, 256, 300, 16384, 16385, 20000};
    struct measure_fsverity *v = fresh();
    uint8_t *zeros = calloc(20000, BLOCK), *one = content(BLOCK);
    uint8_t folded[CMC_SHA256_LEN], added[CMC_SHA256_LEN];
    assert_non_null(zeros);
    for (size_t before = 0; before < 3; before++)
        for (size_t i = 1; i < ROWS(runs); i++) {
            const uint64_t size = (before + runs[i]) * BLOCK + 5;
            measure_fsverity_start(v);
            for (size_t k = 0; k < before; k++)
                measure_fsverity_add(v, one, BLOCK);
            measure_fsverity_add_zeros(v, runs[i]);
            measure_fsverity_add(v, one, 5);
            measure_fsverity_end(v, size, folded);

            measure_fsverity_start(v);
            for (size_t k = 0; k < before; k++)
                measure_fsverity_add(v, one, BLOCK);
            measure_fsverity_add(v, zeros, runs[i] * BLOCK);
            measure_fsverity_add(v, one, 5);
            measure_fsverity_end(v, size, added);
            assert_memory_equal(folded, added, sizeof(folded));
        }
    free(zeros);
    free(one);
    free(v);
}

static void a_terabyte_of_zeros(void **state)
{
    (void)state;
    /* printed by tests/oracle's rules, level by level */
    static const char want[] = "6e6073779fecb21db0e39f3b78ad40f18f832163fbc651cd850c1e842a7cdefb";
    uint8_t out[CMC_SHA256_LEN];
    char hex[2 * CMC_SHA256_LEN + 1];
    struct measure_fsverity *v = fresh();
    measure_fsverity_start(v);
    measure_fsverity_add_zeros(v, ((uint64_t)1 << 40) / BLOCK);
    measure_fsverity_end(v, (uint64_t)1 << 40, out);
    cmc_hex(out, sizeof(out), hex);
    assert_string_equal(hex, want);
    measure_fsverity_start(v);
    measure_fsverity_add_zeros(v, (uint64_t)1 << 51); /* the largest file: 2^63 bytes */
    measure_fsverity_end(v, INT64_MAX, out);
    free(v);
}

int main(void)
{
    struct CMUnitTest tests[ROWS(rows) + 2];
    for (size_t i = 0; i < ROWS(rows); i++)
        tests[i] = (struct CMUnitTest){rows[i].name, run_row, NULL, NULL, &rows[i]};
    tests[ROWS(rows)] = (struct CMUnitTest)cmocka_unit_test(folding_changes_nothing);
    tests[ROWS(rows) + 1] = (struct CMUnitTest)cmocka_unit_test(a_terabyte_of_zeros);
    return cmocka_run_group_tests_name("measure/fsverity", tests, NULL, NULL);
}
