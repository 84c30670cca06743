/* SPDX-License-Identifier: Apache-2.0 */
/* tests/unit/shim/test_inner.c -- the real shim is found, and is never ourselves. */
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
#include "shim/inner.h"

static char dir[] = "/tmp/cmc-inner-XXXXXX";
static char path_a[128], path_b[128];

static void make(const char *path, mode_t mode)
{
    int fd = open(path, O_WRONLY | O_CREAT, mode);
    assert_true(fd >= 0);
    assert_int_equal(fchmod(fd, mode), 0);
    assert_int_equal(close(fd), 0);
}

static int setup(void **state)
{
    (void)state;
    char sub[96];
    if (!mkdtemp(dir))
        return -1;
    for (const char *name = "a"; name; name = *name == 'a' ? "b" : NULL) {
        (void)snprintf(sub, sizeof(sub), "%s/%s", dir, name);
        if (mkdir(sub, 0700) < 0)
            return -1;
    }
    (void)snprintf(path_a, sizeof(path_a), "%s/a/%s", dir, SHIM_INNER_NAME);
    (void)snprintf(path_b, sizeof(path_b), "%s/b/%s", dir, SHIM_INNER_NAME);
    make(path_b, 0755);
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    char sub[96];
    (void)unlink(path_b);
    for (const char *name = "a"; name; name = *name == 'a' ? "b" : NULL) {
        (void)snprintf(sub, sizeof(sub), "%s/%s", dir, name);
        (void)rmdir(sub);
    }
    return rmdir(dir);
}

static int find(const char *search, const char *publish, char out[static PATH_MAX])
{
    struct cmc_err err;
    (void)snprintf(out, PATH_MAX, "poison");
    return shim_inner_find(NULL, search, publish, out, &err);
}

static void test_search(void **state)
{
    (void)state;
    char search[256], publish[128], got[PATH_MAX];
    (void)snprintf(search, sizeof(search), "/nowhere:%s/a:%s/b", dir, dir);
    assert_int_equal(find(search, NULL, got), 0);
    assert_string_equal(got, path_b);
    /* not executable, then executable */
    make(path_a, 0644);
    assert_int_equal(find(search, NULL, got), 0);
    assert_string_equal(got, path_b);
    assert_int_equal(chmod(path_a, 0755), 0);
    assert_int_equal(find(search, NULL, got), 0);
    assert_string_equal(got, path_a);
    assert_int_equal(unlink(path_a), 0);
    /* a symlink to this very program is seen through */
    assert_int_equal(symlink("/proc/self/exe", path_a), 0);
    assert_int_equal(find(search, NULL, got), 0);
    assert_string_equal(got, path_b);
    assert_int_equal(unlink(path_a), 0);
    /* beside containerd */
    (void)snprintf(publish, sizeof(publish), "%s/b/containerd", dir);
    assert_int_equal(find("/nowhere", publish, got), 0);
    assert_string_equal(got, path_b);
    assert_int_equal(find(NULL, publish, got), 0);
    assert_int_equal(find("/nowhere", "/nowhere/containerd", got), -CMC_E_VERIFY);
    assert_string_equal(got, "poison");
}

/* The current directory is the bundle: nothing there is ever run. */
static void test_relative_elements(void **state)
{
    (void)state;
    char cwd[PATH_MAX], sub[96], got[PATH_MAX];
    (void)snprintf(sub, sizeof(sub), "%s/b", dir);
    assert_non_null(getcwd(cwd, sizeof(cwd)));
    assert_int_equal(chdir(sub), 0);
    assert_int_equal(find("", NULL, got), -CMC_E_VERIFY);
    assert_int_equal(find(":", NULL, got), -CMC_E_VERIFY);
    assert_int_equal(find(".:./", "containerd", got), -CMC_E_VERIFY);
    assert_int_equal(find("::/nowhere:", "./containerd", got), -CMC_E_VERIFY);
    assert_int_equal(chdir(cwd), 0);
}

