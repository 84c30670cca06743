/* SPDX-License-Identifier: Apache-2.0 */
/* tests/unit/measure/test_rootfs_owner.c -- the attribute as umoci writes it and as nobody should,
 * and trees that a rootless unpacking could not have kept. */
#include "tests/unit/measure/test_rootfs_tree.h"

#include <sys/socket.h>
#include <sys/un.h>
#include <sys/xattr.h>

#include "measure/rootfs_cmc.h"
#include "measure/rootfs_owner.h"

static struct row {
    const char *name;
    uint8_t value[24];
    size_t len;
    int code; /* 0: fine */
    uint32_t uid, gid;
} rows[] = {
    {"both", {0x08, 0xe8, 0x07, 0x10, 0xe9, 0x07}, 6, 0, 1000, 1001},
    {"a uid, the group unchanged", {8, 5, 16, 0xff, 0xff, 0xff, 0xff, 15}, 8, 0, 5, 0},
    {"a gid, the user unchanged", {8, 0xff, 0xff, 0xff, 0xff, 15, 16, 42}, 8, 0, 0, 42},
    {"the largest ids",
     {8, 0xfe, 0xff, 0xff, 0xff, 15, 16, 0xfe, 0xff, 0xff, 0xff, 15},
     12,
     0,
     4294967294,
     4294967294},
    {"the other order", {16, 1, 8, 2}, 4, 0, 2, 1},
    {"nothing", {0}, 0, 0, 0, 0},
    {"a uid only", {8, 7}, 2, 0, 7, 0},
    {"cut after a tag", {8}, 1, -CMC_E_FORMAT, 0, 0},
    {"cut in a number", {8, 0x80}, 2, -CMC_E_FORMAT, 0, 0},
    {"a uid twice", {8, 1, 8, 1}, 4, -CMC_E_FORMAT, 0, 0},
    {"a gid twice", {16, 1, 16, 2}, 4, -CMC_E_FORMAT, 0, 0},
    {"field 3", {24, 1}, 2, -CMC_E_FORMAT, 0, 0},
    {"field 0", {0, 1}, 2, -CMC_E_FORMAT, 0, 0},
    {"a uid as bytes", {10, 1, 'x'}, 3, -CMC_E_FORMAT, 0, 0},
    {"a gid as fixed32", {21, 1, 0, 0, 0}, 5, -CMC_E_FORMAT, 0, 0},
    {"a uid above 32 bits", {8, 0x80, 0x80, 0x80, 0x80, 16}, 6, -CMC_E_FORMAT, 0, 0},
};

static void run_row(void **state)
{
    const struct row *row = *state;
    struct measure_owner got = {77, 77};
    struct cmc_err err = {0};
    assert_int_equal(measure_owner_parse(row->value, row->len, &got, &err), row->code);
    assert_int_equal(err.code, -row->code);
    assert_int_equal(got.uid, row->code ? 77 : row->uid);
    assert_int_equal(got.gid, row->code ? 77 : row->gid);
}

static const struct measure_rootfs_opts plain, rootless = {.rootless = true};

static int set(const struct tree *t, const char *file, const char *name, const void *v, size_t n)
{
    cmc_autofd int fd = openat(t->fd, file, O_RDONLY | O_CLOEXEC);
    return fsetxattr(fd, name, v, n, 0);
}

/* The same tree twice: with owners on disk, and with owners in attributes. */
static void owners_are_what_the_attribute_says(void **state)
{
    (void)state;
    static const uint8_t both[] = {0x08, 0xe8, 0x07, 0x10, 0xe9, 0x07}, user[] = {8, 5};
    static const struct measure_idmap maps[] = {{500, 0, 1000}};
    const struct measure_rootfs_opts mapped = {
        .rootless = true, .uids = maps, .uid_maps = 1, .gids = maps, .gid_maps = 1};
    struct measure_rootfs want, want_cmc, got;
    struct tree t;
    begin(&t);
    fill(&t);
    assert_int_equal(unlinkat(t.fd, "fifo", 0), 0);
    if (fchownat(t.fd, "linked", 1000, 1001, 0) != 0) {
        end(&t);
        skip(); /* needs root */
    }
    assert_int_equal(fchownat(t.fd, "dir", 5, 0, 0), 0);
    assert_int_equal(measure_rootfs(t.fd, &plain, &want, &t.err), 0);
    assert_int_equal(measure_rootfs_cmc(t.fd, &plain, &want_cmc, &t.err), 0);
    assert_int_equal(want.guessed, 0);
    assert_int_equal(fchownat(t.fd, "linked", 0, 0, 0) | fchownat(t.fd, "dir", 0, 0, 0), 0);
    assert_int_equal(set(&t, "linked", "user.rootlesscontainers", both, sizeof(both)), 0);
    assert_int_equal(set(&t, "dir", "user.rootlesscontainers", user, sizeof(user)), 0);
    assert_int_equal(measure_rootfs(t.fd, &rootless, &got, &t.err), 0);
    assert_memory_equal(got.digest, want.digest, sizeof(got.digest));
    assert_int_equal(got.guessed, 1); /* sym */
    assert_int_equal(fchmodat(t.fd, "file", 0444, 0) | fchmodat(t.fd, "linked", 0444, 0), 0);
    assert_int_equal(measure_rootfs(t.fd, &rootless, &got, &t.err), 0);
    assert_int_equal(got.guessed, 2); /* file, but not linked and twin, which say what they are */
    assert_int_equal(fchmodat(t.fd, "file", 0644, 0) | fchmodat(t.fd, "linked", 0644, 0), 0);
    assert_int_equal(measure_rootfs(t.fd, &mapped, &got, &t.err), 0);
    assert_memory_equal(got.digest, want.digest, sizeof(got.digest));
    assert_int_equal(measure_rootfs_cmc(t.fd, &rootless, &got, &t.err), 0);
    assert_memory_equal(got.digest, want_cmc.digest, sizeof(got.digest));
    assert_int_equal(got.guessed, 1);
    end(&t);
}

