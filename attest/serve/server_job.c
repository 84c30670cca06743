/* SPDX-License-Identifier: Apache-2.0 */
/* attest/serve/server_job.c -- a process per request: what it was sent cannot harm the others, and
 * what it takes is bounded by its end. */
#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "attest/serve/dial.h"
#include "attest/serve/server_parts.h"
#include "base/cleanup.h"

enum { OUT_FD = 3 };

/* UpdateMetadata, as root would send it: {0: "1.4.0"}. */
static const uint8_t reload_payload[] = {0xa1, 0x00, 0x65, '1', '.', '4', '.', '0'};

/* In the child: only standard error and the answer's file stay open. */
static void keep_descriptors(int answer_fd)
{
    if (answer_fd != OUT_FD && dup2(answer_fd, OUT_FD) < 0)
        _exit(EXIT_FAILURE);
    if (close_range(OUT_FD + 1, ~0U, 0) < 0)
        _exit(EXIT_FAILURE);
}

static int write_all(int fd, const struct cmc_buf *b)
{
    for (size_t at = 0; at < b->len;) {
        const ssize_t n = write(fd, b->data + at, b->len - at);
        if (n < 0 && errno != EINTR)
            return -1;
        at += n > 0 ? (size_t)n : 0;
    }
    return 0;
}

static _Noreturn void work(struct serve_server *s, const struct serve_task *task, int answer_fd)
{
    struct cmc_err err = {0};
    sigset_t none;
    cmc_autobuf struct cmc_buf out =
        cmc_buf_of((size_t)SERVE_HEAD_LEN + SERVE_ANSWER_MAX + SERVE_STORE_MAX);
    keep_descriptors(answer_fd);
    (void)sigemptyset(&none);
    (void)pthread_sigmask(SIG_SETMASK, &none, NULL);
    if (s->hooks.work(s->hooks.ctx, task, &out, &err) < 0)
        serve_server_log(s, CMC_LOG_WARNING, &task->who, err.msg);
    _exit(out.bad || write_all(OUT_FD, &out) < 0 ? EXIT_FAILURE : EXIT_SUCCESS);
}

static bool uses_tpm(uint32_t type)
{
    return type == SERVE_ATTEST || type == SERVE_DETAIL;
}

static void close_job(struct serve_server *s, struct job *j)
{
    struct job **at = &s->jobs;
    while (*at && *at != j)
        at = &(*at)->next;
    if (*at)
        *at = j->next;
    *(j->uses_tpm ? &s->tpm_workers : &s->workers) -= 1;
    s->tcp_workers -= !j->uses_tpm && j->is_tcp;
    serve_server_forget(s, &j->watch);
    cmc_closep(&j->answer_fd);
    free(j);
}

static int start(struct serve_server *s, const struct serve_task *task, struct job *j,
                 struct cmc_err *err)
{
    j->answer_fd = memfd_create("answer", MFD_CLOEXEC);
    if (j->answer_fd < 0)
        return cmc_fail(err, CMC_E_SYS, "memfd_create");
    j->pid = fork();
    if (j->pid < 0)
        return cmc_fail(err, CMC_E_SYS, "fork");
    if (j->pid == 0)
        work(s, task, j->answer_fd);
    j->watch.fd = (int)syscall(SYS_pidfd_open, j->pid, 0);
    if (j->watch.fd >= 0 && serve_server_watch(s, &j->watch, EPOLLIN, err) == 0)
        return 0;
    if (j->watch.fd < 0)
        (void)cmc_fail(err, CMC_E_SYS, "pidfd_open");
    (void)kill(j->pid, SIGKILL);
    (void)waitpid(j->pid, NULL, 0);
    return -(int)err->code;
}

static struct job *new_job(struct serve_server *s, const struct serve_task *task,
                           struct cmc_err *err)
{
    struct job *j = calloc(1, sizeof(*j));
    if (!j) {
        (void)cmc_fail(err, CMC_E_LIMIT, "out of memory");
        return NULL;
    }
    j->watch = (struct watch){.kind = WATCH_JOB, .fd = -1};
    j->answer_fd = -1;
    j->uses_tpm = uses_tpm(task->type);
    j->is_reload = task->type == SERVE_UPDATE_METADATA;
    j->is_tcp = task->who.tcp;
    j->next = s->jobs;
    s->jobs = j;
    *(j->uses_tpm ? &s->tpm_workers : &s->workers) += 1;
    s->tcp_workers += !j->uses_tpm && j->is_tcp;
    if (start(s, task, j, err) == 0)
        return j;
    close_job(s, j);
    return NULL;
}

static void start_client(struct serve_server *s, struct client *c)
{
    struct cmc_err err;
    const struct serve_task task = {
        .type = c->request.type, .payload = c->payload.data, .len = c->payload.len, .who = c->who};
    struct job *j = new_job(s, &task, &err);
    if (!j) {
        serve_server_log(s, CMC_LOG_ERROR, &c->who, err.msg);
        serve_client_refuse(s, c, "cannot work on it now: ask again");
        return;
    }
    j->client = c;
    j->end_ms = c->begin_ms + s->limits.exchange_ms;
    if (j->is_reload)
        j->end_ms = serve_now_ms() + s->limits.reload_ms;
    c->job = j;
    c->state = CLIENT_WORKING;
}

