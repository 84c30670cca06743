/* SPDX-License-Identifier: Apache-2.0 */
/* tests/unit/attest/serve/test_client.c -- answers that are none, and peers that misbehave. */
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>

#include "attest/serve/client.h"
#include "attest/serve/dial.h"
#include "attest/serve/frame.h"
#include "base/service.h"
#include "tests/lib/rows.h"

#define ANSWER                                                                                     \
    "\0\0\0\x0c\0\0\0\1\xa2\x00\x65"                                                               \
    "1.4.0\x01\x42ok"

static struct row {
    const char *name;
    const char *bytes; /* NULL: closed at once, without reading */
    size_t len;
    unsigned step_ms; /* between two bytes */
    int want;
    const char *says;
} rows[] = {
    {"an answer", ANSWER, sizeof(ANSWER) - 1, 0, 0, NULL},
    {"in pieces", ANSWER, sizeof(ANSWER) - 1, 5, 0, NULL},
    {"a byte now and then", ANSWER, sizeof(ANSWER) - 1, 100, -CMC_E_SYS, "no answer in time"},
    {"silence", "", 0, 2000, -CMC_E_SYS, "no answer in time"},
    {"closed", NULL, 0, 0, -CMC_E_SYS, "Attest: "},
    {"half an answer", ANSWER, 12, 0, -CMC_E_SYS, "the peer closed after 4 of 12 bytes"},
    {"half a head", ANSWER, 5, 0, -CMC_E_SYS, "the peer closed after 5 of 8 bytes"},
    {"another type", "\0\0\0\1\0\0\0\2x", 9, 0, -CMC_E_FORMAT, "type 2, expected 1"},
    {"HTTP", "HTTP/1.1 400 Bad", 16, 0, -CMC_E_FORMAT, "no cmcd there?"},
    {"an empty one", "\0\0\0\0\0\0\0\1", 8, 0, -CMC_E_FORMAT, "the answer is empty"},
    {"129 MiB", "\x08\x10\0\0\0\0\0\1", 8, 0, -CMC_E_LIMIT, "at most 134217728"},
    {"garbage", "\0\0\0\1\0\0\0\1x", 9, 0, -CMC_E_FORMAT, "answer: "},
    {"of another message",
     "\0\0\0\x0a\0\0\0\1\xa2\x00\x65"
     "1.4.0\x01\xf5",
     18, 0, -CMC_E_FORMAT, "report"},
    {"an Error",
     "\0\0\0\x0c\0\0\0\0\xa2\x00\x65"
     "1.4.0\x01\x62\x1b!",
     20, 0, -CMC_E_VERIFY, "cmcd answers: \\x1b!"},
    {"an Error in JSON", "\0\0\0\x1e\0\0\0\0{\"version\":\"1.4.0\",\"msg\":\"no\"}", 38, 0,
     -CMC_E_VERIFY, "cmcd answers: no"},
};

static void wait_ms(unsigned ms)
{
    const struct timespec ts = {.tv_sec = ms / 1000, .tv_nsec = ms % 1000 * 1000000L};
    (void)nanosleep(&ts, NULL);
}

static void play(int fd, const struct row *t)
{
    uint8_t head[SERVE_HEAD_LEN], payload[512];
    struct cmc_err err;
    const int64_t end = serve_now_ms() + 5000;
    if (!t->bytes)
        return;
    if (serve_receive(fd, head, sizeof(head), end, &err) < 0 ||
        serve_receive(fd, payload, serve_frame_head(head).len, end, &err) < 0)
        _exit(1);
    for (size_t i = 0; i < t->len; i++) {
        (void)!send(fd, t->bytes + i, 1, MSG_NOSIGNAL);
        wait_ms(t->step_ms);
    }
    if (!t->len)
        wait_ms(t->step_ms);
}

static pid_t serve(const char *path, const struct row *t)
{
    struct cmc_err err = {0};
    const struct cmc_service_socket own = {
        .path = path, .type = SOCK_STREAM, .mode = 0600, .gid = (gid_t)-1};
    const int fd = cmc_service_listen(&own, &err);
    assert_true(fd >= 0);
    const pid_t pid = fork();
    if (pid == 0) {
        int client;
        (void)prctl(PR_SET_PDEATHSIG, SIGKILL);
        while ((client = accept(fd, NULL, NULL)) < 0)
            wait_ms(1);
        play(client, t);
        _exit(0);
    }
    (void)close(fd);
    return pid;
}

static void check_row(void **state)
{
    const struct row *t = *state;
    char dir[] = "/tmp/cmc-client-XXXXXX", path[64];
    struct cmc_err err = {0};
    cmc_autobuf struct cmc_buf report = cmc_buf_of(1024);
    assert_non_null(mkdtemp(dir));
    (void)snprintf(path, sizeof(path), "%s/s", dir);
    const pid_t pid = serve(path, t);
    const struct serve_peer peer = {.addr = path, .timeout_ms = 700};
    cmc_put_u8(&report, 77);
    const int64_t begin = serve_now_ms();
    assert_int_equal(serve_attest(&peer, "0123456789abcdef", 16, NULL, &report, &err), t->want);
    assert_true(serve_now_ms() - begin < 2000);
    if (t->says && !strstr(err.msg, t->says))
        fail_msg("%s", err.msg);
    assert_int_equal(report.len, t->want < 0 ? 1 : 3);
    (void)kill(pid, SIGKILL);
    (void)waitpid(pid, NULL, 0);
}

static void no_such_peer(void **state)
{
    (void)state;
    struct cmc_err err = {0};
    struct serve_peer peer = {.addr = "nowhere", .json = true};
    assert_int_equal(serve_update(&peer, &err), -CMC_E_USAGE);
    peer.addr = "/nowhere/s";
    assert_int_equal(serve_update(&peer, &err), -CMC_E_SYS);
    assert_non_null(strstr(err.msg, "/nowhere/s: UpdateMetadata: connect to"));
}

int main(void)
{
    struct CMUnitTest tests[ROWS(rows) + 1];
    size_t n = 0;
    for (size_t i = 0; i < ROWS(rows); i++)
        tests[n++] = (struct CMUnitTest){rows[i].name, check_row, NULL, NULL, &rows[i]};
    tests[n++] = (struct CMUnitTest)cmocka_unit_test(no_such_peer);
    return cmocka_run_group_tests_name("attest/serve/client", tests, NULL, NULL);
}
