/* SPDX-License-Identifier: Apache-2.0 */
/* tests/unit/shim/test_delegate.c -- delete and -info: what the real shim is given. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "tests/unit/shim/action_world.h"

/* What the real shim leaves in the bundle when a Create has come to it. */
static void put_runtime(void)
{
    char path[128];
    (void)snprintf(path, sizeof(path), "%s/runtime", dir);
    int fd = open(path, O_WRONLY | O_CREAT, 0600);
    assert_true(fd >= 0 && close(fd) == 0);
}

/* The real one would fail, and containerd keep the bundle. */
static void test_delete_of_what_was_never_created(void **state)
{
    (void)state;
    struct cmc_reader r;
    struct cmc_pb_field f;
    struct cmc_err err;
    cmc_autobuf struct cmc_buf in = cmc_buf_of(16), out = cmc_buf_of(8192);
    assert_int_equal(run(shim_delete, "/nowhere", &in, &out), 0);
    r = cmc_reader_of(out.data, out.len);
    assert_int_equal(cmc_pb_next(&r, &f, &err), 1);
    assert_int_equal(f.number, 2);
    assert_int_equal(f.value, 137);
    assert_int_equal(cmc_pb_next(&r, &f, &err), 1);
    assert_int_equal(f.number, 3);
    assert_int_equal(cmc_pb_next(&r, &f, &err), 0);
}

static void test_delete_becomes_the_real_one(void **state)
{
    (void)state;
    char want[256];
    cmc_autobuf struct cmc_buf in = cmc_buf_of(16), out = cmc_buf_of(8192);
    put_runtime();
    assert_int_equal(run(shim_delete, script, &in, &out), 0);
    (void)snprintf(want, sizeof(want), "-id c1 act\n%s\n", dir);
    assert_string_equal((const char *)out.data, want);
    assert_int_equal(run(shim_delete, "/nowhere", &in, &out), CMC_E_SYS);
}

static void test_info_and_its_options(void **state)
{
    (void)state;
    char want[256];
    cmc_autobuf struct cmc_buf in = cmc_buf_of(256), out = cmc_buf_of(8192);
    cmc_pb_put_bytes(&in, 1, "containerd.runc.v1.Options", 26);
    assert_int_equal(run(shim_info, script, &in, &out), 0);
    (void)snprintf(want, sizeof(want),
                   "-id c1 act\n\n\x1a"
                   "containerd.runc.v1.Options%s\n",
                   dir);
    assert_string_equal((const char *)out.data, want); /* 0a 1a is "\n\x1a" */
    in.len = 0;
    cmc_pb_put_bytes(&in, 1, "runtimeoptions.v1.Options", 25);
    assert_int_equal(run(shim_info, script, &in, &out), 0);
    (void)snprintf(want, sizeof(want), "-id c1 act\n%s\n", dir);
    assert_string_equal((const char *)out.data, want);
}

int main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_delete_of_what_was_never_created),
        cmocka_unit_test(test_delete_becomes_the_real_one),
        cmocka_unit_test(test_info_and_its_options),
    };
    if (argc < 3)
        return 2;
    fake_inner = argv[1];
    return cmocka_run_group_tests_name("shim/delegate", tests, setup, teardown);
}
