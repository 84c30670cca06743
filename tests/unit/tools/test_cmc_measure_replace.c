/* SPDX-License-Identifier: Apache-2.0 */
/* tests/unit/tools/test_cmc_measure_replace.c -- a whole file or the old one, whatever fails. */
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
#include <sys/stat.h>

#include <cmocka.h>

#include "base/cleanup.h"
#include "tools/cmc_measure_replace.h"

static char top[] = "/tmp/cmc-test-replace-XXXXXX";
static int dir = -1;
static const char *fails; /* the system call that fails, or NULL */

/* NOLINTBEGIN(bugprone-reserved-identifier,cert-dcl37-c,cert-dcl51-cpp): ld's names */
int __real_fsync(int fd);
int __wrap_fsync(int fd);
ssize_t __real_write(int fd, const void *data, size_t len);
ssize_t __wrap_write(int fd, const void *data, size_t len);
int __real_renameat(int a, const char *from, int b, const char *to);
int __wrap_renameat(int a, const char *from, int b, const char *to);

static bool fails_now(const char *call)
{
    if (!fails || strcmp(fails, call) != 0)
        return false;
    errno = EIO;
    return true;
}

int __wrap_fsync(int fd)
{
    return fails_now("fsync") ? -1 : __real_fsync(fd);
}

ssize_t __wrap_write(int fd, const void *data, size_t len)
{
    static bool first = true;
    if (!fails_now("write"))
        return __real_write(fd, data, len);
    first = !first;
    return first ? -1 : __real_write(fd, data, len / 2); /* half of it, then no more */
}

int __wrap_renameat(int a, const char *from, int b, const char *to)
{
    return fails_now("renameat") ? -1 : __real_renameat(a, from, b, to);
}
/* NOLINTEND(bugprone-reserved-identifier,cert-dcl37-c,cert-dcl51-cpp) */

static int set_up(void **state)
{
    (void)state;
    dir = mkdtemp(top) ? open(top, O_RDONLY | O_DIRECTORY | O_CLOEXEC) : -1;
    return dir >= 0 ? 0 : -1;
}

static int tear_down(void **state)
{
    (void)state;
    (void)unlinkat(dir, "f", 0);
    (void)unlinkat(dir, "to", 0);
    (void)unlinkat(dir, "d", AT_REMOVEDIR);
    (void)close(dir);
    return rmdir(top);
}

static void holds(const char *name, const char *text)
{
    char got[64] = {0};
    struct stat st;
    cmc_autofd int fd = openat(dir, name, O_RDONLY | O_NOFOLLOW | O_CLOEXEC);
    assert_true(fd >= 0);
    assert_true(read(fd, got, sizeof(got) - 1) >= 0);
    assert_string_equal(got, text);
    assert_int_equal(fstat(fd, &st), 0);
    assert_int_equal(st.st_mode & 07777, 0640);
}

static size_t entries(void)
{
    size_t n = 0;
    DIR *d = opendir(top);
    assert_non_null(d);
    while (readdir(d))
        n++;
    (void)closedir(d);
    return n - 2;
}

static int put(const char *name, const char *text, struct cmc_err *err)
{
    cmc_autobuf struct cmc_buf b = cmc_buf_of(64);
    cmc_put_text(&b, text);
    return cmc_measure_replace(dir, name, 0640, &b, err);
}

static void new_then_replaced(void **state)
{
    struct cmc_err err = {0};
    (void)state;
    assert_int_equal(put("f", "one", &err), 0);
    holds("f", "one");
    assert_int_equal(put("f", "", &err), 0);
    holds("f", "");
    assert_int_equal(put("f", "two", &err), 0);
    holds("f", "two");
    assert_int_equal(entries(), 1);
}

