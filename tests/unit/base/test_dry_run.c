/* SPDX-License-Identifier: Apache-2.0 */
/* tests/unit/base/test_dry_run.c -- the name, exactly. What is written: tests/unit/shim too. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "base/dry_run.h"

static void named(void **state)
{
    (void)state;
    assert_true(cmc_dry_run_is_named(CMC_DRY_RUN, NULL));
    assert_true(cmc_dry_run_is_named("c", CMC_DRY_RUN));
    assert_false(cmc_dry_run_is_named("c", NULL));
    assert_false(cmc_dry_run_is_named("", ""));
    assert_false(cmc_dry_run_is_named("CMC_GENERATE_APP_MANIFEST ", "cmc_generate_app_manifest"));
}

static void written(void **state)
{
    static const char text[] =
        "{\"annotations\":{\"io.kubernetes.cri.container-name\":\"CMC_GENERATE_APP_MANIFEST\"}}";
    (void)state;
    assert_true(cmc_dry_run_is_written(text, strlen(text)));
    assert_false(cmc_dry_run_is_written(text, strlen(text) - 3)); /* without the closing quote */
    assert_false(cmc_dry_run_is_written(NULL, 0));
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(named), cmocka_unit_test(written)};
    return cmocka_run_group_tests_name("base/dry_run", tests, NULL, NULL);
}
