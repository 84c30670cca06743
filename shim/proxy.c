/* SPDX-License-Identifier: Apache-2.0 */
/* shim/proxy.c -- accept, serve, and leave when the real shim has left. */
#include "shim/proxy.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/applog.h"
#include "base/cleanup.h"
#include "shim/gate.h"
#include "shim/job.h"
#include "shim/link.h"
#include "shim/owed.h"
#include "shim/sock.h"

enum {
    UNUSED_MS = 60000,    /* in_vain() for that long: nobody will come any more */
    FLUSH_MS = 1000,      /* for last answers after the real shim's end */
    LINGER_MS = 600000,   /* for helpers after the real shim's end; the silent die earlier */
    ACCEPT_PAUSE_MS = 100 /* after a shortage in accept_one() */
};

static void log_error(const struct shim_proxy *p, const char *msg, const char *why)
{
    cmc_log(p->setup.log, CMC_LOG_ERROR, msg, "group", p->setup.group, "why", why, NULL);
}

/* A shortage, of descriptors or of room in the real shim's queue, passes. */
static bool is_shortage(int error)
{
    return error == EMFILE || error == ENFILE || error == ENOMEM || error == ENOBUFS ||
           error == EAGAIN;
}

/* The real shim first: containerd takes a connection that is accepted and closed for a dead shim;
 * one that nobody accepts yet waits. */
static void accept_one(void *owner, uint32_t events)
{
    struct shim_proxy *p = owner;
    struct cmc_err no_back = {.code = CMC_OK}, err;
    (void)events;
    cmc_autofd int back = shim_sock_connect_private(p->setup.inode, &no_back);
    if (back < 0 && is_shortage(no_back.sys_errno)) {
        shim_loop_set(&p->loop, &p->listener, 0); /* until the next tick */
        return;
    }
    cmc_autofd int front = accept4(p->listener.fd, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);
    if (front < 0 && is_shortage(errno))
        shim_loop_set(&p->loop, &p->listener, 0);
    if (front < 0)
        return;
    if (!shim_sock_peer_is_ours(front))
        log_error(p, "connection refused", "its peer is another user");
    else if (back < 0)
        log_error(p, "connection dropped", no_back.msg);
    else if (shim_link_new(p, cmc_take_fd(&front), cmc_take_fd(&back), &err) < 0)
        log_error(p, "connection dropped", err.msg);
}

static void server_ended(void *owner, uint32_t events)
{
    struct shim_proxy *p = owner;
    siginfo_t how = {0};
    (void)events;
    if (waitid(P_PIDFD, (id_t)p->server.fd, &how, WEXITED | WNOHANG) < 0 || how.si_pid == 0)
        return;
    p->ended_ms = shim_loop_now_ms();
    if (how.si_code != CLD_EXITED || how.si_status != 0)
        log_error(p, "the real shim ended badly",
                  how.si_code == CLD_EXITED ? "exit status not 0" : "killed by a signal");
    shim_loop_drop(&p->loop, &p->server);
    shim_loop_drop(&p->loop, &p->listener);
    shim_sock_remove(p->setup.socket_dir, p->setup.socket_path, p->socket_ino);
    for (struct shim_link *l = p->links, *next; l; l = next) {
        next = l->next;
        shim_link_finish(l);
    }
}

static void close_links(struct shim_proxy *p)
{
    while (p->links)
        shim_link_close(p->links);
}

static uint64_t earlier(uint64_t a, uint64_t b)
{
    return a < b ? a : b;
}

/* No container exists, and none is on its way. Where all Creates were given up, connections mean
 * nothing: a containerd that was killed meanwhile comes back and keeps one open for no task. */
static bool in_vain(const struct shim_proxy *p)
{
    return !p->used && !p->creates && (p->seen_create || !p->links);
}

/* Clocks of the proxy itself; returns when to look again. */
static uint64_t tick(struct shim_proxy *p, uint64_t now_ms)
{
    if (p->ended_ms) {
        if (now_ms >= p->ended_ms + FLUSH_MS)
            close_links(p);
        return p->ended_ms + (p->links ? FLUSH_MS : LINGER_MS);
    }
    if (p->listener.events == 0)
        shim_loop_set(&p->loop, &p->listener, EPOLLIN);
    if (!in_vain(p))
        return UINT64_MAX;
    if (now_ms >= p->quiet_since_ms + UNUSED_MS) {
        log_error(p, "nobody came",
                  p->seen_create ? "every Create was given up, and there was none for a minute"
                                 : "no connection and no Create for a minute");
        (void)syscall(SYS_pidfd_send_signal, p->server.fd, SIGKILL, NULL, 0);
        p->used = true; /* say it once */
    }
    return p->quiet_since_ms + UNUSED_MS;
}

static bool over(const struct shim_proxy *p, uint64_t now_ms)
{
    const bool owes = p->owed && now_ms < p->ended_ms + SHIM_OWED_LAST_MS;
    return p->ended_ms && !p->links && ((!p->jobs && !owes) || now_ms >= p->ended_ms + LINGER_MS);
}

static int serve(struct shim_proxy *p, struct cmc_err *err)
{
    for (;;) {
        uint64_t now = shim_loop_now_ms();
        uint64_t next = earlier(shim_job_tick(p, now), shim_gate_tick(p, now));
        next = earlier(next, earlier(tick(p, now), shim_owed_tick(p, now)));
        shim_link_sweep(p);
        shim_gate_sweep(p);
        shim_job_sweep(p);
        if (over(p, now))
            return 0;
        int wait_ms = next == UINT64_MAX ? -1 : next <= now ? 0 : (int)earlier(next - now, 60000);
        if (p->listener.fd >= 0 && p->listener.events == 0)
            wait_ms = ACCEPT_PAUSE_MS;
        if (shim_loop_wait(&p->loop, wait_ms, err) < 0)
            return -(int)err->code;
    }
}

/* Not before the real shim was started: containers would inherit the limit. */
static void raise_descriptor_limit(void)
{
    struct rlimit files;
    if (getrlimit(RLIMIT_NOFILE, &files) == 0 && files.rlim_cur < files.rlim_max) {
        files.rlim_cur = files.rlim_max;
        (void)setrlimit(RLIMIT_NOFILE, &files);
    }
}

int shim_proxy_run(const struct shim_setup *setup, struct cmc_err *err)
{
    struct shim_proxy p = {.setup = *setup};
    p.listener = (struct shim_watch){.fd = -1, .ready = accept_one, .owner = &p};
    p.server = (struct shim_watch){.fd = -1, .ready = server_ended, .owner = &p};
    p.socket_ino = shim_sock_inode(setup->socket_path);
    p.quiet_since_ms = shim_loop_now_ms();
    raise_descriptor_limit();
    int pidfd = (int)syscall(SYS_pidfd_open, setup->server, 0);
    if (pidfd < 0)
        return cmc_fail(err, CMC_E_SYS, "pidfd_open");
    if (shim_loop_init(&p.loop, err) < 0 ||
        shim_loop_add(&p.loop, &p.server, pidfd, EPOLLIN, err) < 0 ||
        shim_loop_add(&p.loop, &p.listener, setup->listener, EPOLLIN, err) < 0)
        return -(int)err->code;
    return serve(&p, err);
}
