/* SPDX-License-Identifier: Apache-2.0 */
/* shim/gate.c -- the life of a Create: held, measured, forwarded, answered; or given up. */
#include "shim/gate.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <unistd.h>

#include "base/applog.h"
#include "base/cleanup.h"
#include "base/task.h"
#include "shim/bundle.h"
#include "shim/dry_run.h"
#include "shim/job.h"
#include "shim/owed.h"
#include "shim/report.h"
#include "shim/sock.h"

enum { NS_PER_US = 1000, NS_PER_MS = 1000000, HELD_MAX = 256 };

/* MEASURING -> FORWARDED: a result, and somebody still waits. MEASURING -> RECORDING: the helper
 * died or lied, or the request cannot be read: another helper records the failure; RECORDING ->
 * FORWARDED whatever that one says (mode audit). MEASURING, RECORDING -> gone: refused; or given
 * up, then the helper's result is only logged. FORWARDED -> gone: the real shim has answered. */
enum create_state { CREATE_MEASURING, CREATE_RECORDING, CREATE_FORWARDED, CREATE_GONE };

struct shim_create {
    struct shim_create *next;
    struct shim_proxy *proxy;
    struct shim_link *link; /* NULL: nobody waits for the answer */
    enum create_state state;
    struct cmc_buf frame;    /* the whole frame as it came */
    struct shim_frame view;  /* of frame */
    struct cmc_span payload; /* CreateTaskRequest, inside frame */
    int64_t timeout_ns;
    uint64_t arrived_us, expires_ms; /* expires_ms UINT64_MAX: never */
    bool readable;                   /* the payload parses: the helper may see it */
    char *id, *bundle;               /* as the request says, "" when it cannot be read */
    int bundle_fd;                   /* O_PATH, or -1 */
    struct shim_end back;            /* FORWARDED */
};

static void drop_create(struct shim_create *c)
{
    struct shim_create **at = &c->proxy->creates;
    while (*at && *at != c)
        at = &(*at)->next;
    if (!*at)
        return;
    *at = c->next;
    c->next = c->proxy->dead_creates;
    c->proxy->dead_creates = c;
    c->state = CREATE_GONE;
    c->proxy->quiet_since_ms = shim_loop_now_ms();
    shim_loop_drop(&c->proxy->loop, &c->back.w);
}

void shim_gate_sweep(struct shim_proxy *p)
{
    for (struct shim_create *c; (c = p->dead_creates);) {
        p->dead_creates = c->next;
        shim_end_done(&c->back, &p->loop);
        cmc_buf_done(&c->frame);
        cmc_closep(&c->bundle_fd);
        free(c->id);
        free(c->bundle);
        free(c);
    }
}

/* Sends frames to whoever waits, and lets the link go. Afterwards nobody waits. */
static void answer(struct shim_create *c, const void *frames, size_t len)
{
    struct shim_link *l = c->link;
    if (!l)
        return;
    c->link = NULL;
    shim_link_answer(l, frames, len);
    shim_link_release(l);
}

static void answer_error(struct shim_create *c, enum shim_status code, const char *text)
{
    cmc_autobuf struct cmc_buf b = cmc_buf_of(4096);
    shim_ttrpc_put_error(&b, c->view.stream, code, text);
    answer(c, b.data, b.len);
}

static void back_ready(void *owner, uint32_t events)
{
    struct shim_create *c = owner;
    struct shim_frame f;
    enum shim_end_got got;
    if (events & EPOLLOUT)
        shim_end_flush(&c->back);
    if (events & (EPOLLIN | EPOLLHUP | EPOLLERR))
        (void)shim_end_read(&c->back);
    while ((got = shim_end_next(&c->back, &f)) == SHIM_END_FRAME) {
        if (f.type != SHIM_TTRPC_RESPONSE || f.stream != c->view.stream)
            continue;
        answer(c, f.data - SHIM_FRAME_HEADER, SHIM_FRAME_HEADER + f.data_len);
        drop_create(c);
        return;
    }
    if (got != SHIM_END_NOTHING || c->back.eof || c->back.broken) {
        answer_error(c, SHIM_STATUS_UNAVAILABLE, "the real shim closed the connection");
        drop_create(c);
        return;
    }
    shim_loop_set(&c->proxy->loop, &c->back.w,
                  shim_end_pending(&c->back) ? EPOLLIN | EPOLLOUT : EPOLLIN);
}

