/* SPDX-License-Identifier: Apache-2.0 */
/* tests/unit/shim/test_end.c -- frames in pieces, frames too large, an input that ends. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cmocka.h>

#include "shim/end.h"

struct world {
    struct shim_loop loop;
    struct shim_end end;
    int peer;
};

static void ignore(void *owner, uint32_t events)
{
    (void)owner;
    (void)events;
}

static int setup(void **state)
{
    static struct world w;
    int pair[2];
    struct cmc_err err;
    w = (struct world){.peer = -1};
    w.end.w = (struct shim_watch){.fd = -1, .ready = ignore};
    if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, pair) < 0 ||
        shim_loop_init(&w.loop, &err) < 0 || shim_end_init(&w.end, &w.loop, pair[0], &err) < 0)
        return -1;
    w.peer = pair[1];
    *state = &w;
    return 0;
}

static int teardown(void **state)
{
    struct world *w = *state;
    shim_end_done(&w->end, &w->loop);
    return close(w->loop.epfd) || (w->peer >= 0 && close(w->peer));
}

static void feed(struct world *w, const void *data, size_t len)
{
    assert_int_equal(write(w->peer, data, len), (ssize_t)len);
    while (shim_end_read(&w->end)) {
    }
}

static void test_pieces(void **state)
{
    struct world *w = *state;
    static const uint8_t frame[] = {0, 0, 0, 2, 0, 0, 0, 5, 1, 7, 'h', 'i'};
    struct shim_frame f = {.stream = 77};
    for (size_t i = 0; i < sizeof(frame) - 1; i++) {
        feed(w, frame + i, 1);
        assert_int_equal(shim_end_next(&w->end, &f), SHIM_END_NOTHING);
    }
    assert_int_equal(f.stream, 77);
    feed(w, frame + sizeof(frame) - 1, 1);
    assert_int_equal(shim_end_next(&w->end, &f), SHIM_END_FRAME);
    assert_int_equal(f.stream, 5);
    assert_int_equal(f.flags, 7);
    assert_memory_equal(f.data, "hi", 2);
    assert_int_equal(shim_end_next(&w->end, &f), SHIM_END_NOTHING);
}

static void test_two_at_once(void **state)
{
    struct world *w = *state;
    static const uint8_t frames[] = {0, 0, 0, 0, 0, 0, 0, 1, 1, 0,  0,
                                     0, 0, 1, 0, 0, 0, 3, 2, 0, 'x'};
    struct shim_frame f;
    feed(w, frames, sizeof(frames));
    assert_int_equal(shim_end_next(&w->end, &f), SHIM_END_FRAME);
    assert_int_equal(f.stream, 1);
    assert_int_equal(shim_end_next(&w->end, &f), SHIM_END_FRAME);
    assert_int_equal(f.stream, 3);
    assert_int_equal(shim_end_next(&w->end, &f), SHIM_END_NOTHING);
}

static void test_oversize(void **state)
{
    struct world *w = *state;
    static const uint8_t head[] = {0, 0x40, 0, 1, 0, 0, 0, 9, 1, 0};
    static const uint8_t next[] = {0, 0, 0, 0, 0, 0, 0, 11, 1, 0};
    static uint8_t junk[SHIM_FRAME_DATA_MAX + 1];
    struct shim_frame f;
    feed(w, head, sizeof(head));
    assert_int_equal(shim_end_next(&w->end, &f), SHIM_END_NOTHING);
    for (size_t at = 0; at < sizeof(junk); at += 65536) {
        assert_int_equal(shim_end_next(&w->end, &f), SHIM_END_NOTHING);
        feed(w, junk + at, sizeof(junk) - at < 65536 ? sizeof(junk) - at : 65536);
    }
    assert_true(w->end.in.cap < 1 << 20); /* thrown away, not kept */
    feed(w, next, sizeof(next));
    assert_int_equal(shim_end_next(&w->end, &f), SHIM_END_OVERSIZE);
    assert_int_equal(f.stream, 9);
    assert_int_equal(f.data_len, SHIM_FRAME_DATA_MAX + 1);
    assert_int_equal(shim_end_next(&w->end, &f), SHIM_END_FRAME);
    assert_int_equal(f.stream, 11);
}

static void end_input(struct world *w)
{
    assert_int_equal(shutdown(w->peer, SHUT_WR), 0);
    while (shim_end_read(&w->end)) {
    }
    assert_true(w->end.eof);
    assert_false(w->end.hup);
}

static void test_end_at_a_frame(void **state)
{
    struct world *w = *state;
    static const uint8_t frame[] = {0, 0, 0, 0, 0, 0, 0, 1, 1, 0};
    struct shim_frame f;
    feed(w, frame, sizeof(frame));
    end_input(w);
    assert_int_equal(shim_end_next(&w->end, &f), SHIM_END_FRAME);
    assert_int_equal(shim_end_next(&w->end, &f), SHIM_END_NOTHING);
}

static void test_end_inside_a_frame(void **state)
{
    struct world *w = *state;
    struct shim_frame f;
    feed(w, "\0\0\0\1\0", 5);
    end_input(w);
    assert_int_equal(shim_end_next(&w->end, &f), SHIM_END_TRUNCATED);
}

static void test_end_inside_an_oversize_frame(void **state)
{
    struct world *w = *state;
    struct shim_frame f;
    feed(w, "\xff\xff\xff\xff\0\0\0\1\1\0junk", 14);
    end_input(w);
    assert_int_equal(shim_end_next(&w->end, &f), SHIM_END_TRUNCATED);
}

/* Output beyond what the socket takes waits, arrives in order, and its memory is given back. */
static void test_output(void **state)
{
    struct world *w = *state;
    static uint8_t out[4 << 20], in[4 << 20];
    size_t got = 0;
    for (size_t i = 0; i < sizeof(out); i++)
        out[i] = (uint8_t)(i * 31 + i / 4096);
    shim_end_put(&w->end, out, sizeof(out) / 2);
    shim_end_put(&w->end, out + sizeof(out) / 2, sizeof(out) / 2);
    assert_true(shim_end_pending(&w->end) > SHIM_END_HIGH);
    while (got < sizeof(in)) {
        ssize_t n = read(w->peer, in + got, sizeof(in) - got);
        assert_true(n > 0);
        got += (size_t)n;
        shim_end_flush(&w->end);
    }
    assert_memory_equal(in, out, sizeof(in));
    assert_int_equal(shim_end_pending(&w->end), 0);
    assert_int_equal(w->end.out.cap, 0);
}

static void test_peer_gone(void **state)
{
    struct world *w = *state;
    assert_int_equal(close(w->peer), 0);
    w->peer = -1;
    shim_end_put(&w->end, "x", 1);
    assert_true(w->end.broken);
    assert_int_equal(shim_end_pending(&w->end), 0);
    shim_end_put(&w->end, "x", 1); /* nothing happens */
}

#define CASE(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        CASE(test_pieces),
        CASE(test_two_at_once),
        CASE(test_oversize),
        CASE(test_end_at_a_frame),
        CASE(test_end_inside_a_frame),
        CASE(test_end_inside_an_oversize_frame),
        CASE(test_output),
        CASE(test_peer_gone),
    };
    return cmocka_run_group_tests_name("shim/end", tests, NULL, NULL);
}
