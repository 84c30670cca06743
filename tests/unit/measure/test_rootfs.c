/* SPDX-License-Identifier: Apache-2.0 */
/* tests/unit/measure/test_rootfs.c -- real trees: what changes the digest and what does not. Each
 * measurement also proves that its listing has the same digest. */
#include "tests/unit/measure/test_rootfs_tree.h"

#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/sysmacros.h>
#include <sys/un.h>
#include <sys/xattr.h>

/* --- what changes the digest, and how the difference is named --- */

static int one_byte(const struct tree *t)
{
    return put(t->fd, "file", "hellp\n");
}
static int a_longer_file(const struct tree *t)
{
    return put(t->fd, "empty", "\n");
}
static int a_mode(const struct tree *t)
{
    return fchmodat(t->fd, "file", 0645, 0);
}
static int a_setuid_bit(const struct tree *t)
{
    return fchmodat(t->fd, "file", 04644, 0);
}
static int a_directory_mode(const struct tree *t)
{
    return fchmodat(t->fd, "dir", 0750, 0);
}
static int an_owner(const struct tree *t)
{
    return fchownat(t->fd, "sym", 7, (gid_t)-1, AT_SYMLINK_NOFOLLOW);
}
static int a_group(const struct tree *t)
{
    return fchownat(t->fd, "fifo", (uid_t)-1, 7, 0);
}
static int set(const struct tree *t, const char *file, const char *name, const void *v, size_t n)
{
    cmc_autofd int fd = openat(t->fd, file, O_RDONLY | O_CLOEXEC);
    return fsetxattr(fd, name, v, n, 0);
}
static int a_user_attribute(const struct tree *t)
{
    return set(t, "file", "user.a", "1", 1);
}
static int an_acl(const struct tree *t)
{
    static const uint8_t acl[] = {2, 0, 0,   0,   1,   0,   6,  0, 255, 255, 255, 255, 2,   0,  4,
                                  0, 9, 0,   0,   0,   4,   0,  4, 0,   255, 255, 255, 255, 16, 0,
                                  4, 0, 255, 255, 255, 255, 32, 0, 4,   0,   255, 255, 255, 255};
    return set(t, "file", "system.posix_acl_access", acl, sizeof(acl));
}
static int a_capability(const struct tree *t)
{
    static const uint8_t cap[20] = {1, 0, 0, 2, 0, 4};
    return set(t, "file", "security.capability", cap, sizeof(cap));
}
static int an_attribute_of_the_root(const struct tree *t)
{
    return fsetxattr(t->fd, "user.a", "1", 1, 0);
}
static int a_type(const struct tree *t)
{
    return unlinkat(t->fd, "empty", 0) | mkfifoat(t->fd, "empty", 0644);
}
static int a_name(const struct tree *t)
{
    return renameat(t->fd, "file", t->fd, "filf");
}
static int a_place(const struct tree *t)
{
    return renameat(t->fd, "file", t->fd, "dir/file");
}
static int a_target(const struct tree *t)
{
    return unlinkat(t->fd, "sym", 0) | symlinkat("filf", t->fd, "sym");
}
static int a_broken_link(const struct tree *t)
{
    return unlinkat(t->fd, "twin", 0) | put(t->fd, "twin", "x");
}
static int a_third_link(const struct tree *t)
{
    return linkat(t->fd, "linked", t->fd, "dir/also", 0);
}
static int an_empty_directory(const struct tree *t)
{
    return mkdirat(t->fd, "new", 0755);
}
static int a_removed_file(const struct tree *t)
{
    return unlinkat(t->fd, "dir/inner", 0);
}

/* --- what does not --- */

static int the_times(const struct tree *t)
{
    static const struct timespec times[2] = {{1, 1}, {2, 2}};
    return utimensat(t->fd, "file", times, 0) | utimensat(t->fd, "dir", times, 0) |
           utimensat(t->fd, "sym", times, AT_SYMLINK_NOFOLLOW) | futimens(t->fd, times);
}
static int the_roots_mode(const struct tree *t)
{
    return fchmod(t->fd, 0700);
}
static int the_roots_owner(const struct tree *t)
{
    return fchown(t->fd, 7, 7);
}
static int a_link_from_outside(const struct tree *t)
{
    return linkat(t->fd, "file", t->fd, "../outside", 0);
}
static int an_excluded_attribute(const struct tree *t)
{
    return set(t, "file", "user.overlay.origin", "1", 1);
}
static int another_inode(const struct tree *t)
{
    return put(t->fd, "dir/copy", "hello\n") | renameat(t->fd, "dir/copy", t->fd, "file");
}

struct row {
    const char *name;
    int (*change)(const struct tree *t); /* below 0 with EPERM or EOPNOTSUPP: skipped */
    const char *want;                    /* "" when the digest stays */
};

