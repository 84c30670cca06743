/* SPDX-License-Identifier: Apache-2.0 */
/* tests/unit/tools/test_cmc_measure_cache.c -- what is put can be read, what is odd is refused. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "tools/cmc_measure_cache.h"

enum { HEAD = 16, ENTRY = 72 };

static struct cmc_measure_file file_of(uint64_t n)
{
    return (struct cmc_measure_file){
        .device = 1, .inode = n, .size = 3, .mtime_ns = -4, .ctime_ns = INT64_MAX};
}

static void add(struct cmc_measure_cache *c, uint64_t n)
{
    uint8_t sha256[CMC_SHA256_LEN];
    const struct cmc_measure_file f = file_of(n);
    memset(sha256, (int)n, sizeof(sha256));
    cmc_measure_cache_add(c, &f, sha256);
}

static void put_and_parse(void **state)
{
    (void)state;
    for (size_t n = 0; n <= CMC_MEASURE_CACHE_MAX; n++) {
        struct cmc_measure_cache c = {.count = 0}, back = {.count = 77};
        cmc_autobuf struct cmc_buf b = cmc_buf_of(CMC_MEASURE_CACHE_BYTES_MAX);
        struct cmc_err err = {0};
        for (size_t i = 0; i < n; i++)
            add(&c, i);
        cmc_measure_cache_put(&c, &b);
        assert_false(b.bad);
        assert_int_equal(b.len, HEAD + n * ENTRY);
        assert_int_equal(cmc_measure_cache_parse(b.data, b.len, &back, &err), 0);
        assert_int_equal(back.count, n);
        assert_memory_equal(back.entry, c.entry, n * sizeof(c.entry[0]));
    }
}

/* Cut at each length, and one byte more: never accepted but whole. */
static void lengths_are_exact(void **state)
{
    struct cmc_measure_cache c = {.count = 0};
    cmc_autobuf struct cmc_buf b = cmc_buf_of(4096);
    (void)state;
    add(&c, 1);
    add(&c, 2);
    cmc_measure_cache_put(&c, &b);
    cmc_put_u8(&b, 0);
    for (size_t n = 0; n <= b.len; n++) {
        struct cmc_measure_cache back = {.count = 77};
        struct cmc_err err = {0};
        const bool whole = n >= HEAD && (n - HEAD) % ENTRY == 0;
        assert_int_equal(cmc_measure_cache_parse(b.data, n, &back, &err),
                         whole ? 0 : -CMC_E_FORMAT);
        assert_int_equal(back.count, whole ? (n - HEAD) / ENTRY : 77);
    }
}

static void another_version_is_refused(void **state)
{
    struct cmc_measure_cache back = {.count = 77};
    struct cmc_err err = {0};
    char head[HEAD] = "cmc-programs-1\n";
    (void)state;
    assert_int_equal(cmc_measure_cache_parse(head, HEAD, &back, &err), 0);
    for (size_t i = 0; i < HEAD; i++) {
        head[i] ^= 1;
        assert_int_equal(cmc_measure_cache_parse(head, HEAD, &back, &err), -CMC_E_FORMAT);
        head[i] ^= 1;
    }
}

static void a_file_twice_or_too_many_are_refused(void **state)
{
    struct cmc_measure_cache c = {.count = 0}, back = {.count = 77};
    cmc_autobuf struct cmc_buf b = cmc_buf_of(8192);
    struct cmc_err err = {0};
    (void)state;
    for (uint64_t i = 0; i < CMC_MEASURE_CACHE_MAX; i++)
        add(&c, i);
    cmc_measure_cache_put(&c, &b);
    cmc_autobuf struct cmc_buf more = cmc_buf_of(8192);
    cmc_put(&more, b.data, b.len);
    cmc_put(&more, b.data + HEAD, ENTRY);
    more.data[more.len - ENTRY] = 9; /* another device: a file of its own */
    assert_int_equal(cmc_measure_cache_parse(more.data, more.len, &back, &err), -CMC_E_FORMAT);
    memcpy(b.data + HEAD + ENTRY, b.data + HEAD, ENTRY);
    assert_int_equal(cmc_measure_cache_parse(b.data, b.len, &back, &err), -CMC_E_FORMAT);
    assert_string_equal(err.msg, "programs: a file twice");
    assert_int_equal(back.count, 77);
}

static void every_part_of_a_file_counts(void **state)
{
    struct cmc_measure_cache c = {.count = 0};
    struct cmc_measure_file f = file_of(2);
    (void)state;
    add(&c, 1);
    add(&c, 2);
    const uint8_t *found = cmc_measure_cache_find(&c, &f);
    assert_non_null(found);
    assert_int_equal(found[0], 2);
    uint64_t *const parts[] = {&f.device, &f.inode, &f.size, (uint64_t *)&f.mtime_ns,
                               (uint64_t *)&f.ctime_ns};
    for (size_t i = 0; i < sizeof(parts) / sizeof(parts[0]); i++) {
        *parts[i] ^= 1ULL << 40;
        assert_null(cmc_measure_cache_find(&c, &f));
        *parts[i] ^= 1ULL << 40;
    }
    assert_non_null(cmc_measure_cache_find(&c, &f));
}

static void the_oldest_goes(void **state)
{
    struct cmc_measure_cache c = {.count = 0};
    (void)state;
    for (uint64_t i = 0; i <= CMC_MEASURE_CACHE_MAX; i++)
        add(&c, i);
    const struct cmc_measure_file oldest = file_of(0), second = file_of(1);
    assert_int_equal(c.count, CMC_MEASURE_CACHE_MAX);
    assert_null(cmc_measure_cache_find(&c, &oldest));
    assert_non_null(cmc_measure_cache_find(&c, &second));
    assert_int_equal(c.entry[0].file.inode, CMC_MEASURE_CACHE_MAX);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(put_and_parse),
        cmocka_unit_test(lengths_are_exact),
        cmocka_unit_test(another_version_is_refused),
        cmocka_unit_test(a_file_twice_or_too_many_are_refused),
        cmocka_unit_test(every_part_of_a_file_counts),
        cmocka_unit_test(the_oldest_goes),
    };
    return cmocka_run_group_tests_name("tools/cmc_measure_cache", tests, NULL, NULL);
}
