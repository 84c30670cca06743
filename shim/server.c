/* SPDX-License-Identifier: Apache-2.0 */
/* shim/server.c -- the contract of `containerd-shim-runc-v2`'s server: flags, fd 3, environment. */
#include "shim/server.h"

#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "shim/child.h"
#include "shim/loop.h"
#include "shim/ttrpc.h"

static _Noreturn void become_server(const struct shim_server_args *a)
{
    const int fds[] = {shim_child_null(), shim_child_null(),
                       a->log >= 0 ? a->log : shim_child_null(), a->listener};
    const char *const argv[] = {a->program, "-namespace", a->ns,      "-id",
                                a->id,      "-address",   a->address, a->debug ? "-debug" : NULL,
                                NULL};
    char *args[sizeof(argv) / sizeof(argv[0])];
    char service[256];
    for (size_t i = 0; i < sizeof(argv) / sizeof(argv[0]); i++)
        args[i] = shim_child_text(argv[i]);
    (void)snprintf(service, sizeof(service), "containerd-shim-%s", a->id);
    (void)setenv("GOMAXPROCS", "4", 1); /* what the real start gives its server */
    (void)setenv("OTEL_SERVICE_NAME", service, 0);
    shim_child_begin(fds, sizeof(fds) / sizeof(fds[0]));
    (void)execv(a->program, args);
    _exit(127);
}

int shim_server_start(const struct shim_server_args *a, pid_t *pid, int *pidfd, struct cmc_err *err)
{
    int fd = -1;
    pid_t child = shim_child_fork(&fd);
    if (child == 0)
        become_server(a);
    if (child < 0)
        return cmc_fail(err, CMC_E_SYS, "start %s", a->program);
    *pid = child;
    *pidfd = fd;
    return 0;
}

static int receive(int fd, struct cmc_buf *in, struct cmc_err *err)
{
    uint8_t chunk[4096];
    ssize_t n = recv(fd, chunk, sizeof(chunk), 0);
    if (n < 0)
        return cmc_fail(err, CMC_E_SYS, "read from the real shim");
    if (n == 0)
        return cmc_fail(err, CMC_E_FORMAT, "the real shim closed the connection");
    cmc_put(in, chunk, (size_t)n);
    return cmc_buf_check(in, "the real shim's answer", err);
}

/* 2 or 3; 0 when the answer is not whole yet. */
static int judge_answer(const struct cmc_buf *in, struct cmc_err *err)
{
    struct shim_frame f;
    struct shim_response r;
    int n = shim_frame_parse(in->data, in->len, &f, err);
    if (n <= 0)
        return n;
    if (f.type != SHIM_TTRPC_RESPONSE)
        return cmc_fail(err, CMC_E_FORMAT, "the real shim answers with frame type %u", f.type);
    if (shim_ttrpc_response(f.data, f.data_len, &r, err) < 0)
        return -(int)err->code;
    return r.status == SHIM_STATUS_UNIMPLEMENTED ? 2 : 3;
}

static int wait_answer(int fd, int pidfd, uint64_t until_ms, struct cmc_err *err)
{
    cmc_autobuf struct cmc_buf in = cmc_buf_of(1 << 16);
    struct pollfd fds[] = {{fd, POLLIN, 0}, {pidfd, POLLIN, 0}};
    for (;;) {
        uint64_t now = shim_loop_now_ms();
        if (now >= until_ms)
            return cmc_fail(err, CMC_E_FORMAT, "the real shim does not answer");
        if (poll(fds, 2, (int)(until_ms - now)) < 0 && errno != EINTR)
            return cmc_fail(err, CMC_E_SYS, "poll");
        if (fds[0].revents) {
            if (receive(fd, &in, err) < 0)
                return -(int)err->code;
            int version = judge_answer(&in, err);
            if (version != 0)
                return version;
        } else if (fds[1].revents) {
            return cmc_fail(err, CMC_E_FORMAT, "the real shim ended at once");
        }
    }
}

int shim_server_probe(int fd, int pidfd, const char *id, int timeout_ms, struct cmc_err *err)
{
    cmc_autobuf struct cmc_buf out = cmc_buf_of(1 << 16), connect = cmc_buf_of(1 << 15);
    cmc_pb_put_bytes(&connect, 1, id, strlen(id));
    const struct cmc_span payload = {connect.data, connect.len};
    shim_ttrpc_put_request(&out, 1, "containerd.task.v3.Task", "Connect", &payload);
    if (connect.bad || cmc_buf_check(&out, "Connect request", err) < 0)
        return cmc_fail(err, CMC_E_LIMIT, "id: %zu bytes are too long", strlen(id));
    if (send(fd, out.data, out.len, MSG_NOSIGNAL) != (ssize_t)out.len)
        return cmc_fail(err, CMC_E_SYS, "write to the real shim");
    return wait_answer(fd, pidfd, shim_loop_now_ms() + (uint64_t)timeout_ms, err);
}
