/* SPDX-License-Identifier: Apache-2.0 */
/* tests/unit/attest/serve/test_server.c -- clients that are fast, slow, silent, many, and broken.
 */
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>

#include "tests/lib/rows.h"
#include "tests/unit/attest/serve/server_bed.h"

static void pause_ms(long ms)
{
    const struct timespec ts = {.tv_sec = ms / 1000, .tv_nsec = ms % 1000 * 1000000};
    (void)nanosleep(&ts, NULL);
}

static void expect_closed(int fd)
{
    char byte;
    assert_true(recv(fd, &byte, 1, 0) <= 0);
    (void)close(fd);
}

static void expect_error(int fd, const char *says)
{
    char out[1024];
    uint32_t type = 77;
    assert_true(server_bed_answer(fd, &type, out, sizeof(out)) > 0);
    assert_int_equal(type, SERVE_ERROR);
    if (!memmem(out, sizeof(out), says, strlen(says)))
        fail_msg("%s", out);
    (void)close(fd);
}

static void expect_echo(int fd, const char *payload)
{
    char out[1024];
    uint32_t type = 77;
    assert_int_equal(server_bed_answer(fd, &type, out, sizeof(out)), strlen(payload));
    assert_string_equal(out, payload);
    (void)close(fd);
}

static void one_exchange(void **state)
{
    (void)state;
    struct server_bed b;
    server_bed_start(&b, NULL);
    server_bed_alive(&b);
    const int fd = server_bed_dial(&b, true);
    server_bed_ask(fd, SERVE_ATTEST, "echo", 4);
    expect_echo(fd, "echo");
    server_bed_stop(&b);
}

static void in_pieces(void **state)
{
    (void)state;
    static const char frame[] = "\0\0\0\4\0\0\0\2echo";
    struct server_bed b;
    server_bed_start(&b, NULL);
    int fd = server_bed_dial(&b, false);
    for (size_t i = 0; i < sizeof(frame) - 1; i++) {
        server_bed_send(fd, frame + i, 1);
        pause_ms(5);
    }
    expect_echo(fd, "echo");
    fd = server_bed_dial(&b, false); /* a client that says that it has said all */
    server_bed_send(fd, frame, sizeof(frame) - 1);
    assert_int_equal(shutdown(fd, SHUT_WR), 0);
    expect_echo(fd, "echo");
    fd = server_bed_dial(&b, true);
    server_bed_send(fd, frame, sizeof(frame) - 1);
    assert_int_equal(shutdown(fd, SHUT_WR), 0);
    expect_echo(fd, "echo");
    fd = server_bed_dial(&b, true); /* what is behind the frame does not destroy the answer */
    server_bed_send(fd, frame, sizeof(frame) - 1);
    server_bed_send(fd, "more than one frame", 19);
    expect_echo(fd, "echo");
    server_bed_stop(&b);
}

static struct bad {
    const char *name;
    const char *bytes;
    size_t len;
    const char *says; /* NULL: closed without an answer */
} bads[] = {
    {"nothing", "", 0, NULL},
    {"half a head", "\0\0\0\4", 4, NULL},
    {"half a payload", "\0\0\0\4\0\0\0\2ec", 10, NULL},
    {"an empty payload", "\0\0\0\0\0\0\0\1", 8, "Attest: the payload is empty"},
    {"an unknown type", "\0\0\0\4\0\0\0\x20", 8, "request type 32 is unknown"},
    {"type 3", "\0\0\0\4\0\0\0\3", 8, "TLSCreate (type 3) is not offered"},
    {"the largest length", "\xff\xff\xff\xff\0\0\0\2", 8, "4294967295 bytes, at most"},
    {"a byte too many", "\0\xa0\0\1\0\0\0\2", 8, "10485761 bytes, at most 10485760"},
    {"HTTP", "GET / HTTP/1.0\r\n\r\n", 18, "is unknown"},
};

static void bad_frames(void **state)
{
    (void)state;
    struct server_bed b;
    server_bed_start(&b, NULL);
    for (size_t i = 0; i < 2 * ROWS(bads); i++) {
        const struct bad *t = &bads[i / 2];
        const int fd = server_bed_dial(&b, i % 2);
        server_bed_send(fd, t->bytes, t->len);
        if (!t->says)
            assert_int_equal(shutdown(fd, SHUT_WR), 0);
        if (t->says)
            expect_error(fd, t->says);
        else
            expect_closed(fd);
        server_bed_alive(&b);
    }
    server_bed_stop(&b);
}

