/* SPDX-License-Identifier: Apache-2.0 */
/* tests/unit/tools/test_cmc_measure_rootfs.c -- opening by name, once, without links, and
 * what an upper directory may become meanwhile. More mounts: tests/integration/measure. */
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
#include <sys/xattr.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/cleanup.h"
#include "tests/lib/rows.h"
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
    CMC_CLEANUP(cmc_measure_rootfs_close) struct cmc_measure_rootfs r;
    const int rc = cmc_measure_rootfs_open(&m, bundle, path, true, &r, err);
    const int fd = r.root;
    assert_int_equal(fd < 0, rc < 0);
    if (rc < 0)
        return rc;
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
    struct cmc_measure_rootfs r;
    assert_int_equal(cmc_measure_rootfs_open(&m, bundle, NULL, true, &r, &err), 0);
    assert_true(r.root >= 0);
    cmc_measure_rootfs_close(&r);
    (void)snprintf(path, sizeof(path), "%s/link", top);
    m.layers[0].len = strlen(path);
    assert_int_equal(cmc_measure_rootfs_open(&m, bundle, NULL, true, &r, &err), -CMC_E_VERIFY);
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
    struct cmc_measure_rootfs r;
    assert_int_equal(cmc_measure_rootfs_open(&m, bundle, NULL, true, &r, &err), 0);
    assert_true(r.root >= 0);
    cmc_measure_rootfs_close(&r);
    (void)snprintf(path, sizeof(path), "%s/fifo", top);
    m.source.len = strlen(path);
    assert_int_equal(cmc_measure_rootfs_open(&m, bundle, NULL, true, &r, &err), -CMC_E_SYS);
}

/* What is in the upper directory before the layers are opened, what happens to it afterwards, and
 * what is seen then. */
struct upper {
    const char *name;
    const char *attribute; /* set on it, or NULL */
    bool file, removed, filled, none;
    bool own;     /* it was replaced: what comes later is not seen */
    bool was, is; /* cmc_measure_rootfs_upper_filled(), before and after */
};

static struct upper uppers[] = {
    {"upper: empty", NULL, .own = true},
    {"upper: empty, then removed", NULL, .removed = true, .own = true},
    {"upper: empty, then filled", NULL, .filled = true, .own = true, .is = true},
    {"upper: mounted before", "trusted.overlay.impure", .filled = true, .own = true, .is = true},
    {"upper: opaque", "trusted.overlay.opaque", .was = true, .is = true},
    {"upper: an attribute", "user.x", .was = true, .is = true},
    {"upper: an attribute like overlay's", "trusted.overlayx", .was = true, .is = true},
    {"upper: a file", NULL, .file = true, .was = true, .is = true},
    {"upper: none", NULL, .none = true},
};