/* The frame to forward: as it came where nothing has to change. */
static int compose(struct shim_create *c, const struct cmc_helper_result *r, struct cmc_buf *out,
                   struct cmc_err *err)
{
    enum cmc_helper_options action = r ? r->options : CMC_HELPER_OPTIONS_KEEP;
    cmc_autobuf struct cmc_buf changed = cmc_buf_of(SHIM_FRAME_DATA_MAX);
    struct cmc_span payload = c->payload;
    int64_t left = 0;
    if (action != CMC_HELPER_OPTIONS_KEEP) {
        const struct cmc_span any = {r->options_any, r->options_len};
        const bool replace = action == CMC_HELPER_OPTIONS_REPLACE;
        if (cmc_task_create_set_options(c->payload.p, c->payload.len, replace ? &any : NULL,
                                        &changed, err) < 0)
            return -(int)err->code;
        payload = (struct cmc_span){changed.data, changed.len};
    }
    if (c->timeout_ns > 0) {
        left = c->timeout_ns - (int64_t)(shim_loop_now_us() - c->arrived_us) * NS_PER_US;
        left = left > 0 ? left : 1; /* 0 would mean: no limit */
    }
    if (action == CMC_HELPER_OPTIONS_KEEP && left == 0)
        cmc_put(out, c->frame.data, c->frame.len);
    else if (shim_ttrpc_rewrite(&c->view, &payload, left, out, err) < 0)
        return -(int)err->code;
    return cmc_buf_check(out, "Create", err);
}

/* r NULL: no helper could say anything, so no recorder knows; why is the reason. */
static int forward(struct shim_create *c, const struct cmc_helper_result *r, const char *why,
                   struct cmc_err *err)
{
    if (!r)
        shim_owed_missed(c->proxy, c->id, why);
    cmc_autobuf struct cmc_buf frame = cmc_buf_of(SHIM_FRAME_HEADER + SHIM_FRAME_DATA_MAX);
    if (compose(c, r, &frame, err) < 0)
        return -(int)err->code;
    int fd = shim_sock_connect_private(c->proxy->setup.inode, err);
    if (fd < 0 || shim_end_init(&c->back, &c->proxy->loop, fd, err) < 0)
        return -(int)err->code;
    c->state = CREATE_FORWARDED;
    c->proxy->used = true;
    shim_end_put(&c->back, frame.data, frame.len);
    back_ready(c, 0);
    return 0;
}

static void say(const struct shim_create *c, enum cmc_level level, const char *msg, const char *why)
{
    shim_report_line(c->proxy->setup.log, c->bundle_fd, level, msg, c->id, why);
}

/* A proxy that was stopped, or busy, may hear of the result before its clock is looked at. */
static void expire(struct shim_create *c, uint64_t now_ms)
{
    if (!c->link || c->expires_ms > now_ms)
        return;
    say(c, CMC_LOG_WARNING, "create given up", "its caller's deadline is over");
    answer_error(c, SHIM_STATUS_DEADLINE, "cmc: context deadline exceeded");
}

/* A bundle that was not judged well is looked into by the name that the real shim would follow. */
static bool is_dry_run(const struct shim_create *c, const struct cmc_helper_result *r)
{
    cmc_autofd int named =
        c->bundle_fd < 0 ? open(c->bundle, O_PATH | O_DIRECTORY | O_CLOEXEC) : -1;
    return shim_dry_run(c->id, c->bundle_fd < 0 ? named : c->bundle_fd, r);
}

static void refuse_dry_run(struct shim_create *c, const char *why)
{
    char text[640];
    (void)snprintf(text, sizeof(text), "dry run failed: %.500s; nothing was started", why);
    answer_error(c, SHIM_STATUS_REFUSED, text);
    drop_create(c);
}

/* Measured or not, the site's mode decides; there is only audit: what was not refused starts, but
 * for dry runs, which never do. */
static void decide(struct shim_create *c, const struct cmc_helper_result *r, const char *why)
{
    struct cmc_err err;
    shim_report_create(c->proxy->setup.log, c->bundle_fd, c->id, shim_loop_now_us() - c->arrived_us,
                       r, r ? r->text : why);
    shim_owed_retry(c->proxy, r);
    expire(c, shim_loop_now_ms());
    if (!c->link) { /* given up meanwhile: it must never start behind its caller's back */
        drop_create(c);
    } else if (r && r->outcome == CMC_HELPER_REFUSED) {
        answer_error(c, SHIM_STATUS_REFUSED, *r->text ? r->text : "refused by cmc-measure");
        drop_create(c);
    } else if (is_dry_run(c, r)) {
        refuse_dry_run(c, r ? r->text : why);
    } else if (forward(c, r, why, &err) < 0) {
        say(c, CMC_LOG_ERROR, "create not forwarded", err.msg);
        answer_error(c, SHIM_STATUS_UNAVAILABLE, err.msg);
        drop_create(c);
    } else if (!r || r->outcome == CMC_HELPER_NOT_RECORDED) {
        shim_owed_note(c->proxy, c->id, r ? r->text : why);
    }
}

