/* SPDX-License-Identifier: Apache-2.0 */
/* tests/unit/measure/test_rootfs_refused.c -- trees that change, hide or mount something: refused
 * by name; and overlays, which only look as if they did. */
#include "tests/unit/measure/test_rootfs_tree.h"

#include <sched.h>
#include <sys/mount.h>

static void assert_refused(int r, enum cmc_code code, const struct cmc_err *err, const char *begins)
{
    assert_int_equal(r, -(int)code);
    if (strncmp(err->msg, begins, strlen(begins)) != 0)
        assert_string_equal(err->msg, begins);
}

struct meddler {
    const struct tree *t;
    int (*act)(const struct tree *t);
    int calls;
};

static int meddle(void *ctx, uint64_t entries, uint64_t bytes)
{
    struct meddler *m = ctx;
    (void)entries;
    (void)bytes;
    return m->calls++ == 0 ? m->act(m->t) : 0;
}

static int write_the_big(const struct tree *t)
{
    cmc_autofd int fd = openat(t->fd, "big", O_WRONLY | O_CLOEXEC);
    return pwrite(fd, "y", 1, 0) == 1 ? 0 : -1;
}
static int cut_the_big(const struct tree *t)
{
    cmc_autofd int fd = openat(t->fd, "big", O_WRONLY | O_CLOEXEC);
    return ftruncate(fd, 4096);
}
static int chmod_the_big(const struct tree *t)
{
    return fchmodat(t->fd, "big", 0600, 0);
}
static int add_beside(const struct tree *t)
{
    return put(t->fd, "added", "");
}
static int remove_a_later(const struct tree *t)
{
    return unlinkat(t->fd, "later", 0);
}
static int swap_the_directory(const struct tree *t)
{
    return renameat(t->fd, "dir", t->fd, "../dir") | symlinkat("../dir", t->fd, "dir");
}
static int cancel(const struct tree *t)
{
    (void)t;
    return -1;
}

static struct meddling {
    const char *name;
    int (*act)(const struct tree *t);
    enum cmc_code code;
    unsigned threads;
    const char *begins; /* with several threads another change of the same act may be met first */
} meddlings[] = {
    {"a byte written meanwhile", write_the_big, CMC_E_VERIFY, 1,
     "/big: changed while it was measured"},
    {"cut meanwhile", cut_the_big, CMC_E_VERIFY, 1, "/big: changed: it shrank"},
    {"chmod meanwhile", chmod_the_big, CMC_E_VERIFY, 1, "/big: changed while it was measured"},
    {"a file added meanwhile", add_beside, CMC_E_VERIFY, 1, "/: changed while it was measured"},
    {"a file removed meanwhile", remove_a_later, CMC_E_VERIFY, 1, "/"}, /* read by inode number */
    {"a directory made a link meanwhile", swap_the_directory, CMC_E_VERIFY, 1,
     "/dir: changed while it was measured"},
    {"cancelled", cancel, CMC_E_SYS, 1, "/big: cancelled"},
    {"a byte written meanwhile, threads", write_the_big, CMC_E_VERIFY, 4, "/big: changed while"},
    {"cut meanwhile, threads", cut_the_big, CMC_E_VERIFY, 4, "/big: changed"},
    {"chmod meanwhile, threads", chmod_the_big, CMC_E_VERIFY, 4, "/big: changed while"},
    {"a file added meanwhile, threads", add_beside, CMC_E_VERIFY, 4, "/"},
    {"a file removed meanwhile, threads", remove_a_later, CMC_E_VERIFY, 4, "/"},
    {"a directory made a link meanwhile, threads", swap_the_directory, CMC_E_VERIFY, 4, "/"},
    {"cancelled, threads", cancel, CMC_E_SYS, 4, "/big: cancelled"},
};

