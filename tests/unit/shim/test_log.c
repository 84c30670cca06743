/* SPDX-License-Identifier: Apache-2.0 */
/* tests/unit/shim/test_log.c -- the log file: made, appended to, set aside when it is too long. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>

#include <cmocka.h>
#include <fcntl.h>
#include <sys/stat.h>

#include "base/cleanup.h"
#include "shim/log.h"

static char dir[32], path[64], old[64];

static int setup(void **state)
{
    (void)state;
    (void)snprintf(dir, sizeof(dir), "/tmp/cmc-shimlog-XXXXXX");
    if (!mkdtemp(dir))
        return -1;
    (void)snprintf(path, sizeof(path), "%s/shim.log", dir);
    (void)snprintf(old, sizeof(old), "%s/shim.log.1", dir);
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    (void)unlink(path);
    (void)unlink(old);
    return rmdir(dir);
}

/* Opens the log as the site of this test says and appends one byte. */
static void append(void)
{
    const struct cmc_site site = {.runtime_dir = dir};
    cmc_autofd int fd = shim_log_open(&site);
    assert_true(fd >= 0);
    assert_int_equal(write(fd, "x", 1), 1);
}

static void make(const char *name, off_t size)
{
    cmc_autofd int fd = open(name, O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
    assert_true(fd >= 0);
    assert_int_equal(ftruncate(fd, size), 0);
}

static off_t size_of(const char *name)
{
    struct stat st;
    return lstat(name, &st) == 0 ? st.st_size : -1;
}

static void made_and_appended_to(void **state)
{
    (void)state;
    struct stat st;
    append();
    append();
    assert_int_equal(stat(path, &st), 0);
    assert_int_equal(st.st_size, 2);
    assert_int_equal(st.st_mode, S_IFREG | 0600);
}

static void set_aside_when_too_long(void **state)
{
    (void)state;
    make(path, SHIM_LOG_BYTES_MAX);
    append(); /* not too long when it was opened */
    assert_int_equal(size_of(path), SHIM_LOG_BYTES_MAX + 1);
    assert_int_equal(size_of(old), -1);
    append();
    assert_int_equal(size_of(path), 1);
    assert_int_equal(size_of(old), SHIM_LOG_BYTES_MAX + 1);
    assert_int_equal(truncate(path, SHIM_LOG_BYTES_MAX + 7), 0);
    append(); /* over the older one */
    assert_int_equal(size_of(path), 1);
    assert_int_equal(size_of(old), SHIM_LOG_BYTES_MAX + 7);
}

static void one_at_a_time(void **state)
{
    (void)state;
    make(path, SHIM_LOG_BYTES_MAX + 1);
    cmc_autofd int other = open(path, O_WRONLY | O_CLOEXEC);
    assert_int_equal(flock(other, LOCK_EX), 0); /* as another start that is about to rename it */
    append();
    assert_int_equal(size_of(path), SHIM_LOG_BYTES_MAX + 2);
    assert_int_equal(size_of(old), -1);
}

static void symlinks_are_not_followed(void **state)
{
    (void)state;
    const struct cmc_site site = {.runtime_dir = dir};
    char target[64];
    (void)snprintf(target, sizeof(target), "%s/target", dir);
    make(target, SHIM_LOG_BYTES_MAX + 1);
    assert_int_equal(symlink(target, path), 0);
    assert_int_equal(shim_log_open(&site), -1);
    assert_int_equal(unlink(path), 0);
    make(path, SHIM_LOG_BYTES_MAX + 1);
    assert_int_equal(symlink(target, old), 0);
    append(); /* the link is replaced, its target stays */
    assert_int_equal(size_of(old), SHIM_LOG_BYTES_MAX + 1);
    assert_int_equal(size_of(target), SHIM_LOG_BYTES_MAX + 1);
    assert_int_equal(unlink(target), 0);
}

static void other_files_stay(void **state)
{
    (void)state;
    char device[] = "/dev/null", missing[] = "/nowhere/x";
    const struct cmc_site null = {.log = device}, nowhere = {.log = missing};
    cmc_autofd int fd = shim_log_open(&null);
    assert_true(fd >= 0);
    assert_int_equal(shim_log_open(&nowhere), -1);
    make(path, SHIM_LOG_BYTES_MAX + 1);
    assert_int_equal(mkdir(old, 0700), 0); /* cannot be renamed over: the log goes on */
    append();
    assert_int_equal(size_of(path), SHIM_LOG_BYTES_MAX + 2);
    assert_int_equal(rmdir(old), 0);
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(made_and_appended_to),      TEST(set_aside_when_too_long), TEST(one_at_a_time),
        TEST(symlinks_are_not_followed), TEST(other_files_stay),
    };
    return cmocka_run_group_tests_name("shim/log", tests, NULL, NULL);
}
