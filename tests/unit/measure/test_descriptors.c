/* SPDX-License-Identifier: Apache-2.0 */
/* tests/unit/measure/test_descriptors.c -- the table of open files is large before threads share
 * it. In children: a table never shrinks, and fork() copies no more of it than is in use. */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/cleanup.h"
#include "measure/descriptors.h"
#include "measure/rootfs_pool.h"
#include "tests/lib/rows.h"

static unsigned ranges;
static bool unknown; /* close_range(2) */

/* NOLINTBEGIN(bugprone-reserved-identifier, cert-dcl37-c): the linker's --wrap names them */
int __real_close_range(unsigned first, unsigned last, int flags);
int __wrap_close_range(unsigned first, unsigned last, int flags);

int __wrap_close_range(unsigned first, unsigned last, int flags)
{
    ranges++;
    errno = ENOSYS;
    return unknown ? -1 : __real_close_range(first, last, flags);
}
/* NOLINTEND(bugprone-reserved-identifier, cert-dcl37-c) */

/* How many descriptors the kernel's table has room for; 0 when it does not say. */
static unsigned table_size(void)
{
    char line[128];
    unsigned size = 0;
    FILE *f = fopen("/proc/self/status", "re");
    while (f && size == 0 && fgets(line, sizeof(line), f))
        if (sscanf(line, "FDSize: %u", &size) != 1) /* NOLINT(cert-err34-c): the kernel's number */
            size = 0;
    if (f)
        (void)fclose(f);
    return size;
}

static unsigned open_files(void)
{
    unsigned count = 0;
    DIR *d = opendir("/proc/self/fd");
    while (d && readdir(d))
        count++;
    if (d)
        (void)closedir(d);
    return count;
}

/* Runs it in a child, whose table is small. */
static void in_a_child(bool (*holds)(void))
{
    const pid_t child = fork();
    int status = 0;
    assert_true(child >= 0);
    if (child == 0)
        _exit(holds() ? 0 : 1);
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_int_equal(status, 0);
}

static bool is_reserved(void)
{
    const unsigned before = table_size(), files = open_files();
    measure_descriptors_reserve();
    return before > 0 && before < MEASURE_DESCRIPTORS_RESERVED &&
           table_size() >= MEASURE_DESCRIPTORS_RESERVED && open_files() == files;
}

static bool is_as_large_as_may_be(void)
{
    const struct rlimit few = {300, 300};
    if (setrlimit(RLIMIT_NOFILE, &few) < 0)
        return false;
    measure_descriptors_reserve();
    return table_size() >= 300 && table_size() < MEASURE_DESCRIPTORS_RESERVED;
}

/* No descriptor at all may be opened: no fault, and what was open still is. */
static bool leaves_what_is_open(void)
{
    const unsigned files = open_files(), size = table_size();
    const struct rlimit none = {0, 64}, some = {64, 64};
    if (setrlimit(RLIMIT_NOFILE, &none) < 0)
        return false;
    measure_descriptors_reserve();
    return setrlimit(RLIMIT_NOFILE, &some) == 0 && open_files() == files && table_size() == size;
}

static int take(void *ctx, uint32_t node, const struct measure_pool_got *got, struct cmc_err *err)
{
    (void)ctx;
    (void)node;
    (void)got;
    (void)err;
    return 0;
}

static bool is_reserved_by_a_pool(void)
{
    const struct measure_rootfs_opts opts = {.threads = 1};
    struct measure_meter meter = {.opts = &opts};
    struct measure_pool *pool = NULL;
    struct cmc_err err = {0};
    if (table_size() >= MEASURE_POOL_DESCRIPTORS ||
        measure_pool_new(&opts, &meter, take, NULL, &pool, &err) < 0)
        return false;
    measure_pool_free(pool);
    return table_size() > MEASURE_POOL_DESCRIPTORS;
}

static void room_for_many(void **state)
{
    (void)state;
    in_a_child(is_reserved);
    in_a_child(is_reserved_by_a_pool);
}

static void no_more_than_the_limit(void **state)
{
    (void)state;
    in_a_child(is_as_large_as_may_be);
    in_a_child(leaves_what_is_open);
}

static bool is_open(int fd)
{
    return fcntl(fd, F_GETFD) >= 0;
}

/* Those that are given, in any order, and none beside or between them. */
static void closes_these(void **state)
{
    static const struct {
        const char *these; /* of ten in a row */
        unsigned ranges;
    } rows[] = {{"", 0}, {"4", 1}, {"0123456789", 1}, {"9876543210", 1}, {"5180", 3}, {"97531", 5}};
    (void)state;
    for (size_t i = 0; i < 2 * ROWS(rows); i++) {
        const char *these = rows[i / 2].these;
        const size_t n = strlen(these);
        int fd[10];
        unknown = i % 2;
        ranges = 0;
        for (int k = 0; k < 10; k++)
            assert_int_equal(dup2(0, 400 + k), 400 + k);
        for (size_t k = 0; k < n; k++)
            fd[k] = 400 + these[k] - '0';
        measure_descriptors_close(fd, n);
        for (int k = 0; k < 10; k++)
            assert_int_equal(is_open(400 + k), !strchr(these, '0' + k));
        assert_int_equal(ranges, rows[i / 2].ranges);
        for (int k = 0; k < 10; k++)
            (void)close(400 + k);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(room_for_many),
        cmocka_unit_test(no_more_than_the_limit),
        cmocka_unit_test(closes_these),
    };
    return cmocka_run_group_tests_name("measure/descriptors", tests, NULL, NULL);
}
