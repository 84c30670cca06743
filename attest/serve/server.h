/* SPDX-License-Identifier: Apache-2.0 */
/* attest/serve/server.h -- sockets, deadlines and limits: reads requests, has each worked on by a
 * process of its own, and sends the answers (docs/formats/api.md). */
#ifndef ATTEST_SERVE_SERVER_H
#define ATTEST_SERVE_SERVER_H
#include "attest/serve/handle.h"
#include "base/applog.h"

enum {
    SERVE_CLIENTS_MAX = 4096,
    SERVE_TCP_CLIENTS_MAX = 256,
    SERVE_WORKERS = 4,          /* beside the one that uses the TPM */
    SERVE_HELD_MAX = 128 << 20, /* bytes of requests, and of answers to be sent; TCP: half */
    SERVE_REQUEST_MS = 10000,
    SERVE_EXCHANGE_MS = 30000,
    SERVE_RELOAD_MS = 60000,
    SERVE_DRAIN_MS = 1000
};

struct serve_hooks { /* all borrowed */
    void *ctx;
    /* Called in a process of its own: appends the frame of the answer, and behind it what adopt()
     * is to get. As serve_handle(). */
    int (*work)(void *ctx, const struct serve_task *task, struct cmc_buf *out, struct cmc_err *err);
    /* Called in the server with what was behind an answer. */
    int (*adopt)(void *ctx, const void *data, size_t len, struct cmc_err *err);
    void (*log)(void *ctx, enum cmc_level level, const char *msg, const char *who);
    void (*reloading)(void *ctx, bool begins); /* for the service manager */
};

struct serve_limits { /* 0: as above */
    size_t clients, tcp_clients, workers, held;
    unsigned request_ms, exchange_ms, reload_ms, drain_ms;
};

struct serve_server;
/* signal_fd: a signalfd (borrowed) of SIGHUP (reload), SIGTERM and SIGINT (stop); -1: none.
 * gid: whose members see details. Errors: -CMC_E_SYS, -CMC_E_LIMIT. */
CMC_MUST_CHECK int serve_server_new(const struct serve_hooks *hooks,
                                    const struct serve_limits *limits, int signal_fd, gid_t gid,
                                    struct serve_server **out, struct cmc_err *err);
/* Ends what is being worked on and closes everything. */
void serve_server_free(struct serve_server *s);
/* Takes a listening, non-blocking socket over. */
CMC_MUST_CHECK int serve_server_listen(struct serve_server *s, int fd, bool tcp,
                                       struct cmc_err *err);
/* Runs until a signal says stop. Errors: -CMC_E_SYS. */
CMC_MUST_CHECK int serve_server_run(struct serve_server *s, struct cmc_err *err);
#endif
