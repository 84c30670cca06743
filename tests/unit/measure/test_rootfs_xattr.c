/* SPDX-License-Identifier: Apache-2.0 */
/* tests/unit/measure/test_rootfs_xattr.c -- ids and attributes as a container sees them. */
#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/xattr.h>

#include <cmocka.h>

#include "measure/rootfs_xattr.h"
#include "tests/lib/rows.h"

static const struct measure_idmap maps[] = {{0, 100000, 1000}, {2000, 5, 10}};
static const struct measure_rootfs_opts as_is = {0};
static const struct measure_rootfs_opts mapped = {
    .uids = maps, .gids = maps + 1, .uid_maps = 2, .gid_maps = 1};

static void ids_by_range(void **state)
{
    (void)state;
    static const uint32_t rows[][2] = {{100000, 0}, {100999, 999}, {101000, 7},
                                       {99999, 7},  {5, 2000},     {14, 2009},
                                       {15, 7},     {0, 7},        {UINT32_MAX, 7}};
    for (size_t i = 0; i < ROWS(rows); i++)
        assert_int_equal(measure_idmap_inside(maps, ROWS(maps), rows[i][0], 7), rows[i][1]);
    assert_int_equal(measure_idmap_inside(NULL, 0, 4711, 7), 4711);
    static const struct measure_idmap all[] = {{0, 0, UINT32_MAX}};
    assert_int_equal(measure_idmap_inside(all, 1, UINT32_MAX - 1, 7), UINT32_MAX - 1);
}

struct row {
    const char *name;
    const struct measure_rootfs_opts *opts;
    const char *attribute;
    uint8_t in[32];
    size_t in_len;
    uint8_t out[32];
    size_t out_len; /* 0: refused */
};

#define V2    1, 0, 0, 2, 0, 4, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0
#define V3(r) 1, 0, 0, 3, 0, 4, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, r
#define CAP   "security.capability"
#define ACL   "system.posix_acl_access"

static struct row rows[] = {
    {"revision 2 as it is", &as_is, CAP, {V2}, 20, {V2}, 20},
    {"revision 2 in a namespace without the host's root", &mapped, CAP, {V2}, 20, {V2}, 20},
    {"revision 3 of the host's root is revision 2", &as_is, CAP, {V3(0)}, 24, {V2}, 20},
    {"revision 3 of another root", &as_is, CAP, {V3(9)}, 24, {V3(9)}, 24},
    {"revision 3 of the container's root", &mapped, CAP, {V3(0xa0), 0x86, 1, 0}, 24, {V2}, 20},
    {"revision 3 of an id inside", &mapped, CAP, {V3(6)}, 24, {V3(0xd1), 7, 0, 0}, 24},
    {"revision 3 of an id outside", &mapped, CAP, {V3(77)}, 24, {V3(255), 255, 255, 255}, 24},
    {"revision 1", &as_is, CAP, {1, 0, 0, 1, 0, 4, 0, 0, 0, 0, 0, 0}, 12, {0}, 0},
    {"revision 2 too long", &as_is, CAP, {V2}, 24, {0}, 0},
    {"revision 3 too short", &as_is, CAP, {V3(0)}, 20, {0}, 0},
    {"no capability", &as_is, CAP, {0}, 0, {0}, 0},
    {"ACL without entries", &mapped, ACL, {2, 0, 0, 0}, 4, {2, 0, 0, 0}, 4},
    {"ACL user",
     &mapped,
     ACL,
     {2, 0, 0, 0, 2, 0, 7, 0, 5},
     12,
     {2, 0, 0, 0, 2, 0, 7, 0, 0xd0, 7},
     12},
    {"ACL group",
     &mapped,
     ACL,
     {2, 0, 0, 0, 8, 0, 7, 0, 6},
     12,
     {2, 0, 0, 0, 8, 0, 7, 0, 0xd1, 7},
     12},
    {"ACL group by the map of groups",
     &mapped,
     ACL,
     {2, 0, 0, 0, 8, 0, 7, 0, 0xa0, 0x86, 1},
     12,
     {2, 0, 0, 0, 8, 0, 7, 0, 255, 255, 255, 255},
     12},
    {"ACL owner", &mapped, ACL, {2, 0, 0, 0, 1, 0, 7, 0, 5}, 12, {2, 0, 0, 0, 1, 0, 7, 0, 5}, 12},
    {"ACL as it is", &as_is, ACL, {2, 0, 0, 0, 2, 0, 7, 0, 5}, 12, {2, 0, 0, 0, 2, 0, 7, 0, 5}, 12},
    {"ACL of version 1", &as_is, ACL, {1, 0, 0, 0}, 4, {0}, 0},
    {"ACL cut", &as_is, ACL, {2, 0, 0, 0, 2, 0, 7, 0, 5}, 11, {0}, 0},
    {"default ACL",
     &mapped,
     "system.posix_acl_default",
     {2, 0, 0, 0, 2, 0, 7, 0, 77},
     12,
     {2, 0, 0, 0, 2, 0, 7, 0, 255, 255, 255, 255},
     12},
    {"user attribute", &mapped, "user.x", {5, 0, 0, 0}, 4, {5, 0, 0, 0}, 4},
};

