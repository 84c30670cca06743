/* SPDX-License-Identifier: Apache-2.0 */
/* tests/unit/measure/test_rootfs_stamp.c -- every touch shows in a stamp, looking does not; and a
 * stamp says itself when it is too fresh to be relied on. */
#include "tests/unit/measure/test_rootfs_tree.h"

#include <sched.h>
#include <sys/mount.h>
#include <sys/xattr.h>
#include <time.h>

#include "measure/rootfs_layers.h"
#include "measure/rootfs_stamp.h"

/* NOLINTBEGIN(bugprone-reserved-identifier, cert-dcl37-c): the linker's --wrap names them */
int __real_statx(int dir, const char *path, int flags, unsigned mask, struct statx *out);
int __wrap_statx(int dir, const char *path, int flags, unsigned mask, struct statx *out);
/* NOLINTEND(bugprone-reserved-identifier, cert-dcl37-c) */

/* Entries that were changed just now, on a file system that keeps nanoseconds or whole seconds. */
static enum { AS_IT_IS, NOW, NOW_IN_SECONDS, ALWAYS_THE_SAME } ctime_is;

int __wrap_statx(int dir, const char *path, int flags, unsigned mask, struct statx *out)
{
    struct timespec now;
    const int r = __real_statx(dir, path, flags, mask, out);
    if (ctime_is == AS_IT_IS || S_ISDIR(out->stx_mode))
        return r;
    assert_int_equal(clock_gettime(CLOCK_REALTIME_COARSE, &now), 0);
    if (ctime_is == ALWAYS_THE_SAME)
        now = (struct timespec){.tv_sec = 1000};
    out->stx_ctime.tv_sec = now.tv_sec;
    out->stx_ctime.tv_nsec = ctime_is == NOW ? (uint32_t)now.tv_nsec | 1 : 0;
    return r;
}

static const struct measure_rootfs_opts none;

static void pause_ms(uint32_t ms)
{
    const struct timespec t = {ms / 1000, (long)(ms % 1000) * 1000000};
    assert_int_equal(nanosleep(&t, NULL), 0);
}

static void settle(struct tree *t, struct measure_rootfs_stamp *out)
{
    for (int tries = 0; tries < 50; tries++) {
        assert_int_equal(measure_rootfs_stamp(t->fd, &none, out, &t->err), 0);
        if (out->wait_ms == 0)
            return;
        assert_true(out->wait_ms < 3000);
        pause_ms(out->wait_ms);
    }
    fail_msg("the tree never comes to rest");
}

/* --- what shows --- */

static int the_same_byte_again(const struct tree *t)
{
    return put(t->fd, "linked", "x");
}
static int the_same_mode_again(const struct tree *t)
{
    return fchmodat(t->fd, "dir", 0755, 0);
}
static int the_old_times_set_back(const struct tree *t)
{
    struct stat was;
    if (fstatat(t->fd, "file", &was, 0) < 0 || put(t->fd, "file", "jello\n") < 0)
        return -1;
    const struct timespec times[2] = {was.st_atim, was.st_mtim};
    return utimensat(t->fd, "file", times, 0);
}
static int an_attribute(const struct tree *t)
{
    cmc_autofd int fd = openat(t->fd, "dir/inner", O_RDONLY | O_CLOEXEC);
    return fsetxattr(fd, "user.a", "", 0, 0);
}
static int an_attribute_of_the_root(const struct tree *t)
{
    return fsetxattr(t->fd, "user.a", "1", 1, 0);
}
static int two_names_exchanged(const struct tree *t)
{
    return renameat2(t->fd, "file", t->fd, "empty", RENAME_EXCHANGE);
}
static int a_new_name(const struct tree *t)
{
    return mkfifoat(t->fd, "dir/new", 0600);
}
static int a_name_less(const struct tree *t)
{
    return unlinkat(t->fd, "empty", 0);
}
static int a_level_deeper(const struct tree *t)
{
    return renameat(t->fd, "sym", t->fd, "dir/sym");
}
static int a_mapped_store(const struct tree *t)
{
    cmc_autofd int fd = openat(t->fd, "file", O_RDWR | O_CLOEXEC);
    return pwrite(fd, "H", 1, 0) == 1 ? 0 : -1;
}

