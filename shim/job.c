/* SPDX-License-Identifier: Apache-2.0 */
/* shim/job.c -- start the helper, hear it out, never wait for it. */
#include "shim/job.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>

#include "base/applog.h"
#include "shim/child.h"

enum { CHUNK = 4096, PROGRAM_FD = 5 };

static void finish(struct shim_job *j, const struct cmc_helper_result *result, const char *why)
{
    shim_job_done *done = j->done;
    j->done = NULL;
    if (done)
        done(j->owner, result, why);
}

static void fail_job(struct shim_job *j, const char *why)
{
    (void)syscall(SYS_pidfd_send_signal, j->process.fd, SIGKILL, NULL, 0);
    finish(j, NULL, why);
}

static void unlink_job(struct shim_job *j)
{
    struct shim_job **at = &j->proxy->jobs;
    while (*at != j)
        at = &(*at)->next;
    *at = j->next;
    j->next = j->proxy->dead_jobs;
    j->proxy->dead_jobs = j;
}

void shim_job_sweep(struct shim_proxy *p)
{
    for (struct shim_job *j; (j = p->dead_jobs);) {
        p->dead_jobs = j->next;
        cmc_buf_done(&j->in);
        cmc_buf_done(&j->out);
        free(j);
    }
}

/* Deals with one frame; false when the helper broke the protocol. */
static bool take_frame(struct shim_job *j, enum cmc_helper_type type, struct cmc_reader *body)
{
    struct cmc_helper_progress progress;
    struct cmc_helper_result result;
    struct cmc_err err;
    j->heard_ms = shim_loop_now_ms();
    if (type == CMC_HELPER_PROGRESS && cmc_helper_progress_get(body, &progress, &err) == 0)
        return true;
    if (type == CMC_HELPER_RESULT && cmc_helper_result_get(body, &result, &err) == 0) {
        finish(j, &result, NULL);
        return true;
    }
    fail_job(j, type == CMC_HELPER_REQUEST ? "the helper sent a request" : err.msg);
    return false;
}

static void take_frames(struct shim_job *j)
{
    size_t used = 0;
    while (j->done) {
        enum cmc_helper_type type;
        struct cmc_reader body;
        struct cmc_err err;
        int n = cmc_helper_frame(j->in.data + used, j->in.len - used, &type, &body, &err);
        if (n < 0)
            fail_job(j, err.msg);
        if (n <= 0 || !take_frame(j, type, &body))
            break;
        used += (size_t)n;
    }
    j->in.len -= used;
    if (j->in.len && used)
        memmove(j->in.data, j->in.data + used, j->in.len);
}

/* Reads once; false when nothing more is there now. */
static bool hear(struct shim_job *j)
{
    uint8_t chunk[CHUNK];
    if (j->sock.fd < 0)
        return false;
    ssize_t n = recv(j->sock.fd, chunk, sizeof(chunk), MSG_DONTWAIT);
    if (n < 0 && (errno == EAGAIN || errno == EINTR))
        return false;
    if (n <= 0) {
        shim_loop_drop(&j->proxy->loop, &j->sock); /* how it ended is for the pidfd to say */
        return false;
    }
    cmc_put(&j->in, chunk, (size_t)n);
    if (j->in.bad)
        fail_job(j, "the helper's message does not fit");
    else if (j->done)
        take_frames(j);
    else
        j->in.len = 0; /* after its result nobody listens */
    return true;
}

static void tell(struct shim_job *j)
{
    while (j->sent < j->out.len) {
        ssize_t n = send(j->sock.fd, j->out.data + j->sent, j->out.len - j->sent,
                         MSG_DONTWAIT | MSG_NOSIGNAL);
        if (n < 0)
            break; /* EAGAIN: later; anything else: the pidfd or the clock says it better */
        j->sent += (size_t)n;
    }
    shim_loop_set(&j->proxy->loop, &j->sock, j->sent < j->out.len ? EPOLLIN | EPOLLOUT : EPOLLIN);
}

static void sock_ready(void *owner, uint32_t events)
{
    struct shim_job *j = owner;
    if (events & EPOLLOUT)
        tell(j);
    if (events & (EPOLLIN | EPOLLHUP | EPOLLERR))
        (void)hear(j);
}

static void process_ready(void *owner, uint32_t events)
{
    struct shim_job *j = owner;
    siginfo_t how = {0};
    char why[96];
    (void)events;
    if (waitid(P_PIDFD, (id_t)j->process.fd, &how, WEXITED | WNOHANG) < 0 || how.si_pid == 0)
        return;
    while (j->done && hear(j)) { /* its last words may still be in the socket */
    }
    (void)snprintf(why, sizeof(why), "the helper ended without a result (%s %d)",
                   how.si_code == CLD_EXITED ? "exit status" : "signal", how.si_status);
    finish(j, NULL, why);
    shim_loop_drop(&j->proxy->loop, &j->sock);
    shim_loop_drop(&j->proxy->loop, &j->process);
    unlink_job(j);
}

