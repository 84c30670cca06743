/* SPDX-License-Identifier: Apache-2.0 */
/* tests/unit/measure/test_listing_diff.c -- what differs, by path. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "measure/listing.h"
#include "tests/lib/rows.h"

#define FIRST  "cmc-rootfs-listing 1\n"
#define ROOT   "d 0755 0 0 /\n"
#define V1     "3d248ca542a24fc62d1c43b916eae5016878e2533c88238480b26128a1f1af95"
#define V2     "3d248ca542a24fc62d1c43b916eae5016878e2533c88238480b26128a1f1af96"
#define FILE_A "f 0644 0 0 /a size=1 verity=" V1

struct row {
    const char *name, *a, *b;
    const char *want; /* "PATH CHANGE...;" each */
};

static struct row rows[] = {
    {"the same", ROOT FILE_A "\n", ROOT FILE_A "\n", ""},
    {"content", ROOT FILE_A "\n", ROOT "f 0644 0 0 /a size=1 verity=" V2 "\n", "/a content;"},
    {"size", ROOT FILE_A "\n", ROOT "f 0644 0 0 /a size=2 verity=" V1 "\n", "/a content;"},
    {"mode", ROOT FILE_A "\n", ROOT "f 4644 0 0 /a size=1 verity=" V1 "\n", "/a mode;"},
    {"uid", ROOT FILE_A "\n", ROOT "f 0644 1 0 /a size=1 verity=" V1 "\n", "/a owner;"},
    {"gid", ROOT FILE_A "\n", ROOT "f 0644 0 1 /a size=1 verity=" V1 "\n", "/a owner;"},
    {"type", ROOT FILE_A "\n", ROOT "d 0755 7 7 /a\n", "/a type;"},
    {"target", ROOT "l 0777 0 0 /a target=b\n", ROOT "l 0777 0 0 /a target=bc\n", "/a target;"},
    {"major", ROOT "c 0600 0 0 /a rdev=1:3\n", ROOT "c 0600 0 0 /a rdev=2:3\n", "/a rdev;"},
    {"minor", ROOT "c 0600 0 0 /a rdev=1:3\n", ROOT "c 0600 0 0 /a rdev=1:5\n", "/a rdev;"},
    {"xattr", ROOT FILE_A "\n", ROOT FILE_A " xattr=user.a:\n", "/a xattr;"},
    {"xattr of the root", ROOT, "d 0755 0 0 / xattr=user.a:\n", "/ xattr;"},
    {"mode and owner of the root", ROOT, "d 0700 1 1 /\n", ""},
    {"hard link", ROOT FILE_A " link=/a\nf 0644 0 0 /b size=1 verity=" V1 " link=/a\n",
     ROOT FILE_A "\nf 0644 0 0 /b size=1 verity=" V1 "\n", "/a hardlink;/b hardlink;"},
    {"several", ROOT FILE_A "\n", ROOT "f 0600 9 0 /a size=1 verity=" V2 " xattr=user.a:00\n",
     "/a content mode owner xattr;"},
    {"added and removed", ROOT "d 0755 0 0 /a\np 0600 0 0 /a/x\np 0600 0 0 /c\n",
     ROOT "d 0755 0 0 /a\np 0600 0 0 /a-\np 0600 0 0 /b\n",
     "/a/x removed;/a- added;/b added;/c removed;"},
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

static void listing(struct cmc_buf *out, const char *lines)
{
    *out = cmc_buf_of(4096);
    cmc_put_text(out, FIRST);
    cmc_put_text(out, lines);
    assert_false(out->bad);
}

static int compare(const char *a, const char *b, struct cmc_buf *out, struct cmc_err *err)
{
    struct cmc_buf x, y;
    listing(&x, a);
    listing(&y, b);
    const int r = measure_listing_diff((struct measure_bytes){x.data, x.len},
                                       (struct measure_bytes){y.data, y.len}, note, out, err);
    cmc_buf_done(&x);
    cmc_buf_done(&y);
    return r;
}

static void run_row(void **state)
{
    const struct row *t = *state;
    struct cmc_buf got = cmc_buf_of(4096);
    struct cmc_err err = {0};
    assert_int_equal(compare(t->a, t->b, &got, &err), 0);
    cmc_put_u8(&got, 0);
    assert_string_equal((const char *)got.data, t->want);
    cmc_buf_done(&got);
}

static void faults_say_which_listing(void **state)
{
    (void)state;
    struct cmc_buf got = cmc_buf_of(4096);
    struct cmc_err err = {0};
    assert_int_equal(compare("x\n", ROOT, &got, &err), -CMC_E_FORMAT);
    assert_string_equal(err.msg, "first: listing line 2: not an entry, at column 1");
    assert_int_equal(compare(ROOT, ROOT "p 0600 0 0 /a\nx\n", &got, &err), -CMC_E_FORMAT);
    assert_string_equal(err.msg, "second: listing line 4: not an entry, at column 1");
    cmc_buf_done(&got);
}

static int stop(void *ctx, struct measure_bytes path, unsigned changes)
{
    int *calls = ctx;
    (void)path;
    (void)changes;
    return ++*calls == 2 ? 42 : 0;
}

static void the_caller_can_stop(void **state)
{
    (void)state;
    static const char a[] = FIRST ROOT, b[] = FIRST ROOT "p 0600 0 0 /a\np 0600 0 0 /b\n"
                                                         "p 0600 0 0 /c\n";
    struct cmc_err err = {0};
    int calls = 0;
    assert_int_equal(measure_listing_diff((struct measure_bytes){(const uint8_t *)a, sizeof(a) - 1},
                                          (struct measure_bytes){(const uint8_t *)b, sizeof(b) - 1},
                                          stop, &calls, &err),
                     42);
    assert_int_equal(calls, 2);
}

int main(void)
{
    struct CMUnitTest tests[ROWS(rows) + 2];
    for (size_t i = 0; i < ROWS(rows); i++)
        tests[i] = (struct CMUnitTest){rows[i].name, run_row, NULL, NULL, &rows[i]};
    tests[ROWS(rows)] = (struct CMUnitTest)cmocka_unit_test(faults_say_which_listing);
    tests[ROWS(rows) + 1] = (struct CMUnitTest)cmocka_unit_test(the_caller_can_stop);
    return cmocka_run_group_tests_name("measure/listing_diff", tests, NULL, NULL);
}