/* Who keeps sending behind a refusal still gets it. */
static void refused_early(void **state)
{
    (void)state;
    static char rest[1 << 20];
    struct server_bed b;
    server_bed_start(&b, NULL);
    for (int tcp = 0; tcp < 2; tcp++) {
        const int fd = server_bed_dial(&b, tcp);
        server_bed_send(fd, "\x7f\0\0\0\0\0\0\2", 8);
        server_bed_send(fd, rest, sizeof(rest));
        expect_error(fd, "at most");
    }
    server_bed_alive(&b);
    server_bed_stop(&b);
}

static void silent_and_slow(void **state)
{
    (void)state;
    const struct serve_limits limits = {.request_ms = 500};
    struct server_bed b;
    server_bed_start(&b, &limits);
    const int64_t begin = server_bed_ms();
    const int silent = server_bed_dial(&b, false), slow = server_bed_dial(&b, true);
    server_bed_send(slow, "\0\0\1\0\0\0\0\2", 8);
    for (int i = 0; i < 6; i++) { /* a byte now and then does not prolong anything */
        server_bed_send(slow, "x", 1);
        server_bed_alive(&b);
        pause_ms(50);
    }
    expect_closed(silent);
    expect_closed(slow);
    const int64_t took = server_bed_ms() - begin;
    assert_true(took >= 450 && took < 5000);
    server_bed_alive(&b);
    server_bed_stop(&b);
}

/* Its answer waits; the others do not. */
static void does_not_read(void **state)
{
    (void)state;
    const struct serve_limits limits = {.exchange_ms = 1500};
    struct server_bed b;
    int fd[8];
    server_bed_start(&b, &limits);
    for (size_t i = 0; i < ROWS(fd); i++) {
        fd[i] = server_bed_dial(&b, i % 2);
        server_bed_ask(fd[i], SERVE_VERIFY, "long", 4);
    }
    const int64_t begin = server_bed_ms();
    for (int i = 0; i < 20; i++)
        server_bed_alive(&b);
    assert_true(server_bed_ms() - begin < 1400);
    pause_ms(1800);
    for (size_t i = 0; i < ROWS(fd); i++) { /* given up: the rest was never sent */
        static char out[(4 << 20) + 1];
        uint32_t type;
        assert_int_equal(server_bed_answer(fd[i], &type, out, sizeof(out)), -1);
        (void)close(fd[i]);
    }
    server_bed_stop(&b);
}

static void a_long_answer(void **state)
{
    (void)state;
    static char out[(4 << 20) + 1];
    struct server_bed b;
    uint32_t type;
    server_bed_start(&b, NULL);
    const int fd = server_bed_dial(&b, false);
    server_bed_ask(fd, SERVE_VERIFY, "long", 4);
    assert_int_equal(server_bed_answer(fd, &type, out, sizeof(out)), 4 << 20);
    (void)close(fd);
    server_bed_stop(&b);
}

static void bad_workers(void **state)
{
    (void)state;
    static const char *const what[] = {"crash", "t", "nothing"};
    const struct serve_limits limits = {.exchange_ms = 600};
    struct server_bed b;
    server_bed_start(&b, &limits);
    for (size_t i = 0; i < ROWS(what); i++) {
        const int fd = server_bed_dial(&b, false);
        server_bed_ask(fd, SERVE_VERIFY, what[i], strlen(what[i]));
        expect_error(fd, "cannot be answered");
        server_bed_alive(&b);
    }
    const int hang = server_bed_dial(&b, false), tpm = server_bed_dial(&b, false);
    server_bed_ask(hang, SERVE_VERIFY, "hang", 4);
    server_bed_ask(tpm, SERVE_ATTEST, "hang", 4);
    expect_error(hang, "no answer in time");
    expect_error(tpm, "no answer in time");
    assert_string_equal(server_bed_exchange(&b, SERVE_ATTEST, "echo"),
                        "echo"); /* its place is free */
    server_bed_stop(&b);
}

/* A client that goes away takes its work with it. */
static void goes_away(void **state)
{
    (void)state;
    const struct serve_limits limits = {.workers = 1};
    struct server_bed b;
    server_bed_start(&b, &limits);
    const int fd = server_bed_dial(&b, false), queued = server_bed_dial(&b, false);
    server_bed_ask(fd, SERVE_VERIFY, "hang", 4);
    server_bed_ask(queued, SERVE_VERIFY, "hang", 4);
    pause_ms(100);
    (void)close(queued);
    (void)close(fd);
    const int64_t begin = server_bed_ms();
    server_bed_alive(&b);
    assert_true(server_bed_ms() - begin < 5000);
    server_bed_stop(&b);
}

