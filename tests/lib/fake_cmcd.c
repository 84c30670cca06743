/* SPDX-License-Identifier: Apache-2.0 */
/* tests/lib/fake_cmcd.c -- a peer on a unix socket that says what a test wants it to say. */
#include "tests/lib/fake_cmcd.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>

#include "attest/serve/dial.h"

enum { DEADLINE_MS = 20000 };

static void send_answer(int fd, uint32_t type, enum meta_encoding encoding,
                        const struct serve_message *answer)
{
    struct cmc_err err = {0};
    cmc_autobuf struct cmc_buf frame = cmc_buf_of(SERVE_ANSWER_MAX);
    if (serve_message_frame(type, SERVE_ANSWER, answer, encoding, &frame, &err) < 0 ||
        serve_send(fd, frame.data, frame.len, serve_now_ms() + DEADLINE_MS, &err) < 0)
        (void)fprintf(stderr, "fake cmcd: %s\n", err.msg);
}

static void serve_one(int fd, fake_cmcd_fn *fn)
{
    const int64_t end = serve_now_ms() + DEADLINE_MS;
    uint8_t bytes[SERVE_HEAD_LEN], payload[4096];
    struct serve_message asked, answer = {0};
    struct cmc_err err = {0};
    if (serve_receive(fd, bytes, sizeof(bytes), end, &err) < 0)
        return;
    const struct serve_head head = serve_frame_head(bytes);
    if (head.len > sizeof(payload) || serve_receive(fd, payload, head.len, end, &err) < 0 ||
        serve_message_decode(head.type, SERVE_REQUEST, payload, head.len, &asked, &err) < 0)
        return;
    switch (fn(head.type, &asked, &answer)) {
    case FAKE_ANSWERS:
        send_answer(fd, head.type, asked.encoding, &answer);
        break;
    case FAKE_REFUSES:
        send_answer(fd, SERVE_ERROR, asked.encoding, &answer);
        break;
    case FAKE_GARBAGE:
        (void)send(fd, "SSH-2.0-OpenSSH_9.2p1\r\n", 23, MSG_NOSIGNAL);
        break;
    case FAKE_SILENT:
        if (serve_receive(fd, bytes, 1, end, &err) == 0)
            (void)fprintf(stderr, "fake cmcd: more was sent\n");
        break;
    }
    serve_message_done(&asked);
}

void fake_cmcd_start(struct fake_cmcd *f, fake_cmcd_fn *fn)
{
    struct sockaddr_un addr = {.sun_family = AF_UNIX};
    /* cppcheck-suppress ctuuninitvar ; this is where it is filled */
    (void)snprintf(f->dir, sizeof(f->dir), "/tmp/fake-cmcd-XXXXXX");
    assert_non_null(mkdtemp(f->dir));
    (void)snprintf(addr.sun_path, sizeof(addr.sun_path), "%s/sock", f->dir);
    (void)snprintf(f->addr, sizeof(f->addr), "unix://%s/sock", f->dir);
    const int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    assert_true(fd >= 0);
    assert_int_equal(bind(fd, (const struct sockaddr *)&addr, sizeof(addr)), 0);
    assert_int_equal(listen(fd, 8), 0);
    f->pid = fork();
    assert_true(f->pid >= 0);
    if (f->pid == 0) {
        (void)prctl(PR_SET_PDEATHSIG, SIGKILL);
        for (;;) {
            const int peer = accept4(fd, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);
            if (peer < 0)
                _exit(1);
            serve_one(peer, fn);
            (void)close(peer);
        }
    }
    (void)close(fd);
}

void fake_cmcd_stop(struct fake_cmcd *f)
{
    (void)kill(f->pid, SIGKILL);
    (void)waitpid(f->pid, NULL, 0);
}
