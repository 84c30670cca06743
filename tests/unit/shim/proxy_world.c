/* SPDX-License-Identifier: Apache-2.0 */
/* tests/unit/shim/proxy_world.c -- the world of test_proxy, test_link and test_gate. */
#include "tests/unit/shim/proxy_world.h"

#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "shim/child.h"
#include "shim/proxy.h"
#include "shim/server.h"
#include "shim/sock.h"

const char *world_inner, *world_helper;

static _Noreturn void become_proxy(struct proxy_world *w, int ready)
{
    struct cmc_err err;
    int private_listener = -1, pidfd = -1, inode = -1;
    struct shim_setup s = {.ns = "default",
                           .id = "first",
                           .group = "first",
                           .inner = world_inner,
                           .config = w->config,
                           .socket_dir = w->dir,
                           .socket_path = w->socket};
    char log[96];
    (void)snprintf(log, sizeof(log), "%s/log", w->dir);
    s.log = open(log, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
    s.helper = open(world_helper, O_PATH | O_CLOEXEC);
    s.listener = shim_sock_listen(w->socket, &err);
    if (s.listener < 0 || shim_sock_private(w->dir, &private_listener, &inode, &err) < 0)
        _exit(10);
    s.inode = inode;
    const struct shim_server_args server = {.program = world_inner,
                                            .ns = "default",
                                            .id = "first",
                                            .address = "",
                                            .listener = private_listener,
                                            .log = -1};
    shim_child_ignore_signals();
    if (shim_server_start(&server, &s.server, &pidfd, &err) < 0)
        _exit(11);
    (void)close(private_listener);
    if (write(ready, "x", 1) != 1)
        _exit(12);
    (void)close(ready);
    _exit(shim_proxy_run(&s, &err) < 0 ? 13 : 0);
}

void world_start(struct proxy_world *w)
{
    int ready[2];
    char c;
    *w = (struct proxy_world){.proxy = -1};
    (void)snprintf(w->dir, sizeof(w->dir), "/tmp/cmc-world-XXXXXX");
    assert_non_null(mkdtemp(w->dir));
    (void)snprintf(w->socket, sizeof(w->socket), "%s/cmc-front", w->dir);
    (void)snprintf(w->config, sizeof(w->config), "%s/config", w->dir);
    assert_int_equal(pipe2(ready, O_CLOEXEC), 0);
    w->proxy = fork();
    assert_true(w->proxy >= 0);
    if (w->proxy == 0)
        become_proxy(w, ready[1]);
    assert_int_equal(close(ready[1]), 0);
    assert_int_equal(read(ready[0], &c, 1), 1);
    assert_int_equal(close(ready[0]), 0);
}

void world_remove(struct proxy_world *w)
{
    static const char *const names[] = {"log", "config.calls"};
    char path[128];
    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
        (void)snprintf(path, sizeof(path), "%s/%s", w->dir, names[i]);
        (void)unlink(path);
    }
    assert_int_equal(rmdir(w->dir), 0);
}

int world_end(struct proxy_world *w)
{
    int status = 0;
    int fd = world_connect(w);
    world_send(fd, 1, "Shutdown", &(struct cmc_span){NULL, 0}, 0);
    assert_int_equal(waitpid(w->proxy, &status, 0), w->proxy);
    assert_int_equal(close(fd), 0);
    world_remove(w); /* fails while the socket is there */
    return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

int world_connect(const struct proxy_world *w)
{
    const struct timeval limit = {15, 0};
    struct cmc_err err;
    int fd = shim_sock_connect(w->socket, &err);
    assert_true(fd >= 0);
    assert_int_equal(setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof(limit)), 0);
    return fd;
}

void world_send(int fd, uint32_t stream, const char *method, const struct cmc_span *payload,
                uint64_t timeout_ns)
{
    cmc_autobuf struct cmc_buf data = cmc_buf_of(1 << 16), b = cmc_buf_of(1 << 16);
    cmc_pb_put_bytes(&data, 1, "containerd.task.v2.Task", 23);
    cmc_pb_put_bytes(&data, 2, method, strlen(method));
    cmc_pb_put_bytes(&data, 3, payload->p, payload->len);
    if (timeout_ns)
        cmc_pb_put_uint(&data, 4, timeout_ns);
    cmc_put_be32(&b, (uint32_t)data.len);
    cmc_put_be32(&b, stream);
    cmc_put_be16(&b, SHIM_TTRPC_REQUEST << 8);
    cmc_put(&b, data.data, data.len);
    assert_int_equal(write(fd, b.data, b.len), (ssize_t)b.len);
}

static void read_exactly(int fd, struct cmc_buf *b, size_t len)
{
    while (b->len < len) {
        static uint8_t chunk[65536];
        size_t want = len - b->len < sizeof(chunk) ? len - b->len : sizeof(chunk);
        ssize_t n = read(fd, chunk, want);
        assert_true(n > 0);
        cmc_put(b, chunk, (size_t)n);
    }
}

struct shim_frame world_read(int fd, struct cmc_buf *b)
{
    struct shim_frame f = {.type = 0};
    struct cmc_err err;
    b->len = 0;
    read_exactly(fd, b, SHIM_FRAME_HEADER);
    struct cmc_reader r = cmc_reader_of(b->data, 4);
    read_exactly(fd, b, SHIM_FRAME_HEADER + cmc_read_be32(&r));
    assert_int_equal(shim_frame_parse(b->data, b->len, &f, &err), (int)b->len);
    return f;
}

struct shim_response world_answer(int fd, uint32_t stream, struct cmc_buf *b)
{
    struct shim_response r = {.status = 99};
    struct cmc_err err;
    const struct shim_frame f = world_read(fd, b);
    assert_int_equal(f.type, SHIM_TTRPC_RESPONSE);
    assert_int_equal(f.stream, stream);
    assert_int_equal(shim_ttrpc_response(f.data, f.data_len, &r, &err), 0);
    return r;
}

struct cmc_span world_create(const struct proxy_world *w, const char *id, const char *any,
                             struct cmc_buf *b)
{
    b->len = 0;
    cmc_pb_put_bytes(b, 1, id, strlen(id));
    cmc_pb_put_bytes(b, 2, w->dir, strlen(w->dir));
    if (any)
        cmc_pb_put_bytes(b, 10, any, strlen(any));
    return (struct cmc_span){b->data, b->len};
}

const char *world_calls(const struct proxy_world *w)
{
    static char text[16384];
    char path[128];
    (void)snprintf(path, sizeof(path), "%s.calls", w->config);
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    ssize_t n = fd < 0 ? 0 : read(fd, text, sizeof(text) - 1);
    text[n > 0 ? n : 0] = '\0';
    if (fd >= 0)
        (void)close(fd);
    return text;
}