static void run_row(void **state)
{
    const struct row *t = *state;
    uint8_t value[64];
    size_t len = t->in_len;
    struct cmc_err err = {0};
    memcpy(value, t->in, sizeof(t->in));
    const int r = measure_xattr_map(t->attribute, value, &len, t->opts, &err);
    assert_int_equal(r, t->out_len ? 0 : -CMC_E_FORMAT);
    if (r == 0) {
        assert_int_equal(len, t->out_len);
        assert_memory_equal(value, t->out, len);
    }
}

/* A real file: by descriptor and by its magic link, sorted, the covered ones only. */
static void read_from_a_file(void **state)
{
    (void)state;
    static const uint8_t want[] = "\0\0\0\2\0\6user.a\0\0\0\0\0\7user.ab\0\0\0\1x";
    char path[] = "/tmp/cmc-test-xattr-XXXXXX";
    static struct measure_xattr_scratch s;
    struct cmc_err err = {0};
    cmc_autofd int fd = mkstemp(path);
    assert_true(fd >= 0);
    const int set = fsetxattr(fd, "user.ab", "x", 1, 0) | fsetxattr(fd, "user.a", "", 0, 0) |
                    fsetxattr(fd, "user.overlay.x", "", 0, 0);
    cmc_autofd int opath = open(path, O_PATH | O_CLOEXEC);
    assert_int_equal(unlink(path), 0);
    if (set < 0)
        skip(); /* no user attributes on this /tmp */
    for (int i = 0; i < 2; i++) {
        struct cmc_buf out = cmc_buf_of(1024);
        assert_int_equal(measure_xattr_read(i ? opath : fd, i, &as_is, &s, &out, &err), 0);
        assert_int_equal(out.len, sizeof(want) - 1);
        assert_memory_equal(out.data, want, out.len);
        cmc_buf_done(&out);
        out = cmc_buf_of(5);
        assert_int_equal(measure_xattr_read(i ? opath : fd, i, &as_is, &s, &out, &err),
                         -CMC_E_LIMIT);
        cmc_buf_done(&out);
    }
}

/* What a file system of a container's making could say. */
static const char *said;
static size_t said_len;
static int get_error;
/* NOLINTBEGIN(bugprone-reserved-identifier, cert-dcl37-c): the linker's --wrap names them */
ssize_t __real_flistxattr(int fd, char *names, size_t cap);
ssize_t __wrap_flistxattr(int fd, char *names, size_t cap);
ssize_t __real_fgetxattr(int fd, const char *name, void *value, size_t cap);
ssize_t __wrap_fgetxattr(int fd, const char *name, void *value, size_t cap);

