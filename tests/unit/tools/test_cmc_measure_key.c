/* SPDX-License-Identifier: Apache-2.0 */
/* tests/unit/tools/test_cmc_measure_key.c -- keys of one length. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>

#include <cmocka.h>

#include "base/cleanup.h"
#include "tests/lib/rows.h"
#include "tools/cmc_measure_key.h"

static int file_of(size_t len, mode_t mode)
{
    int fd = memfd_create("t", MFD_CLOEXEC);
    assert_true(fd >= 0);
    for (size_t i = 0; i < len; i++)
        assert_int_equal(write(fd, "k", 1), 1);
    assert_int_equal(fchmod(fd, mode), 0);
    assert_int_equal(lseek(fd, 0, SEEK_SET), 0);
    return fd;
}

static void keys(void **state)
{
    static const struct {
        size_t len;
        mode_t mode;
        int want;
    } rows[] = {{32, 0600, 0},
                {32, 0400, 0},
                {31, 0600, -CMC_E_FORMAT},
                {33, 0600, -CMC_E_FORMAT},
                {0, 0600, -CMC_E_FORMAT},
                {32, 0640, -CMC_E_VERIFY},
                {32, 0604, -CMC_E_VERIFY},
                {32, 0610, -CMC_E_VERIFY}};
    (void)state;
    for (size_t i = 0; i < ROWS(rows); i++) {
        struct cmc_err err = {0};
        uint8_t key[CMC_MEASURE_KEY_LEN], want[CMC_MEASURE_KEY_LEN];
        memset(key, 0xaa, sizeof(key));
        memset(want, rows[i].want == 0 ? 'k' : 0xaa, sizeof(want));
        cmc_autofd int fd = file_of(rows[i].len, rows[i].mode);
        assert_int_equal(cmc_measure_key_read(fd, "the key", key, &err), rows[i].want);
        assert_int_equal(err.code, -rows[i].want);
        assert_memory_equal(key, want, sizeof(key));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(keys)};
    return cmocka_run_group_tests_name("tools/cmc_measure_key", tests, NULL, NULL);
}
