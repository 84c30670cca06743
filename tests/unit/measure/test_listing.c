/* SPDX-License-Identifier: Apache-2.0 */
/* tests/unit/measure/test_listing.c -- lines in, the same lines out, and everything else refused.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "measure/listing.h"
#include "tests/lib/rows.h"

#define FIRST  "cmc-rootfs-listing 1\n"
#define ROOT   FIRST "d 0755 0 0 /\n"
#define VERITY "3d248ca542a24fc62d1c43b916eae5016878e2533c88238480b26128a1f1af95"

struct row {
    const char *name, *text;
    const char *fault; /* NULL: accepted */
};

static struct row rows[] = {
    {"the root alone", ROOT, NULL},
    {"a file", ROOT "f 0644 1 2 /a size=0 verity=" VERITY "\n", NULL},
    {"large numbers",
     FIRST "d 7777 4294967295 1000000000 /\n"
           "f 0070 10 9 /a size=9223372036854775807 verity=" VERITY "\n"
           "c 0000 0 0 /b rdev=4294967295:0\n",
     NULL},
    {"escapes between letters", ROOT "p 0644 0 0 /a\\x20b\\x5c\\x5ccd\\xfe\n", NULL},
    {"a name of escapes", ROOT "p 0644 0 0 /\\x01\\x20\\x5c\\x7f\\xff\n", NULL},
    {"a link", ROOT "p 0644 0 0 /a link=/a\np 0644 0 0 /b link=/a\n", NULL},
    {"a colon in a name", ROOT "p 0644 0 0 /a xattr=user.a:b:00\n", NULL},
    {"an empty value", ROOT "p 0644 0 0 /a xattr=user.a:\n", NULL},
    {"root with an attribute", FIRST "d 0755 0 0 / xattr=user.a:00\n", NULL},
    {"nothing", "", "listing: the first line is not \"cmc-rootfs-listing 1\""},
    {"no root", FIRST, "listing: no line for the root"},
    {"cut", ROOT "d 0755 0 0 /a", "listing line 3: not ended, the listing is cut"},
    {"bad mode", FIRST "d 0785 0 0 /\n", "listing line 2: not an entry, at column 6"},
    {"no size", ROOT "f 0644 0 0 /a verity=" VERITY "\n",
     "listing line 3: not an entry, at column 14"},
    {"order", ROOT "p 0644 0 0 /b\np 0644 0 0 /a\n", "listing line 4: not in walk order"},
};

static void run_row(void **state)
{
    const struct row *t = *state;
    struct measure_listing l = {0};
    struct cmc_buf out = cmc_buf_of(4096);
    struct cmc_err err = {0};
    int r = measure_listing_open(&l, t->text, strlen(t->text), &err);
    measure_listing_begin(&out);
    while (r >= 0 && (r = measure_listing_next(&l, &err)) > 0)
        measure_listing_put(&out, &l.e, l.path, l.link);
    measure_listing_done(&l);
    if (t->fault) {
        assert_int_equal(r, -CMC_E_FORMAT);
        assert_string_equal(err.msg, t->fault);
    } else {
        assert_int_equal(r, 0);
        assert_int_equal(out.len, strlen(t->text));
        assert_memory_equal(out.data, t->text, out.len);
    }
    cmc_buf_done(&out);
}

static void fields_arrive(void **state)
{
    (void)state;
    static const char text[] = ROOT "c 4711 7 8 /a\\x20 rdev=9:10 link=/a xattr=user.x:0aff\n";
    static const uint8_t xattrs[] = {0,   0,   0,   1, 0, 6, 'u', 's',  'e',
                                     'r', '.', 'x', 0, 0, 0, 2,   0x0a, 0xff};
    struct measure_listing l = {0};
    struct cmc_err err = {0};
    assert_int_equal(measure_listing_open(&l, text, sizeof(text) - 1, &err), 0);
    assert_int_equal(measure_listing_next(&l, &err), 1);
    assert_int_equal(l.e.name.len, 0);
    assert_int_equal(measure_listing_next(&l, &err), 1);
    assert_int_equal(l.e.type, 'c');
    assert_int_equal(l.e.mode, 04711);
    assert_int_equal(l.e.uid, 7);
    assert_int_equal(l.e.gid, 8);
    assert_int_equal(l.e.major, 9);
    assert_int_equal(l.e.minor, 10);
    assert_int_equal(l.path.len, 3);
    assert_memory_equal(l.path.p, "/a ", 3);
    assert_int_equal(l.e.name.len, 2);
    assert_int_equal(l.link.len, 2);
    assert_int_equal(l.e.xattrs.len, sizeof(xattrs));
    assert_memory_equal(l.e.xattrs.p, xattrs, sizeof(xattrs));
    assert_int_equal(measure_listing_next(&l, &err), 0);
    measure_listing_done(&l);
}

static struct measure_bytes bytes(const char *text)
{
    return (struct measure_bytes){(const uint8_t *)text, strlen(text)};
}

static void paths_in_walk_order(void **state)
{
    (void)state;
    static const char *const order[] = {"/",   "/a",   "/a/b", "/a/b/c", "/a/b-", "/a\x01",
                                        "/a!", "/a-b", "/a0",  "/aa",    "/b",    "/\xff"};
    for (size_t i = 0; i < ROWS(order); i++)
        for (size_t k = 0; k < ROWS(order); k++) {
            const int c = measure_path_cmp(bytes(order[i]), bytes(order[k]));
            assert_int_equal((c > 0) - (c < 0), (i > k) - (i < k));
        }
}

static void too_large_before_anything_is_read(void **state)
{
    (void)state;
    struct measure_listing l = {.line = 77};
    struct cmc_err err = {0};
    assert_int_equal(measure_listing_open(&l, "", (size_t)MEASURE_LISTING_MAX + 1, &err),
                     -CMC_E_LIMIT);
    assert_int_equal(l.line, 77);
}

int main(void)
{
    struct CMUnitTest tests[ROWS(rows) + 3];
    for (size_t i = 0; i < ROWS(rows); i++)
        tests[i] = (struct CMUnitTest){rows[i].name, run_row, NULL, NULL, &rows[i]};
    tests[ROWS(rows)] = (struct CMUnitTest)cmocka_unit_test(fields_arrive);
    tests[ROWS(rows) + 1] = (struct CMUnitTest)cmocka_unit_test(paths_in_walk_order);
    tests[ROWS(rows) + 2] = (struct CMUnitTest)cmocka_unit_test(too_large_before_anything_is_read);
    return cmocka_run_group_tests_name("measure/listing", tests, NULL, NULL);
}