static struct row rows[] = {
    {"one byte", one_byte, "/file content;"},
    {"a longer file", a_longer_file, "/empty content;"},
    {"a mode", a_mode, "/file mode;"},
    {"a setuid bit", a_setuid_bit, "/file mode;"},
    {"a directory's mode", a_directory_mode, "/dir mode;"},
    {"an owner (root)", an_owner, "/sym owner;"},
    {"a group (root)", a_group, "/fifo owner;"},
    {"a user attribute", a_user_attribute, "/file xattr;"},
    {"an ACL", an_acl, "/file xattr;"},
    {"a capability (root)", a_capability, "/file xattr;"},
    {"an attribute of the root", an_attribute_of_the_root, "/ xattr;"},
    {"a type", a_type, "/empty type;"},
    {"a name", a_name, "/file removed;/filf added;"},
    {"a place", a_place, "/dir/file added;/file removed;"},
    {"a target", a_target, "/sym target;"},
    {"a broken hard link", a_broken_link, "/linked hardlink;/twin hardlink;"},
    {"a third hard link, first in order", a_third_link,
     "/dir/also added;/linked hardlink;/twin hardlink;"},
    {"an empty directory", an_empty_directory, "/new added;"},
    {"a removed file", a_removed_file, "/dir/inner removed;"},
    {"not times", the_times, ""},
    {"not the root's mode", the_roots_mode, ""},
    {"not the root's owner (root)", the_roots_owner, ""},
    {"not a hard link from outside", a_link_from_outside, ""},
    {"not an excluded attribute", an_excluded_attribute, ""},
    {"not another inode", another_inode, ""},
};

static int note(void *ctx, struct measure_bytes path, unsigned changes)
{
    struct cmc_buf *out = ctx;
    cmc_put(out, path.p, path.len);
    for (unsigned bit = 1; bit <= changes; bit <<= 1)
        if (changes & bit)
            cmc_put_fmt(out, " %s", measure_change_name((enum measure_change)bit));
    cmc_put_u8(out, ';');
    return 0;
}

static void run_row(void **state)
{
    const struct row *row = *state;
    struct tree t;
    begin(&t);
    fill(&t);
    measure(&t);
    const struct measure_rootfs before = t.got;
    struct cmc_buf old = t.listing, said = cmc_buf_of(4096);
    t.listing = (struct cmc_buf){0};
    errno = 0;
    const int changed = row->change(&t), why = errno;
    if (changed == 0) {
        measure(&t);
        assert_int_equal(measure_listing_diff((struct measure_bytes){old.data, old.len},
                                              (struct measure_bytes){t.listing.data, t.listing.len},
                                              note, &said, &t.err),
                         0);
        cmc_put_u8(&said, 0);
        assert_string_equal((const char *)said.data, row->want);
        assert_int_equal(memcmp(before.digest, t.got.digest, CMC_SHA256_LEN) != 0,
                         row->want[0] != 0);
    }
    cmc_buf_done(&old);
    cmc_buf_done(&said);
    end(&t);
    if (changed != 0) {
        assert_true(why == EPERM || why == EOPNOTSUPP);
        skip();
    }
}

/* --- trees of another kind --- */

static void bind_socket(const struct tree *t, const char *name)
{
    struct sockaddr_un at = {.sun_family = AF_UNIX};
    cmc_autofd int s = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    (void)snprintf(at.sun_path, sizeof(at.sun_path), "%s/root/%s", t->path, name);
    assert_int_equal(bind(s, (const struct sockaddr *)&at, sizeof(at)), 0);
}

/* A FIFO nobody writes to would hang, a device 0:0 and a socket would fail, if they were opened. */
static void special_files_are_not_opened(void **state)
{
    (void)state;
    struct tree t;
    begin(&t);
    assert_int_equal(mkfifoat(t.fd, "fifo", 0644), 0);
    assert_int_equal(symlinkat("/proc/kmsg", t.fd, "sym"), 0);
    assert_int_equal(symlinkat("loop", t.fd, "loop"), 0);
    bind_socket(&t, "socket");
    const int devices = mknodat(t.fd, "null", S_IFCHR | 0666, makedev(1, 3)) |
                        mknodat(t.fd, "whiteout", S_IFCHR, makedev(0, 0)) |
                        mknodat(t.fd, "disk", S_IFBLK | 0600, makedev(4095, 1048575));
    measure(&t);
    assert_int_equal(t.got.files, 0);
    if (devices == 0) {
        assert_int_equal(t.got.entries, 7);
        assert_non_null(memmem(t.listing.data, t.listing.len, "/disk rdev=4095:1048575\n", 24));
        const struct measure_rootfs before = t.got;
        assert_int_equal(unlinkat(t.fd, "null", 0), 0);
        assert_int_equal(mknodat(t.fd, "null", S_IFCHR | 0666, makedev(1, 5)), 0);
        measure(&t);
        assert_memory_not_equal(before.digest, t.got.digest, CMC_SHA256_LEN);
    }
    end(&t);
}

