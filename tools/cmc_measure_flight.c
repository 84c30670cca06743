/* SPDX-License-Identifier: Apache-2.0 */
/* tools/cmc_measure_flight.c -- take what is kept, wait for who is at it, or measure and keep.
 * Whatever goes wrong with sharing, the tree is measured. */
#include "tools/cmc_measure_flight.h"

#include <stdio.h>
#include <string.h>
#include <time.h>

#include "base/applog.h"
#include "tools/cmc_measure_flight_dir.h"

enum { TELL_MS = 200, LOOK_MAX_MS = 50, ROUNDS = 3 };

struct pilot {
    const struct cmc_measure_flight *f;
    struct cmc_measure_flight_place place; /* dir -1: nothing is kept */
    struct cmc_measure_flight_file file;   /* ours, while fd >= 0 */
    int fd;                                /* of the claimed file, or -1 */
    uint64_t start_ms, told_ms;
    bool has_stale;
    uint8_t stale[CMC_SHA256_LEN]; /* the stamp of an entry that is of no use */
};

static void say(const struct pilot *p, const char *msg)
{
    char name[13], ms[24];
    (void)snprintf(name, sizeof(name), "%.12s", p->place.name);
    (void)snprintf(ms, sizeof(ms), "%llu",
                   (unsigned long long)(cmc_measure_flight_now_ms() - p->start_ms));
    cmc_log(p->f->log, CMC_LOG_INFO, msg, "task", p->f->task, "entry", name, "ms", ms, NULL);
}

static int on_look(void *ctx, uint64_t entries, uint64_t bytes)
{
    const struct pilot *p = ctx;
    cmc_measure_link_work(p->f->link, entries, bytes);
    return 0;
}

/* Is an entry's digest that of our tree as it is now? */
static bool is_true_still(struct pilot *p, const struct cmc_measure_flight_file *e)
{
    const struct cmc_measure_flight *f = p->f;
    struct measure_rootfs_stamp now;
    struct cmc_err ignored;
    return e->tree.has_listing == f->keep_listing &&
           f->look(f->ctx, on_look, p, &now, &ignored) == 0 &&
           memcmp(now.digest, e->stamp, sizeof(e->stamp)) == 0 &&
           (!f->keep_listing || f->has_listing(f->ctx, e->tree.listing));
}

/* Often at first: what is small is measured soon. */
static void pause_for(uint64_t waited_ms)
{
    const uint64_t ms = 1 + waited_ms / 8 < LOOK_MAX_MS ? 1 + waited_ms / 8 : LOOK_MAX_MS;
    const struct timespec pause = {.tv_nsec = (long)ms * 1000000};
    (void)nanosleep(&pause, NULL);
}

/* Waits until the holder of fd has ended; false when there is no sign of it any more. */
static bool wait_for(const struct pilot *p, int fd, uint64_t written_ms)
{
    const uint64_t start_ms = cmc_measure_flight_now_ms();
    uint64_t changed_ms = start_ms;
    while (cmc_measure_flight_is_held(fd)) {
        struct cmc_measure_flight_file now;
        const uint64_t now_ms = cmc_measure_flight_now_ms();
        if (cmc_measure_flight_read(fd, &p->place, &now) && now.written_ms != written_ms) {
            written_ms = now.written_ms;
            changed_ms = now_ms;
            cmc_measure_link_work(p->f->link, now.entries, now.bytes);
        }
        if (now_ms - changed_ms > CMC_MEASURE_IDLE_MS)
            return false;
        pause_for(now_ms - start_ms);
    }
    return true;
}

enum found { FOUND_NOTHING, FOUND_RESULT, FOUND_STOPPED };

/* Takes what another has measured, or is measuring. */
static enum found find(struct pilot *p, struct cmc_measure_tree *out,
                       enum cmc_measure_source *source)
{
    struct cmc_measure_flight_file e;
    cmc_autofd int fd = cmc_measure_flight_open(&p->place);
    if (fd < 0 || !cmc_measure_flight_read(fd, &p->place, &e))
        return FOUND_NOTHING;
    const bool waited = !e.measured;
    if (waited && !wait_for(p, fd, e.written_ms))
        return FOUND_STOPPED;
    if (waited && (!cmc_measure_flight_read(fd, &p->place, &e) || !e.measured))
        return FOUND_NOTHING;
    if (!is_true_still(p, &e)) {
        p->has_stale = true;
        memcpy(p->stale, e.stamp, sizeof(p->stale));
        return FOUND_NOTHING;
    }
    cmc_measure_flight_touch(fd);
    *out = e.tree;
    *source = waited ? CMC_MEASURE_JOINED : CMC_MEASURE_KEPT;
    say(p, waited ? "took the digest of another measuring" : "took the digest measured before");
    return FOUND_RESULT;
}

