/* SPDX-License-Identifier: Apache-2.0 */
/* attest/serve/server.c -- one thread, one epoll set; nothing in it blocks. */
#include "attest/serve/server.h"

#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include "attest/serve/dial.h"
#include "attest/serve/server_parts.h"
#include "base/cleanup.h"

enum { BATCH = 64, TICK_MS = 100 };

int serve_server_watch(struct serve_server *s, struct watch *w, uint32_t events,
                       struct cmc_err *err)
{
    struct epoll_event ev = {.events = events, .data.ptr = w};
    if (epoll_ctl(s->epfd, EPOLL_CTL_ADD, w->fd, &ev) < 0)
        return cmc_fail(err, CMC_E_SYS, "epoll_ctl");
    return 0;
}

void serve_server_forget(struct serve_server *s, struct watch *w)
{
    if (w->fd >= 0)
        (void)epoll_ctl(s->epfd, EPOLL_CTL_DEL, w->fd, NULL);
    cmc_closep(&w->fd);
}

void serve_server_set(struct serve_server *s, struct watch *w, uint32_t events)
{
    struct epoll_event ev = {.events = events, .data.ptr = w};
    (void)epoll_ctl(s->epfd, EPOLL_CTL_MOD, w->fd, &ev); /* it is in the set */
}

void serve_server_log(struct serve_server *s, enum cmc_level level, const struct serve_who *who,
                      const char *msg)
{
    char name[64] = "";
    if (who)
        serve_who_name(who, name, sizeof(name));
    s->hooks.log(s->hooks.ctx, level, msg, who ? name : NULL);
}

static size_t or_else(size_t value, size_t otherwise)
{
    return value ? value : otherwise;
}

static struct serve_limits complete(const struct serve_limits *some)
{
    const struct serve_limits l = some ? *some : (struct serve_limits){0};
    return (struct serve_limits){.clients = or_else(l.clients, SERVE_CLIENTS_MAX),
                                 .tcp_clients = or_else(l.tcp_clients, SERVE_TCP_CLIENTS_MAX),
                                 .workers = or_else(l.workers, SERVE_WORKERS),
                                 .held = or_else(l.held, SERVE_HELD_MAX),
                                 .request_ms = (unsigned)or_else(l.request_ms, SERVE_REQUEST_MS),
                                 .exchange_ms = (unsigned)or_else(l.exchange_ms, SERVE_EXCHANGE_MS),
                                 .reload_ms = (unsigned)or_else(l.reload_ms, SERVE_RELOAD_MS),
                                 .drain_ms = (unsigned)or_else(l.drain_ms, SERVE_DRAIN_MS)};
}

int serve_server_new(const struct serve_hooks *hooks, const struct serve_limits *limits,
                     int signal_fd, gid_t gid, struct serve_server **out, struct cmc_err *err)
{
    struct serve_server *s = calloc(1, sizeof(*s));
    if (!s)
        return cmc_fail(err, CMC_E_LIMIT, "server: out of memory");
    s->hooks = *hooks;
    s->gid = gid;
    s->signals = (struct watch){.kind = WATCH_SIGNALS, .fd = signal_fd};
    s->limits = complete(limits);
    (void)signal(SIGPIPE, SIG_IGN); /* sendfile(2) knows no MSG_NOSIGNAL */
    s->epfd = epoll_create1(EPOLL_CLOEXEC);
    if (s->epfd < 0)
        (void)cmc_fail(err, CMC_E_SYS, "epoll_create1");
    if (s->epfd < 0 || (signal_fd >= 0 && serve_server_watch(s, &s->signals, EPOLLIN, err) < 0)) {
        serve_server_free(s);
        return -(int)err->code;
    }
    *out = s;
    return 0;
}

static void free_dropped(struct serve_server *s)
{
    while (s->freed) {
        struct client *c = s->freed;
        s->freed = c->next;
        free(c);
    }
}

void serve_server_free(struct serve_server *s)
{
    if (!s)
        return;
    while (s->first)
        serve_client_drop(s, s->first);
    while (s->jobs)
        serve_job_free(s, s->jobs);
    free_dropped(s);
    for (size_t i = 0; i < s->listeners; i++)
        serve_server_forget(s, &s->listener[i]);
    cmc_closep(&s->epfd);
    free(s);
}

int serve_server_listen(struct serve_server *s, int fd, bool tcp, struct cmc_err *err)
{
    cmc_autofd int owned = fd;
    if (s->listeners == SERVE_LISTENERS)
        return cmc_fail(err, CMC_E_LIMIT, "more than %d sockets to listen on", SERVE_LISTENERS);
    struct watch *w = &s->listener[s->listeners];
    *w = (struct watch){.kind = WATCH_LISTENER, .fd = fd};
    if (serve_server_watch(s, w, EPOLLIN, err) < 0)
        return -(int)err->code;
    s->listener_tcp[s->listeners++] = tcp;
    (void)cmc_take_fd(&owned);
    return 0;
}

static void read_signal(struct serve_server *s)
{
    struct signalfd_siginfo info;
    if (read(s->signals.fd, &info, sizeof(info)) != (ssize_t)sizeof(info))
        return;
    if (info.ssi_signo == SIGHUP)
        s->reload_wanted = true;
    else
        s->stop = true;
}

static void ready(struct serve_server *s, struct watch *w, uint32_t events)
{
    switch (w->kind) {
    case WATCH_LISTENER:
        serve_client_accept(s, w->fd, s->listener_tcp[w - s->listener]);
        break;
    case WATCH_SIGNALS:
        read_signal(s);
        break;
    case WATCH_CLIENT:
        serve_client_ready(s, (struct client *)(void *)w, events);
        break;
    case WATCH_JOB:
        serve_job_done(s, (struct job *)(void *)w);
        break;
    }
}

/* No descriptors were left for a new client: after a while there may be. */
static void listen_again(struct serve_server *s)
{
    for (size_t i = 0; s->deaf && i < s->listeners; i++)
        serve_server_set(s, &s->listener[i], EPOLLIN);
    s->deaf = false;
}

static void tick(struct serve_server *s)
{
    const int64_t now_ms = serve_now_ms();
    for (struct job *j = s->jobs, *next; j; j = next) {
        next = j->next;
        serve_job_tick(s, j, now_ms);
    }
    for (struct client *c = s->first, *next; c; c = next) {
        next = c->next;
        serve_client_tick(s, c, now_ms);
    }
    listen_again(s);
}

int serve_server_run(struct serve_server *s, struct cmc_err *err)
{
    struct epoll_event ev[BATCH];
    int64_t ticked_ms = serve_now_ms();
    while (!s->stop) {
        const bool busy = s->first || s->jobs || s->deaf || s->reload_wanted;
        const int n = epoll_wait(s->epfd, ev, BATCH, busy ? TICK_MS : -1);
        if (n < 0 && errno != EINTR)
            return cmc_fail(err, CMC_E_SYS, "epoll_wait");
        for (int i = 0; i < n; i++) {
            struct watch *w = ev[i].data.ptr;
            if (w->fd >= 0) /* an earlier one of this batch may have closed it */
                ready(s, w, ev[i].events);
        }
        serve_job_start_all(s);
        if (serve_now_ms() - ticked_ms >= TICK_MS) {
            ticked_ms = serve_now_ms();
            tick(s);
        }
        free_dropped(s);
    }
    return 0;
}
