/* SPDX-License-Identifier: Apache-2.0 */
/* tests/unit/shim/test_frame.c -- one row, one named test. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "shim/frame.h"
#include "tests/lib/rows.h"

struct row {
    const char *name;
    uint8_t in[16];
    size_t len;
    int want; /* bytes used, 0 = need more, < 0 = -cmc_code */
};

static struct row rows[] = {
    {"empty input needs more", {0}, 0, 0},
    {"header alone needs body", {0, 0, 0, 1, 0, 0, 0, 1, 1, 0}, 10, 0},
    {"zero-length request", {0, 0, 0, 0, 0, 0, 0, 1, 1, 0}, 10, 10},
    {"one-byte data frame", {0, 0, 0, 1, 0, 0, 0, 3, 3, 0, 0xAB}, 11, 11},
    {"trailing bytes stay", {0, 0, 0, 0, 0, 0, 0, 1, 2, 0, 0xFF}, 11, 10},
    {"largest length waits", {0, 0x40, 0, 0, 0, 0, 0, 1, 1, 0}, 10, 0},
    {"length over 4 MiB", {0, 0x40, 0, 1, 0, 0, 0, 1, 1, 0}, 10, -CMC_E_LIMIT},
    {"unknown type passes", {0, 0, 0, 0, 0, 0, 0, 1, 9, 0}, 10, 10},
    {"even stream passes", {0, 0, 0, 0, 0, 0, 0, 2, 1, 0}, 10, 10},
};

static void run_row(void **state)
{
    const struct row *t = *state;
    struct shim_frame f = {.stream = 77};
    struct cmc_err err = {0};

    assert_int_equal(shim_frame_parse(t->in, t->len, &f, &err), t->want);
    assert_int_equal(err.code, t->want < 0 ? -t->want : CMC_OK);
    if (t->want <= 0)
        assert_int_equal(f.stream, 77); /* output untouched unless whole */
}

int main(void)
{
    struct CMUnitTest tests[ROWS(rows)];
    for (size_t i = 0; i < ROWS(rows); i++)
        tests[i] = (struct CMUnitTest){rows[i].name, run_row, NULL, NULL, &rows[i]};
    return cmocka_run_group_tests_name("shim/frame", tests, NULL, NULL);
}
