/* SPDX-License-Identifier: Apache-2.0 */
/* tests/unit/measure/test_rootfs_links.c -- the first name stays, however many inodes there are. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "measure/rootfs_links.h"

enum { INODES = 5000 };

static struct measure_bytes name_of(char *buf, size_t size, const char *kind, unsigned i)
{
    const int n = snprintf(buf, size, "%s%u", kind, i);
    return (struct measure_bytes){(const uint8_t *)buf, (size_t)n};
}

static uint64_t inode(unsigned i)
{
    return i % 2 ? i : (uint64_t)i << 40; /* what a table could take for alike */
}

static void the_first_name_stays(void **state)
{
    (void)state;
    CMC_CLEANUP(measure_links_done) struct measure_links l;
    struct measure_bytes first;
    struct cmc_err err = {0};
    char name[32], want[32];
    measure_links_init(&l);
    for (unsigned i = 0; i < INODES; i++) {
        first.len = 77;
        assert_int_equal(measure_links_meet(&l, inode(i), 5,
                                            name_of(name, sizeof(name), "dir/first", i), &first,
                                            &err),
                         0);
        assert_int_equal(first.len, 0);
    }
    for (unsigned i = 0; i < INODES; i++) {
        assert_int_equal(measure_links_meet(&l, inode(i), 5,
                                            name_of(name, sizeof(name), "later", i), &first, &err),
                         0);
        const struct measure_bytes is = name_of(want, sizeof(want), "dir/first", i);
        assert_int_equal(first.len, is.len);
        assert_memory_equal(first.p, is.p, is.len);
    }
    assert_int_equal(l.used, INODES);
}

static void another_device_is_refused(void **state)
{
    (void)state;
    CMC_CLEANUP(measure_links_done) struct measure_links l;
    struct measure_bytes first = {0};
    const struct measure_bytes a = {(const uint8_t *)"a", 1};
    struct cmc_err err = {0};
    measure_links_init(&l);
    assert_int_equal(measure_links_meet(&l, 7, 1, a, &first, &err), 0);
    first.len = 77;
    assert_int_equal(measure_links_meet(&l, 7, 2, a, &first, &err), -CMC_E_VERIFY);
    assert_non_null(strstr(err.msg, "inode 7 is on two devices"));
    assert_int_equal(first.len, 77);
    assert_int_equal(measure_links_meet(&l, 8, 2, a, &first, &err), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_first_name_stays),
        cmocka_unit_test(another_device_is_refused),
    };
    return cmocka_run_group_tests_name("measure/rootfs_links", tests, NULL, NULL);
}