static void crowd(const struct server_bed *b, uint32_t type, size_t count)
{
    int fd[100];
    assert_true(count <= ROWS(fd));
    for (size_t i = 0; i < count; i++) {
        fd[i] = server_bed_dial(b, i % 2);
        server_bed_ask(fd[i], type, "ss", 2);
    }
    for (size_t i = 0; i < count; i++)
        expect_echo(fd[i], "ss");
}

/* 1,000 clients that only connect, and 100 that ask at the same time. */
static void idle_and_busy(void **state)
{
    (void)state;
    static int idle[1000];
    const struct rlimit files = {.rlim_cur = 4096, .rlim_max = 4096};
    struct server_bed b;
    if (setrlimit(RLIMIT_NOFILE, &files) < 0)
        skip();
    server_bed_start(&b, NULL);
    for (size_t i = 0; i < ROWS(idle); i++)
        idle[i] = server_bed_dial(&b, i >= ROWS(idle) - 200);
    const int64_t begin = server_bed_ms();
    crowd(&b, SERVE_VERIFY, 100);
    assert_true(b.shared->most >= 2 && b.shared->most <= SERVE_WORKERS);
    assert_true(server_bed_ms() - begin < SERVE_REQUEST_MS);
    for (size_t i = 0; i < ROWS(idle); i++) { /* and each of these is still served */
        if (i % 50 == 0) {
            server_bed_ask(idle[i], SERVE_VERIFY, "echo", 4);
            expect_echo(idle[i], "echo");
        } else {
            (void)close(idle[i]);
        }
    }
    server_bed_alive(&b);
    server_bed_stop(&b);
}

static void one_at_the_tpm(void **state)
{
    (void)state;
    struct server_bed b;
    server_bed_start(&b, NULL);
    crowd(&b, SERVE_ATTEST, 20);
    assert_int_equal(b.shared->most, 1);
    server_bed_stop(&b);
}

/* With all places taken, who has said nothing for the longest time goes. */
static void makes_room(void **state)
{
    (void)state;
    const struct serve_limits limits = {.clients = 8, .tcp_clients = 2};
    struct server_bed b;
    int fd[8], tcp[3];
    server_bed_start(&b, &limits);
    for (size_t i = 0; i < ROWS(tcp); i++)
        tcp[i] = server_bed_dial(&b, true);
    expect_closed(tcp[0]);
    for (size_t i = 0; i < ROWS(fd); i++)
        fd[i] = server_bed_dial(&b, false);
    expect_closed(tcp[1]);
    expect_closed(tcp[2]);
    server_bed_alive(&b);
    expect_closed(fd[0]);
    server_bed_ask(fd[7], SERVE_VERIFY, "echo", 4);
    expect_echo(fd[7], "echo");
    for (size_t i = 1; i < 7; i++)
        (void)close(fd[i]);
    server_bed_stop(&b);
}

static void too_much_at_a_time(void **state)
{
    (void)state;
    static char half[40000];
    const struct serve_limits limits = {.held = 131072};
    struct server_bed b;
    server_bed_start(&b, &limits);
    const int first = server_bed_dial(&b, false);
    server_bed_send(first, "\0\0\xa0\0\0\0\0\2", 8);
    server_bed_send(first, half, sizeof(half));
    pause_ms(100);
    const int second = server_bed_dial(&b, false);
    server_bed_send(second, "\0\0\xa0\0\0\0\0\2", 8);
    server_bed_send(second, half, sizeof(half));
    expect_error(second, "too many requests");
    (void)close(first);
    pause_ms(100);
    server_bed_alive(&b);
    server_bed_stop(&b);
}

/* Strangers who fill what they may leave the rest to who is on this host: memory of requests and of
 * answers, a worker, and the next place at the TPM. */
