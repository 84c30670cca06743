/* SPDX-License-Identifier: Apache-2.0 */
/* shim/link.c -- frames from one side to the other; three kinds of request get a second look. */
#include "shim/link.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>

#include "base/applog.h"
#include "shim/gate.h"

enum { ANSWERS_MAX = 1 << 20, DELETES_MAX = 256 };

struct shim_delete {
    struct shim_delete *next;
    uint32_t stream;
    char id[];
};

static void note_delete(struct shim_link *l, uint32_t stream, const struct cmc_span *id)
{
    if (l->delete_count == DELETES_MAX)
        return; /* nobody deletes 256 containers at once on one connection */
    struct shim_delete *d = calloc(1, sizeof(*d) + id->len + 1);
    if (!d)
        return;
    memcpy(d->id, id->p, id->len);
    d->stream = stream;
    d->next = l->deletes;
    l->deletes = d;
    l->delete_count++;
}

static void free_deletes(struct shim_link *l)
{
    for (struct shim_delete *d; (d = l->deletes);) {
        l->deletes = d->next;
        free(d);
    }
}

static void refuse(struct shim_link *l, uint32_t stream, enum shim_status code, const char *text)
{
    cmc_autobuf struct cmc_buf b = cmc_buf_of(4096);
    shim_ttrpc_put_error(&b, stream, code, text);
    shim_link_answer(l, b.data, b.len);
}

/* A real shim ignores a Shutdown while it holds a container, and leaves without one: so it must not
 * hear of it while a Create waits, unless the whole group ends. */
static bool look_at_shutdown(struct shim_link *l, uint32_t stream, const struct cmc_span *id)
{
    const char *group = l->proxy->setup.group;
    const bool all = id->len && id->len == strlen(group) && memcmp(id->p, group, id->len) == 0;
    cmc_autobuf struct cmc_buf b = cmc_buf_of(64);
    shim_gate_cancel(l->proxy, id, "Shutdown");
    if (all || !shim_gate_expects(l->proxy))
        return false;
    shim_ttrpc_put_empty(&b, stream);
    shim_link_answer(l, b.data, b.len);
    return true;
}

/* True when the request is dealt with, false when it is to be forwarded. */
static bool look_at_request(struct shim_link *l, const struct shim_frame *f)
{
    struct shim_request r;
    struct cmc_err err;
    if (shim_ttrpc_request(f->data, f->data_len, &r, &err) < 0) {
        refuse(l, f->stream, SHIM_STATUS_INVALID, err.msg);
        return true;
    }
    if (shim_ttrpc_is_task(&r, "Create")) {
        shim_gate_hold(l, f, &r);
        return true;
    }
    const struct cmc_span id = shim_ttrpc_text(&r.payload, 1);
    if (shim_ttrpc_is_task(&r, "Shutdown"))
        return look_at_shutdown(l, f->stream, &id);
    if (!shim_ttrpc_is_task(&r, "Delete") || shim_ttrpc_text(&r.payload, 2).len)
        return false;
    shim_gate_cancel(l->proxy, &id, "Delete");
    if (id.p)
        note_delete(l, f->stream, &id);
    return false;
}

static void from_front(struct shim_link *l, const struct shim_frame *f)
{
    if (f->type == SHIM_TTRPC_REQUEST && look_at_request(l, f))
        return;
    /* Data of a Create that the real shim has not seen on this connection would make it panic. */
    if (f->type == SHIM_TTRPC_DATA && shim_gate_holds(l, f->stream))
        return;
    shim_end_put(&l->back, f->data - SHIM_FRAME_HEADER, SHIM_FRAME_HEADER + f->data_len);
}

static void look_at_response(struct shim_link *l, const struct shim_frame *f)
{
    struct shim_delete **at = &l->deletes;
    struct shim_response r;
    struct cmc_err ignored;
    while (*at && (*at)->stream != f->stream)
        at = &(*at)->next;
    struct shim_delete *d = *at;
    if (!d)
        return;
    *at = d->next;
    l->delete_count--;
    if (shim_ttrpc_response(f->data, f->data_len, &r, &ignored) == 0 && r.status == SHIM_STATUS_OK)
        shim_gate_deleted(l->proxy, d->id, (uint32_t)shim_ttrpc_uint(&r.payload, 2));
    free(d);
}

static void from_back(struct shim_link *l, const struct shim_frame *f)
{
    if (f->type == SHIM_TTRPC_RESPONSE && l->deletes)
        look_at_response(l, f);
    shim_end_put(&l->front, f->data - SHIM_FRAME_HEADER, SHIM_FRAME_HEADER + f->data_len);
}

/* Both ttrpc peers throw an oversize frame away and answer its stream so. */
static void answer_oversize(struct shim_link *l, const struct shim_frame *f)
{
    char text[96];
    (void)snprintf(text, sizeof(text), "message length %zu exceed maximum message size of %d",
                   f->data_len, SHIM_FRAME_DATA_MAX);
    refuse(l, f->stream, SHIM_STATUS_EXHAUSTED, text);
}

