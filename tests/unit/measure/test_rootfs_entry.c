/* SPDX-License-Identifier: Apache-2.0 */
/* tests/unit/measure/test_rootfs_entry.c -- each covered field changes an entry's digest. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <sys/stat.h>

#include <cmocka.h>

#include "base/hex.h"
#include "measure/rootfs_entry.h"
#include "tests/lib/rows.h"

#define BYTES(s)                                                                                   \
    {                                                                                              \
        (const uint8_t *)(s), sizeof(s) - 1                                                        \
    }

static const uint8_t one[CMC_SHA256_LEN] = {1}, two[CMC_SHA256_LEN] = {2};

static void assert_hex(const uint8_t digest[static CMC_SHA256_LEN], const char *want)
{
    char hex[2 * CMC_SHA256_LEN + 1];
    cmc_hex(digest, CMC_SHA256_LEN, hex);
    assert_string_equal(hex, want);
}

/* docs/formats/rootfs-tree.md, "Worked example" */
static void the_worked_example(void **state)
{
    (void)state;
    uint8_t content[CMC_SHA256_LEN], d[CMC_SHA256_LEN];
    struct cmc_err err = {0};
    struct cmc_sha256_ctx dir;
    assert_int_equal(cmc_unhex("3d248ca542a24fc62d1c43b916eae5016878e2533c88238480b26128a1f1af95",
                               64, content, sizeof(content), &err),
                     0);
    const struct measure_entry e = {.type = 'f',
                                    .mode = 0644,
                                    .name = BYTES("a"),
                                    .xattrs = measure_no_xattrs,
                                    .digest = content};
    measure_entry_digest(&e, d);
    assert_hex(d, "bf715379cc5d9582b4ed3d26c0b5d6dc709b05b0e77bca095a0d626444a6cadf");
    measure_dir_start(&dir);
    cmc_sha256_add(&dir, d, sizeof(d));
    cmc_sha256_end(&dir, d);
    assert_hex(d, "33c547f952ebe492edbf3b9955e90f3e67f6c435f42766267470dc90684bb883");
    measure_root_digest(d, measure_no_xattrs, d);
    assert_hex(d, "b63a0f6ff6382f5cd49bb5e867c91caaa6b08fa516e68e32745728c1c5a188db");
}

/* No two of these may share a digest: neighbours differ in one field, or try to move bytes from
 * one field into the next. */
#define NONE BYTES("\0\0\0\0")
#define X    "\0\0\0\1\0\6user.a\0\0\0\1x"
#define Y    "\0\0\0\1\0\6user.a\0\0\0\1y"
#define LONG                                                                                       \
    "a name that is not at all short, as a file's is whose maker had much to say of it "           \
    "............"
static const struct measure_entry all[] = {
    {.type = 'f', .mode = 0644, .name = BYTES("a"), .xattrs = NONE, .digest = one},
    {.type = 'f', .mode = 0645, .name = BYTES("a"), .xattrs = NONE, .digest = one},
    {.type = 'f', .mode = 0644, .name = BYTES("b"), .xattrs = NONE, .digest = one},
    {.type = 'f', .mode = 0644, .name = BYTES("aa"), .xattrs = NONE, .digest = one},
    {.type = 'f', .mode = 0644, .name = BYTES("a"), .xattrs = NONE, .digest = two},
    {.type = 'f', .mode = 0644, .uid = 1, .name = BYTES("a"), .xattrs = NONE, .digest = one},
    {.type = 'f', .mode = 0644, .gid = 1, .name = BYTES("a"), .xattrs = NONE, .digest = one},
    {.type = 'f', .mode = 0644, .size = 1, .name = BYTES("a"), .xattrs = NONE, .digest = one},
    {.type = 'f', .mode = 0644, .name = BYTES("a"), .xattrs = NONE, .digest = one, .group = one},
    {.type = 'f', .mode = 0644, .name = BYTES("a"), .xattrs = NONE, .digest = one, .group = two},
    {.type = 'f', .mode = 0644, .name = BYTES("a"), .xattrs = BYTES(X), .digest = one},
    {.type = 'f', .mode = 0644, .name = BYTES("a"), .xattrs = BYTES(Y), .digest = one},
    {.type = 'f', .mode = 0644, .name = BYTES(LONG "a"), .xattrs = NONE, .digest = one},
    {.type = 'f', .mode = 0644, .name = BYTES(LONG "b"), .xattrs = NONE, .digest = one},
    {.type = 'd', .mode = 0644, .name = BYTES("a"), .xattrs = NONE, .digest = one},
    {.type = 'l', .mode = 0644, .name = BYTES("a"), .xattrs = NONE, .target = BYTES("b")},
    {.type = 'l', .mode = 0644, .name = BYTES("a"), .xattrs = NONE, .target = BYTES("bc")},
    {.type = 'c', .mode = 0644, .name = BYTES("a"), .xattrs = NONE},
    {.type = 'b', .mode = 0644, .name = BYTES("a"), .xattrs = NONE},
    {.type = 'c', .mode = 0644, .name = BYTES("a"), .xattrs = NONE, .major = 1},
    {.type = 'c', .mode = 0644, .name = BYTES("a"), .xattrs = NONE, .minor = 1},
    {.type = 'p', .mode = 0644, .name = BYTES("a"), .xattrs = NONE},
    {.type = 's', .mode = 0644, .name = BYTES("a"), .xattrs = NONE},
};

static void no_two_collide(void **state)
{
    (void)state;
    uint8_t d[ROWS(all)][CMC_SHA256_LEN];
    for (size_t i = 0; i < ROWS(all); i++) {
        measure_entry_digest(&all[i], d[i]);
        for (size_t k = 0; k < i; k++)
            assert_memory_not_equal(d[i], d[k], CMC_SHA256_LEN);
    }
}

