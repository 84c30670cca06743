/* SPDX-License-Identifier: Apache-2.0 */
/* tests/unit/measure/test_rootfs_cmc.c -- real trees in CMC's form: what counts and what does not,
 * and what CMC would measure to something untrue. Golden trees: tests/oracle. */
#include "tests/unit/measure/test_rootfs_tree.h"

#include <sched.h>
#include <sys/mount.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/xattr.h>

#include "base/hex.h"
#include "measure/rootfs_cmc.h"

static const struct measure_rootfs_opts none;

static void digest_of(struct tree *t, uint8_t out[static CMC_SHA256_LEN])
{
    const int r = measure_rootfs_cmc(t->fd, &none, &t->got, &t->err);
    if (r < 0)
        print_error("%s\n", t->err.msg);
    assert_int_equal(r, 0);
    memcpy(out, t->got.digest, CMC_SHA256_LEN);
}

static void assert_digest(struct tree *t, const char *want)
{
    uint8_t digest[CMC_SHA256_LEN];
    char hex[2 * CMC_SHA256_LEN + 1];
    digest_of(t, digest);
    cmc_hex(digest, sizeof(digest), hex);
    assert_string_equal(hex, want);
}

static int set(const struct tree *t, const char *file, const char *name, const void *v, size_t n)
{
    cmc_autofd int fd = openat(t->fd, file, O_RDONLY | O_CLOEXEC);
    return fsetxattr(fd, name, v, n, 0);
}

/* docs/formats/cmc-rootfs.md, "Worked example" */
static void the_examples_of_the_page(void **state)
{
    (void)state;
    static const uint8_t capability[20] = {1, 0, 0, 2, 0, 0x20};
    struct tree t;
    begin(&t);
    assert_digest(&t, "5f70bf18a086007016e948b04aed3b82103a36bea41755b6cddfaf10ace3c6ef");
    assert_int_equal(t.got.entries, 0);
    assert_int_equal(put(t.fd, "a", "hi\n"), 0);
    if (geteuid() != 0) {
        end(&t);
        skip(); /* the file is another's */
    }
    assert_digest(&t, "b01c7b576ea416304df4a6813db01f189f67a0dabc7b53e67743254e464e447c");
    assert_int_equal(t.got.entries, 1);
    assert_int_equal(t.got.files, 1);
    assert_int_equal(t.got.bytes, 3);
    assert_int_equal(set(&t, "a", "security.capability", capability, sizeof(capability)), 0);
    assert_digest(&t, "b65e6db3277e55cafe615051436cf9188eab453f7ea191d99af072e55e635e12");
    end(&t);
}

static int a_byte(const struct tree *t)
{
    return put(t->fd, "file", "jello\n");
}
static int a_mode(const struct tree *t)
{
    return fchmodat(t->fd, "dir", 0750, 0);
}
static int an_owner(const struct tree *t)
{
    return fchownat(t->fd, "sym", 7, 7, AT_SYMLINK_NOFOLLOW);
}
static int a_target(const struct tree *t)
{
    return unlinkat(t->fd, "sym", 0) | symlinkat("filf", t->fd, "sym");
}
static int a_broken_link(const struct tree *t)
{
    return unlinkat(t->fd, "twin", 0) | put(t->fd, "twin", "x");
}
static int an_empty_directory(const struct tree *t)
{
    return mkdirat(t->fd, "new", 0755);
}
static int a_place(const struct tree *t)
{
    return renameat(t->fd, "fifo", t->fd, "dir/fifo");
}
static int a_socket(const struct tree *t)
{
    struct sockaddr_un at = {.sun_family = AF_UNIX};
    cmc_autofd int s = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    (void)snprintf(at.sun_path, sizeof(at.sun_path), "%s/root/sock", t->path);
    return bind(s, (const struct sockaddr *)&at, sizeof(at));
}
static int a_user_attribute(const struct tree *t)
{
    return set(t, "file", "user.a", "1", 1);
}
static int the_times(const struct tree *t)
{
    static const struct timespec times[2] = {{1, 1}, {2, 2}};
    return utimensat(t->fd, "file", times, 0);
}
static int the_root(const struct tree *t)
{
    return fchmod(t->fd, 0700);
}
static int a_link_from_outside(const struct tree *t)
{
    return linkat(t->fd, "file", t->fd, "../outside", 0);
}