static void start_reload(struct serve_server *s)
{
    struct cmc_err err;
    const struct serve_task task = {.type = SERVE_UPDATE_METADATA,
                                    .payload = reload_payload,
                                    .len = sizeof(reload_payload),
                                    .who = {.root = true, .trusted = true, .pid = getpid()}};
    struct job *j = new_job(s, &task, &err);
    if (!j) {
        serve_server_log(s, CMC_LOG_ERROR, NULL, err.msg);
        return;
    }
    j->end_ms = serve_now_ms() + s->limits.reload_ms;
    s->reload_wanted = false;
    if (s->hooks.reloading)
        s->hooks.reloading(s->hooks.ctx, true);
}

static bool is_reloading(const struct serve_server *s)
{
    for (const struct job *j = s->jobs; j; j = j->next)
        if (j->is_reload)
            return true;
    return false;
}

/* Whether a request may begin: one with the TPM, some others, one reload; and while many answers
 * wait to be sent, none. Strangers leave a worker to who is on this host. */
static bool is_free(const struct serve_server *s, const struct client *c)
{
    if (s->held_answers[c->who.tcp] > s->limits.held / 2)
        return false;
    if (uses_tpm(c->request.type))
        return s->tpm_workers == 0;
    if (c->request.type == SERVE_UPDATE_METADATA && is_reloading(s))
        return false;
    if (c->who.tcp && s->limits.workers > 1 && s->tcp_workers >= s->limits.workers - 1)
        return false;
    return s->workers < s->limits.workers;
}

static void start_those(struct serve_server *s, bool tcp)
{
    struct client *before = NULL;
    for (struct client *c = s->queue_first, *next; c; c = next) {
        next = c->queue_next;
        if (c->who.tcp != tcp || !is_free(s, c)) {
            before = c;
            continue;
        }
        *(before ? &before->queue_next : &s->queue_first) = next;
        if (s->queue_last == c)
            s->queue_last = before;
        c->queue_next = NULL;
        start_client(s, c);
    }
}

/* Who is on this host does not wait behind strangers. */
void serve_job_start_all(struct serve_server *s)
{
    if (s->reload_wanted && !is_reloading(s))
        start_reload(s);
    start_those(s, false);
    start_those(s, true);
}

/* What is behind the answer goes to adopt(). */
static int adopt(struct serve_server *s, int fd, size_t from, size_t to, struct cmc_err *err)
{
    const size_t len = to - from;
    cmc_autofree uint8_t *data = malloc(len + 1);
    if (!data)
        return cmc_fail(err, CMC_E_LIMIT, "out of memory");
    for (size_t at = 0; at < len;) {
        const ssize_t n = pread(fd, data + at, len - at, (off_t)(from + at));
        if (n == 0 || (n < 0 && errno != EINTR))
            return cmc_fail(err, CMC_E_SYS, "read what was loaded");
        at += n > 0 ? (size_t)n : 0;
    }
    return s->hooks.adopt(s->hooks.ctx, data, len, err);
}

/* Bytes of the answer that a process left, or 0 when it left none. */
static size_t answer_size(const struct job *j, size_t *whole)
{
    struct stat st;
    uint8_t bytes[SERVE_HEAD_LEN];
    siginfo_t info = {0};
    if (waitid(P_PIDFD, (id_t)j->watch.fd, &info, WEXITED) < 0 || info.si_code != CLD_EXITED ||
        info.si_status != EXIT_SUCCESS)
        return 0;
    if (fstat(j->answer_fd, &st) < 0 ||
        pread(j->answer_fd, bytes, sizeof(bytes), 0) != (ssize_t)sizeof(bytes))
        return 0;
    const size_t len = SERVE_HEAD_LEN + (size_t)serve_frame_head(bytes).len;
    *whole = (size_t)st.st_size;
    return len <= *whole ? len : 0;
}

void serve_job_done(struct serve_server *s, struct job *j)
{
    struct cmc_err err;
    size_t whole = 0;
    struct client *c = j->client;
    const size_t len = answer_size(j, &whole);
    const bool adopts = len && j->is_reload && whole > len;
    if (adopts && adopt(s, j->answer_fd, len, whole, &err) < 0)
        serve_server_log(s, CMC_LOG_ERROR, NULL, err.msg);
    if (!len && !j->killed)
        serve_server_log(s, CMC_LOG_ERROR, c ? &c->who : NULL, "a worker failed");
    if (j->is_reload && !c && !j->killed && s->hooks.reloading)
        s->hooks.reloading(s->hooks.ctx, false);
    if (c) {
        c->job = NULL;
        if (len)
            serve_client_answer(s, c, cmc_take_fd(&j->answer_fd), len);
        else
            serve_client_refuse(s, c, "cannot be answered: the log of cmcd may say why");
    }
    close_job(s, j);
}

/* Its end is an event like others: a process that the kernel holds in a call must not hold us. */
void serve_job_kill(struct job *j)
{
    (void)kill(j->pid, SIGKILL); /* not waited for yet: the number is still its own */
    if (j->client)
        j->client->job = NULL;
    j->client = NULL;
    j->end_ms = INT64_MAX;
    j->killed = true;
}

void serve_job_free(struct serve_server *s, struct job *j)
{
    serve_job_kill(j);
    (void)waitpid(j->pid, NULL, WNOHANG);
    close_job(s, j);
}

void serve_job_tick(struct serve_server *s, struct job *j, int64_t now_ms)
{
    if (j->client || now_ms < j->end_ms) /* who waits gives up first */
        return;
    serve_server_log(s, CMC_LOG_ERROR, NULL, "a worker took too long, and was ended");
    serve_job_kill(j);
    if (j->is_reload && s->hooks.reloading)
        s->hooks.reloading(s->hooks.ctx, false);
}
