/* SPDX-License-Identifier: Apache-2.0 */
/* tests/unit/record/test_boot.c -- the boot id is what the kernel says. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

#include "record/boot.h"

static void as_the_kernel_says(void **state)
{
    uint8_t id[RECORD_BOOT_ID_LEN];
    char want[64] = "", got[64];
    struct cmc_err err;
    FILE *f = fopen("/proc/sys/kernel/random/boot_id", "re");
    (void)state;
    assert_non_null(f);
    assert_non_null(fgets(want, 37, f));
    assert_int_equal(fclose(f), 0);
    assert_int_equal(record_boot_id(id, &err), 0);
    (void)snprintf(got, sizeof(got),
                   "%02x%02x%02x%02x-%02x%02x-%02x%02x-%02x%02x-%02x%02x%02x%02x%02x%02x", id[0],
                   id[1], id[2], id[3], id[4], id[5], id[6], id[7], id[8], id[9], id[10], id[11],
                   id[12], id[13], id[14], id[15]);
    assert_string_equal(got, want);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(as_the_kernel_says)};
    return cmocka_run_group_tests_name("record/boot", tests, NULL, NULL);
}