static void test_configured(void **state)
{
    (void)state;
    char got[PATH_MAX] = "poison";
    struct cmc_err err;
    assert_int_equal(shim_inner_find("/nowhere/x", "/bin", NULL, got, &err), -CMC_E_SYS);
    assert_int_equal(shim_inner_find("/proc/self/exe", "/bin", NULL, got, &err), -CMC_E_VERIFY);
    make(path_a, 0644);
    assert_int_equal(shim_inner_find(path_a, "/bin", NULL, got, &err), -CMC_E_VERIFY);
    assert_string_equal(got, "poison");
    assert_int_equal(unlink(path_a), 0);
    assert_int_equal(shim_inner_find(path_b, "/bin", NULL, got, &err), 0);
    assert_string_equal(got, path_b);
}

static void test_helper(void **state)
{
    (void)state;
    struct cmc_err err;
    cmc_autofd int fd = shim_inner_open_helper("/bin/true", &err);
    assert_true(fd >= 0);
    assert_int_equal(shim_inner_open_helper("/nowhere", &err), -CMC_E_SYS);
    assert_int_equal(shim_inner_open_helper("/etc", &err), -CMC_E_VERIFY);
    make(path_a, 0644);
    assert_int_equal(shim_inner_open_helper(path_a, &err), -CMC_E_VERIFY); /* not executable */
    assert_int_equal(unlink(path_a), 0);
    assert_int_equal(chmod(path_b, 0775), 0);
    assert_int_equal(shim_inner_open_helper(path_b, &err), -CMC_E_VERIFY);
    assert_non_null(strstr(err.msg, "only root writes"));
    assert_int_equal(chmod(path_b, 0755), 0);
    if (geteuid() == 0) { /* of another user */
        assert_int_equal(chown(path_b, 1000, 1000), 0);
        assert_int_equal(shim_inner_open_helper(path_b, &err), -CMC_E_VERIFY);
        assert_int_equal(chown(path_b, 0, 0), 0);
    }
}

/* Not configured: from this test's folder ../libexec/cmc is where a whole build has it. */
static void test_helper_beside(void **state)
{
    (void)state;
    char self[PATH_MAX] = "", built[PATH_MAX + 64];
    struct stat want, got;
    struct cmc_err err;
    assert_true(readlink("/proc/self/exe", self, sizeof(self) - 1) > 0);
    *strrchr(self, '/') = '\0';
    (void)snprintf(built, sizeof(built), "%s/../libexec/cmc/cmc-measure", self);
    cmc_autofd int fd = shim_inner_open_helper(NULL, &err);
    if (stat(built, &want) < 0 || geteuid() != want.st_uid) {
        assert_true(fd < 0);
        assert_non_null(strstr(err.msg, "cmc-measure"));
        return;
    }
    assert_int_equal(fstat(fd, &got), 0);
    assert_int_equal(got.st_ino, want.st_ino);
}

static void test_loop(void **state)
{
    (void)state;
    char self[PATH_MAX] = "";
    struct cmc_err err;
    assert_true(readlink("/proc/self/exe", self, sizeof(self) - 1) > 0);
    assert_int_equal(shim_inner_check_loop(self, &err), 0);
    assert_int_equal(shim_inner_check_loop("name", &err), 0);
    assert_int_equal(shim_inner_check_loop("/nowhere", &err), 0);
    assert_int_equal(shim_inner_check_loop(NULL, &err), 0);
    assert_int_equal(shim_inner_check_loop("/bin/true", &err), -CMC_E_USAGE);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_search),        cmocka_unit_test(test_relative_elements),
        cmocka_unit_test(test_configured),    cmocka_unit_test(test_helper),
        cmocka_unit_test(test_helper_beside), cmocka_unit_test(test_loop),
    };
    return cmocka_run_group_tests_name("shim/inner", tests, setup, teardown);
}