static int the_roots_mode(const struct tree *t)
{
    return fchmod(t->fd, 0700);
}

/* --- what does not --- */

static int reading(const struct tree *t)
{
    char c;
    cmc_autofd int fd = openat(t->fd, "file", O_RDONLY | O_CLOEXEC);
    return read(fd, &c, 1) == 1 ? 0 : -1;
}
static int the_roots_times(const struct tree *t)
{
    return futimens(t->fd, NULL);
}
static struct row {
    const char *name;
    int (*act)(const struct tree *t);
    bool shows;
} rows[] = {
    {"the same byte again", the_same_byte_again, true},
    {"the same mode again", the_same_mode_again, true},
    {"a byte, and mtime set back", the_old_times_set_back, true},
    {"an attribute", an_attribute, true},
    {"an attribute of the root", an_attribute_of_the_root, true},
    {"two names exchanged", two_names_exchanged, true},
    {"a new name", a_new_name, true},
    {"a name less", a_name_less, true},
    {"a level deeper", a_level_deeper, true},
    {"a store in place", a_mapped_store, true},
    {"the root's mode", the_roots_mode, true},
    {"not reading", reading, false},
    {"not the root's times", the_roots_times, false},
};

static void run_row(void **state)
{
    const struct row *row = *state;
    struct tree t;
    struct measure_rootfs_stamp before, after;
    begin(&t);
    fill(&t);
    settle(&t, &before);
    assert_int_equal(row->act(&t), 0);
    assert_int_equal(measure_rootfs_stamp(t.fd, &none, &after, &t.err), 0);
    assert_int_equal(memcmp(before.digest, after.digest, CMC_SHA256_LEN) != 0, row->shows);
    end(&t);
}

static void fresh_is_not_settled(void **state)
{
    (void)state;
    struct tree t;
    struct measure_rootfs_stamp stamp;
    begin(&t);
    assert_int_equal(put(t.fd, "file", "x"), 0);
    ctime_is = NOW;
    assert_int_equal(measure_rootfs_stamp(t.fd, &none, &stamp, &t.err), 0);
    assert_true(stamp.wait_ms >= 100);
    ctime_is = NOW_IN_SECONDS;
    assert_int_equal(measure_rootfs_stamp(t.fd, &none, &stamp, &t.err), 0);
    ctime_is = AS_IT_IS;
    assert_true(stamp.wait_ms >= 1000);
    settle(&t, &stamp);
    assert_int_equal(stamp.entries, 1);
    end(&t);
}

/* A clock that was set to the old ctime: another file is another file still. */
static void another_inode_shows(void **state)
{
    (void)state;
    struct tree t;
    struct measure_rootfs_stamp before, after;
    begin(&t);
    assert_int_equal(put(t.fd, "file", "1") | put(t.fd, "other", "2"), 0);
    ctime_is = ALWAYS_THE_SAME;
    assert_int_equal(measure_rootfs_stamp(t.fd, &none, &before, &t.err), 0);
    assert_int_equal(measure_rootfs_stamp(t.fd, &none, &after, &t.err), 0);
    assert_memory_equal(before.digest, after.digest, CMC_SHA256_LEN);
    assert_int_equal(renameat2(t.fd, "file", t.fd, "other", RENAME_EXCHANGE), 0);
    assert_int_equal(measure_rootfs_stamp(t.fd, &none, &after, &t.err), 0);
    ctime_is = AS_IT_IS;
    assert_memory_not_equal(before.digest, after.digest, CMC_SHA256_LEN);
    end(&t);
}

static void an_empty_tree_is_settled(void **state)
{
    (void)state;
    struct tree t;
    struct measure_rootfs_stamp stamp;
    begin(&t);
    assert_int_equal(measure_rootfs_stamp(t.fd, &none, &stamp, &t.err), 0);
    assert_int_equal(stamp.wait_ms, 0);
    assert_int_equal(stamp.entries, 0);
    end(&t);
}

static int refuse(void *ctx, uint64_t entries, uint64_t bytes)
{
    (void)entries;
    assert_int_equal(bytes, 0);
    ++*(int *)ctx;
    return -1;
}

