/* SPDX-License-Identifier: Apache-2.0 */
/* tests/unit/shim/test_proxy.c -- the life of the proxy itself: many clients, none, and the end. */
#include <poll.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <sys/resource.h>
#include <unistd.h>

#include <cmocka.h>

#include "shim/sock.h"
#include "tests/unit/shim/proxy_world.h"

static const struct cmc_span none = {NULL, 0};

static void test_it_ends_with_the_real_shim(void **state)
{
    (void)state;
    struct proxy_world w;
    uint8_t c;
    world_start(&w);
    int idle = world_connect(&w);
    assert_int_equal(world_end(&w), 0);
    assert_int_equal(read(idle, &c, 1), 0); /* everybody hears of it */
    assert_int_equal(close(idle), 0);
}

static void test_clients_come_and_go(void **state)
{
    (void)state;
    struct proxy_world w;
    cmc_autobuf struct cmc_buf b = cmc_buf_of(4096);
    world_start(&w);
    for (int i = 0; i < 300; i++) {
        int fd = world_connect(&w);
        if (i % 3 == 0) {
            world_send(fd, 1, "State", &none, 0);
            assert_int_equal(world_answer(fd, 1, &b).status, SHIM_STATUS_OK);
        } else if (i % 3 == 1) {
            assert_int_equal(write(fd, "\0\0", 2), 2);
        }
        assert_int_equal(close(fd), 0);
    }
    assert_int_equal(world_end(&w), 0);
}

static void test_signals_change_nothing(void **state)
{
    (void)state;
    struct proxy_world w;
    cmc_autobuf struct cmc_buf b = cmc_buf_of(4096);
    world_start(&w);
    for (int i = 0; i < 3; i++)
        assert_int_equal(kill(w.proxy, ((const int[]){SIGTERM, SIGINT, SIGHUP})[i]), 0);
    int fd = world_connect(&w);
    world_send(fd, 1, "State", &none, 0);
    assert_int_equal(world_answer(fd, 1, &b).status, SHIM_STATUS_OK);
    assert_int_equal(close(fd), 0);
    assert_int_equal(world_end(&w), 0);
}

/* A socket that took our name meanwhile is not ours to remove. */
static void test_a_new_socket_of_that_name_stays(void **state)
{
    (void)state;
    struct proxy_world w;
    struct cmc_err err;
    cmc_autobuf struct cmc_buf b = cmc_buf_of(4096);
    world_start(&w);
    int fd = world_connect(&w);
    world_send(fd, 3, "State", &none, 0); /* it serves, so it knows its own socket */
    (void)world_answer(fd, 3, &b);
    int other = shim_sock_listen(w.socket, &err);
    assert_true(other >= 0);
    world_send(fd, 1, "Shutdown", &none, 0);
    uint8_t c;
    while (read(fd, &c, 1) > 0) {
    }
    uint64_t ino = shim_sock_inode(w.socket);
    assert_int_not_equal(ino, 0);
    shim_sock_remove(w.dir, w.socket, ino);
    world_remove(&w);
    assert_int_equal(close(other), 0);
    assert_int_equal(close(fd), 0);
}

/* The limit below which that process has so many free descriptors. */
static rlim_t limit_with_free(pid_t pid, int free_fds)
{
    char path[64];
    for (rlim_t n = 0;; n++) {
        (void)snprintf(path, sizeof(path), "/proc/%d/fd/%llu", pid, (unsigned long long)n);
        if (access(path, F_OK) != 0 && free_fds-- == 0)
            return n;
    }
}

/* The proxy closes what its peers closed only when it comes to it. */
static void wait_for_limit(pid_t pid, rlim_t limit)
{
    for (int i = 0; i < 1000 && limit_with_free(pid, 0) != limit; i++)
        (void)poll(NULL, 0, 10);
    assert_int_equal(limit_with_free(pid, 0), limit);
}

static bool hears_within(int fd, int ms)
{
    struct pollfd p = {.fd = fd, .events = POLLIN};
    return poll(&p, 1, ms) > 0;
}

/* One descriptor is enough to accept and not to serve: nobody is accepted only to be closed. */
static void test_who_comes_without_descriptors_waits(void **state)
{
    (void)state;
    struct proxy_world w;
    struct rlimit was, raised;
    cmc_autobuf struct cmc_buf b = cmc_buf_of(4096);
    assert_int_equal(getrlimit(RLIMIT_NOFILE, &was), 0);
    const struct rlimit small = {64, was.rlim_max}; /* the proxy inherits it */
    assert_int_equal(setrlimit(RLIMIT_NOFILE, &small), 0);
    world_start(&w);
    assert_int_equal(setrlimit(RLIMIT_NOFILE, &was), 0);
    int first = world_connect(&w);
    world_send(first, 1, "State", &none, 0);
    (void)world_answer(first, 1, &b);
    assert_int_equal(prlimit(w.proxy, RLIMIT_NOFILE, NULL, &raised), 0);
    assert_int_equal(raised.rlim_cur, was.rlim_max);
    const rlim_t none_free = limit_with_free(w.proxy, 0);
    for (int left = 0; left < 2; left++) {
        wait_for_limit(w.proxy, none_free);
        const struct rlimit low = {limit_with_free(w.proxy, left), was.rlim_max};
        assert_int_equal(prlimit(w.proxy, RLIMIT_NOFILE, &low, NULL), 0);
        int fd = world_connect(&w);
        world_send(fd, 1, "State", &none, 0);
        assert_false(hears_within(fd, 300));
        world_send(first, 3 + 2 * (uint32_t)left, "State", &none, 0); /* others are served */
        (void)world_answer(first, 3 + 2 * (uint32_t)left, &b);
        assert_int_equal(prlimit(w.proxy, RLIMIT_NOFILE, &raised, NULL), 0);
        assert_int_equal(world_answer(fd, 1, &b).status, SHIM_STATUS_OK);
        assert_int_equal(close(fd), 0);
    }
    assert_int_equal(close(first), 0);
    assert_int_equal(world_end(&w), 0);
}

int main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_it_ends_with_the_real_shim),
        cmocka_unit_test(test_clients_come_and_go),
        cmocka_unit_test(test_who_comes_without_descriptors_waits),
        cmocka_unit_test(test_signals_change_nothing),
        cmocka_unit_test(test_a_new_socket_of_that_name_stays),
    };
    if (argc < 3)
        return 2;
    world_inner = argv[1];
    world_helper = argv[2];
    return cmocka_run_group_tests_name("shim/proxy", tests, NULL, NULL);
}