/* Together as alone: kinds of entries, as many as fill lanes and some more. */
static void many_at_once(void **state)
{
    (void)state;
    enum { TIMES = 5 };
    struct measure_entries_due due = {0};
    uint8_t got[TIMES * ROWS(all)][CMC_SHA256_LEN] = {{0}}, want[CMC_SHA256_LEN];
    for (size_t i = 0; i < ROWS(got); i++)
        measure_entries_add(&due, &all[i % ROWS(all)], got[i]);
    measure_entries_end(&due);
    for (size_t i = 0; i < ROWS(got); i++) {
        measure_entry_digest(&all[i % ROWS(all)], want);
        assert_memory_equal(got[i], want, sizeof(want));
    }
    measure_entries_end(&due); /* nothing is due twice */
    measure_entry_digest(&all[0], want);
    assert_memory_equal(got[0], want, sizeof(want));
}

/* The form without our code: a file's entry as docs/formats/rootfs-tree.md puts it. */
static size_t plain_entry(const struct measure_entry *e, uint8_t *to)
{
    static const uint8_t facts[19] = {'f', 01, 0244}; /* 0644, owner 0:0, no bytes */
    uint8_t *p = to;
    memcpy(p, "cmc-rootfs-entry-1", 19);
    p += 19;
    *p++ = (uint8_t)(e->name.len >> 8);
    *p++ = (uint8_t)e->name.len;
    memcpy(p, e->name.p, e->name.len);
    p += e->name.len;
    memcpy(p, facts, sizeof(facts));
    p += sizeof(facts);
    memcpy(p, e->digest, CMC_SHA256_LEN);
    p += CMC_SHA256_LEN;
    memset(p, 0, 5); /* no group, no attributes */
    return (size_t)(p + 5 - to);
}

/* Each length around those where a block more is needed, and where an entry is too long to wait. */
static void each_length(void **state)
{
    (void)state;
    enum { NAMES = 300 };
    static uint8_t name[NAMES], got[NAMES][CMC_SHA256_LEN], plain[NAMES + 100];
    struct measure_entries_due due = {0};
    struct measure_entry e = {.type = 'f', .mode = 0644, .xattrs = NONE, .digest = one};
    uint8_t want[CMC_SHA256_LEN], alone[CMC_SHA256_LEN];
    memset(name, 'n', sizeof(name));
    for (size_t len = 0; len < NAMES; len++) {
        e.name = (struct measure_bytes){name, len};
        measure_entries_add(&due, &e, got[len]);
    }
    measure_entries_end(&due);
    for (size_t len = 0; len < NAMES; len++) {
        e.name = (struct measure_bytes){name, len};
        cmc_sha256(plain, plain_entry(&e, plain), want);
        measure_entry_digest(&e, alone);
        assert_memory_equal(alone, want, sizeof(want));
        assert_memory_equal(got[len], want, sizeof(want));
    }
}

static void paths_are_chains(void **state)
{
    (void)state;
    const struct measure_bytes a = BYTES("a"), b = BYTES("b"), ab = BYTES("ab");
    uint8_t root[CMC_SHA256_LEN] = {0}, x[CMC_SHA256_LEN], y[CMC_SHA256_LEN];
    measure_path_digest(root, a, x);
    measure_path_digest(x, b, x);
    measure_path_digest(root, ab, y);
    assert_memory_not_equal(x, y, CMC_SHA256_LEN);
    measure_path_digest(root, b, y);
    assert_memory_not_equal(x, y, CMC_SHA256_LEN);
}

static void types_have_letters(void **state)
{
    (void)state;
    static const struct {
        uint32_t mode;
        char type;
    } types[] = {{S_IFREG, 'f'}, {S_IFDIR, 'd'},  {S_IFLNK, 'l'}, {S_IFCHR, 'c'}, {S_IFBLK, 'b'},
                 {S_IFIFO, 'p'}, {S_IFSOCK, 's'}, {0, 0},         {0170000, 0}};
    for (size_t i = 0; i < ROWS(types); i++)
        assert_int_equal(measure_entry_type(types[i].mode | 0755), types[i].type);
}

static void attributes_on_the_list(void **state)
{
    (void)state;
    static const char *const yes[] = {"security.capability",
                                      "system.posix_acl_access",
                                      "system.posix_acl_default",
                                      "user.a",
                                      "user.overlay",
                                      "user.overlayx",
                                      "user.rootlesscontainers.x",
                                      "user.fuseoverlayfs"};
    static const char *const no[] = {"security.selinux",
                                     "security.ima",
                                     "security.capabilit",
                                     "security.capabilityx",
                                     "trusted.overlay.redirect",
                                     "user.overlay.",
                                     "user.overlay.opaque",
                                     "user.fuseoverlayfs.origin",
                                     "user.rootlesscontainers",
                                     "system.nfs4_acl",
                                     "user",
                                     ""};
    for (size_t i = 0; i < ROWS(yes); i++)
        assert_true(measure_entry_covers(yes[i], strlen(yes[i])));
    for (size_t i = 0; i < ROWS(no); i++)
        assert_false(measure_entry_covers(no[i], strlen(no[i])));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_worked_example),     cmocka_unit_test(no_two_collide),
        cmocka_unit_test(many_at_once),           cmocka_unit_test(each_length),
        cmocka_unit_test(paths_are_chains),       cmocka_unit_test(types_have_letters),
        cmocka_unit_test(attributes_on_the_list),
    };
    return cmocka_run_group_tests_name("measure/rootfs_entry", tests, NULL, NULL);
}