static void faults_leave_the_output_alone(void **state)
{
    (void)state;
    int calls = 0;
    const struct measure_rootfs_opts small = {.file_max = 5};
    const struct measure_rootfs_opts cancelled = {.progress = refuse, .ctx = &calls};
    struct tree t;
    struct measure_rootfs_stamp stamp = {.entries = 77};
    begin(&t);
    fill(&t);
    assert_int_equal(measure_rootfs_stamp(t.fd, &small, &stamp, &t.err), -CMC_E_LIMIT);
    assert_string_equal(t.err.msg, "/file: 6 bytes, at most 5 (file_max)");
    for (int i = 0; i < 1100; i++) {
        char name[16];
        (void)snprintf(name, sizeof(name), "%d", i);
        assert_int_equal(put(t.fd, name, ""), 0);
    }
    assert_int_equal(measure_rootfs_stamp(t.fd, &cancelled, &stamp, &t.err), -CMC_E_SYS);
    assert_int_equal(calls, 1);
    assert_true(measure_rootfs_stamp(-1, &none, &stamp, &t.err) < 0);
    assert_int_equal(stamp.entries, 77);
    end(&t);
}

/* What a snapshotter does: a new, empty top layer for each container. */
static int stamp_layers(struct tree *t, const char *upper, struct measure_rootfs_stamp *out)
{
    cmc_autofd int fd = open(upper, O_PATH | O_DIRECTORY | O_CLOEXEC);
    const int fds[] = {fd, t->fd};
    const struct measure_layers layers = {.fds = fds, .count = 2};
    return measure_rootfs_stamp_layers(&layers, &none, out, &t->err);
}

static int with_layers(struct tree *t)
{
    struct measure_rootfs_stamp one, two, three;
    if (chdir(t->path) != 0 || mkdir("a", 0755) != 0 || mkdir("b", 0755) != 0)
        return 1;
    if (stamp_layers(t, "a", &one) != 0)
        return strstr(t->err.msg, MEASURE_LAYERS_NOT) ? SKIPPED : 1;
    if (stamp_layers(t, "b", &two) != 0 || memcmp(one.digest, two.digest, CMC_SHA256_LEN) != 0 ||
        mkdir("b/dir", 0755) != 0 || stamp_layers(t, "b", &three) != 0)
        return 1;
    return memcmp(two.digest, three.digest, CMC_SHA256_LEN) == 0;
}

/* Nothing is opened here: only the mount number can tell. */
static int with_a_mount(struct tree *t)
{
    struct measure_rootfs_stamp stamp;
    if (unshare(CLONE_NEWNS) != 0 || mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) != 0 ||
        chdir(t->path) != 0 || chdir("root") != 0 ||
        mount("file", "file", NULL, MS_BIND, NULL) != 0)
        return SKIPPED;
    cmc_autofd int fd = open(".", O_PATH | O_DIRECTORY | O_CLOEXEC);
    const int r = measure_rootfs_stamp(fd, &none, &stamp, &t->err);
    return r != -CMC_E_VERIFY ||
           strcmp(t->err.msg, "/file: a mount point below the root; unmount it first") != 0;
}

int main(void)
{
    static int (*layers)(struct tree *) = with_layers, (*mounted)(struct tree *) = with_a_mount;
    static struct CMUnitTest tests[ROWS(rows) + 10];
    const struct CMUnitTest others[] = {
        cmocka_unit_test(fresh_is_not_settled),
        cmocka_unit_test(another_inode_shows),
        cmocka_unit_test(an_empty_tree_is_settled),
        cmocka_unit_test(faults_leave_the_output_alone),
        {"a new top layer", filled_in_child, NULL, NULL, &layers},
        {"a mount point", filled_in_child, NULL, NULL, &mounted},
    };
    size_t n = 0;
    for (size_t i = 0; i < ROWS(rows); i++)
        tests[n++] = (struct CMUnitTest){rows[i].name, run_row, NULL, NULL, &rows[i]};
    for (size_t i = 0; i < ROWS(others); i++)
        tests[n++] = others[i];
    return _cmocka_run_group_tests("measure/rootfs_stamp", tests, n, NULL, NULL);
}
