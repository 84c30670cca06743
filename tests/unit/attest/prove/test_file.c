/* SPDX-License-Identifier: Apache-2.0 */
/* tests/unit/attest/prove/test_file.c -- files in storage are ours alone, and whole. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "tests/lib/rows.h"
#include "tests/unit/attest/prove/bed.h"

static char dir[32];

static int set_up(void **state)
{
    (void)state;
    (void)snprintf(dir, sizeof(dir), "/tmp/cmc-prove-XXXXXX");
    return mkdtemp(dir) ? 0 : -1;
}

static void written_files_are_ours(void **state)
{
    char storage[64], path[96];
    struct stat st;
    struct cmc_err err = {0};
    struct cmc_buf got = {0};
    (void)state;
    (void)snprintf(storage, sizeof(storage), "%s/new", dir);
    (void)snprintf(path, sizeof(path), "%s/key", storage);
    (void)umask(0);
    assert_int_equal(prove_file_write(storage, "key", "one", 3, &err), 0);
    assert_int_equal(prove_file_write(storage, "key", "second", 6, &err), 0);
    assert_int_equal(stat(storage, &st), 0);
    assert_int_equal(st.st_mode & ALLPERMS, 0700);
    assert_int_equal(stat(path, &st), 0);
    assert_int_equal(st.st_mode & ALLPERMS, 0600);
    assert_int_equal(prove_file_read(storage, "key", 6, &got, &err), 1);
    assert_int_equal(got.len, 6);
    assert_memory_equal(got.data, "second", 6);
    cmc_buf_done(&got);
    assert_int_equal(prove_file_read(storage, "key", 5, &got, &err), -CMC_E_LIMIT);
    assert_int_equal(prove_file_read(storage, "other", 5, &got, &err), 0);
    assert_int_equal(prove_file_read("/nowhere", "other", 5, &got, &err), 0);
}

static void others_files_are_refused(void **state)
{
    static const unsigned modes[] = {0640, 0604, 0660, 0610, 0601};
    struct cmc_buf got = {0};
    (void)state;
    for (size_t i = 0; i < ROWS(modes); i++) {
        struct cmc_err err = {0};
        bed_save(dir, "key", "x", 1, modes[i]);
        assert_int_equal(prove_file_read(dir, "key", 9, &got, &err), -CMC_E_VERIFY);
        assert_non_null(strstr(err.msg, "expected a regular file of our own, 0600"));
    }
    assert_null(got.data);
}

static void links_and_directories_are_refused(void **state)
{
    char path[64];
    struct cmc_err err = {0};
    struct cmc_buf got = {0};
    (void)state;
    bed_save(dir, "key", "x", 1, 0600);
    (void)snprintf(path, sizeof(path), "%s/link", dir);
    assert_int_equal(symlink("key", path), 0);
    assert_int_equal(prove_file_read(dir, "link", 9, &got, &err), -CMC_E_SYS);
    (void)snprintf(path, sizeof(path), "%s/sub", dir);
    assert_int_equal(mkdir(path, 0700), 0);
    assert_int_equal(prove_file_read(dir, "sub", 9, &got, &err), -CMC_E_VERIFY);
    assert_int_equal(prove_file_write(dir, "sub", "x", 1, &err), -CMC_E_SYS);
    assert_int_equal(prove_file_write("/nowhere/at/all", "key", "x", 1, &err), -CMC_E_SYS);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(written_files_are_ours, set_up),
        cmocka_unit_test_setup(others_files_are_refused, set_up),
        cmocka_unit_test_setup(links_and_directories_are_refused, set_up),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
