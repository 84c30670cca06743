/* SPDX-License-Identifier: Apache-2.0 */
/* tests/unit/measure/test_rootfs_rest.c -- when something is at rest, and what never is. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "measure/rootfs_rest.h"
#include "tests/lib/rows.h"

static void ends(void **state)
{
    (void)state;
    static const struct {
        const char *name;
        uint64_t s, end;
        uint32_t ns;
    } rows[] = {
        {"100 ms", 1000, UINT64_C(1000100000001), 1},
        {"whole seconds: 2 s", 1000, UINT64_C(1002000000000), 0},
        {"1970", 0, UINT64_C(2000000000), 0},
        {"before 1970", UINT64_MAX, UINT64_MAX, 1},
        {"long before 1970", (uint64_t)INT64_MIN, UINT64_MAX, 0},
        {"the last that fits", 18446744069, UINT64_C(18446744069100000001), 1},
        {"times 10^9 it would wrap", 18446744074, UINT64_MAX, 1},
        {"with its rest it would wrap", 18446744072, UINT64_MAX, 0},
    };
    for (size_t i = 0; i < ROWS(rows); i++)
        if (measure_rest_end(rows[i].s, rows[i].ns) != rows[i].end)
            fail_msg("%s", rows[i].name);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(ends)};
    return cmocka_run_group_tests_name("measure/rootfs_rest", tests, NULL, NULL);
}
