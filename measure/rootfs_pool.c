/* SPDX-License-Identifier: Apache-2.0 */
/* measure/rootfs_pool.c -- the walking thread's side: a ring of files, and directories behind them.
 */
#include "measure/rootfs_pool.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>

#include "measure/cpus.h"
#include "measure/descriptors.h"
#include "measure/rootfs_pool_parts.h"
#include "measure/rootfs_walk.h"

enum {
    /* Below this a thread costs more than it brings. */
    WORTH_FILES = 256,
    WORTH_BYTES = 4 << 20,
    DESCRIPTORS_KEPT = 14 /* for whoever else needs a few */
};

/* One descriptor for each job, and for each directory: no more than there are. */
void measure_pool_spare(struct measure_pool *p, size_t descriptors)
{
    struct rlimit files;
    cmc_autofd int probe = open("/", O_PATH | O_CLOEXEC); /* gets the lowest free number */
    p->job_max = p->dir_max = 1;
    if (probe < 0 || getrlimit(RLIMIT_NOFILE, &files) < 0)
        return;
    const rlim_t used = (rlim_t)probe + descriptors + DESCRIPTORS_KEPT;
    const rlim_t left = files.rlim_cur > used ? files.rlim_cur - used : 0;
    p->job_max = left / 5 * 4 < MEASURE_POOL_JOBS ? left / 5 * 4 : MEASURE_POOL_JOBS;
    p->dir_max = p->job_max / 4;
    if (p->dir_max == 0)
        p->job_max = p->dir_max = 1;
}

_Static_assert(MEASURE_POOL_JOBS + MEASURE_POOL_DIRS == MEASURE_POOL_DESCRIPTORS, "one for each");

int measure_pool_new(const struct measure_rootfs_opts *opts, struct measure_meter *meter,
                     measure_pool_take *take, void *ctx, struct measure_pool **out,
                     struct cmc_err *err)
{
    struct measure_pool *p = calloc(1, sizeof(*p));
    if (!p)
        return cmc_fail(err, CMC_E_LIMIT, "out of memory to read files");
    p->opts = opts;
    p->meter = meter;
    p->take = take;
    p->ctx = ctx;
    (void)pthread_mutex_init(&p->shared.lock, NULL);
    (void)pthread_mutex_init(&p->lock, NULL);
    (void)pthread_cond_init(&p->work, NULL);
    (void)pthread_cond_init(&p->done, NULL);
    meter->shared = &p->shared;
    measure_descriptors_reserve();
    measure_pool_spare(p, MEASURE_WALK_DESCRIPTORS);
    if (measure_pool_add(p, err) < 0) {
        measure_pool_free(p);
        return -(int)err->code;
    }
    *out = p;
    return 0;
}

static void join(struct measure_pool *p)
{
    (void)pthread_mutex_lock(&p->lock);
    p->ends = true;
    atomic_store(&p->shared.stop, true); /* nobody needs what is still being read */
    (void)pthread_cond_broadcast(&p->work);
    (void)pthread_mutex_unlock(&p->lock);
    for (unsigned i = 1; i < p->threads; i++)
        (void)pthread_join(p->worker[i]->thread, NULL);
}

void measure_pool_free(struct measure_pool *p)
{
    join(p);
    for (unsigned i = 0; i < p->threads; i++)
        free(p->worker[i]);
    for (; p->low < p->head; p->low++) {
        struct measure_job *j = &p->job[p->low % p->job_max];
        cmc_closep(&j->fd);
        cmc_buf_done(&j->xattrs);
    }
    for (; p->dir_low < p->dir_head; p->dir_low++)
        cmc_closep(&p->dir[p->dir_low % p->dir_max].fd);
    p->meter->shared = NULL;
    (void)pthread_cond_destroy(&p->done);
    (void)pthread_cond_destroy(&p->work);
    (void)pthread_mutex_destroy(&p->lock);
    (void)pthread_mutex_destroy(&p->shared.lock);
    free(p);
}

bool measure_pool_fault(struct measure_pool *p, uint32_t *node, struct cmc_err *err)
{
    (void)pthread_mutex_lock(&p->lock);
    const bool failed = p->failed;
    if (failed) {
        *node = p->fault_node;
        *err = p->fault;
    }
    (void)pthread_mutex_unlock(&p->lock);
    return failed;
}

/* How many threads there should be now. */
static unsigned wanted(struct measure_pool *p)
{
    const bool small = p->files < WORTH_FILES && p->bytes < WORTH_BYTES;
    if (p->no_more || (small && p->opts->threads == 0))
        return 1;
    if (p->cpus == 0)
        p->cpus = p->opts->threads ? p->opts->threads : measure_cpus();
    return p->cpus < MEASURE_POOL_THREADS ? p->cpus : MEASURE_POOL_THREADS;
}

