/* SPDX-License-Identifier: Apache-2.0 */
/* tests/unit/shim/test_start.c -- join, create and refuse, with a fake real shim behind it. */
#include <poll.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "shim/sock.h"
#include "tests/unit/shim/action_world.h"

static void params(struct cmc_buf *in)
{
    cmc_pb_put_bytes(in, 1, "c1", 2);
    cmc_pb_put_bytes(in, 2, "default", 7);
    cmc_pb_put_bytes(in, 9, socket_dir, strlen(socket_dir));
}

static void test_start(void **state)
{
    (void)state;
    if (geteuid() != 0)
        skip(); /* the helper must be root's */
    cmc_autobuf struct cmc_buf in = cmc_buf_of(256), out = cmc_buf_of(8192), b = cmc_buf_of(8192);
    char path[128] = "";
    struct cmc_err err;
    params(&in);
    assert_int_equal(run(shim_start, fake_inner, &in, &out), 0);
    assert_memory_equal(out.data, "\x08\x02\x12", 3);
    size_t len = out.data[3];
    memcpy(path, out.data + 4 + 7, len - 7);
    int fd = shim_sock_connect(path, &err);
    assert_true(fd >= 0);
    b.len = 0;
    cmc_put(&b, out.data, out.len);
    assert_int_equal(run(shim_start, "/nowhere", &in, &out), 0); /* joins: no real shim is needed */
    assert_int_equal(out.len, b.len);
    assert_memory_equal(out.data, b.data, b.len);
    /* Shutdown, and everybody is gone */
    static const char request[] = "\0\0\0\x25\0\0\0\1\1\0\x0a\x17"
                                  "containerd.task.v2.Task"
                                  "\x12\x08"
                                  "Shutdown"
                                  "\x1a";
    uint8_t c;
    assert_int_equal(write(fd, request, sizeof(request)), sizeof(request));
    while (read(fd, &c, 1) > 0) {
    }
    assert_int_equal(close(fd), 0);
    for (int i = 0; i < 500 && shim_sock_inode(path); i++)
        (void)poll(NULL, 0, 10);
    assert_int_equal(shim_sock_inode(path), 0);
}

static void test_start_failures(void **state)
{
    (void)state;
    cmc_autobuf struct cmc_buf in = cmc_buf_of(256), out = cmc_buf_of(8192);
    params(&in);
    assert_int_equal(run(shim_start, "/nowhere", &in, &out), CMC_E_SYS);
    if (geteuid() == 0) {
        assert_int_equal(run(shim_start, "/bin/false", &in, &out), CMC_E_FORMAT);
        assert_non_null(strstr((const char *)out.data, "ended at once"));
    }
    assert_int_equal(rmdir(socket_dir), 0); /* no socket is left */
    cmc_pb_put_bytes(&in, 9, "relative", 8);
    assert_int_equal(run(shim_start, fake_inner, &in, &out), CMC_E_FORMAT);
}

int main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_start),
        cmocka_unit_test(test_start_failures),
    };
    if (argc < 3)
        return 2;
    fake_inner = argv[1];
    return cmocka_run_group_tests_name("shim/start", tests, setup, teardown);
}