static struct row {
    const char *name;
    int (*act)(const struct tree *t); /* below 0 with EPERM: skipped */
    bool counts;
} rows[] = {
    {"a byte", a_byte, true},
    {"a mode", a_mode, true},
    {"an owner (root)", an_owner, true},
    {"a target", a_target, true},
    {"a broken hard link", a_broken_link, true},
    {"an empty directory", an_empty_directory, true},
    {"a place", a_place, true},
    {"not a socket", a_socket, false},
    {"not a user attribute", a_user_attribute, false},
    {"not times", the_times, false},
    {"not the root", the_root, false},
    {"not a link from outside", a_link_from_outside, false},
};

static void run_row(void **state)
{
    const struct row *row = *state;
    uint8_t before[CMC_SHA256_LEN], after[CMC_SHA256_LEN];
    struct tree t;
    begin(&t);
    fill(&t);
    digest_of(&t, before);
    const int changed = row->act(&t), why = errno;
    digest_of(&t, after);
    end(&t);
    if (changed != 0) {
        assert_int_equal(why, EPERM);
        skip();
    }
    assert_int_equal(memcmp(before, after, sizeof(before)) != 0, row->counts);
}

static void holes_are_zeros(void **state)
{
    (void)state;
    enum { SIZE = 5 << 20, AT = (3 << 20) + 17 };
    static uint8_t data[SIZE];
    uint8_t sparse[CMC_SHA256_LEN], dense[CMC_SHA256_LEN];
    struct tree t;
    begin(&t);
    cmc_autofd int fd = openat(t.fd, "f", O_RDWR | O_CREAT | O_CLOEXEC, 0644);
    assert_int_equal(ftruncate(fd, SIZE), 0);
    assert_int_equal(pwrite(fd, "x", 1, AT), 1);
    digest_of(&t, sparse);
    data[AT] = 'x';
    assert_int_equal(pwrite(fd, data, SIZE, 0), SIZE);
    digest_of(&t, dense);
    assert_memory_equal(sparse, dense, sizeof(sparse));
    end(&t);
}

struct meddler {
    struct tree *t;
    int calls;
};

static int write_meanwhile(void *ctx, uint64_t entries, uint64_t bytes)
{
    struct meddler *m = ctx;
    (void)entries;
    (void)bytes;
    return m->calls++ == 0 ? put(m->t->fd, "f", "x") : 0;
}

static int cancel(void *ctx, uint64_t entries, uint64_t bytes)
{
    struct meddler *m = ctx;
    (void)entries;
    m->calls += bytes <= 64 << 20;
    return -1;
}

static void faults_leave_the_output_alone(void **state)
{
    (void)state;
    struct tree t;
    begin(&t);
    cmc_autofd int fd = openat(t.fd, "f", O_RDWR | O_CREAT | O_CLOEXEC, 0644);
    struct meddler writes = {.t = &t}, cancels = {.t = &t};
    const struct measure_rootfs_opts small = {.file_max = 99}, enough = {.file_max = 1 << 30},
                                     changing = {.progress = write_meanwhile, .ctx = &writes},
                                     cancelled = {.progress = cancel, .ctx = &cancels};
    assert_int_equal(ftruncate(fd, 100 << 20), 0);
    memset(&t.got, 0xa5, sizeof(t.got));
    const struct measure_rootfs poison = t.got;
    assert_int_equal(measure_rootfs_cmc(t.fd, &small, &t.got, &t.err), -CMC_E_LIMIT);
    assert_string_equal(t.err.msg, "/f: 104857600 bytes, at most 99 (file_max)");
    assert_int_equal(measure_rootfs(t.fd, &small, &t.got, &t.err), -CMC_E_LIMIT);
    assert_string_equal(t.err.msg, "/f: 104857600 bytes, at most 99 (file_max)");
    assert_int_equal(measure_rootfs_cmc(t.fd, &cancelled, &t.got, &t.err), -CMC_E_SYS);
    assert_int_equal(cancels.calls, 1); /* told of zeros, too */
    assert_int_equal(measure_rootfs_cmc(t.fd, &changing, &t.got, &t.err), -CMC_E_VERIFY);
    assert_non_null(strstr(t.err.msg, "/f: changed"));
    assert_memory_equal(&poison, &t.got, sizeof(poison));
    assert_int_equal(measure_rootfs_cmc(t.fd, &enough, &t.got, &t.err), 0);
    end(&t);
}

