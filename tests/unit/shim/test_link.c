/* SPDX-License-Identifier: Apache-2.0 */
/* tests/unit/shim/test_link.c -- what goes through the proxy arrives as it was sent. */
#include <poll.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cmocka.h>

#include "tests/unit/shim/proxy_world.h"

static struct proxy_world world;
static const struct cmc_span none = {NULL, 0};

static int setup(void **state)
{
    (void)state;
    world_start(&world);
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    return world_end(&world);
}

/* Types, flags and ids that nobody knows, of many sizes, come back byte for byte. */
static void test_frames_pass_unchanged(void **state)
{
    (void)state;
    static const size_t sizes[] = {0, 1, 9, 10, 8191, 8192, 8193, 70000, SHIM_FRAME_DATA_MAX};
    static uint8_t data[SHIM_FRAME_DATA_MAX];
    cmc_autobuf struct cmc_buf out = cmc_buf_of(8 << 20), in = cmc_buf_of(8 << 20);
    int fd = world_connect(&world);
    for (size_t i = 0; i < sizeof(data); i++)
        data[i] = (uint8_t)(i * 7 + i / 256);
    for (size_t i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
        out.len = 0;
        cmc_put_be32(&out, (uint32_t)sizes[i]);
        cmc_put_be32(&out, (uint32_t)(i * 0x11111111));
        cmc_put_u8(&out, (uint8_t)(i % 2 ? 3 : 200 + i));
        cmc_put_u8(&out, (uint8_t)(255 - i));
        cmc_put(&out, data, sizes[i]);
        assert_int_equal(write(fd, out.data, out.len), (ssize_t)out.len);
        (void)world_read(fd, &in);
        assert_int_equal(in.len, out.len);
        assert_memory_equal(in.data, out.data, out.len);
    }
    assert_int_equal(close(fd), 0);
}

static void test_oversize_answer(void **state)
{
    (void)state;
    cmc_autobuf struct cmc_buf b = cmc_buf_of(8 << 20);
    int fd = world_connect(&world);
    world_send(fd, 1, "Big", &none, 0);
    struct shim_response r = world_answer(fd, 1, &b);
    assert_int_equal(r.status, SHIM_STATUS_EXHAUSTED);
    world_send(fd, 3, "State", &none, 0);
    r = world_answer(fd, 3, &b);
    assert_int_equal(r.status, SHIM_STATUS_OK);
    assert_int_equal(close(fd), 0);
}

/* 64 MiB of answers wait for a client that does not read; others are served meanwhile. */
static void test_back_pressure(void **state)
{
    (void)state;
    enum { BLOBS = 64 };
    cmc_autobuf struct cmc_buf b = cmc_buf_of(8 << 20);
    int slow = world_connect(&world), other = world_connect(&world);
    for (uint32_t i = 0; i < BLOBS; i++)
        world_send(slow, 2 * i + 1, "Blob", &none, 0);
    for (uint32_t i = 0; i < 20; i++) {
        world_send(other, 2 * i + 1, "State", &none, 0);
        assert_int_equal(world_answer(other, 2 * i + 1, &b).status, SHIM_STATUS_OK);
        (void)poll(NULL, 0, 10); /* lets the slow side fill up */
    }
    for (uint32_t i = 0; i < BLOBS; i++) {
        struct shim_response r = world_answer(slow, 2 * i + 1, &b);
        assert_int_equal(r.payload.len, 1 << 20);
    }
    assert_int_equal(close(slow), 0);
    assert_int_equal(close(other), 0);
}

static void test_request_that_cannot_be_read(void **state)
{
    (void)state;
    static const uint8_t bad[] = {0, 0, 0, 2, 0, 0, 0, 5, 1, 0, 0xff, 0xff};
    cmc_autobuf struct cmc_buf b = cmc_buf_of(4096);
    int fd = world_connect(&world);
    assert_int_equal(write(fd, bad, sizeof(bad)), sizeof(bad));
    assert_int_equal(world_answer(fd, 5, &b).status, SHIM_STATUS_INVALID);
    assert_int_equal(close(fd), 0);
}

/* The fake real shim answers a half-closed peer: all of it must arrive, then the end. */
static void test_half_close(void **state)
{
    (void)state;
    cmc_autobuf struct cmc_buf b = cmc_buf_of(8 << 20);
    uint8_t c;
    int fd = world_connect(&world);
    world_send(fd, 1, "Blob", &none, 0);
    world_send(fd, 3, "Blob", &none, 0);
    assert_int_equal(shutdown(fd, SHUT_WR), 0);
    assert_int_equal(world_answer(fd, 1, &b).payload.len, 1 << 20);
    assert_int_equal(world_answer(fd, 3, &b).payload.len, 1 << 20);
    assert_int_equal(read(fd, &c, 1), 0);
    assert_int_equal(close(fd), 0);
}

/* What the real shim said before it closed arrives; then the connection ends, others do not. */
static void test_the_real_shim_closes(void **state)
{
    (void)state;
    cmc_autobuf struct cmc_buf b = cmc_buf_of(8 << 20);
    uint8_t c;
    int fd = world_connect(&world), other = world_connect(&world);
    world_send(fd, 1, "Blob", &none, 0);
    world_send(fd, 3, "Close", &none, 0);
    assert_int_equal(world_answer(fd, 1, &b).payload.len, 1 << 20);
    assert_int_equal(read(fd, &c, 1), 0);
    world_send(other, 1, "State", &none, 0);
    assert_int_equal(world_answer(other, 1, &b).status, SHIM_STATUS_OK);
    assert_int_equal(close(fd), 0);
    assert_int_equal(close(other), 0);
}

int main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_frames_pass_unchanged),
        cmocka_unit_test(test_oversize_answer),
        cmocka_unit_test(test_back_pressure),
        cmocka_unit_test(test_request_that_cannot_be_read),
        cmocka_unit_test(test_half_close),
        cmocka_unit_test(test_the_real_shim_closes),
    };
    if (argc < 3)
        return 2;
    world_inner = argv[1];
    world_helper = argv[2];
    return cmocka_run_group_tests_name("shim/link", tests, setup, teardown);
}