static void run_meddling(void **state)
{
    const struct meddling *row = *state;
    struct tree t;
    struct meddler m = {.t = &t, .act = row->act};
    const struct measure_rootfs_opts opts = {
        .threads = row->threads, .progress = meddle, .ctx = &m};
    uint8_t poison[sizeof(t.got)];
    begin(&t);
    cmc_autofd int big = openat(t.fd, "big", O_WRONLY | O_CREAT | O_CLOEXEC, 0644);
    char *data = malloc(1 << 20);
    assert_non_null(data);
    memset(data, 'x', 1 << 20);
    for (int i = 0; i < 9; i++) /* progress is told after 8 MiB: in the middle of this file */
        assert_int_equal(write(big, data, 1 << 20), 1 << 20);
    free(data);
    assert_int_equal(mkdirat(t.fd, "dir", 0755), 0);
    assert_int_equal(put(t.fd, "later", ""), 0);
    memset(&t.got, 0xa5, sizeof(t.got));
    memset(poison, 0xa5, sizeof(poison));
    assert_refused(run(&t, &opts), row->code, &t.err, row->begins);
    assert_true(m.calls > 0);
    assert_memory_equal(&t.got, poison, sizeof(poison));
    end(&t);
}

static int refused(int r, enum cmc_code code, const struct tree *t, const char *begins)
{
    if (r == -(int)code && strncmp(t->err.msg, begins, strlen(begins)) == 0)
        return 0;
    (void)fprintf(stderr, "%d %s, not %s\n", r, t->err.msg, begins);
    return 1;
}

static int measure_as_nobody(struct tree *t)
{
    static const struct measure_rootfs_opts none = {0};
    if (geteuid() == 0 && setresuid(65534, 65534, 65534) != 0)
        return SKIPPED;
    return refused(measure_rootfs(t->fd, &none, &t->got, &t->err), CMC_E_SYS, t,
                   "/secret: open: Permission denied");
}

static void an_unreadable_file_is_named(void **state)
{
    (void)state;
    struct tree t;
    begin(&t);
    assert_int_equal(put(t.fd, "secret", "x"), 0);
    assert_int_equal(fchmodat(t.fd, "secret", 0, 0), 0);
    in_child(measure_as_nobody, &t);
}

/* A descriptor of before belongs to the mounts of before: opened again. */
static int own_mounts(struct tree *t)
{
    if (unshare(CLONE_NEWNS) != 0 || mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) != 0 ||
        chdir(t->path) != 0 || chdir("root") != 0)
        return -1;
    cmc_closep(&t->fd);
    t->fd = open(".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    return t->fd < 0;
}

static int measure_with_mounts(struct tree *t)
{
    static const struct measure_rootfs_opts none = {0};
    if (own_mounts(t) != 0 || mount("dir", "dir", NULL, MS_BIND, NULL) != 0)
        return SKIPPED;
    int bad = refused(measure_rootfs(t->fd, &none, &t->got, &t->err), CMC_E_VERIFY, t,
                      "/dir: a mount point below the root");
    bad |= umount("dir") | mount("file", "file", NULL, MS_BIND, NULL);
    bad |= refused(measure_rootfs(t->fd, &none, &t->got, &t->err), CMC_E_VERIFY, t,
                   "/file: a mount point below the root");
    bad |= umount("file");
    return bad | (measure_rootfs(t->fd, &none, &t->got, &t->err) != 0);
}

static void a_mount_point_is_named(void **state)
{
    (void)state;
    struct tree t;
    begin(&t);
    fill(&t);
    in_child(measure_with_mounts, &t);
}

/* What is mounted there must not even be opened: it may hang or, as here, deny, and then the
 * message would hide what is wrong. */
static int measure_a_closed_mount(struct tree *t)
{
    static const struct measure_rootfs_opts none = {0};
    if (own_mounts(t) != 0 || mount("tmpfs", "dir", "tmpfs", 0, "mode=0") != 0 ||
        setresuid(65534, 65534, 65534) != 0)
        return SKIPPED;
    return refused(measure_rootfs(t->fd, &none, &t->got, &t->err), CMC_E_VERIFY, t,
                   "/dir: a mount point below the root");
}

static void a_mount_point_is_not_opened(void **state)
{
    (void)state;
    struct tree t;
    begin(&t);
    fill(&t);
    assert_int_equal(chmod(t.path, 0755), 0);
    in_child(measure_a_closed_mount, &t);
}

/* The same tree as an overlay of two layers on different file systems, the upper one with a
 * whiteout: files there have other device numbers than directories, and no link counts to trust. */
