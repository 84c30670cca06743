/* SPDX-License-Identifier: Apache-2.0 */
/* tools/cmc_measure_flight.c -- join, or measure and take off once it takes long. Whatever goes
 * wrong with sharing, the tree is measured. */
#include "tools/cmc_measure_flight.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/applog.h"
#include "tools/cmc_measure_flight_dir.h"

enum { TELL_MS = 200, LOOK_MS = 50, ROUNDS = 3, CLOCK_SET_NS = 500000000 };

struct pilot {
    const struct cmc_measure_flight *f;
    struct cmc_measure_flight_place place; /* dir -1: not looked for, or cannot be shared */
    struct cmc_measure_flight_file file;   /* ours, while fd >= 0 */
    int fd;                                /* of the claimed file, or -1 */
    bool last_round;                       /* never stop any more */
    bool tried;                            /* to take off, in this round */
    bool stops;                            /* another is measuring the same */
    uint64_t start_ms, told_ms;
    uint64_t start_ns; /* by the clock of ctimes */
    int64_t ahead_ns;  /* CLOCK_REALTIME's lead over CLOCK_BOOTTIME at the start */
};

static int64_t clock_of(clockid_t id)
{
    struct timespec ts = {0};
    (void)clock_gettime(id, &ts);
    return (int64_t)ts.tv_sec * 1000000000 + ts.tv_nsec;
}

static int64_t clock_ahead(void)
{
    return clock_of(CLOCK_REALTIME) - clock_of(CLOCK_BOOTTIME);
}

static void say(const struct pilot *p, const char *msg, uint64_t since_ms)
{
    char name[13], ms[24];
    (void)snprintf(name, sizeof(name), "%.12s", p->place.name);
    (void)snprintf(ms, sizeof(ms), "%llu",
                   (unsigned long long)(cmc_measure_flight_now_ms() - since_ms));
    cmc_log(p->f->log, CMC_LOG_INFO, msg, "task", p->f->task, "flight", name, "ms", ms, NULL);
}

/* Looks for the place once a round, when it is needed first. */
static bool find(struct pilot *p, bool make)
{
    struct cmc_err why = {0};
    if (p->place.dir >= 0)
        return true;
    if (cmc_measure_flight_find(p->f, make, &p->place, &why) == 0)
        return true;
    if (make)
        cmc_log(p->f->log, CMC_LOG_INFO, "a long measuring is not shared", "task", p->f->task,
                "why", why.msg, NULL);
    return false;
}

static int stamping(void *ctx, uint64_t entries, uint64_t bytes)
{
    const struct pilot *p = ctx;
    cmc_measure_link_work(p->f->link, entries, bytes);
    return 0;
}

static bool stamp(struct pilot *p, struct measure_rootfs_stamp *out)
{
    struct measure_rootfs_opts opts = *p->f->opts;
    struct cmc_err ignored;
    opts.listing = NULL;
    opts.progress = stamping;
    opts.ctx = p;
    return cmc_measure_rootfs_look(p->f->from, &opts, out, &ignored) == 0;
}

static bool has_stamp_of(struct pilot *p, const struct cmc_measure_flight_file *other)
{
    struct measure_rootfs_stamp own;
    return stamp(p, &own) && memcmp(own.digest, other->stamp, sizeof(own.digest)) == 0;
}

/* Waits until the holder of fd has ended. True when it left a result. */
static bool wait_for(const struct pilot *p, int fd, struct cmc_measure_flight_file *other)
{
    const struct timespec pause = {.tv_nsec = LOOK_MS * 1000000L};
    uint64_t changed_ms = cmc_measure_flight_now_ms();
    while (cmc_measure_flight_is_held(fd)) {
        struct cmc_measure_flight_file now;
        if (cmc_measure_flight_read(fd, &p->place, &now) && now.written_ms != other->written_ms) {
            *other = now;
            changed_ms = cmc_measure_flight_now_ms();
            cmc_measure_link_work(p->f->link, now.entries, now.bytes);
        }
        if (cmc_measure_flight_now_ms() - changed_ms > CMC_MEASURE_IDLE_MS)
            return false;
        (void)nanosleep(&pause, NULL);
    }
    return cmc_measure_flight_read(fd, &p->place, other) && other->measured;
}

/* Takes what another has measured, or measures now. The last stamp is taken after its end. */
static bool join(struct pilot *p, struct cmc_measure_tree *out)
{
    const uint64_t start_ms = cmc_measure_flight_now_ms();
    struct cmc_measure_flight_file other;
    if (!find(p, false))
        return false;
    cmc_autofd int fd = cmc_measure_flight_open(&p->place);
    if (fd < 0 || !cmc_measure_flight_read(fd, &p->place, &other) || !has_stamp_of(p, &other))
        return false;
    if (!other.measured && (!wait_for(p, fd, &other) || !has_stamp_of(p, &other)))
        return false;
    if (other.tree.has_listing != p->f->keep_listing)
        return false;
    *out = other.tree;
    say(p, "took the digest of another measuring", start_ms);
    return true;
}