static void failure_recorded(void *owner, const struct cmc_helper_result *r, const char *why)
{
    struct shim_create *c = owner;
    decide(c, r, why);
}

static struct cmc_helper_request request_of(const struct shim_create *c, enum cmc_helper_job job)
{
    const struct shim_setup *s = &c->proxy->setup;
    return (struct cmc_helper_request){
        .job = job,
        .ns = s->ns,
        .id = c->id,
        .group = s->group,
        .bundle = c->bundle,
        .inner_shim = s->inner,
        .create = c->readable ? c->payload.p : NULL,
        .create_len = c->readable ? c->payload.len : 0,
    };
}

static void record_failure(struct shim_create *c, const char *why)
{
    struct cmc_helper_request q = request_of(c, CMC_HELPER_FAILED);
    struct cmc_err err;
    char reason[sizeof(err.msg)];
    (void)snprintf(reason, sizeof(reason), "%s", why); /* why may live in what is freed next */
    q.reason = reason;
    c->state = CREATE_RECORDING;
    say(c, CMC_LOG_ERROR, "cannot measure", reason);
    if (shim_job_start(c->proxy, &q, c->bundle_fd, failure_recorded, c, &err) < 0)
        decide(c, NULL, err.msg);
}

static void measured(void *owner, const struct cmc_helper_result *r, const char *why)
{
    struct shim_create *c = owner;
    if (r)
        decide(c, r, NULL);
    else
        record_failure(c, why);
}

static char *copy_text(const struct cmc_span *s, size_t max)
{
    size_t len = s->len < max ? s->len : max;
    return s->p ? strndup((const char *)s->p, len) : strdup("");
}

/* Reads what the helper will need; the first fault is what gets recorded. */
static int judge(struct shim_create *c, struct cmc_err *err)
{
    static struct cmc_task_create parsed; /* 20 KiB; we have one thread */
    if (cmc_task_create_parse(c->payload.p, c->payload.len, &parsed, err) < 0)
        return -(int)err->code;
    c->readable = true;
    if (shim_ttrpc_check_namespace(&c->view, c->proxy->setup.ns, err) < 0)
        return -(int)err->code;
    c->bundle_fd = shim_bundle_open(c->bundle, err);
    return c->bundle_fd < 0 ? -(int)err->code : 0;
}

static int fill(struct shim_create *c, const struct shim_frame *f, const struct shim_request *r,
                struct cmc_err *err)
{
    const struct cmc_span id = shim_ttrpc_text(&r->payload, 1);
    const struct cmc_span bundle = shim_ttrpc_text(&r->payload, 2);
    const uint8_t *whole = f->data - SHIM_FRAME_HEADER;
    c->frame = cmc_buf_of(SHIM_FRAME_HEADER + SHIM_FRAME_DATA_MAX);
    cmc_put(&c->frame, whole, SHIM_FRAME_HEADER + f->data_len);
    c->id = copy_text(&id, CMC_HELPER_TEXT_MAX);
    c->bundle = copy_text(&bundle, CMC_HELPER_TEXT_MAX);
    if (c->frame.bad || !c->id || !c->bundle)
        return cmc_fail(err, CMC_E_LIMIT, "out of memory for a Create");
    c->view = *f;
    c->view.data = c->frame.data + SHIM_FRAME_HEADER;
    if (r->payload.p)
        c->payload = (struct cmc_span){c->frame.data + (r->payload.p - whole), r->payload.len};
    c->timeout_ns = r->timeout_ns;
    c->arrived_us = shim_loop_now_us();
    c->expires_ms = UINT64_MAX;
    if (r->timeout_ns != 0)
        c->expires_ms =
            c->arrived_us / 1000 + (r->timeout_ns > 0 ? (uint64_t)r->timeout_ns / NS_PER_MS : 0);
    return 0;
}

static struct shim_create *new_create(struct shim_link *l)
{
    struct shim_create *c = calloc(1, sizeof(*c));
    if (!c)
        return NULL;
    c->proxy = l->proxy;
    c->link = l;
    c->bundle_fd = -1;
    c->back.w = (struct shim_watch){.fd = -1, .ready = back_ready, .owner = c};
    c->next = l->proxy->creates;
    l->proxy->creates = c;
    l->held++;
    l->proxy->seen_create = true;
    return c;
}

