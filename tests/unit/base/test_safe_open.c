/* SPDX-License-Identifier: Apache-2.0 */
/* tests/unit/base/test_safe_open.c -- each way in which a file is not root's alone. */
#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/cleanup.h"
#include "base/safe_open.h"

enum { MAX = 5 };

static char top[] = "/tmp/cmc-test-open-XXXXXX";
static int dir = -1;

/* --wrap=syscall: openat2(2) fails this often, with this. */
static int faults, fault;
/* NOLINTBEGIN(bugprone-reserved-identifier,cert-dcl37-c,cert-dcl51-cpp): ld's names */
long __real_syscall(long number, ...);
long __wrap_syscall(long number, ...);
long __wrap_syscall(long number, ...)
{
    va_list ap;
    va_start(ap, number);
    long a = va_arg(ap, long), b = va_arg(ap, long), c = va_arg(ap, long), d = va_arg(ap, long);
    va_end(ap);
    if (number == SYS_openat2 && faults > 0) {
        faults--;
        errno = fault;
        return -1;
    }
    return __real_syscall(number, a, b, c, d);
}
/* NOLINTEND(bugprone-reserved-identifier,cert-dcl37-c,cert-dcl51-cpp) */

static void put(const char *name, const char *text)
{
    cmc_autofd int fd = openat(dir, name, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
    assert_true(fd >= 0);
    assert_int_equal(write(fd, text, strlen(text)), (ssize_t)strlen(text));
    assert_int_equal(fchmod(fd, 0644), 0);
}

static int set_up(void **state)
{
    (void)state;
    if (getuid() != 0) {
        print_message("trusted files are root's: run as root\n");
        exit(77);
    }
    dir = mkdtemp(top) ? open(top, O_PATH | O_DIRECTORY | O_CLOEXEC) : -1;
    return dir >= 0 && mkdirat(dir, "sub", 0755) == 0 ? 0 : -1;
}

static int tear_down(void **state)
{
    static const char *const names[] = {"f", "g", "link", "fifo", "sub/f", "sublink"};
    (void)state;
    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
        (void)unlinkat(dir, names[i], 0);
    (void)unlinkat(dir, "sub", AT_REMOVEDIR);
    (void)close(dir);
    return rmdir(top);
}

static int try(const char *path, struct cmc_err *err)
{
    cmc_autofd int fd = cmc_open_trusted(dir, path, MAX, err);
    return fd < 0 ? fd : 0;
}

static void a_good_file_is_opened(void **state)
{
    char got[MAX];
    struct cmc_err err = {0};
    (void)state;
    put("f", "12345");
    cmc_autofd int fd = cmc_open_trusted(dir, "f", MAX, &err);
    assert_true(fd >= 0);
    assert_int_equal(read(fd, got, sizeof(got)), MAX);
    assert_int_equal(fcntl(fd, F_GETFD) & FD_CLOEXEC, FD_CLOEXEC);
    put("sub/f", "1");
    assert_int_equal(try("sub/f", &err), 0);
}

static void too_large(void **state)
{
    struct cmc_err err = {0};
    (void)state;
    put("f", "123456");
    assert_int_equal(try("f", &err), -CMC_E_LIMIT);
    assert_string_equal(err.msg, "f: 6 bytes, at most 5");
}

static void not_roots_alone(void **state)
{
    static const mode_t modes[] = {0664, 0646, 0666, 0620, 0602};
    struct cmc_err err = {0};
    (void)state;
    for (size_t i = 0; i < sizeof(modes) / sizeof(modes[0]); i++) {
        put("f", "1");
        assert_int_equal(fchmodat(dir, "f", modes[i], 0), 0);
        assert_int_equal(try("f", &err), -CMC_E_VERIFY);
    }
    put("f", "1");
    assert_int_equal(fchownat(dir, "f", 1, 0, 0), 0);
    assert_int_equal(try("f", &err), -CMC_E_VERIFY);
    assert_int_equal(fchownat(dir, "f", 0, 1, 0), 0);
    assert_int_equal(try("f", &err), 0); /* a group that may only read does no harm */
}

static void a_second_link(void **state)
{
    struct cmc_err err = {0};
    (void)state;
    put("f", "1");
    assert_int_equal(linkat(dir, "f", dir, "g", 0), 0);
    assert_int_equal(try("f", &err), -CMC_E_VERIFY);
    assert_int_equal(unlinkat(dir, "g", 0), 0);
    assert_int_equal(try("f", &err), 0);
}

static void other_types_do_not_hang(void **state)
{
    struct cmc_err err = {0};
    (void)state;
    assert_int_equal(mkfifoat(dir, "fifo", 0600), 0);
    assert_int_equal(try("fifo", &err), -CMC_E_VERIFY);
    assert_int_equal(try("sub", &err), -CMC_E_VERIFY);
    assert_non_null(strstr(err.msg, "not a regular file"));
}

static void links_are_not_followed(void **state)
{
    struct cmc_err err = {0};
    (void)state;
    put("f", "1");
    put("sub/f", "1");
    assert_int_equal(symlinkat("f", dir, "link"), 0);
    assert_int_equal(try("link", &err), -CMC_E_SYS);
    assert_int_equal(err.sys_errno, ELOOP);
    assert_int_equal(symlinkat("sub", dir, "sublink"), 0);
    assert_int_equal(try("sublink/f", &err), -CMC_E_SYS);
    assert_int_equal(err.sys_errno, ELOOP);
}

static void nothing_outside(void **state)
{
    struct cmc_err err = {0};
    (void)state;
    assert_int_equal(try("/etc/hostname", &err), -CMC_E_SYS);
    assert_int_equal(err.sys_errno, EXDEV);
    assert_int_equal(try("sub/../../x", &err), -CMC_E_SYS);
    assert_int_equal(err.sys_errno, EXDEV);
    assert_int_equal(try("missing", &err), -CMC_E_SYS);
    assert_int_equal(err.sys_errno, ENOENT);
}

static void races_are_tried_again_within_bounds(void **state)
{
    struct cmc_err err = {0};
    (void)state;
    put("f", "1");
    fault = EAGAIN;
    faults = 7;
    assert_int_equal(try("f", &err), 0);
    faults = 8;
    assert_int_equal(try("f", &err), -CMC_E_SYS);
    assert_int_equal(err.sys_errno, EAGAIN);
    fault = EINTR;
    faults = 100;
    assert_int_equal(try("f", &err), 0);
}

static void without_openat2_nothing_is_opened(void **state)
{
    struct cmc_err err = {0};
    (void)state;
    put("f", "1");
    fault = ENOSYS;
    faults = 1;
    assert_int_equal(try("f", &err), -CMC_E_SYS);
    assert_int_equal(faults, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_good_file_is_opened),
        cmocka_unit_test(too_large),
        cmocka_unit_test(not_roots_alone),
        cmocka_unit_test(a_second_link),
        cmocka_unit_test(other_types_do_not_hang),
        cmocka_unit_test(links_are_not_followed),
        cmocka_unit_test(nothing_outside),
        cmocka_unit_test(races_are_tried_again_within_bounds),
        cmocka_unit_test(without_openat2_nothing_is_opened),
    };
    return cmocka_run_group_tests_name("base/safe_open", tests, set_up, tear_down);
}