static bool tell(struct pilot *p, uint64_t entries, uint64_t bytes)
{
    p->file.entries = entries;
    p->file.bytes = bytes;
    p->file.written_ms = p->told_ms = cmc_measure_flight_now_ms();
    return cmc_measure_flight_write(p->fd, &p->file);
}

static void leave(struct pilot *p)
{
    if (p->fd >= 0)
        cmc_measure_flight_remove(&p->place);
    cmc_closep(&p->fd);
}

static int on_progress(void *ctx, uint64_t entries, uint64_t bytes)
{
    struct pilot *p = ctx;
    cmc_measure_link_work(p->f->link, entries, bytes);
    if (p->fd >= 0 && cmc_measure_flight_now_ms() - p->told_ms >= TELL_MS &&
        !tell(p, entries, bytes))
        leave(p);
    return 0;
}

/* False when another is at it, or has just been. */
static bool take_off(struct pilot *p)
{
    p->told_ms = cmc_measure_flight_now_ms();
    p->file = (struct cmc_measure_flight_file){.written_ms = p->told_ms,
                                               .lead_ns = cmc_measure_flight_lead_ns()};
    memcpy(p->file.boot, p->place.boot, sizeof(p->file.boot));
    memcpy(p->file.key, p->place.key, sizeof(p->file.key));
    return cmc_measure_flight_claim(&p->place, &p->file, p->has_stale ? p->stale : NULL, &p->fd) !=
           CMC_MEASURE_FLIGHT_OTHERS;
}

/* A later change shows in the stamps of those who come later only if all times are of before the
 * beginning, by a clock that was not set back, and all writers had to come later. */
static const char *why_not(const struct pilot *p, const struct cmc_measure_walked *w)
{
    if (!w->leased)
        return "a file is open for writing, or was not read from its layer";
    if (w->stamp.wait_ms > 0)
        return "changed too short a time ago, or in times to come";
    return cmc_measure_flight_is_behind(p->file.lead_ns) ? "the clock was set back" : NULL;
}

/* The tree is measured. */
static void land(struct pilot *p, const struct cmc_measure_walked *w)
{
    if (p->fd < 0)
        return;
    const char *why = why_not(p, w);
    p->file.measured = true;
    p->file.tree = w->tree;
    memcpy(p->file.stamp, w->stamp.digest, sizeof(p->file.stamp));
    if (why || !tell(p, w->stamp.entries, p->file.bytes)) {
        leave(p);
        cmc_log(p->f->log, CMC_LOG_INFO, "a digest is not kept", "task", p->f->task, "why",
                why ? why : "the entry cannot be written", NULL);
        return;
    }
    say(p, "measured, and others may use it");
    cmc_closep(&p->fd);
}

static int fly(struct pilot *p, struct cmc_measure_tree *out, struct cmc_err *err)
{
    struct cmc_measure_walked w = {.leased = false};
    const int rc = p->f->walk(p->f->ctx, on_progress, p, &w, err);
    if (rc < 0) {
        leave(p);
        return rc;
    }
    land(p, &w);
    *out = w.tree;
    return 0;
}

/* True with a result that need not be measured. */
static bool share(struct pilot *p, struct cmc_measure_tree *out, enum cmc_measure_source *source)
{
    for (int round = 1; round <= ROUNDS; round++) {
        const enum found found = find(p, out, source);
        if (found == FOUND_RESULT)
            return true;
        if (found == FOUND_STOPPED || take_off(p))
            return false;
    }
    return false;
}

int cmc_measure_flight_run(const struct cmc_measure_flight *f, struct cmc_measure_tree *out,
                           enum cmc_measure_source *source, struct cmc_err *err)
{
    struct pilot p = {.f = f, .place = {.dir = -1}, .fd = -1};
    struct cmc_measure_tree tree;
    struct cmc_err why = {0};
    int rc = 0;
    p.start_ms = cmc_measure_flight_now_ms();
    *source = CMC_MEASURE_OWN;
    if (cmc_measure_flight_find(f, &p.place, &why) < 0)
        cmc_log(f->log, CMC_LOG_INFO, "a digest is not kept", "task", f->task, "why", why.msg,
                NULL);
    if (p.place.dir < 0 || !share(&p, &tree, source))
        rc = fly(&p, &tree, err);
    cmc_closep(&p.place.dir);
    if (rc == 0)
        *out = tree;
    return rc;
}
