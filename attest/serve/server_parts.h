/* SPDX-License-Identifier: Apache-2.0 */
/* attest/serve/server_parts.h -- what the files of the server share; for them alone. */
#ifndef ATTEST_SERVE_SERVER_PARTS_H
#define ATTEST_SERVE_SERVER_PARTS_H
#include <sys/types.h>

#include "attest/serve/server.h"

enum { SERVE_LISTENERS = 8 };
enum watch_kind { WATCH_LISTENER, WATCH_SIGNALS, WATCH_CLIENT, WATCH_JOB };

struct watch { /* what epoll gives back; the first member of whatever is watched */
    enum watch_kind kind;
    int fd; /* owned; -1: closed */
};

/* A client goes through these in order; any fault leads to CLIENT_GONE.
 *   READING   until the request is whole, or is refused        (request_ms)
 *   QUEUED    until a worker is free                           (exchange_ms, from here on)
 *   WORKING   until its job has ended
 *   WRITING   until the answer is sent
 *   DRAINING  until the client has closed: what is unread would destroy the answer (drain_ms) */
enum client_state {
    CLIENT_READING,
    CLIENT_QUEUED,
    CLIENT_WORKING,
    CLIENT_WRITING,
    CLIENT_DRAINING,
    CLIENT_GONE
};

struct job;
struct client {
    struct watch watch;
    enum client_state state;
    struct serve_who who;
    int64_t begin_ms, drain_ms; /* drain_ms: when draining began */
    uint8_t head[SERVE_HEAD_LEN];
    size_t head_len;
    struct serve_head request;
    struct cmc_buf payload;
    struct job *job;       /* WORKING */
    struct cmc_buf answer; /* made here; or */
    int answer_fd;         /* made by a job; -1: none */
    size_t answer_len, sent;
    struct client *next; /* all clients, oldest first; or the freed */
    struct client *before;
    struct client *queue_next; /* QUEUED: as they came */
};

struct job {            /* a process that works on one request */
    struct watch watch; /* its pidfd */
    pid_t pid;
    int answer_fd;         /* a memfd that it fills */
    struct client *client; /* NULL: gone, or nobody asked (a reload) */
    int64_t end_ms;
    bool uses_tpm, is_reload, is_tcp, killed;
    struct job *next;
};

struct serve_server {
    struct serve_hooks hooks;
    struct serve_limits limits;
    int epfd;
    gid_t gid;
    struct watch signals, listener[SERVE_LISTENERS];
    bool listener_tcp[SERVE_LISTENERS], deaf;
    size_t listeners;
    struct client *first, *last, *freed;
    struct client *queue_first, *queue_last;
    struct job *jobs;
    size_t clients, tcp_clients, workers, tcp_workers, tpm_workers; /* tcp_workers: of workers */
    /* Bytes, by who.tcp: strangers fill their own half alone. */
    size_t held_requests[2], held_answers[2];
    bool reload_wanted, stop;
};

/* server.c */
CMC_MUST_CHECK int serve_server_watch(struct serve_server *s, struct watch *w, uint32_t events,
                                      struct cmc_err *err);
/* Takes it out of the set and closes it: a worker that was just forked may still have the same
 * descriptor, and the kernel would go on naming it. */
void serve_server_forget(struct serve_server *s, struct watch *w);
void serve_server_set(struct serve_server *s, struct watch *w, uint32_t events);
void serve_server_log(struct serve_server *s, enum cmc_level level, const struct serve_who *who,
                      const char *msg);

/* server_client.c */
void serve_client_accept(struct serve_server *s, int listener, bool tcp);
void serve_client_ready(struct serve_server *s, struct client *c, uint32_t events);
void serve_client_tick(struct serve_server *s, struct client *c, int64_t now_ms);
void serve_client_drop(struct serve_server *s, struct client *c);
/* Begins to send an Error. */
void serve_client_refuse(struct serve_server *s, struct client *c, const char *msg);
/* Begins to send the first len bytes of fd, which is taken over. */
void serve_client_answer(struct serve_server *s, struct client *c, int fd, size_t len);

/* server_job.c */
void serve_job_start_all(struct serve_server *s);
void serve_job_done(struct serve_server *s, struct job *j);
void serve_job_tick(struct serve_server *s, struct job *j, int64_t now_ms);
/* Ends it; its slot is free when it has ended. */
void serve_job_kill(struct job *j);
void serve_job_free(struct serve_server *s, struct job *j);
#endif