static void refuse_unheld(struct shim_link *l, uint32_t stream, const char *text)
{
    cmc_autobuf struct cmc_buf b = cmc_buf_of(4096);
    shim_ttrpc_put_error(&b, stream, SHIM_STATUS_EXHAUSTED, text);
    shim_link_answer(l, b.data, b.len);
}

void shim_gate_hold(struct shim_link *l, const struct shim_frame *f, const struct shim_request *r)
{
    struct cmc_err err;
    size_t held = 0;
    for (const struct shim_create *at = l->proxy->creates; at; at = at->next)
        held++;
    struct shim_create *c = held < HELD_MAX ? new_create(l) : NULL;
    if (!c) {
        refuse_unheld(l, f->stream, "cmc: too many Creates are waiting");
        return;
    }
    c->view.stream = f->stream;
    if (fill(c, f, r, &err) < 0) {
        answer_error(c, SHIM_STATUS_EXHAUSTED, err.msg);
        drop_create(c);
        return;
    }
    if (judge(c, &err) < 0) {
        record_failure(c, err.msg);
        return;
    }
    const struct cmc_helper_request q = request_of(c, CMC_HELPER_CREATE);
    if (shim_job_start(c->proxy, &q, c->bundle_fd, measured, c, &err) < 0)
        decide(c, NULL, err.msg);
}

bool shim_gate_holds(const struct shim_link *l, uint32_t stream)
{
    for (const struct shim_create *c = l->proxy->creates; c; c = c->next)
        if (c->link == l && c->view.stream == stream)
            return true;
    return false;
}

bool shim_gate_expects(const struct shim_proxy *p)
{
    for (const struct shim_create *c = p->creates; c; c = c->next)
        if (c->link)
            return true;
    return false;
}

static bool waits(const struct shim_create *c)
{
    return c->link && (c->state == CREATE_MEASURING || c->state == CREATE_RECORDING);
}

void shim_gate_cancel(struct shim_proxy *p, const struct cmc_span *id, const char *method)
{
    char text[128];
    (void)snprintf(text, sizeof(text), "cmc: %s came before the container was measured", method);
    for (struct shim_create *c = p->creates; c; c = c->next) {
        if (!waits(c) || strlen(c->id) != id->len ||
            (id->len && memcmp(c->id, id->p, id->len) != 0))
            continue;
        say(c, CMC_LOG_WARNING, "create given up", text);
        answer_error(c, SHIM_STATUS_CANCELLED, text);
    }
}

void shim_gate_abandon(struct shim_link *l)
{
    for (struct shim_create *c = l->proxy->creates; c; c = c->next) {
        if (c->link != l)
            continue;
        if (waits(c))
            say(c, CMC_LOG_WARNING, "create given up", "its connection is closed");
        c->link = NULL;
    }
}

uint64_t shim_gate_tick(struct shim_proxy *p, uint64_t now_ms)
{
    uint64_t next = UINT64_MAX;
    for (struct shim_create *c = p->creates; c; c = c->next) {
        if (!waits(c))
            continue;
        expire(c, now_ms);
        if (waits(c) && c->expires_ms < next)
            next = c->expires_ms;
    }
    return next;
}

struct deletion {
    struct shim_proxy *proxy;
    char *id;
};

static void deletion_recorded(void *owner, const struct cmc_helper_result *r, const char *why)
{
    struct deletion *d = owner;
    if (!r || r->outcome != CMC_HELPER_RECORDED)
        cmc_log(d->proxy->setup.log, CMC_LOG_ERROR, "container-delete not recorded", "task", d->id,
                "why", r ? r->text : why, NULL);
    shim_owed_retry(d->proxy, r);
    free(d->id);
    free(d);
}

void shim_gate_deleted(struct shim_proxy *p, const char *id, uint32_t exit_status)
{
    const struct cmc_helper_request q = {
        .job = CMC_HELPER_DELETE,
        .ns = p->setup.ns,
        .id = id,
        .group = p->setup.group,
        .inner_shim = p->setup.inner,
        .exit_status = exit_status,
    };
    struct cmc_err err = {.msg = "out of memory"};
    struct deletion *d = calloc(1, sizeof(*d));
    if (!d)
        return;
    *d = (struct deletion){p, strdup(id)};
    if (!d->id || shim_job_start(p, &q, -1, deletion_recorded, d, &err) < 0)
        deletion_recorded(d, NULL, err.msg);
}
