/* SPDX-License-Identifier: Apache-2.0 */
/* tests/unit/shim/test_bundle.c -- which bundles are believed, and what is written into them. */
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/cleanup.h"
#include "shim/bundle.h"

static char dir[] = "/tmp/cmc-bundle-XXXXXX";
static char bundle[64], link_to[64];

static int setup(void **state)
{
    (void)state;
    if (!mkdtemp(dir))
        return -1;
    (void)snprintf(bundle, sizeof(bundle), "%s/b", dir);
    (void)snprintf(link_to, sizeof(link_to), "%s/link", dir);
    return mkdir(bundle, 0700) || symlink("b", link_to);
}

static int teardown(void **state)
{
    (void)state;
    return unlink(link_to) || rmdir(bundle) || rmdir(dir);
}

static int opened(const char *path, struct cmc_err *err)
{
    cmc_autofd int fd = shim_bundle_open(path, err);
    return fd < 0 ? fd : 0;
}

static void test_paths(void **state)
{
    (void)state;
    struct cmc_err err;
    char path[160];
    static const char *const bad[] = {"", "b", "./b", "/tmp/..", "/tmp/./x", "/..", "/."};
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
        assert_int_equal(opened(bad[i], &err), -CMC_E_VERIFY);
    (void)snprintf(path, sizeof(path), "%s/../%s", bundle, "b");
    assert_int_equal(opened(path, &err), -CMC_E_VERIFY);
    assert_int_equal(opened(link_to, &err), -CMC_E_VERIFY);
    assert_non_null(strstr(err.msg, "symlink"));
    (void)snprintf(path, sizeof(path), "%s/rootfs", link_to); /* on the way */
    assert_int_equal(opened(path, &err), -CMC_E_VERIFY);
    assert_int_equal(opened("/nowhere", &err), -CMC_E_SYS);
    assert_int_equal(opened("/etc/hostname", &err), -CMC_E_SYS);
    assert_int_equal(opened("/proc/self/cwd", &err), -CMC_E_VERIFY); /* a magic link */
}

static void test_rights(void **state)
{
    (void)state;
    struct cmc_err err;
    if (geteuid() != 0) {
        assert_int_equal(opened(bundle, &err), -CMC_E_VERIFY); /* not root's */
        return;
    }
    assert_int_equal(opened(bundle, &err), 0);
    static const mode_t good[] = {0700, 0711, 0750, 0755}, bad[] = {0720, 0702, 0777};
    for (size_t i = 0; i < sizeof(good) / sizeof(good[0]); i++) {
        assert_int_equal(chmod(bundle, good[i]), 0);
        assert_int_equal(opened(bundle, &err), 0);
    }
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        assert_int_equal(chmod(bundle, bad[i]), 0);
        assert_int_equal(opened(bundle, &err), -CMC_E_VERIFY);
    }
    assert_int_equal(chmod(bundle, 0700), 0);
    assert_int_equal(chown(bundle, 1000, 0), 0);
    assert_int_equal(opened(bundle, &err), -CMC_E_VERIFY);
    assert_int_equal(chown(bundle, 0, 0), 0);
}

static void test_log(void **state)
{
    (void)state;
    char text[8] = "";
    cmc_autofd int at = open(bundle, O_PATH | O_DIRECTORY | O_CLOEXEC);
    assert_int_equal(shim_bundle_log(-1), -1);
    assert_int_equal(shim_bundle_log(at), -1); /* missing */
    assert_int_equal(mkfifoat(at, "log", 0700), 0);
    assert_int_equal(shim_bundle_log(at), -1); /* nobody reads */
    cmc_autofd int reader = openat(at, "log", O_RDONLY | O_NONBLOCK | O_CLOEXEC);
    cmc_autofd int fd = shim_bundle_log(at);
    assert_true(fd >= 0);
    assert_int_equal(write(fd, "hi", 2), 2);
    assert_int_equal(read(reader, text, sizeof(text)), 2);
    assert_int_equal(unlinkat(at, "log", 0), 0);
    int file = openat(at, "log", O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
    assert_int_equal(close(file), 0);
    assert_int_equal(shim_bundle_log(at), -1); /* no FIFO */
    assert_int_equal(unlinkat(at, "log", 0), 0);
    assert_int_equal(symlinkat("/dev/null", at, "log"), 0);
    assert_int_equal(shim_bundle_log(at), -1);
    assert_int_equal(unlinkat(at, "log", 0), 0);
}

static void test_write(void **state)
{
    (void)state;
    struct cmc_err err;
    struct stat st;
    char text[32] = "";
    cmc_autofd int at = open(bundle, O_PATH | O_DIRECTORY | O_CLOEXEC);
    assert_int_equal(symlinkat("/dev/null", at, "address"), 0); /* replaced, not followed */
    assert_int_equal(shim_bundle_write(at, "address", "unix:///x", &err), 0);
    assert_int_equal(fstatat(at, "address", &st, AT_SYMLINK_NOFOLLOW), 0);
    assert_true(S_ISREG(st.st_mode));
    cmc_autofd int fd = openat(at, "address", O_RDONLY | O_CLOEXEC);
    assert_int_equal(read(fd, text, sizeof(text)), 9);
    assert_string_equal(text, "unix:///x");
    assert_int_equal(unlinkat(at, "address", 0), 0);
    assert_int_equal(shim_bundle_write(fd, "address", "x", &err), -CMC_E_SYS);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_paths),
        cmocka_unit_test(test_rights),
        cmocka_unit_test(test_log),
        cmocka_unit_test(test_write),
    };
    return cmocka_run_group_tests_name("shim/bundle", tests, setup, teardown);
}