ssize_t __wrap_flistxattr(int fd, char *names, size_t cap)
{
    if (!said)
        return __real_flistxattr(fd, names, cap);
    errno = ERANGE;
    if (said_len > cap)
        return -1;
    memcpy(names, said, said_len);
    return (ssize_t)said_len;
}

ssize_t __wrap_fgetxattr(int fd, const char *name, void *value, size_t cap)
{
    if (!said)
        return __real_fgetxattr(fd, name, value, cap);
    errno = get_error;
    return get_error ? -1 : 0;
}
/* NOLINTEND(bugprone-reserved-identifier, cert-dcl37-c) */

static void lists_that_lie(void **state)
{
    (void)state;
    static const struct {
        const char *list;
        size_t len;
        int get_error;
        enum cmc_code want;
        const char *msg;
    } lies[] = {
        {"user.a\0user.b\0", 14, 0, CMC_OK, ""},
        {"user.a\0user.b\0user.a\0", 21, 0, CMC_E_FORMAT, "an extended attribute is listed twice"},
        {"user.a\0user.b", 13, 0, CMC_OK, ""}, /* not ended */
        {"user.\x1b[2J\0", 10, EIO, CMC_E_SYS, "user.\\x1b[2J: read: Input/output error"},
        {"user.a\0", 7, ENODATA, CMC_E_VERIFY,
         "user.a: changed: it vanished while it was measured"},
        {"system.posix_acl_access\0", 24, 0, CMC_E_FORMAT,
         "system.posix_acl_access: 0 bytes are no ACL of version 2"},
    };
    static struct measure_xattr_scratch s;
    for (size_t i = 0; i < ROWS(lies); i++) {
        struct cmc_buf out = cmc_buf_of(1024);
        struct cmc_err err = {0};
        memset(s.names, 'x', sizeof(s.names));
        said = lies[i].list;
        said_len = lies[i].len;
        get_error = lies[i].get_error;
        const int r = measure_xattr_read(0, false, &as_is, &s, &out, &err);
        said = NULL;
        assert_int_equal(r, -(int)lies[i].want);
        assert_string_equal(err.msg, lies[i].msg);
        cmc_buf_done(&out);
    }
}

/* The longest list holds the most names: none is left out. */
static void the_longest_list(void **state)
{
    (void)state;
    static struct measure_xattr_scratch s;
    static char list[MEASURE_XATTR_LIST_MAX];
    struct cmc_buf out = cmc_buf_of(1 << 20);
    struct cmc_err err = {0};
    size_t len = 0, count = 0;
    for (int a = 1; a < 256; a++)
        for (int b = 1; b < 256 && len + 8 <= sizeof(list); b++, len += 8, count++)
            (void)snprintf(list + len, 8, "user.%c%c", a, b);
    said = list;
    said_len = len;
    get_error = 0;
    const int r = measure_xattr_read(0, false, &as_is, &s, &out, &err);
    said = NULL;
    assert_int_equal(r, 0);
    assert_int_equal(len, sizeof(list));
    assert_int_equal(out.len, 4 + count * (2 + 7 + 4));
    cmc_buf_done(&out);
}

int main(void)
{
    struct CMUnitTest tests[ROWS(rows) + 4];
    for (size_t i = 0; i < ROWS(rows); i++)
        tests[i] = (struct CMUnitTest){rows[i].name, run_row, NULL, NULL, &rows[i]};
    tests[ROWS(rows)] = (struct CMUnitTest)cmocka_unit_test(ids_by_range);
    tests[ROWS(rows) + 1] = (struct CMUnitTest)cmocka_unit_test(read_from_a_file);
    tests[ROWS(rows) + 2] = (struct CMUnitTest)cmocka_unit_test(lists_that_lie);
    tests[ROWS(rows) + 3] = (struct CMUnitTest)cmocka_unit_test(the_longest_list);
    return cmocka_run_group_tests_name("measure/rootfs_xattr", tests, NULL, NULL);
}