/* A change since the start shows in stamps to come only if the ctime before it was another: all
 * ctimes must be from before the start, by a clock that nobody has set back meanwhile. */
static bool is_settled(const struct pilot *p, const struct measure_rootfs_stamp *s)
{
    return s->rested_ns < p->start_ns && llabs(clock_ahead() - p->ahead_ns) < CLOCK_SET_NS;
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

static void take_off(struct pilot *p, uint64_t entries, uint64_t bytes)
{
    struct measure_rootfs_stamp s;
    struct cmc_measure_flight_file other;
    p->tried = true;
    if (!find(p, true) || !stamp(p, &s) || !is_settled(p, &s))
        return;
    p->told_ms = cmc_measure_flight_now_ms();
    p->file = (struct cmc_measure_flight_file){
        .written_ms = p->told_ms, .entries = entries, .bytes = bytes};
    memcpy(p->file.boot, p->place.boot, sizeof(p->file.boot));
    memcpy(p->file.key, p->place.key, sizeof(p->file.key));
    memcpy(p->file.stamp, s.digest, sizeof(p->file.stamp));
    if (cmc_measure_flight_claim(&p->place, &p->file, &other, &p->fd) == CMC_MEASURE_FLIGHT_OTHERS)
        p->stops = !p->last_round && memcmp(other.stamp, s.digest, sizeof(s.digest)) == 0;
}

static int on_progress(void *ctx, uint64_t entries, uint64_t bytes)
{
    struct pilot *p = ctx;
    const uint64_t now = cmc_measure_flight_now_ms();
    cmc_measure_link_work(p->f->link, entries, bytes);
    if (!p->tried && now - p->start_ms >= p->f->take_off_ms)
        take_off(p, entries, bytes);
    else if (p->fd >= 0 && now - p->told_ms >= TELL_MS && !tell(p, entries, bytes))
        leave(p);
    return p->stops ? -1 : 0;
}

/* The tree is measured; if that took long, others get to know. */
static void land(struct pilot *p, const struct cmc_measure_tree *tree)
{
    if (!p->tried && cmc_measure_flight_now_ms() - p->start_ms >= p->f->take_off_ms) {
        p->last_round = true; /* there is nothing left to stop */
        take_off(p, 0, 0);
    }
    if (p->fd < 0)
        return;
    p->file.measured = true;
    p->file.tree = *tree;
    if (!tell(p, p->file.entries, p->file.bytes)) {
        leave(p);
        return;
    }
    say(p, "measured, and others may use it", p->start_ms);
    cmc_closep(&p->fd);
}

/* Returns 0 or an error of the walk; with p->stops it was stopped. */
static int fly_once(struct pilot *p, struct cmc_measure_tree *out, struct cmc_err *err)
{
    p->tried = p->stops = false;
    p->start_ms = cmc_measure_flight_now_ms();
    p->start_ns = (uint64_t)clock_of(CLOCK_REALTIME_COARSE);
    p->ahead_ns = clock_ahead();
    int rc = p->f->walk(p->f->ctx, p->f->from, on_progress, p, out, err);
    if (rc == 0)
        land(p, out);
    else
        leave(p);
    return rc;
}

/* Where the layers do not tell, the mounted overlay does; and any error is that of the overlay. */
static int fly(struct pilot *p, struct cmc_measure_tree *out, struct cmc_err *err)
{
    struct cmc_measure_rootfs *from = p->f->from;
    const int rc = fly_once(p, out, err);
    if (rc == 0 || p->stops || from->root >= 0)
        return rc;
    cmc_log(p->f->log, CMC_LOG_INFO, "mounted, as its layers cannot be read one by one", "task",
            p->f->task, "why", err->msg, NULL);
    if (cmc_measure_rootfs_mount(from, err) < 0)
        return cmc_wrap(err, "root file system");
    return fly_once(p, out, err);
}

int cmc_measure_flight_run(const struct cmc_measure_flight *f, struct cmc_measure_tree *out,
                           struct cmc_err *err)
{
    struct pilot p = {.f = f, .place = {.dir = -1}, .fd = -1};
    struct cmc_measure_tree tree = {.has_listing = false};
    int rc = 0;
    for (int round = 1; round <= ROUNDS; round++) {
        p.last_round = round == ROUNDS;
        rc = 0;
        if (join(&p, &tree))
            break;
        rc = fly(&p, &tree, err);
        if (!p.stops)
            break;
    }
    cmc_closep(&p.place.dir);
    if (rc == 0)
        *out = tree;
    return rc;
}
