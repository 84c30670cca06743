/* SPDX-License-Identifier: Apache-2.0 */
/* measure/rootfs_ahead.c -- the reader's side: has it waited for a disk, and is a crew worth it? */
#include "measure/rootfs_ahead.h"

#include <fcntl.h>
#include <stdlib.h>

#include "measure/rootfs_ahead_parts.h"
#include "measure/thread.h"

enum {
    STACK = 64 << 10,
    ASK_EACH = 16,          /* entries after which the reader is asked whether it has waited */
    WAIT = 4,               /* what one counts at first */
    COLD = 3 * WAIT,        /* a page here and there that is not in memory is not that much */
    THREAD_DESCRIPTORS = 3, /* a directory, and a file twice */
    DESCRIPTORS_KEPT = 14
};

/* Without a crew for want of descriptors the reader is slower; with it, it would fail. */
static bool has_descriptors(const struct measure_ahead_opts *opts)
{
    struct rlimit files;
    cmc_autofd int probe = open("/", O_PATH | O_CLOEXEC); /* gets the lowest free number */
    const size_t most = opts->descriptors + (size_t)MEASURE_AHEAD_THREADS * THREAD_DESCRIPTORS;
    return probe >= 0 && getrlimit(RLIMIT_NOFILE, &files) == 0 &&
           files.rlim_cur > (rlim_t)probe + most + DESCRIPTORS_KEPT;
}

static unsigned crew_of(const struct measure_ahead_opts *opts)
{
    const unsigned left = opts->threads > opts->busy ? opts->threads - opts->busy : 0;
    return opts->threads == 0 || left > MEASURE_AHEAD_THREADS ? MEASURE_AHEAD_THREADS : left;
}

struct measure_ahead *measure_ahead_new(const struct measure_ahead_opts *opts)
{
    const unsigned crew = crew_of(opts);
    struct measure_ahead *a = crew && has_descriptors(opts) ? calloc(1, sizeof(*a)) : NULL;
    if (!a)
        return NULL;
    a->opts = *opts;
    a->opts.threads = crew;
    measure_ahead_ring_init(&a->ring);
    (void)pthread_mutex_init(&a->lock, NULL);
    (void)pthread_cond_init(&a->work, NULL);
    (void)pthread_cond_init(&a->room, NULL);
    return a;
}

static bool add_worker(struct measure_ahead *a)
{
    struct measure_ahead_worker *w = calloc(1, sizeof(*w));
    if (!w)
        return false;
    w->ahead = a;
    w->number = a->threads;
    w->names = cmc_buf_of((size_t)MEASURE_AHEAD_LIST * 64);
    if (!measure_thread_start(&w->thread, STACK, measure_ahead_run, w)) {
        free(w);
        return false;
    }
    a->worker[a->threads++] = w;
    return true;
}

/* As many as can be started. */
static void start(struct measure_ahead *a)
{
    for (uint32_t root = 0; root < a->opts.count; root++)
        (void)measure_ahead_dirs_add(&a->dirs, root, "");
    while (a->threads < a->opts.threads && add_worker(a))
        ;
    a->no_crew = a->threads == 0;
}

void measure_ahead_wake(struct measure_ahead *a)
{
    if (a->threads == 0 && !a->no_crew)
        start(a);
    (void)pthread_mutex_lock(&a->lock);
    a->awake = !a->no_crew;
    a->useful = MEASURE_AHEAD_USEFUL;
    (void)pthread_cond_broadcast(&a->work);
    (void)pthread_cond_broadcast(&a->room);
    (void)pthread_mutex_unlock(&a->lock);
}

/* Tells the crew where the reader is, when it is awake. */
static bool tell(struct measure_ahead *a, struct measure_bytes path)
{
    const size_t skip = path.len > 0; /* the slash before it */
    (void)pthread_mutex_lock(&a->lock);
    const bool awake = a->awake;
    if (awake && measure_ahead_ring_move(&a->ring, (const char *)path.p + skip, path.len - skip)) {
        (void)pthread_cond_broadcast(&a->room);
        (void)pthread_cond_broadcast(&a->work);
    }
    (void)pthread_mutex_unlock(&a->lock);
    return awake;
}

/* Of what older waits count a quarter is forgotten each time: those far apart are no reason to look
 * at each file twice, one each time is. */
static bool is_cold(struct measure_ahead *a, const struct measure_waits *now)
{
    a->lately = a->lately * 3 / 4 + WAIT * measure_waits_disk(&a->before, now);
    return a->lately >= COLD || measure_waits_elsewhere(&a->before, now, ASK_EACH);
}

void measure_ahead_at(struct measure_ahead *a, struct measure_bytes path, long waits)
{
    if (!a || a->no_crew)
        return;
    if (a->threads > 0 && tell(a, path)) {
        a->met = 0;
        return;
    }
    if (a->met++ % ASK_EACH)
        return;
    const struct measure_waits now = measure_waits_now(waits);
    const bool cold = a->met > 1 && is_cold(a, &now);
    a->before = now;
    if (cold) {
        a->lately = 0;
        measure_ahead_wake(a);
        (void)tell(a, path);
    }
}

void measure_ahead_free(struct measure_ahead *a)
{
    if (!a)
        return;
    (void)pthread_mutex_lock(&a->lock);
    a->ends = true;
    (void)pthread_cond_broadcast(&a->work);
    (void)pthread_cond_broadcast(&a->room);
    (void)pthread_mutex_unlock(&a->lock);
    for (unsigned i = 0; i < a->threads; i++) {
        (void)pthread_join(a->worker[i]->thread, NULL);
        cmc_buf_done(&a->worker[i]->names);
        free(a->worker[i]);
    }
    measure_ahead_dirs_done(&a->dirs);
    measure_ahead_ring_done(&a->ring);
    (void)pthread_cond_destroy(&a->room);
    (void)pthread_cond_destroy(&a->work);
    (void)pthread_mutex_destroy(&a->lock);
    free(a);
}