/* Reads src once and deals with what is whole; false when the input was cut off. */
static bool pump(struct shim_link *l, struct shim_end *src,
                 void (*handle)(struct shim_link *, const struct shim_frame *))
{
    struct shim_frame f;
    bool more = shim_end_read(src);
    while (l->front.w.fd >= 0) {
        switch (shim_end_next(src, &f)) {
        case SHIM_END_FRAME:
            handle(l, &f);
            break;
        case SHIM_END_OVERSIZE:
            answer_oversize(l, &f);
            break;
        case SHIM_END_TRUNCATED:
            shim_link_close(l);
            return false;
        case SHIM_END_NOTHING:
            return more;
        }
    }
    return false;
}

static bool may_read_front(const struct shim_link *l)
{
    return !l->front.eof && shim_end_pending(&l->back) < SHIM_END_HIGH &&
           shim_end_pending(&l->front) < ANSWERS_MAX;
}

static bool may_read_back(const struct shim_link *l)
{
    return !l->back.eof && shim_end_pending(&l->front) < SHIM_END_HIGH;
}

static void watch_end(struct shim_link *l, struct shim_end *e, bool may_read)
{
    uint32_t want =
        (may_read && !e->hup ? EPOLLIN : 0U) | (shim_end_pending(e) ? (uint32_t)EPOLLOUT : 0U);
    shim_loop_set(&l->proxy->loop, &e->w, want);
}

/* A peer that hung up no longer reports input: what it left is read here, as room permits. */
static void drain_hung_up(struct shim_link *l)
{
    while (l->front.w.fd >= 0 && l->front.hup && may_read_front(l) &&
           pump(l, &l->front, from_front)) {
    }
    while (l->front.w.fd >= 0 && l->back.hup && may_read_back(l) && pump(l, &l->back, from_back)) {
    }
}

static bool finished(struct shim_link *l)
{
    if (l->front.broken || l->back.out.bad) /* a lost request would be waited for without end */
        return true;
    if (l->front.eof && l->front.hup && shim_end_pending(&l->back) == 0)
        return true;
    return l->back.eof && shim_end_pending(&l->front) == 0 && !(l->front.eof && l->held);
}

/* After anything happened: pass on ends, close what is over, ask for the right events. */
static void advance(struct shim_link *l)
{
    drain_hung_up(l); /* frames that are handled there find l busy, or change nothing in it */
    if (l->front.w.fd < 0)
        return;
    if (l->front.eof && !l->told && shim_end_pending(&l->back) == 0) {
        (void)shutdown(l->back.w.fd, SHUT_WR);
        l->told = true;
    }
    if (finished(l)) {
        shim_link_close(l);
        return;
    }
    watch_end(l, &l->front, may_read_front(l));
    watch_end(l, &l->back, may_read_back(l));
}

static void end_ready(struct shim_link *l, struct shim_end *e, uint32_t events,
                      void (*handle)(struct shim_link *, const struct shim_frame *))
{
    l->busy = true;
    if (events & EPOLLOUT)
        shim_end_flush(e);
    if (events & (EPOLLHUP | EPOLLERR))
        e->hup = true;
    else if (events & EPOLLIN)
        (void)pump(l, e, handle);
    advance(l);
    l->busy = false;
}

static void front_ready(void *owner, uint32_t events)
{
    struct shim_link *l = owner;
    end_ready(l, &l->front, events, from_front);
}

static void back_ready(void *owner, uint32_t events)
{
    struct shim_link *l = owner;
    end_ready(l, &l->back, events, from_back);
}

int shim_link_new(struct shim_proxy *p, int front, int back, struct cmc_err *err)
{
    cmc_autofd int containerd = front;
    cmc_autofd int real = back;
    struct shim_link *l = calloc(1, sizeof(*l));
    if (!l)
        return cmc_fail(err, CMC_E_LIMIT, "out of memory for a connection");
    l->proxy = p;
    l->front.w = (struct shim_watch){.fd = -1, .ready = front_ready, .owner = l};
    l->back.w = (struct shim_watch){.fd = -1, .ready = back_ready, .owner = l};
    l->next = p->links;
    p->links = l;
    if (shim_end_init(&l->front, &p->loop, cmc_take_fd(&containerd), err) < 0 ||
        shim_end_init(&l->back, &p->loop, cmc_take_fd(&real), err) < 0) {
        shim_link_close(l);
        return -(int)err->code;
    }
    return 0;
}

void shim_link_answer(struct shim_link *l, const void *frames, size_t len)
{
    shim_end_put(&l->front, frames, len);
}

void shim_link_release(struct shim_link *l)
{
    l->held--;
    if (!l->busy) /* else whoever is busy with l does it, after the frame at hand */
        advance(l);
}

void shim_link_close(struct shim_link *l)
{
    struct shim_proxy *p = l->proxy;
    struct shim_link **at = &p->links;
    while (*at && *at != l)
        at = &(*at)->next;
    if (!*at)
        return;
    *at = l->next;
    l->next = p->dead_links;
    p->dead_links = l;
    shim_loop_drop(&p->loop, &l->front.w);
    shim_loop_drop(&p->loop, &l->back.w);
    shim_gate_abandon(l);
    p->quiet_since_ms = shim_loop_now_ms();
}

void shim_link_finish(struct shim_link *l)
{
    l->busy = true;
    l->back.hup = true;
    advance(l);
    l->busy = false;
}

void shim_link_sweep(struct shim_proxy *p)
{
    for (struct shim_link *l; (l = p->dead_links);) {
        p->dead_links = l->next;
        shim_end_done(&l->front, &p->loop);
        shim_end_done(&l->back, &p->loop);
        free_deletes(l);
        free(l);
    }
}