static void odd_names(void **state)
{
    (void)state;
    char longest[256];
    static const char *const names[] = {"\n", " ", "\\", "\xff\xfe", "...", "-rf", "%s%n", "\x01"};
    struct tree t;
    begin(&t);
    memset(longest, '~', sizeof(longest));
    longest[255] = 0;
    assert_int_equal(put(t.fd, longest, "x"), 0);
    for (size_t i = 0; i < ROWS(names); i++)
        assert_int_equal(put(t.fd, names[i], "x"), 0);
    measure(&t);
    assert_int_equal(t.got.entries, ROWS(names) + 1);
    assert_int_equal(t.got.bytes, ROWS(names) + 1);
    end(&t);
}

static void owners_are_what_the_container_sees(void **state)
{
    (void)state;
    static const struct measure_idmap maps[] = {{0, 100000, 10}};
    const struct measure_rootfs_opts opts = {
        .uids = maps, .gids = maps, .uid_maps = 1, .gid_maps = 1};
    struct tree t;
    begin(&t);
    if (put(t.fd, "a", "") != 0 || fchownat(t.fd, "a", 100007, 5, 0) != 0) {
        end(&t);
        skip(); /* needs root */
    }
    assert_int_equal(run(&t, &opts), 0);
    assert_non_null(memmem(t.listing.data, t.listing.len, "\nf 0644 7 65534 /a ", 19));
    end(&t);
}

enum { DEPTH = 3100, EVERY = 10 };

/* Names of 100 bytes: far beyond PATH_MAX. Built and removed by descriptors, as it is walked. */
static void build_deep(int top, const char *name)
{
    int at = dup(top);
    for (int i = 0; i < DEPTH; i++) {
        assert_int_equal(mkdirat(at, name, 0755), 0);
        if (i % EVERY == 0) /* to be visited on the way back */
            assert_int_equal(put(at, "z", "x"), 0);
        const int next = openat(at, name, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
        assert_true(next >= 0);
        (void)close(at);
        at = next;
    }
    (void)close(at);
}

static void remove_deep(int top, const char *name)
{
    int at = dup(top);
    for (int i = 0; i < DEPTH; i++) {
        const int next = openat(at, name, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
        if (i % EVERY == 0)
            (void)unlinkat(at, "z", 0);
        (void)close(at);
        at = next;
    }
    for (int i = 0; i < DEPTH; i++) {
        const int up = openat(at, "..", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
        (void)close(at);
        at = up;
        assert_int_equal(unlinkat(at, name, AT_REMOVEDIR), 0);
    }
    (void)close(at);
}

static void any_depth_with_few_descriptors(void **state)
{
    (void)state;
    char name[101];
    static const struct measure_rootfs_opts none = {0};
    struct rlimit few, was;
    struct tree t;
    begin(&t);
    memset(name, 'd', sizeof(name));
    name[100] = 0;
    build_deep(t.fd, name);
    assert_int_equal(getrlimit(RLIMIT_NOFILE, &was), 0);
    few = (struct rlimit){.rlim_cur = 100, .rlim_max = was.rlim_max};
    assert_int_equal(setrlimit(RLIMIT_NOFILE, &few), 0);
    const int r = measure_rootfs(t.fd, &none, &t.got, &t.err);
    assert_int_equal(setrlimit(RLIMIT_NOFILE, &was), 0);
    remove_deep(t.fd, name);
    if (r < 0)
        print_error("%s\n", t.err.msg);
    assert_int_equal(r, 0);
    assert_int_equal(t.got.entries, DEPTH + DEPTH / EVERY);
    assert_int_equal(t.got.files, DEPTH / EVERY);
    end(&t);
}

int main(void)
{
    static struct CMUnitTest tests[ROWS(rows) + 10];
    static const struct CMUnitTest others[] = {
        cmocka_unit_test(special_files_are_not_opened),
        cmocka_unit_test(odd_names),
        cmocka_unit_test(owners_are_what_the_container_sees),
        cmocka_unit_test(any_depth_with_few_descriptors),
    };
    size_t n = 0;
    for (size_t i = 0; i < ROWS(rows); i++)
        tests[n++] = (struct CMUnitTest){rows[i].name, run_row, NULL, NULL, &rows[i]};
    for (size_t i = 0; i < ROWS(others); i++)
        tests[n++] = others[i];
    return _cmocka_run_group_tests("measure/rootfs", tests, n, NULL, NULL);
}
