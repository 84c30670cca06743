/* SPDX-License-Identifier: Apache-2.0 */
/* tests/unit/tools/test_cmc_measure_rootfs.c -- opening by name, once, without links. Overlays and
 * binds need real mounts: tests/integration/measure. */
#include <fcntl.h>
#include <limits.h>
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
#include "tools/cmc_measure_rootfs.h"

static char top[] = "/tmp/cmc-test-rootfs-XXXXXX";
static int bundle = -1;

static int set_up(void **state)
{
    (void)state;
    bundle = mkdtemp(top) ? open(top, O_PATH | O_DIRECTORY | O_CLOEXEC) : -1;
    return bundle >= 0 && mkdirat(bundle, "rootfs", 0755) == 0 &&
                   symlinkat("rootfs", bundle, "link") == 0 && mkfifoat(bundle, "fifo", 0600) == 0
               ? 0
               : -1;
}

static int tear_down(void **state)
{
    (void)state;
    (void)unlinkat(bundle, "link", 0);
    (void)unlinkat(bundle, "fifo", 0);
    (void)unlinkat(bundle, "rootfs", AT_REMOVEDIR);
    (void)close(bundle);
    return rmdir(top);
}

/* The code, or 0 when the very directory rootfs was opened. */
static int root_path(const char *path, struct cmc_err *err)
{
    static struct cmc_measure_mounts m = {.kind = CMC_MEASURE_ROOT_PATH};
    struct stat got, want;
    cmc_autofd int fd = cmc_measure_rootfs_open(&m, bundle, path, err);
    if (fd < 0)
        return fd;
    assert_int_equal(fstat(fd, &got), 0);
    assert_int_equal(fstatat(bundle, "rootfs", &want, 0), 0);
    assert_true(got.st_ino == want.st_ino && got.st_dev == want.st_dev);
    assert_int_equal(fcntl(fd, F_GETFL) & O_PATH, O_PATH);
    return 0;
}

static void where_root_path_leads(void **state)
{
    char path[128], far[PATH_MAX + 1];
    struct cmc_err err = {0};
    (void)state;
    assert_int_equal(root_path("rootfs", &err), 0);
    assert_int_equal(root_path("./rootfs/", &err), 0);
    (void)snprintf(path, sizeof(path), "%s/rootfs", top);
    assert_int_equal(root_path(path, &err), 0);
    assert_int_equal(root_path(NULL, &err), -CMC_E_FORMAT);
    assert_int_equal(root_path("", &err), -CMC_E_FORMAT);
    assert_int_equal(root_path("nothing", &err), -CMC_E_SYS);
    assert_int_equal(root_path("fifo", &err), -CMC_E_SYS);
    assert_int_equal(root_path("..", &err), -CMC_E_SYS); /* outside the bundle */
    assert_int_equal(root_path("link", &err), -CMC_E_VERIFY);
    assert_string_equal(err.msg, "link: a symbolic link on the way; name the directory itself");
    (void)snprintf(path, sizeof(path), "%s/link/.", top);
    assert_int_equal(root_path(path, &err), -CMC_E_VERIFY);
    assert_int_equal(root_path("/proc/self/cwd", &err), -CMC_E_VERIFY);
    memset(far, '/', PATH_MAX);
    far[PATH_MAX] = '\0';
    assert_int_equal(root_path(far, &err), -CMC_E_LIMIT);
}

static void a_lone_layer_is_itself(void **state)
{
    static struct cmc_measure_mounts m = {.kind = CMC_MEASURE_OVERLAY, .layer_count = 1};
    static char path[128];
    struct cmc_err err = {0};
    (void)state;
    (void)snprintf(path, sizeof(path), "%s/rootfs", top);
    m.layers[0] = (struct cmc_span){(const uint8_t *)path, strlen(path)};
    cmc_autofd int fd = cmc_measure_rootfs_open(&m, bundle, NULL, &err);
    assert_true(fd >= 0);
    (void)snprintf(path, sizeof(path), "%s/link", top);
    m.layers[0].len = strlen(path);
    assert_int_equal(cmc_measure_rootfs_open(&m, bundle, NULL, &err), -CMC_E_VERIFY);
    assert_non_null(strstr(err.msg, "overlay: layer 0: "));
}

static void the_source_of_a_bind(void **state)
{
    static struct cmc_measure_mounts m = {.kind = CMC_MEASURE_BIND_TREE};
    static char path[128];
    struct cmc_err err = {0};
    (void)state;
    (void)snprintf(path, sizeof(path), "%s/rootfs", top);
    m.source = (struct cmc_span){(const uint8_t *)path, strlen(path)};
    cmc_autofd int fd = cmc_measure_rootfs_open(&m, bundle, NULL, &err);
    assert_true(fd >= 0);
    (void)snprintf(path, sizeof(path), "%s/fifo", top);
    m.source.len = strlen(path);
    assert_int_equal(cmc_measure_rootfs_open(&m, bundle, NULL, &err), -CMC_E_SYS);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(where_root_path_leads),
        cmocka_unit_test(a_lone_layer_is_itself),
        cmocka_unit_test(the_source_of_a_bind),
    };
    return cmocka_run_group_tests_name("tools/cmc_measure_rootfs", tests, set_up, tear_down);
}
