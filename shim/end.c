/* SPDX-License-Identifier: Apache-2.0 */
/* shim/end.c -- buffered frames on one non-blocking socket. */
#include "shim/end.h"

#include <errno.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>

enum { CHUNK = 8192, KEEP = 64 << 10, IN_MAX = SHIM_FRAME_HEADER + SHIM_FRAME_DATA_MAX + CHUNK };

int shim_end_init(struct shim_end *e, struct shim_loop *l, int fd, struct cmc_err *err)
{
    e->in = cmc_buf_of(IN_MAX);
    e->out = cmc_buf_of(SHIM_END_OUT_MAX);
    return shim_loop_add(l, &e->w, fd, EPOLLIN, err);
}

void shim_end_done(struct shim_end *e, struct shim_loop *l)
{
    shim_loop_drop(l, &e->w);
    cmc_buf_done(&e->in);
    cmc_buf_done(&e->out);
}

/* Forgets the bytes before used. A large buffer is given back when it is empty: one 4 MiB frame
 * must not cost 4 MiB for the life of a container. */
static void compact(struct cmc_buf *b, size_t *used)
{
    b->len -= *used;
    if (b->len && *used)
        memmove(b->data, b->data + *used, b->len);
    *used = 0;
    if (b->len == 0 && b->cap > KEEP && !b->bad) {
        size_t max = b->max;
        cmc_buf_done(b);
        *b = cmc_buf_of(max);
    }
}

static void take_input(struct shim_end *e, const uint8_t *p, size_t n)
{
    size_t skip = e->drain < n ? (size_t)e->drain : n;
    e->drain -= skip;
    cmc_put(&e->in, p + skip, n - skip);
    if (e->in.bad) /* only without memory: the limits cannot be passed */
        e->eof = e->hup = true;
}

bool shim_end_read(struct shim_end *e)
{
    uint8_t chunk[CHUNK];
    compact(&e->in, &e->used);
    ssize_t n = recv(e->w.fd, chunk, sizeof(chunk), MSG_DONTWAIT);
    if (n > 0) {
        take_input(e, chunk, (size_t)n);
        return true;
    }
    if (n == 0)
        e->eof = true;
    else if (errno != EAGAIN && errno != EINTR)
        e->eof = e->hup = true;
    return false;
}

static void begin_drain(struct shim_end *e, const uint8_t *at, size_t left)
{
    struct cmc_reader r = cmc_reader_of(at, left);
    struct shim_frame f = {.data_len = cmc_read_be32(&r)};
    f.stream = cmc_read_be32(&r);
    f.type = cmc_read_u8(&r);
    f.flags = cmc_read_u8(&r);
    size_t skip = r.left < f.data_len ? r.left : f.data_len;
    e->oversize = f;
    e->oversized = true;
    e->drain = f.data_len - skip;
    e->used += SHIM_FRAME_HEADER + skip;
}

enum shim_end_got shim_end_next(struct shim_end *e, struct shim_frame *f)
{
    struct cmc_err ignored;
    if (!e->oversized) {
        const uint8_t *at = e->in.data + e->used;
        size_t left = e->in.len - e->used;
        int n = left ? shim_frame_parse(at, left, f, &ignored) : 0;
        if (n > 0) {
            e->used += (size_t)n;
            return SHIM_END_FRAME;
        }
        if (n == 0)
            return e->eof && left ? SHIM_END_TRUNCATED : SHIM_END_NOTHING;
        begin_drain(e, at, left);
    }
    if (e->drain)
        return e->eof ? SHIM_END_TRUNCATED : SHIM_END_NOTHING;
    e->oversized = false;
    *f = e->oversize;
    return SHIM_END_OVERSIZE;
}

void shim_end_flush(struct shim_end *e)
{
    while (!e->broken && shim_end_pending(e)) {
        ssize_t n =
            send(e->w.fd, e->out.data + e->sent, shim_end_pending(e), MSG_DONTWAIT | MSG_NOSIGNAL);
        if (n >= 0)
            e->sent += (size_t)n;
        else if (errno == EAGAIN)
            break;
        else if (errno != EINTR)
            e->broken = true;
    }
    if (shim_end_pending(e) == 0)
        compact(&e->out, &e->sent);
}

void shim_end_put(struct shim_end *e, const void *data, size_t len)
{
    if (e->broken || e->w.fd < 0)
        return;
    if (e->sent > SHIM_END_HIGH)
        compact(&e->out, &e->sent);
    cmc_put(&e->out, data, len);
    if (e->out.bad) /* a frame is lost: the connection cannot go on */
        e->broken = true;
    shim_end_flush(e);
}

size_t shim_end_pending(const struct shim_end *e)
{
    return e->broken ? 0 : e->out.len - e->sent;
}