static void strangers(void **state)
{
    (void)state;
    static char half[40000];
    const struct serve_limits limits = {.held = 131072, .workers = 2, .exchange_ms = 8000};
    struct server_bed b;
    int fd[8];
    uint8_t c;
    server_bed_start(&b, &limits);
    for (size_t i = 0; i < ROWS(fd); i++)
        fd[i] = server_bed_dial(&b, true);
    server_bed_send(fd[0], "\0\0\xa0\0\0\0\0\2", 8); /* begins a large request */
    server_bed_send(fd[0], half, sizeof(half));
    const int local = server_bed_dial(&b, false);
    server_bed_send(local, "\0\0\xa0\0\0\0\0\2", 8);
    server_bed_send(local, half, sizeof(half));
    pause_ms(100);
    assert_int_equal(recv(local, &c, 1, MSG_DONTWAIT), -1); /* not refused */
    for (size_t i = 1; i < 4; i++)
        server_bed_ask(fd[i], SERVE_VERIFY, "hang", 4);
    server_bed_ask(fd[4], SERVE_ATTEST, "ssssssssss", 10); /* 0.2 s */
    server_bed_ask(fd[5], SERVE_ATTEST, "hang", 4);
    server_bed_ask(fd[6], SERVE_ATTEST, "hang", 4);
    server_bed_alive(&b);
    assert_string_equal(server_bed_exchange(&b, SERVE_ATTEST, "echo"), "echo");
    for (size_t i = 1; i < 4; i++)
        (void)close(fd[i]);
    server_bed_ask(fd[7], SERVE_VERIFY, "long", 4); /* does not read its answer */
    assert_int_equal(recv(fd[7], &c, 1, MSG_PEEK), 1);
    server_bed_alive(&b);
    (void)close(local);
    (void)close(fd[0]);
    for (size_t i = 4; i < ROWS(fd); i++)
        (void)close(fd[i]);
    server_bed_stop(&b);
}

static void wait_for(const int *value, int want)
{
    for (int i = 0; i < 500 && __atomic_load_n(value, __ATOMIC_SEQ_CST) != want; i++)
        pause_ms(10);
    assert_int_equal(*value, want);
}

static void reload(void **state)
{
    (void)state;
    struct server_bed b;
    server_bed_start(&b, NULL);
    assert_string_equal(server_bed_exchange(&b, SERVE_VERIFY, "value"), "0");
    b.shared->next = 3;
    assert_string_equal(server_bed_exchange(&b, SERVE_UPDATE_METADATA, "x"), "yes");
    assert_string_equal(server_bed_exchange(&b, SERVE_VERIFY, "value"), "3");
    b.shared->next = -1; /* a bad set: the old one stays */
    assert_string_equal(server_bed_exchange(&b, SERVE_UPDATE_METADATA, "x"), "no");
    assert_string_equal(server_bed_exchange(&b, SERVE_VERIFY, "value"), "3");
    assert_int_equal(kill(b.pid, SIGHUP), 0);
    wait_for(&b.shared->reloads, 101); /* begun, and ended */
    assert_string_equal(server_bed_exchange(&b, SERVE_VERIFY, "value"), "3");
    b.shared->next = 5;
    assert_int_equal(kill(b.pid, SIGHUP), 0);
    wait_for(&b.shared->value, 5);
    assert_string_equal(server_bed_exchange(&b, SERVE_VERIFY, "value"), "5");
    server_bed_stop(&b);
}

/* Over TCP, or as nobody: what may not be asked is refused by the head. */
static void not_for_them(void **state)
{
    (void)state;
    struct server_bed b;
    server_bed_start(&b, NULL);
    int fd = server_bed_dial(&b, true);
    server_bed_ask(fd, SERVE_UPDATE_METADATA, "x", 1);
    expect_error(fd, "UpdateMetadata is not for clients over TCP");
    fd = server_bed_dial(&b, true);
    server_bed_ask(fd, SERVE_MEASURE, "x", 1);
    expect_error(fd, "Measure is not for clients over TCP");
    if (geteuid() == 0) {
        int status = -1;
        assert_int_equal(chmod(b.dir, 0755), 0);
        const pid_t pid = fork();
        if (pid == 0) {
            if (setgid(65534) < 0 || setuid(65534) < 0)
                _exit(1);
            fd = server_bed_dial(&b, false);
            server_bed_ask(fd, SERVE_MEASURE, "x", 1);
            expect_error(fd, "Measure is for root only");
            _exit(0);
        }
        assert_int_equal(waitpid(pid, &status, 0), pid);
        assert_int_equal(status, 0);
    }
    server_bed_stop(&b);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(one_exchange),       cmocka_unit_test(in_pieces),
        cmocka_unit_test(bad_frames),         cmocka_unit_test(refused_early),
        cmocka_unit_test(silent_and_slow),    cmocka_unit_test(does_not_read),
        cmocka_unit_test(a_long_answer),      cmocka_unit_test(bad_workers),
        cmocka_unit_test(goes_away),          cmocka_unit_test(idle_and_busy),
        cmocka_unit_test(one_at_the_tpm),     cmocka_unit_test(makes_room),
        cmocka_unit_test(too_much_at_a_time), cmocka_unit_test(reload),
        cmocka_unit_test(not_for_them),       cmocka_unit_test(strangers),
    };
    return cmocka_run_group_tests_name("attest/serve/server", tests, NULL, NULL);
}
