/* SPDX-License-Identifier: Apache-2.0 */
/* tests/unit/measure/test_go_sort.c -- the order in which Go leaves equal keys, by vectors. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/json.h"
#include "measure/go_sort.h"
#include "tests/lib/rows.h"

enum { FILE_MAX = 1 << 18, ITEMS_MAX = 300 };

struct item {
    uint64_t key;
    size_t from;
};

static bool less(const void *a, const void *b)
{
    return ((const struct item *)a)->key < ((const struct item *)b)->key;
}

static const struct cmc_json *load(const char *name, struct cmc_json_doc **doc)
{
    char path[512];
    char *text = calloc(1, FILE_MAX);
    const struct cmc_json *root = NULL;
    struct cmc_err err = {0};
    (void)snprintf(path, sizeof(path), "%s/cmc-config/%s", TEST_VECTORS, name);
    FILE *f = fopen(path, "re");
    assert_non_null(f);
    assert_non_null(text);
    size_t len = fread(text, 1, FILE_MAX, f);
    (void)fclose(f);
    if (cmc_json_parse(text, len, doc, &root, &err) < 0)
        fail_msg("%s: %s", path, err.msg);
    free(text);
    assert_non_null(cmc_json_member(root, "cases"));
    return cmc_json_member(root, "cases");
}

static void check_case(const struct cmc_json *one)
{
    struct item items[ITEMS_MAX];
    void *order[ITEMS_MAX];
    const struct cmc_json *keys = cmc_json_member(one, "keys"), *k = keys->child;
    const struct cmc_json *want = cmc_json_member(one, "order")->child;
    assert_in_range(keys->count, 13, ITEMS_MAX);
    for (size_t i = 0; i < keys->count; i++, k = k->next) {
        items[i] = (struct item){.key = k->magnitude, .from = i};
        order[i] = &items[i];
    }
    measure_go_sort(order, keys->count, less);
    for (size_t i = 0; i < keys->count; i++, want = want->next)
        assert_int_equal(((const struct item *)order[i])->from, want->magnitude);
}

static void check_file(const char *name, size_t count)
{
    cmc_autojson struct cmc_json_doc *doc = NULL;
    const struct cmc_json *cases = load(name, &doc);
    assert_int_equal(cases->count, count);
    for (const struct cmc_json *c = cases->child; c; c = c->next)
        check_case(c);
}

/* 25 orders that every Go since 1.19 makes, 10 that Go before 1.24 makes otherwise. */
static void orders_are_those_of_go(void **state)
{
    (void)state;
    check_file("go-sort-slice.json", 35);
}

static void rare_ways_are_those_of_go(void **state)
{
    (void)state;
    check_file("go-sort-paths.json", 6);
}

/* Whatever the order of equal keys is, the result is sorted, and holds each item once. */
static void check_sorted(size_t n, uint64_t spread)
{
    struct item items[ITEMS_MAX];
    void *order[ITEMS_MAX];
    bool seen[ITEMS_MAX] = {false};
    uint64_t x = 88172645463325252u + n;
    for (size_t i = 0; i < n; i++) {
        x ^= x << 13;
        x ^= x >> 7;
        x ^= x << 17;
        items[i] = (struct item){.key = spread ? x % spread : n - i, .from = i};
        order[i] = &items[i];
    }
    measure_go_sort(order, n, less);
    for (size_t i = 0; i < n; i++) {
        const struct item *at = order[i];
        assert_false(seen[at->from]);
        seen[at->from] = true;
        assert_false(i > 0 && less(at, order[i - 1]));
    }
    for (size_t i = 0; i < n; i++)
        items[i].from = (size_t)((const struct item *)order[i] - items); /* sorted: stays */
    measure_go_sort(order, n, less);
    for (size_t i = 0; i < n; i++)
        assert_ptr_equal(order[i], &items[items[i].from]);
}

static void all_sizes_are_sorted_and_then_stay(void **state)
{
    static const uint64_t spreads[] = {0, 1, 2, 5, 100, UINT64_MAX};
    (void)state;
    for (size_t n = 0; n < 300; n++)
        for (size_t i = 0; i < ROWS(spreads); i++)
            check_sorted(n, spreads[i]);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(orders_are_those_of_go),
                                       cmocka_unit_test(rare_ways_are_those_of_go),
                                       cmocka_unit_test(all_sizes_are_sorted_and_then_stay)};
    return cmocka_run_group_tests_name("measure/go_sort", tests, NULL, NULL);
}
