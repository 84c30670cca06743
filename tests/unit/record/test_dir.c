/* SPDX-License-Identifier: Apache-2.0 */
/* tests/unit/record/test_dir.c -- what is made, what is accepted, what is refused. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "record/dir.h"
#include "tests/lib/recorder_bed.h"

static int open_below(const struct bed *b, const char *name, bool make, struct cmc_err *err)
{
    char path[128];
    (void)snprintf(path, sizeof(path), "%s/%s", b->dir, name);
    int fd = record_dir_open(path, make, err);
    if (fd >= 0)
        close(fd);
    return fd < 0 ? fd : 0;
}

static void make(const struct bed *b, const char *name, mode_t mode)
{
    char path[128];
    (void)snprintf(path, sizeof(path), "%s/%s", b->dir, name);
    assert_int_equal(mkdir(path, 0700), 0);
    assert_int_equal(chmod(path, mode), 0);
}

static void test_directories(void **state)
{
    (void)state;
    struct bed b;
    struct cmc_err err = {0};
    struct stat st;
    char path[128], target[128];
    bed_init(&b, 1);
    assert_int_equal(open_below(&b, "a/b", false, &err), -CMC_E_SYS);
    assert_int_equal(err.sys_errno, ENOENT);
    const mode_t mask = umask(0); /* the mode does not come from the umask */
    assert_int_equal(open_below(&b, "a/b", true, &err), 0);
    (void)umask(mask);
    (void)snprintf(path, sizeof(path), "%s/a/b", b.dir);
    assert_int_equal(stat(path, &st), 0);
    assert_int_equal(st.st_mode & 07777, 0750);
    assert_int_equal(open_below(&b, "a/b", true, &err), 0);
    assert_int_equal(open_below(&b, "a//b/", true, &err), 0);
    assert_int_equal(open_below(&b, "a/../a", true, &err), -CMC_E_USAGE);
    assert_int_equal(record_dir_open("run", true, &err), -CMC_E_USAGE);
    make(&b, "open", 0777);
    assert_int_equal(open_below(&b, "open", true, &err), -CMC_E_VERIFY);
    assert_int_equal(open_below(&b, "open/x", true, &err), -CMC_E_VERIFY);
    make(&b, "group", 0770);
    assert_int_equal(open_below(&b, "group", true, &err), -CMC_E_VERIFY);
    make(&b, "sticky", 01777);
    assert_int_equal(open_below(&b, "sticky", true, &err), -CMC_E_VERIFY);
    assert_int_equal(open_below(&b, "sticky/x", true, &err), 0);
    (void)snprintf(target, sizeof(target), "%s/link", b.dir);
    assert_int_equal(symlink(path, target), 0);
    assert_int_equal(open_below(&b, "link", true, &err), -CMC_E_VERIFY);
    assert_non_null(strstr(err.msg, "link"));
    assert_int_equal(open_below(&b, "link/x", true, &err), -CMC_E_VERIFY);
    bed_done(&b);
}

static int open_file(const struct bed *b, const char *name, int flags, struct cmc_err *err)
{
    int dirfd = record_dir_open(b->dir, false, err);
    assert_true(dirfd >= 0);
    int fd = record_dir_file(dirfd, name, flags, 0640, err);
    close(dirfd);
    if (fd >= 0)
        close(fd);
    return fd < 0 ? fd : 0;
}

static void test_files(void **state)
{
    (void)state;
    struct bed b;
    struct cmc_err err = {0};
    struct stat st;
    char path[128], other[128];
    bed_init(&b, 1);
    (void)snprintf(path, sizeof(path), "%s/f", b.dir);
    (void)snprintf(other, sizeof(other), "%s/g", b.dir);
    assert_int_equal(open_file(&b, "f", O_RDONLY, &err), -CMC_E_SYS);
    assert_int_equal(err.sys_errno, ENOENT);
    const mode_t mask = umask(0777);
    assert_int_equal(open_file(&b, "f", O_RDWR | O_CREAT, &err), 0);
    (void)umask(mask);
    assert_int_equal(stat(path, &st), 0);
    assert_int_equal(st.st_mode & 07777, 0640);
    assert_int_equal(chmod(path, 0600), 0); /* its maker was killed: empty, so set again */
    assert_int_equal(open_file(&b, "f", O_RDWR | O_CREAT, &err), 0);
    assert_int_equal(stat(path, &st), 0);
    assert_int_equal(st.st_mode & 07777, 0640);
    static const mode_t wrong[] = {0660, 0644, 0750, 04640};
    for (size_t i = 0; i < 4; i++) {
        assert_int_equal(chmod(path, wrong[i]), 0);
        assert_int_equal(open_file(&b, "f", O_RDWR, &err), -CMC_E_VERIFY);
    }
    assert_int_equal(chmod(path, 0640), 0);
    assert_int_equal(link(path, other), 0);
    assert_int_equal(open_file(&b, "f", O_RDWR, &err), -CMC_E_VERIFY);
    assert_int_equal(unlink(other), 0);
    assert_int_equal(open_file(&b, "f", O_RDWR, &err), 0);
    assert_int_equal(symlink(path, other), 0);
    assert_int_equal(open_file(&b, "g", O_RDWR | O_CREAT, &err), -CMC_E_VERIFY);
    assert_int_equal(unlink(other), 0);
    assert_int_equal(mkfifo(other, 0600), 0);
    assert_int_equal(open_file(&b, "g", O_RDWR | O_CREAT, &err), -CMC_E_VERIFY);
    assert_int_equal(open_file(&b, "g", O_RDONLY, &err), -CMC_E_VERIFY); /* does not hang */
    if (geteuid() == 0) {
        assert_int_equal(chown(path, 12345, 0), 0);
        assert_int_equal(open_file(&b, "f", O_RDWR, &err), -CMC_E_VERIFY);
    }
    bed_done(&b);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_directories),
                                       cmocka_unit_test(test_files)};
    return cmocka_run_group_tests_name("record/dir", tests, NULL, NULL);
}
