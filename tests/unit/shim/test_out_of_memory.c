/* SPDX-License-Identifier: Apache-2.0 */
/* tests/unit/shim/test_out_of_memory.c -- each allocation of a proxy fails once while it serves a
 * Create and a Delete: it goes on, and no Create passes unseen. */
#include <errno.h>
#include <poll.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cmocka.h>

#include "tests/lib/fail_alloc.h"
#include "tests/unit/shim/proxy_world.h"

enum { MANY = 1000 };

static struct proxy_world world;

static int teardown(void **state)
{
    (void)state;
    return world_end(&world);
}

/* The status of the answer, or -1: the connection was closed. Silence fails the test. */
static int answer(int fd)
{
    static uint8_t data[1 << 16];
    struct shim_frame f;
    struct shim_response r;
    struct cmc_err err;
    size_t have = 0;
    int used = 0;
    while (used == 0) {
        const ssize_t n = recv(fd, data + have, sizeof(data) - have, 0);
        if (n == 0 || (n < 0 && errno == ECONNRESET))
            return -1;
        assert_true(n > 0);
        have += (size_t)n;
        used = shim_frame_parse(data, have, &f, &err);
    }
    assert_int_equal(used, (int)have);
    assert_int_equal(shim_ttrpc_response(f.data, f.data_len, &r, &err), 0);
    return (int)r.status;
}

/* As answer(); the proxy may have closed the connection already. */
static int call(int fd, uint32_t stream, const char *method, const char *id)
{
    cmc_autobuf struct cmc_buf payload = cmc_buf_of(4096), frame = cmc_buf_of(8192);
    const struct cmc_span body = world_create(&world, id, NULL, &payload);
    shim_ttrpc_put_request(&frame, stream, "containerd.task.v2.Task", method, &body);
    assert_false(frame.bad);
    const ssize_t n = send(fd, frame.data, frame.len, MSG_NOSIGNAL);
    assert_true(n == (ssize_t)frame.len || (n < 0 && (errno == EPIPE || errno == ECONNRESET)));
    return n < 0 ? -1 : answer(fd);
}

static int setup(void **state)
{
    (void)state;
    fail_alloc_in_children(0); /* before the proxy is forked: it shares the count */
    world_start(&world);
    int fd = world_connect(&world); /* an answer: the real shim's process is itself by now */
    assert_int_equal(call(fd, 1, "Create", "first"), SHIM_STATUS_OK);
    return close(fd);
}

/* The helper was asked to measure it, or to record why nobody could: that may come 2 s late. */
static bool is_recorded(const char *id)
{
    char line[64];
    (void)snprintf(line, sizeof(line), " id=%s ", id);
    for (int i = 0; i < 40; i++) {
        if (strstr(world_calls(&world), line))
            return true;
        (void)poll(NULL, 0, 50);
    }
    return false;
}

static void forget_calls(void)
{
    char path[128];
    (void)snprintf(path, sizeof(path), "%s.calls", world.config);
    (void)unlink(path);
}

static void create_and_delete(size_t n, bool *reached)
{
    char id[32], next[32];
    (void)snprintf(id, sizeof(id), "m%zu", n);
    (void)snprintf(next, sizeof(next), "next%zu", n);
    forget_calls();
    fail_alloc_in_children(n);
    int fd = world_connect(&world);
    const int created = call(fd, 1, "Create", id);
    if (created == SHIM_STATUS_OK)
        (void)call(fd, 3, "Delete", id);
    (void)close(fd);
    *reached = fail_alloc_reached(); /* from here on the proxy has memory again */
    fd = world_connect(&world);
    assert_int_equal(call(fd, 1, "Create", next), SHIM_STATUS_OK);
    assert_true(is_recorded(next));
    assert_int_equal(call(fd, 3, "Delete", next), SHIM_STATUS_OK);
    (void)close(fd);
    if (created == SHIM_STATUS_OK && !is_recorded(id))
        fail_msg("without allocation %zu the Create passed unseen", n);
}

static void test_each(void **state)
{
    (void)state;
    bool reached = true;
    size_t n = 0;
    while (reached && ++n < MANY)
        create_and_delete(n, &reached);
    assert_in_range(n, 5, MANY - 1);
}

int main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_each)};
    if (argc < 3)
        return 2;
    world_inner = argv[1];
    world_helper = argv[2];
    return cmocka_run_group_tests_name("shim/out of memory", tests, setup, teardown);
}
