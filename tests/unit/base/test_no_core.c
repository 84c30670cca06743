/* SPDX-License-Identifier: Apache-2.0 */
/* tests/unit/base/test_no_core.c -- both ways to a core are closed. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <sys/prctl.h>
#include <sys/resource.h>

#include "base/no_core.h"

static void closed(void **state)
{
    struct rlimit limit = {1, 1};
    (void)state;
    assert_int_equal(prctl(PR_SET_DUMPABLE, 1, 0, 0, 0), 0);
    cmc_no_core();
    assert_int_equal(prctl(PR_GET_DUMPABLE, 0, 0, 0, 0), 0);
    assert_int_equal(getrlimit(RLIMIT_CORE, &limit), 0);
    assert_int_equal(limit.rlim_cur, 0);
    assert_int_equal(limit.rlim_max, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(closed)};
    return cmocka_run_group_tests_name("no_core", tests, NULL, NULL);
}