/* Shows what was handed over to all threads; there may be more of them now. */
static void publish(struct measure_pool *p)
{
    struct cmc_err ignored;
    for (unsigned want = wanted(p); p->threads < want && !p->no_more;)
        p->no_more = measure_pool_add(p, &ignored) < 0; /* those that there are will do */
    (void)pthread_mutex_lock(&p->lock);
    p->ready = p->head;
    (void)pthread_cond_broadcast(&p->work);
    (void)pthread_mutex_unlock(&p->lock);
}

/* Gives the error to whoever handed over something meanwhile; measure_pool_fault() tells whose. */
static int fail(struct measure_pool *p, uint32_t node, struct cmc_err *err)
{
    (void)pthread_mutex_lock(&p->lock);
    measure_pool_fail(p, node, err);
    *err = p->fault;
    (void)pthread_mutex_unlock(&p->lock);
    return -(int)err->code;
}

static int take_jobs(struct measure_pool *p, uint64_t until, struct cmc_err *err)
{
    for (; p->low < until; p->low++) {
        struct measure_job *j = &p->job[p->low % p->job_max];
        const struct measure_pool_got got = {j->digest, {j->xattrs.data, j->xattrs.len}, j->leased};
        const int r = p->take(p->ctx, j->node, &got, err);
        cmc_buf_done(&j->xattrs);
        if (r < 0)
            return fail(p, j->node, err);
    }
    return 0;
}

static int check_dirs(struct measure_pool *p, struct cmc_err *err)
{
    for (; p->dir_low < p->dir_head; p->dir_low++) {
        struct measure_pool_dir *d = &p->dir[p->dir_low % p->dir_max];
        if (d->after > p->low)
            break;
        if (measure_look_same(d->fd, &d->facts, err) < 0)
            return fail(p, d->node, err);
        cmc_closep(&d->fd);
    }
    return 0;
}

/* Takes what is there, in order. */
static int settle(struct measure_pool *p, struct cmc_err *err)
{
    uint32_t node;
    uint64_t until = p->low;
    (void)pthread_mutex_lock(&p->lock);
    while (until < p->next && p->job[until % p->job_max].done)
        until++;
    (void)pthread_mutex_unlock(&p->lock);
    if (measure_pool_fault(p, &node, err))
        return -(int)err->code;
    if (take_jobs(p, until, err) < 0 || check_dirs(p, err) < 0)
        return -(int)err->code;
    return 0;
}

/* Reads something; where others are at all there is, waits for them. */
static int turn(struct measure_pool *p, struct cmc_err *err)
{
    publish(p);
    (void)pthread_mutex_lock(&p->lock);
    while (p->low < p->head && !p->failed && !p->job[p->low % p->job_max].done)
        if (!measure_pool_step(p, p->worker[0])) {
            p->worker[0]->waits++;
            (void)pthread_cond_wait(&p->done, &p->lock);
        }
    (void)pthread_mutex_unlock(&p->lock);
    return settle(p, err);
}

long measure_pool_waits(const struct measure_pool *p)
{
    return p->worker[0]->waits;
}

int measure_pool_file(struct measure_pool *p, int fd, const struct measure_pool_file *f,
                      struct cmc_err *err)
{
    while (p->head - p->low == p->job_max)
        if (turn(p, err) < 0)
            return -(int)err->code;
    struct measure_job *j = &p->job[p->head++ % p->job_max];
    *j = (struct measure_job){
        .fd = fd,
        .node = f->node,
        .known = f->known != NULL,
        .sparse = f->sparse,
        .verity = f->verity,
        .facts = f->facts,
        .xattrs = cmc_buf_of(MEASURE_TREE_TEXT_MAX),
    };
    if (f->known)
        memcpy(j->digest, f->known, CMC_SHA256_LEN);
    p->files++;
    p->bytes += f->known ? 0 : f->facts.size;
    if (p->head - p->ready >= MEASURE_WORKER_FILES || f->facts.size > MEASURE_BATCH_BYTES)
        publish(p);
    return 0;
}

int measure_pool_dir(struct measure_pool *p, int fd, uint32_t node,
                     const struct measure_facts *facts, struct cmc_err *err)
{
    if (p->low == p->head)
        return 0;
    while (p->dir_head - p->dir_low == p->dir_max)
        if (turn(p, err) < 0)
            return -(int)err->code;
    p->dir[p->dir_head++ % p->dir_max] = (struct measure_pool_dir){fd, node, p->head, *facts};
    return 1;
}

int measure_pool_finish(struct measure_pool *p, struct cmc_err *err)
{
    while (p->low < p->head)
        if (turn(p, err) < 0)
            return -(int)err->code;
    return settle(p, err);
}