static void a_link_is_replaced_not_followed(void **state)
{
    struct cmc_err err = {0};
    (void)state;
    assert_int_equal(put("to", "kept", &err), 0);
    assert_int_equal(unlinkat(dir, "f", 0), 0);
    assert_int_equal(symlinkat("to", dir, "f"), 0);
    assert_int_equal(put("f", "two", &err), 0);
    holds("f", "two");
    holds("to", "kept");
}

static void faults_leave_the_old_file(void **state)
{
    static const char *const calls[] = {"write", "fsync", "renameat"};
    (void)state;
    for (size_t i = 0; i < 3; i++) {
        struct cmc_err err = {0};
        fails = calls[i];
        const int rc = put("f", "new", &err);
        fails = NULL;
        assert_int_equal(rc, -CMC_E_SYS);
        assert_non_null(strstr(err.msg, "Input/output error"));
        holds("f", "two");
        assert_int_equal(entries(), 2);
    }
}

static void names_that_are_none(void **state)
{
    static const char *const names[] = {"", ".", "..", "a/b", "/f"};
    struct cmc_err err = {0};
    (void)state;
    for (size_t i = 0; i < 5; i++)
        assert_int_equal(put(names[i], "x", &err), -CMC_E_USAGE);
    assert_int_equal(mkdirat(dir, "d", 0700), 0);
    assert_int_equal(put("d", "x", &err), -CMC_E_SYS);
    assert_int_equal(entries(), 3);
}

static void by_path(void **state)
{
    char path[128];
    struct cmc_err err = {0};
    cmc_autobuf struct cmc_buf b = cmc_buf_of(64);
    (void)state;
    cmc_put_text(&b, "by path");
    (void)snprintf(path, sizeof(path), "%s/f", top);
    assert_int_equal(cmc_measure_replace_at(path, 0640, &b, &err), 0);
    holds("f", "by path");
    (void)snprintf(path, sizeof(path), "%s/no/f", top);
    assert_int_equal(cmc_measure_replace_at(path, 0640, &b, &err), -CMC_E_SYS);
    (void)snprintf(path, sizeof(path), "%s/", top);
    assert_int_equal(cmc_measure_replace_at(path, 0640, &b, &err), -CMC_E_USAGE);
    assert_int_equal(chdir(top), 0);
    assert_int_equal(cmc_measure_replace_at("f", 0640, &b, &err), 0);
    assert_int_equal(chdir("/"), 0);
}

/* As root, --listing /dev/null would make a file of the device. */
static void only_files_are_replaced_by_path(void **state)
{
    (void)state;
    struct stat st;
    struct cmc_err err = {0};
    char path[64];
    cmc_autobuf struct cmc_buf b = cmc_buf_of(0);
    cmc_put_text(&b, "new");
    (void)snprintf(path, sizeof(path), "%s/to", top);
    (void)unlink(path);
    assert_int_equal(mkfifo(path, 0600), 0);
    assert_int_equal(cmc_measure_replace_at(path, 0640, &b, &err), -CMC_E_USAGE);
    assert_non_null(strstr(err.msg, "no regular file"));
    assert_int_equal(lstat(path, &st), 0);
    assert_true(S_ISFIFO(st.st_mode));
    assert_int_equal(unlink(path), 0);
    assert_int_equal(symlink("/dev/stdout", path), 0);
    assert_int_equal(cmc_measure_replace_at(path, 0640, &b, &err), -CMC_E_USAGE);
    assert_int_equal(lstat(path, &st), 0);
    assert_true(S_ISLNK(st.st_mode));
    assert_int_equal(unlink(path), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(new_then_replaced),
        cmocka_unit_test(a_link_is_replaced_not_followed),
        cmocka_unit_test(faults_leave_the_old_file),
        cmocka_unit_test(names_that_are_none),
        cmocka_unit_test(by_path),
        cmocka_unit_test(only_files_are_replaced_by_path),
    };
    return cmocka_run_group_tests_name("tools/cmc_measure_replace", tests, set_up, tear_down);
}
