/* SPDX-License-Identifier: Apache-2.0 */
/* fake_inner.c -- stands in for the real shim's server where tests need to see what reached it: a
 * Request is answered with its own bytes as payload, every other frame comes back as it is. The
 * methods Big (a response over the limit), Blob (1 MiB), Close, Fail and Shutdown do what they say;
 * any service of task API v3 is unknown unless the id says so. */
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "shim/ttrpc.h"

enum { LISTENER = 3 };

static void send_all(int fd, const uint8_t *p, size_t len)
{
    while (len) {
        ssize_t n = write(fd, p, len);
        if (n <= 0)
            exit(1);
        p += n;
        len -= (size_t)n;
    }
}

static bool called(const struct shim_request *r, const char *method)
{
    return r->method.len == strlen(method) && memcmp(r->method.p, method, r->method.len) == 0;
}

static void respond(int fd, uint32_t stream, const void *payload, size_t len)
{
    cmc_autobuf struct cmc_buf data = cmc_buf_of(8 << 20), out = cmc_buf_of(8 << 20);
    cmc_pb_put_bytes(&data, 2, payload, len);
    cmc_put_be32(&out, (uint32_t)data.len);
    cmc_put_be32(&out, stream);
    cmc_put_be16(&out, SHIM_TTRPC_RESPONSE << 8);
    cmc_put(&out, data.data, data.len);
    send_all(fd, out.data, out.len);
}

static bool serve_request(int fd, const struct shim_frame *f)
{
    static const uint8_t zeros[5 << 20];
    struct shim_request r;
    struct cmc_err err;
    if (shim_ttrpc_request(f->data, f->data_len, &r, &err) < 0)
        exit(2);
    const struct cmc_span id = shim_ttrpc_text(&r.payload, 1);
    const bool v3 = id.len >= 2 && memcmp(id.p, "v3", 2) == 0;
    cmc_autobuf struct cmc_buf b = cmc_buf_of(4096);
    if (r.service.len > 17 && r.service.p[17] == '3' && !v3)
        shim_ttrpc_put_error(&b, f->stream, SHIM_STATUS_UNIMPLEMENTED, "service");
    else if (called(&r, "Fail"))
        shim_ttrpc_put_error(&b, f->stream, SHIM_STATUS_INVALID, "as you wish");
    else if (called(&r, "Big"))
        respond(fd, f->stream, zeros, sizeof(zeros));
    else if (called(&r, "Blob"))
        respond(fd, f->stream, zeros, 1 << 20);
    else if (called(&r, "Delete")) /* DeleteResponse: exit status 9 */
        respond(fd, f->stream, "\x08\x01\x10\x09", 4);
    else if (!called(&r, "Close"))
        respond(fd, f->stream, f->data, f->data_len);
    send_all(fd, b.data, b.len);
    if (called(&r, "Shutdown") && kill(getppid(), SIGTERM) == 0)
        exit(0);
    return !called(&r, "Close");
}

static void serve(int fd)
{
    cmc_autobuf struct cmc_buf in = cmc_buf_of(8 << 20);
    for (;;) {
        static uint8_t chunk[65536];
        struct shim_frame f;
        struct cmc_err err;
        int used = shim_frame_parse(in.data, in.len, &f, &err);
        ssize_t n = used > 0 ? 0 : read(fd, chunk, sizeof(chunk));
        if (used < 0 || n < 0 || (used == 0 && n == 0))
            return;
        if (used == 0) {
            cmc_put(&in, chunk, (size_t)n);
            continue;
        }
        if (f.type != SHIM_TTRPC_REQUEST)
            send_all(fd, in.data, (size_t)used);
        else if (!serve_request(fd, &f))
            return;
        in.len -= (size_t)used;
        memmove(in.data, in.data + used, in.len);
    }
}

int main(void)
{
    (void)signal(SIGCHLD, SIG_IGN);
    for (;;) { /* a process for each connection */
        int fd = accept(LISTENER, NULL, NULL);
        if (fd < 0)
            return 3;
        pid_t pid = fork();
        if (pid == 0) {
            serve(fd);
            _exit(1);
        }
        (void)close(fd);
    }
}
