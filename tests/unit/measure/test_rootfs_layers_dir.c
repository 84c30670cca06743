/* SPDX-License-Identifier: Apache-2.0 */
/* tests/unit/measure/test_rootfs_layers_dir.c -- what a redirect may be, and what it makes of a
 * path. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "measure/rootfs_layers_dir.h"
#include "tests/lib/rows.h"

static void redirects_are_judged(void **state)
{
    static const char *const good[] = {"a", "/a", "/a/b", "...", "/.a/..b", "\xff\n"};
    static const char *const bad[] = {"",  "/",  "//",  "/a/",  "a/b",  "a/", "/a//b",
                                      ".", "..", "/..", "/a/.", "/./a", "./a"};
    char big[PATH_MAX + 1];
    (void)state;
    for (size_t i = 0; i < ROWS(good); i++)
        assert_true(measure_layer_redirects(good[i], strlen(good[i])));
    for (size_t i = 0; i < ROWS(bad); i++)
        assert_false(measure_layer_redirects(bad[i], strlen(bad[i])));
    assert_false(measure_layer_redirects("a\0", 2));
    memset(big, 'x', sizeof(big));
    assert_true(measure_layer_redirects(big, PATH_MAX - 1));
    assert_false(measure_layer_redirects(big, PATH_MAX));
}

static void paths_are_renamed(void **state)
{
    static const struct {
        const char *path;
        size_t rem, len;
        const char *redirect, *becomes;
    } rows[] = {
        {"a", 1, 1, "bc", "bc"},         {"abc", 3, 3, "d", "d"},
        {"/a/b/c", 5, 1, "x", "/x/b/c"}, {"/a/b/c", 3, 1, "long", "/a/long/c"},
        {"/a/b/c", 1, 1, "x", "/a/b/x"}, {"/a/b/c", 3, 1, "/x/y", "/x/y/c"},
        {"a", 1, 1, "/x", "/x"},         {"/a/b/c", 1, 1, "/x", "/x"},
    };
    char path[PATH_MAX], big[PATH_MAX];
    (void)state;
    for (size_t i = 0; i < ROWS(rows); i++) {
        (void)snprintf(path, sizeof(path), "%s", rows[i].path);
        assert_true(measure_layer_rename(path, rows[i].rem, rows[i].len, rows[i].redirect));
        assert_string_equal(path, rows[i].becomes);
    }
    memset(big, 'x', sizeof(big) - 1);
    big[sizeof(big) - 1] = '\0';
    (void)snprintf(path, sizeof(path), "/a");
    assert_false(measure_layer_rename(path, 1, 1, big));
    assert_string_equal(path, "/a");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(redirects_are_judged),
        cmocka_unit_test(paths_are_renamed),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