static int of_another(const struct tree *t)
{
    return fchownat(t->fd, "dir/inner", 7, (gid_t)-1, 0);
}
static int a_fifo(const struct tree *t)
{
    return mkfifoat(t->fd, "pipe", 0600);
}
static int a_socket(const struct tree *t)
{
    struct sockaddr_un at = {.sun_family = AF_UNIX};
    cmc_autofd int s = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    (void)snprintf(at.sun_path, sizeof(at.sun_path), "%s/root/sock", t->path);
    return bind(s, (const struct sockaddr *)&at, sizeof(at));
}
static int a_device(const struct tree *t)
{
    return mknodat(t->fd, "node", S_IFCHR, 0);
}
static int an_empty_file_in_dev(const struct tree *t)
{
    return mkdirat(t->fd, "dev", 0755) | put(t->fd, "dev/null", "");
}
static int a_full_file_in_dev(const struct tree *t)
{
    return mkdirat(t->fd, "dev", 0755) | put(t->fd, "dev/readme", "x");
}
static int a_capability(const struct tree *t)
{
    static const uint8_t cap[20] = {1, 0, 0, 2, 0, 4};
    return set(t, "file", "security.capability", cap, sizeof(cap));
}
static int a_broken_attribute(const struct tree *t)
{
    return set(t, "file", "user.rootlesscontainers", "\x18\x01", 2);
}
static int a_long_attribute(const struct tree *t)
{
    char value[65] = {8, 1, 16, 1};
    return set(t, "dir", "user.rootlesscontainers", value, sizeof(value));
}

static struct lost {
    const char *name;
    int (*act)(const struct tree *t); /* below 0 with EPERM: skipped */
    enum cmc_code code;
    const char *message;
} lost[] = {
    {"another's file (root)", of_another, CMC_E_VERIFY, "/dir/inner: owned by 7, the root"},
    {"a FIFO", a_fifo, CMC_E_VERIFY, "/pipe: neither file, directory nor link"},
    {"a socket", a_socket, CMC_E_VERIFY, "/sock: neither file, directory nor link"},
    {"a device", a_device, CMC_E_VERIFY, "/node: neither file, directory nor link"},
    {"an empty file in dev", an_empty_file_in_dev, CMC_E_VERIFY, "/dev/null: an empty file in"},
    {"not a full one", a_full_file_in_dev, CMC_OK, ""},
    {"a capability (root)", a_capability, CMC_E_VERIFY, "/file: has a capability"},
    {"a broken attribute", a_broken_attribute, CMC_E_FORMAT,
     "/file: user.rootlesscontainers: field 3"},
    {"a long attribute", a_long_attribute, CMC_E_FORMAT,
     "/dir: user.rootlesscontainers: above 64 bytes"},
};

static void run_lost(void **state)
{
    const struct lost *row = *state;
    struct tree t;
    begin(&t);
    fill(&t);
    assert_int_equal(unlinkat(t.fd, "fifo", 0), 0);
    const int done = row->act(&t), why = errno;
    const int exact = measure_rootfs(t.fd, &rootless, &t.got, &t.err);
    const bool said = strncmp(t.err.msg, row->message, strlen(row->message)) == 0;
    const int cmc = measure_rootfs_cmc(t.fd, &rootless, &t.got, &t.err);
    const bool said_cmc = strncmp(t.err.msg, row->message, strlen(row->message)) == 0;
    end(&t);
    if (done != 0) {
        assert_int_equal(why, EPERM);
        skip();
    }
    assert_int_equal(exact, -(int)row->code);
    assert_int_equal(cmc, -(int)row->code);
    assert_true(said && said_cmc);
}

int main(void)
{
    static struct CMUnitTest tests[ROWS(rows) + ROWS(lost) + 1];
    size_t n = 0;
    for (size_t i = 0; i < ROWS(rows); i++)
        tests[n++] = (struct CMUnitTest){rows[i].name, run_row, NULL, NULL, &rows[i]};
    for (size_t i = 0; i < ROWS(lost); i++)
        tests[n++] = (struct CMUnitTest){lost[i].name, run_lost, NULL, NULL, &lost[i]};
    tests[n++] = (struct CMUnitTest)cmocka_unit_test(owners_are_what_the_attribute_says);
    return _cmocka_run_group_tests("measure/rootfs_owner", tests, n, NULL, NULL);
}
