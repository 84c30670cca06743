/* SPDX-License-Identifier: Apache-2.0 */
/* tests/unit/shim/test_loop.c -- callbacks come once, for open descriptors, and never for silenced.
 */
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/epoll.h>
#include <unistd.h>

#include <cmocka.h>

#include "shim/loop.h"

struct side {
    struct shim_loop *loop;
    struct shim_watch w, *victim;
    uint32_t seen;
    unsigned calls;
    int peer;
};

static void ready(void *owner, uint32_t events)
{
    struct side *s = owner;
    s->seen |= events;
    s->calls++;
    if (s->victim)
        shim_loop_drop(s->loop, s->victim);
}

static void open_side(struct shim_loop *l, struct side *s)
{
    int fds[2];
    struct cmc_err err;
    assert_int_equal(pipe2(fds, O_NONBLOCK | O_CLOEXEC), 0);
    *s = (struct side){.loop = l, .peer = fds[1]};
    s->w = (struct shim_watch){.ready = ready, .owner = s};
    assert_int_equal(shim_loop_add(l, &s->w, fds[0], EPOLLIN, &err), 0);
}

static void test_ready_and_silent(void **state)
{
    (void)state;
    struct shim_loop l;
    struct side a;
    struct cmc_err err;
    assert_int_equal(shim_loop_init(&l, &err), 0);
    open_side(&l, &a);
    assert_int_equal(shim_loop_wait(&l, 0, &err), 0);
    assert_int_equal(a.calls, 0);
    assert_int_equal(write(a.peer, "x", 1), 1);
    assert_int_equal(shim_loop_wait(&l, 1000, &err), 0);
    assert_int_equal(a.calls, 1);
    assert_int_equal(a.seen, EPOLLIN);
    shim_loop_set(&l, &a.w, 0);
    assert_int_equal(close(a.peer), 0); /* EPOLLHUP, which a plain mask of 0 would let through */
    assert_int_equal(shim_loop_wait(&l, 0, &err), 0);
    assert_int_equal(a.calls, 1);
    shim_loop_set(&l, &a.w, EPOLLIN);
    assert_int_equal(shim_loop_wait(&l, 1000, &err), 0);
    assert_int_equal(a.calls, 2);
    shim_loop_drop(&l, &a.w);
    assert_int_equal(a.w.fd, -1);
    shim_loop_drop(&l, &a.w); /* twice is fine */
    assert_int_equal(close(l.epfd), 0);
}

/* Two are ready in one batch, the first closes the second: its callback no longer comes. */
static void test_closed_within_a_batch(void **state)
{
    (void)state;
    struct shim_loop l;
    struct side a, b;
    struct cmc_err err;
    assert_int_equal(shim_loop_init(&l, &err), 0);
    open_side(&l, &a);
    open_side(&l, &b);
    a.victim = &b.w;
    b.victim = &a.w;
    assert_int_equal(write(a.peer, "x", 1), 1);
    assert_int_equal(write(b.peer, "x", 1), 1);
    assert_int_equal(shim_loop_wait(&l, 1000, &err), 0);
    assert_int_equal(a.calls + b.calls, 1);
    shim_loop_drop(&l, &a.w);
    shim_loop_drop(&l, &b.w);
    assert_int_equal(close(a.peer), 0);
    assert_int_equal(close(b.peer), 0);
    assert_int_equal(close(l.epfd), 0);
}

static void test_bad_descriptor(void **state)
{
    (void)state;
    struct shim_loop l;
    struct shim_watch w = {.fd = 77};
    struct cmc_err err;
    assert_int_equal(shim_loop_init(&l, &err), 0);
    assert_int_equal(shim_loop_add(&l, &w, open("/dev/null", O_RDONLY | O_CLOEXEC), EPOLLIN, &err),
                     -CMC_E_SYS); /* a file cannot be waited for */
    assert_int_equal(w.fd, -1);
    assert_int_equal(close(l.epfd), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_ready_and_silent),
        cmocka_unit_test(test_closed_within_a_batch),
        cmocka_unit_test(test_bad_descriptor),
    };
    return cmocka_run_group_tests_name("shim/loop", tests, NULL, NULL);
}
