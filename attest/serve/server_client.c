/* SPDX-License-Identifier: Apache-2.0 */
/* attest/serve/server_client.c -- a client from accept to close. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/sendfile.h>
#include <sys/socket.h>
#include <unistd.h>

#include "attest/serve/dial.h"
#include "attest/serve/server_parts.h"
#include "base/cleanup.h"

/* One event moves at most this much, so that no client keeps the others waiting. */
enum { STEP_READ = 8192, STEP_SEND = 1 << 20, ACCEPTS = 64, SMALL_ANSWER = 8192 };

static void enlist(struct serve_server *s, struct client *c)
{
    c->before = s->last;
    if (s->last)
        s->last->next = c;
    else
        s->first = c;
    s->last = c;
    s->clients++;
    s->tcp_clients += c->who.tcp;
}

static void delist(struct serve_server *s, struct client *c)
{
    if (c->before)
        c->before->next = c->next;
    else
        s->first = c->next;
    if (c->next)
        c->next->before = c->before;
    else
        s->last = c->before;
    s->clients--;
    s->tcp_clients -= c->who.tcp;
}

static void leave_queue(struct serve_server *s, struct client *c)
{
    struct client *before = NULL, *at = s->queue_first;
    for (; at && at != c; at = at->queue_next)
        before = at;
    if (!at)
        return;
    if (before)
        before->queue_next = c->queue_next;
    else
        s->queue_first = c->queue_next;
    if (s->queue_last == c)
        s->queue_last = before;
    c->queue_next = NULL;
}

static void forget_request(struct serve_server *s, struct client *c)
{
    s->held_requests[c->who.tcp] -= c->payload.len;
    cmc_buf_done(&c->payload);
    c->payload = cmc_buf_of(0);
}

static void forget_answer(struct serve_server *s, struct client *c)
{
    if (c->answer_fd >= 0)
        s->held_answers[c->who.tcp] -= c->answer_len;
    cmc_closep(&c->answer_fd);
    cmc_buf_done(&c->answer);
    c->answer = cmc_buf_of(0);
}

/* Nobody waits for its job any more. */
static void abandon_job(struct client *c)
{
    struct job *j = c->job;
    c->job = NULL;
    if (!j)
        return;
    j->client = NULL;
    if (!j->is_reload && !j->uses_tpm) /* a reload is finished, and so is what a TPM has begun */
        serve_job_kill(j);
}

void serve_client_drop(struct serve_server *s, struct client *c)
{
    if (c->state == CLIENT_QUEUED)
        leave_queue(s, c);
    abandon_job(c);
    forget_request(s, c);
    forget_answer(s, c);
    delist(s, c);
    serve_server_forget(s, &c->watch);
    c->state = CLIENT_GONE;
    c->next = s->freed; /* an event of this batch may still name it */
    s->freed = c;
}

/* Makes room by closing who has taken the longest to say what they want. */
static bool make_room(struct serve_server *s, bool tcp_only)
{
    for (struct client *c = s->first; c; c = c->next)
        if (c->state == CLIENT_READING && (!tcp_only || c->who.tcp)) {
            serve_server_log(s, CMC_LOG_DEBUG, &c->who, "closed: others wait for its place");
            serve_client_drop(s, c);
            return true;
        }
    return false;
}

static void admit(struct serve_server *s, int fd, bool tcp)
{
    cmc_autofd int owned = fd;
    struct cmc_err err;
    struct serve_who who;
    const bool tcp_full = tcp && s->tcp_clients >= s->limits.tcp_clients;
    if ((tcp_full || s->clients >= s->limits.clients) && !make_room(s, tcp_full))
        return;
    if (serve_who_of(fd, tcp, s->gid, &who, &err) < 0) {
        serve_server_log(s, CMC_LOG_WARNING, NULL, err.msg);
        return;
    }
    struct client *c = calloc(1, sizeof(*c));
    if (!c)
        return;
    *c = (struct client){.watch = {.kind = WATCH_CLIENT, .fd = fd},
                         .who = who,
                         .begin_ms = serve_now_ms(),
                         .answer_fd = -1};
    if (serve_server_watch(s, &c->watch, EPOLLIN, &err) < 0) {
        serve_server_log(s, CMC_LOG_WARNING, &who, err.msg);
        free(c);
        return;
    }
    (void)cmc_take_fd(&owned);
    enlist(s, c);
}

void serve_client_accept(struct serve_server *s, int listener, bool tcp)
{
    for (int i = 0; i < ACCEPTS; i++) {
        const int fd = accept4(listener, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);
        if (fd >= 0) {
            admit(s, fd, tcp);
            continue;
        }
        if (errno == ECONNABORTED || errno == EINTR)
            continue;
        if (errno != EAGAIN && !make_room(s, false)) { /* no descriptor, no memory */
            s->deaf = true;
            for (size_t l = 0; l < s->listeners; l++)
                serve_server_set(s, &s->listener[l], 0);
        }
        return;
    }
}

static void begin_writing(struct serve_server *s, struct client *c)
{
    forget_request(s, c);
    c->state = CLIENT_WRITING;
    c->sent = 0;
    serve_server_set(s, &c->watch, EPOLLOUT);
}

void serve_client_refuse(struct serve_server *s, struct client *c, const char *msg)
{
    c->answer = cmc_buf_of(SMALL_ANSWER);
    serve_handle_error(c->payload.data, c->payload.len, msg, &c->answer);
    if (c->answer.bad) {
        serve_client_drop(s, c);
        return;
    }
    c->answer_len = c->answer.len;
    begin_writing(s, c);
}