static int measure_overlay(struct tree *t)
{
    static const struct measure_rootfs_opts none = {0};
    struct measure_rootfs merged;
    if (own_mounts(t) != 0 || mkdir("../upper", 0755) != 0 || mkdir("../merged", 0755) != 0 ||
        mount("tmpfs", "../upper", "tmpfs", 0, "mode=755") != 0 ||
        mkdir("../upper/dir", 0755) != 0 || mknod("../upper/gone", S_IFCHR, 0) != 0 ||
        put(AT_FDCWD, "gone", "covered by a whiteout") != 0 || chdir("..") != 0 ||
        mount("overlay", "merged", "overlay", MS_RDONLY, "lowerdir=upper:root") != 0)
        return SKIPPED;
    cmc_autofd int fd = open("merged", O_PATH | O_DIRECTORY | O_CLOEXEC);
    int bad = measure_rootfs(fd, &none, &merged, &t->err);
    bad |= unlinkat(t->fd, "gone", 0);
    bad |= measure_rootfs(t->fd, &none, &t->got, &t->err);
    if (bad)
        (void)fprintf(stderr, "%s\n", t->err.msg);
    return bad || memcmp(merged.digest, t->got.digest, CMC_SHA256_LEN) != 0;
}

static void an_overlay_is_what_it_shows(void **state)
{
    (void)state;
    struct tree t;
    begin(&t);
    fill(&t);
    in_child(measure_overlay, &t);
}

static void the_root_must_be_a_directory(void **state)
{
    (void)state;
    static const struct measure_rootfs_opts none = {0};
    struct tree t;
    begin(&t);
    assert_int_equal(put(t.fd, "file", "x"), 0);
    cmc_autofd int file = openat(t.fd, "file", O_PATH | O_CLOEXEC);
    assert_true(measure_rootfs(file, &none, &t.got, &t.err) < 0);
    assert_true(measure_rootfs(-1, &none, &t.got, &t.err) < 0);
    end(&t);
}

static void names_in_messages_are_safe(void **state)
{
    (void)state;
    static const struct measure_rootfs_opts none = {0};
    struct tree t;
    begin(&t);
    char name[256];
    memset(name, '\x1b', sizeof(name));
    name[255] = 0;
    assert_int_equal(mkdirat(t.fd, name, 0755), 0);
    cmc_autofd int dir = openat(t.fd, name, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    assert_int_equal(put(dir, name, "x"), 0);
    int calls = 1;
    struct meddler m = {.t = &t, .act = cancel};
    struct measure_rootfs_opts opts = {.progress = meddle, .ctx = &m};
    for (int i = 0; i < 1023; i++) {
        char more[16];
        (void)snprintf(more, sizeof(more), "%d", i);
        calls += put(dir, more, "");
    }
    assert_int_equal(calls, 1);
    assert_int_equal(run(&t, &opts), -CMC_E_SYS);
    for (const char *c = t.err.msg; *c; c++)
        assert_true(*c >= 0x20 && *c < 0x7f);
    assert_non_null(strstr(t.err.msg, "cancelled"));
    assert_int_equal(measure_rootfs(t.fd, &none, &t.got, &t.err), 0);
    end(&t);
}

int main(void)
{
    static struct CMUnitTest tests[ROWS(meddlings) + 10];
    static const struct CMUnitTest others[] = {
        cmocka_unit_test(an_unreadable_file_is_named),
        cmocka_unit_test(a_mount_point_is_named),
        cmocka_unit_test(a_mount_point_is_not_opened),
        cmocka_unit_test(an_overlay_is_what_it_shows),
        cmocka_unit_test(the_root_must_be_a_directory),
        cmocka_unit_test(names_in_messages_are_safe),
    };
    size_t n = 0;
    for (size_t i = 0; i < ROWS(meddlings); i++)
        tests[n++] =
            (struct CMUnitTest){meddlings[i].name, run_meddling, NULL, NULL, &meddlings[i]};
    for (size_t i = 0; i < ROWS(others); i++)
        tests[n++] = others[i];
    return _cmocka_run_group_tests("measure/rootfs_refused", tests, n, NULL, NULL);
}