/* CMC asks lstat(2) for a path: there is none of more than 4,095 bytes. */
static void a_path_beyond_linux_is_named(void **state)
{
    (void)state;
    char name[251];
    struct tree t;
    begin(&t);
    memset(name, 'd', sizeof(name));
    name[250] = 0;
    cmc_autofd int at = fcntl(t.fd, F_DUPFD_CLOEXEC, 0);
    for (int i = 0; i < 17; i++) {
        assert_int_equal(mkdirat(at, name, 0755), 0);
        const int next = openat(at, name, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
        (void)close(at);
        at = next;
    }
    assert_int_equal(measure_rootfs_cmc(t.fd, &none, &t.got, &t.err), -CMC_E_LIMIT);
    assert_non_null(strstr(t.err.msg, "a name of 4267 bytes, at most 4095"));
    for (int i = 0; i < 17; i++) {
        const int up = openat(at, "..", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
        (void)close(at);
        at = up;
        assert_int_equal(unlinkat(at, name, AT_REMOVEDIR), 0);
    }
    end(&t);
}

static int own_mounts(const struct tree *t)
{
    return unshare(CLONE_NEWNS) | mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) |
           chdir(t->path);
}

/* Two file systems that count their inodes from the same number. */
static int two_names(const char *dir, const char *one, const char *two)
{
    if (mkdir(dir, 0755) != 0 || mount("tmpfs", dir, "tmpfs", 0, "mode=755") != 0)
        return -1;
    cmc_autofd int fd = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    return put(fd, one, dir) | linkat(fd, one, fd, two, 0);
}

static int one_inode_number_on_two_devices(struct tree *t)
{
    if (own_mounts(t) != 0 || two_names("lower", "a", "b") != 0 ||
        two_names("upper", "c", "d") != 0 ||
        mount("overlay", "root", "overlay", MS_RDONLY, "lowerdir=upper:lower,xino=off") != 0)
        return SKIPPED;
    cmc_autofd int fd = open("root", O_PATH | O_DIRECTORY | O_CLOEXEC);
    const int r = measure_rootfs_cmc(fd, &none, &t->got, &t->err);
    return r != -CMC_E_VERIFY || strncmp(t->err.msg, "/c: inode ", 10) != 0 ||
           !strstr(t->err.msg, "is on two devices") ||
           measure_rootfs(fd, &none, &t->got, &t->err) != 0;
}

static int a_mount_point(struct tree *t)
{
    if (own_mounts(t) != 0 || mount("tmpfs", "root/dir", "tmpfs", 0, "mode=0") != 0)
        return SKIPPED;
    cmc_autofd int fd = open("root", O_PATH | O_DIRECTORY | O_CLOEXEC);
    const int r = measure_rootfs_cmc(fd, &none, &t->got, &t->err);
    return r != -CMC_E_VERIFY || strncmp(t->err.msg, "/dir: a mount point", 19) != 0;
}

int main(void)
{
    static int (*devices)(struct tree *) = one_inode_number_on_two_devices,
                                      (*mounted)(struct tree *) = a_mount_point;
    static struct CMUnitTest tests[ROWS(rows) + 10];
    const struct CMUnitTest others[] = {
        cmocka_unit_test(the_examples_of_the_page),
        cmocka_unit_test(holes_are_zeros),
        cmocka_unit_test(faults_leave_the_output_alone),
        cmocka_unit_test(a_path_beyond_linux_is_named),
        {"one inode number on two devices", filled_in_child, NULL, NULL, &devices},
        {"a mount point", filled_in_child, NULL, NULL, &mounted},
    };
    size_t n = 0;
    for (size_t i = 0; i < ROWS(rows); i++)
        tests[n++] = (struct CMUnitTest){rows[i].name, run_row, NULL, NULL, &rows[i]};
    for (size_t i = 0; i < ROWS(others); i++)
        tests[n++] = others[i];
    return _cmocka_run_group_tests("measure/rootfs_cmc", tests, n, NULL, NULL);
}