/* In the child. Everything it may touch is prepared: no allocation, no lock, no return. */
static _Noreturn void become_helper(const struct shim_proxy *p, int sock, int bundle)
{
    const int fds[] = {shim_child_null(),
                       shim_child_null(),
                       p->setup.log,
                       sock,
                       bundle >= 0 ? bundle : shim_child_null(),
                       p->setup.helper};
    char name[] = "cmc-measure", config[] = "--config", tcti[] = "--tcti";
    /* the real shim looks up runc in ours, which it gets as it is: the same file is hashed */
    char standard[] = "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";
    char *inherited = getenv("PATH");
    char *path = inherited ? inherited - strlen("PATH=") : standard; /* getenv(3): in environ */
    char quiet[] = "TSS2_LOG=all+none"; /* its fd 2 is our log, with lines of our own form */
    char *const env[] = {path, quiet, NULL};
    char *const argv[] = {name,
                          config,
                          shim_child_text(p->setup.config),
                          p->setup.tcti ? tcti : NULL,
                          shim_child_text(p->setup.tcti),
                          NULL};
    shim_child_begin(fds, sizeof(fds) / sizeof(fds[0]));
    (void)fcntl(PROGRAM_FD, F_SETFD, FD_CLOEXEC);
    (void)syscall(SYS_execveat, PROGRAM_FD, "", argv, env, AT_EMPTY_PATH);
    _exit(127);
}

static int spawn(struct shim_job *j, int bundle, struct cmc_err *err)
{
    int pair[2], pidfd = -1;
    if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair) < 0)
        return cmc_fail(err, CMC_E_SYS, "socketpair");
    j->pid = shim_child_fork(&pidfd);
    if (j->pid == 0)
        become_helper(j->proxy, pair[1], bundle);
    (void)close(pair[1]);
    if (j->pid < 0) {
        (void)close(pair[0]);
        return cmc_fail(err, CMC_E_SYS, "start the helper");
    }
    struct cmc_err late;
    if (shim_loop_add(&j->proxy->loop, &j->process, pidfd, EPOLLIN, err) < 0)
        (void)kill(j->pid, SIGKILL);
    if (shim_loop_add(&j->proxy->loop, &j->sock, pair[0], EPOLLIN, &late) < 0)
        (void)kill(j->pid, SIGKILL); /* the pidfd reports it */
    return j->process.fd < 0 ? -CMC_E_SYS : 0;
}

int shim_job_start(struct shim_proxy *p, const struct cmc_helper_request *r, int bundle,
                   shim_job_done *done, void *owner, struct cmc_err *err)
{
    struct shim_job *j = calloc(1, sizeof(*j));
    if (!j)
        return cmc_fail(err, CMC_E_LIMIT, "out of memory for a helper");
    *j = (struct shim_job){.proxy = p, .done = done, .owner = owner};
    j->in = cmc_buf_of(CMC_HELPER_MSG_MAX + CHUNK);
    j->out = cmc_buf_of(CMC_HELPER_MSG_MAX + 4);
    j->process = (struct shim_watch){.fd = -1, .ready = process_ready, .owner = j};
    j->sock = (struct shim_watch){.fd = -1, .ready = sock_ready, .owner = j};
    j->heard_ms = shim_loop_now_ms();
    if (cmc_helper_request_put(&j->out, r, err) < 0 || spawn(j, bundle, err) < 0) {
        shim_loop_drop(&p->loop, &j->sock);
        j->next = p->dead_jobs;
        p->dead_jobs = j;
        return -(int)err->code;
    }
    j->next = p->jobs;
    p->jobs = j;
    if (j->sock.fd >= 0)
        tell(j);
    return 0;
}

uint64_t shim_job_tick(struct shim_proxy *p, uint64_t now_ms)
{
    uint64_t next = UINT64_MAX;
    for (struct shim_job *j = p->jobs; j; j = j->next) {
        uint64_t until = j->heard_ms + CMC_HELPER_SILENCE_MS;
        if (now_ms >= until) {
            cmc_log(p->setup.log, CMC_LOG_ERROR, "helper killed", "why", "no progress", NULL);
            fail_job(j, "the helper made no progress for 30 s and was killed");
            j->heard_ms = now_ms; /* if even SIGKILL must wait, ask again later */
            until = now_ms + CMC_HELPER_SILENCE_MS;
        }
        if (until < next)
            next = until;
    }
    return next;
}