void serve_client_answer(struct serve_server *s, struct client *c, int fd, size_t len)
{
    c->job = NULL;
    c->answer_fd = fd;
    c->answer_len = len;
    s->held_answers[c->who.tcp] += len;
    begin_writing(s, c);
}

static void enqueue(struct serve_server *s, struct client *c)
{
    c->state = CLIENT_QUEUED;
    serve_server_set(s, &c->watch, 0); /* a client that hangs up still shows */
    if (s->queue_last)
        s->queue_last->queue_next = c;
    else
        s->queue_first = c;
    s->queue_last = c;
}

static void refuse(struct serve_server *s, struct client *c, const struct cmc_err *why)
{
    serve_server_log(s, CMC_LOG_INFO, &c->who, why->msg);
    serve_client_refuse(s, c, why->msg);
}

/* The head is whole: what is refused is refused before anything is kept. */
static void read_head(struct serve_server *s, struct client *c)
{
    struct cmc_err err;
    c->request = serve_frame_head(c->head);
    if (serve_frame_check(c->request, &err) < 0)
        refuse(s, c, &err);
    else
        c->payload = cmc_buf_of(c->request.len);
}

static void keep_payload(struct serve_server *s, struct client *c, const uint8_t *data, size_t len)
{
    struct cmc_err err;
    if (s->held_requests[c->who.tcp] + len > s->limits.held / 2) {
        serve_client_refuse(s, c, "too many requests at a time: ask again");
        return;
    }
    const size_t before = c->payload.len;
    cmc_put(&c->payload, data, len);
    s->held_requests[c->who.tcp] += c->payload.len - before;
    if (c->payload.bad)
        serve_client_drop(s, c); /* out of memory */
    else if (c->payload.len < c->request.len)
        return;
    else if (serve_who_may(&c->who, c->request.type, &err) < 0)
        refuse(s, c, &err);
    else
        enqueue(s, c);
}

static void on_input(struct serve_server *s, struct client *c)
{
    uint8_t step[STEP_READ];
    const bool head = c->head_len < SERVE_HEAD_LEN;
    const size_t left = c->request.len - c->payload.len;
    uint8_t *to = head ? c->head + c->head_len : step;
    const size_t want = head                  ? SERVE_HEAD_LEN - c->head_len
                        : left < sizeof(step) ? left
                                              : sizeof(step);
    const ssize_t n = recv(c->watch.fd, to, want, 0);
    if (n < 0 && (errno == EAGAIN || errno == EINTR))
        return;
    if (n <= 0) {
        serve_client_drop(s, c);
        return;
    }
    if (!head) {
        keep_payload(s, c, step, (size_t)n);
        return;
    }
    c->head_len += (size_t)n;
    if (c->head_len == SERVE_HEAD_LEN)
        read_head(s, c);
}

static ssize_t send_some(struct client *c)
{
    const size_t left = c->answer_len - c->sent;
    off_t at = (off_t)c->sent;
    if (c->answer_fd < 0)
        return send(c->watch.fd, c->answer.data + c->sent, left, MSG_NOSIGNAL);
    return sendfile(c->watch.fd, c->answer_fd, &at, left < STEP_SEND ? left : STEP_SEND);
}

static void on_output(struct serve_server *s, struct client *c)
{
    const ssize_t n = send_some(c);
    if (n < 0 && (errno == EAGAIN || errno == EINTR))
        return;
    if (n <= 0) {
        serve_client_drop(s, c);
        return;
    }
    c->sent += (size_t)n;
    if (c->sent < c->answer_len)
        return;
    forget_answer(s, c);
    (void)shutdown(c->watch.fd, SHUT_WR);
    c->state = CLIENT_DRAINING;
    c->drain_ms = serve_now_ms();
    serve_server_set(s, &c->watch, EPOLLIN);
}

static void on_rest(struct serve_server *s, struct client *c)
{
    uint8_t step[STEP_READ];
    const ssize_t n = recv(c->watch.fd, step, sizeof(step), 0);
    if (n == 0 || (n < 0 && errno != EAGAIN && errno != EINTR))
        serve_client_drop(s, c);
}

void serve_client_ready(struct serve_server *s, struct client *c, uint32_t events)
{
    switch (c->state) {
    case CLIENT_READING:
        on_input(s, c);
        break;
    case CLIENT_QUEUED:
    case CLIENT_WORKING:
        if (events & (EPOLLHUP | EPOLLERR))
            serve_client_drop(s, c);
        break;
    case CLIENT_WRITING:
        on_output(s, c);
        break;
    case CLIENT_DRAINING:
        on_rest(s, c);
        break;
    case CLIENT_GONE:
        break;
    }
}

void serve_client_tick(struct serve_server *s, struct client *c, int64_t now_ms)
{
    const int64_t age = now_ms - c->begin_ms;
    if (c->state == CLIENT_DRAINING) {
        if (now_ms - c->drain_ms >= s->limits.drain_ms)
            serve_client_drop(s, c);
        return;
    }
    if (c->state == CLIENT_READING && age >= s->limits.request_ms) {
        serve_server_log(s, CMC_LOG_INFO, &c->who, "closed: its request took too long");
        serve_client_drop(s, c);
        return;
    }
    if (age < s->limits.exchange_ms)
        return;
    serve_server_log(s, CMC_LOG_WARNING, &c->who, "no answer in time");
    if (c->state == CLIENT_QUEUED || c->state == CLIENT_WORKING) { /* said if it can be at once */
        if (c->state == CLIENT_QUEUED)
            leave_queue(s, c);
        abandon_job(c);
        serve_client_refuse(s, c, "no answer in time: ask again");
        if (c->state != CLIENT_GONE)
            (void)send_some(c);
    }
    if (c->state != CLIENT_GONE)
        serve_client_drop(s, c);
}