static void put_file(const char *name)
{
    cmc_autofd int fd = openat(bundle, name, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
    assert_true(fd >= 0);
}

static void prepare_upper(const struct upper *u, struct cmc_measure_mounts *m)
{
    static const char *const names[] = {"upper", "low1", "low2"};
    static char paths[ROWS(names)][128];
    const size_t first = u->none ? 1 : 0;
    *m = (struct cmc_measure_mounts){.kind = CMC_MEASURE_OVERLAY, .has_upper = !u->none};
    for (size_t i = 0; i < ROWS(names); i++) {
        assert_int_equal(mkdirat(bundle, names[i], 0751), 0);
        (void)snprintf(paths[i], sizeof(paths[i]), "%s/%s", top, names[i]);
        if (i >= first)
            m->layers[m->layer_count++] =
                (struct cmc_span){(const uint8_t *)paths[i], strlen(paths[i])};
    }
    put_file("low1/low");
    if (u->file)
        put_file("upper/up");
    if (u->attribute)
        assert_int_equal(setxattr(paths[0], u->attribute, "y", 1, 0), 0);
}

/* The tree's listing, and that a stamp counts as many entries. */
static void read_tree(const struct cmc_measure_rootfs *r, char *text, size_t cap)
{
    cmc_autobuf struct cmc_buf listing = cmc_buf_of(cap - 1);
    const struct measure_rootfs_opts opts = {.listing = &listing}, none = {0};
    struct measure_rootfs got;
    struct measure_rootfs_stamp stamp;
    struct cmc_err err = {0};
    const int rc = cmc_measure_rootfs_walk(r, &opts, &got, &err);
    if (rc == -CMC_E_FORMAT && r->root < 0)
        skip(); /* layers on a file system that is left to the kernel */
    assert_int_equal(rc, 0);
    assert_int_equal(cmc_measure_rootfs_look(r, &none, &stamp, &err), 0);
    assert_int_equal(stamp.entries, got.entries);
    memcpy(text, listing.data, listing.len);
    text[listing.len] = '\0';
}

/* The same from the layers, from a mount of them, and from one that was made before: of what was
 * there when each was opened. */
static void read_all(struct cmc_measure_rootfs *layers, const struct cmc_measure_rootfs *mounted,
                     char *text, size_t cap)
{
    char other[1024];
    struct cmc_err err = {0};
    read_tree(layers, text, cap);
    read_tree(mounted, other, sizeof(other));
    assert_string_equal(text, other);
    assert_int_equal(cmc_measure_rootfs_mount(layers, &err), 0);
    assert_true(layers->root >= 0 && layers->open.count == 0);
    read_tree(layers, other, sizeof(other));
    assert_string_equal(text, other);
}

/* An attribute that the directory upper has now shows where it was not replaced. */
static bool shows(int root, const char *attribute)
{
    char path[128];
    (void)snprintf(path, sizeof(path), "%s/upper", top);
    assert_int_equal(setxattr(path, attribute, "y", 1, 0), 0);
    (void)snprintf(path, sizeof(path), "/proc/self/fd/%d", root);
    return getxattr(path, attribute, NULL, 0) == 1;
}

static void what_the_upper_becomes(void **state)
{
    static struct cmc_measure_mounts m;
    const struct upper *u = *state;
    struct cmc_err err = {0};
    char text[1024];
    CMC_CLEANUP(cmc_measure_rootfs_close) struct cmc_measure_rootfs mounted, layers;
    mounted.root = layers.root = -1;
    mounted.open.count = layers.open.count = 0;
    prepare_upper(u, &m);
    assert_int_equal(cmc_measure_rootfs_upper_filled(&m), u->was);
    assert_int_equal(cmc_measure_rootfs_open(&m, bundle, NULL, false, &mounted, &err), 0);
    assert_true(mounted.root >= 0);
    assert_int_equal(cmc_measure_rootfs_open(&m, bundle, NULL, true, &layers, &err), 0);
    assert_int_equal(layers.root, -1);
    assert_int_equal(layers.layers.count, m.layer_count);
    assert_int_equal(layers.open.own, u->own);
    if (u->removed)
        assert_int_equal(unlinkat(bundle, "upper", AT_REMOVEDIR), 0);
    else
        assert_int_equal(shows(mounted.root, "trusted.later"), !u->own && !u->none);
    if (u->filled)
        put_file("upper/late");
    else if (u->own && !u->removed)
        assert_int_equal(removexattr((const char *)m.layers[0].p, "trusted.later"), 0);
    assert_int_equal(cmc_measure_rootfs_upper_filled(&m), u->is);
    read_all(&layers, &mounted, text, sizeof(text));
    assert_non_null(strstr(text, " 0751 "));
    assert_non_null(strstr(text, "/low"));
    assert_int_equal(strstr(text, "/up") != NULL, u->file);
    assert_null(strstr(text, "/late"));
}

static int remove_layers(void **state)
{
    static const char *const files[] = {"low1/low", "upper/up", "upper/late"};
    static const char *const dirs[] = {"upper", "low1", "low2"};
    (void)state;
    for (size_t i = 0; i < ROWS(files); i++)
        (void)unlinkat(bundle, files[i], 0);
    for (size_t i = 0; i < ROWS(dirs); i++)
        (void)unlinkat(bundle, dirs[i], AT_REMOVEDIR);
    return 0;
}

int main(void)
{
    struct CMUnitTest tests[3 + ROWS(uppers)] = {
        cmocka_unit_test(where_root_path_leads),
        cmocka_unit_test(a_lone_layer_is_itself),
        cmocka_unit_test(the_source_of_a_bind),
    };
    for (size_t i = 0; i < ROWS(uppers); i++)
        tests[3 + i] = (struct CMUnitTest){uppers[i].name, what_the_upper_becomes, NULL,
                                           remove_layers, &uppers[i]};
    return cmocka_run_group_tests_name("tools/cmc_measure_rootfs", tests, set_up, tear_down);
}
