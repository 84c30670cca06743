/* SPDX-License-Identifier: Apache-2.0 */
/* measure/rootfs_pool_threads.c -- who reads what: handfuls of files, and pieces of large ones. */
#include <stdlib.h>

#include "measure/rootfs_pool_parts.h"
#include "measure/thread.h"

enum { STACK = 512 << 10 };

void measure_pool_fail(struct measure_pool *p, uint32_t node, const struct cmc_err *err)
{
    if (p->failed)
        return;
    p->fault_node = node;
    p->fault = *err;
    p->failed = true;
    atomic_store(&p->shared.stop, true);
}

/* What a job takes of a batch; what never fits takes all. */
static size_t bytes_of(const struct measure_job *j)
{
    enum { BLOCK = MEASURE_FSVERITY_BLOCK };
    if (j->known)
        return 0;
    return j->sparse || j->facts.size > MEASURE_BATCH_BYTES
               ? MEASURE_BATCH_BYTES
               : ((size_t)j->facts.size + BLOCK - 1) / BLOCK * BLOCK;
}

/* Takes as many jobs as fill a batch. */
static size_t grab(struct measure_pool *p, struct measure_pool_worker *w)
{
    size_t n = 0, bytes = 0;
    for (; p->next < p->ready && n < MEASURE_WORKER_FILES; n++, p->next++) {
        w->job[n] = &p->job[p->next % p->job_max];
        bytes += bytes_of(w->job[n]);
        if (n > 0 && bytes > MEASURE_BATCH_BYTES)
            break;
    }
    return n;
}

static void read_jobs(struct measure_pool *p, struct measure_pool_worker *w, size_t n)
{
    struct cmc_err err = {0};
    uint32_t node = 0;
    (void)pthread_mutex_unlock(&p->lock);
    const int r = measure_worker_run(&w->worker, w->job, n, &node, &err);
    (void)pthread_mutex_lock(&p->lock);
    if (r < 0)
        measure_pool_fail(p, node, &err);
    for (size_t i = 0; i < n; i++)
        w->job[i]->done = true;
    (void)pthread_cond_broadcast(&p->done);
}

static void read_piece(struct measure_pool *p, struct measure_pool_worker *w,
                       struct measure_pool_worker *owner, const struct measure_piece *piece)
{
    struct cmc_err err = {0};
    uint8_t digest[CMC_SHA256_LEN];
    struct measure_batch *b = &w->worker.batch;
    (void)pthread_mutex_unlock(&p->lock);
    int r =
        measure_content_range(owner->large.fd, piece->at, piece->len, measure_batch_room(b), &err);
    if (r == 0) {
        measure_batch_subtree(b, piece->len, digest);
        r = measure_meter_read(p->meter, piece->len, &err);
    }
    (void)pthread_mutex_lock(&p->lock);
    if (r < 0 && !owner->large.failed)
        owner->large_err = err;
    if (r < 0)
        measure_large_fail(&owner->large);
    else
        measure_large_put(&owner->large, piece, digest);
    (void)pthread_cond_broadcast(&p->work);
    (void)pthread_cond_broadcast(&p->done);
}

static int read_large(void *ctx, struct measure_worker *worker, int fd, uint64_t size,
                      struct cmc_err *err)
{
    struct measure_pool_worker *w = ctx;
    struct measure_pool *p = w->pool;
    struct measure_piece piece;
    measure_large_start(&w->large, fd, size, &worker->content.tree);
    (void)pthread_mutex_lock(&p->lock);
    w->shares = true;
    (void)pthread_cond_broadcast(&p->work);
    (void)pthread_cond_broadcast(&p->done);
    while (!measure_large_is_over(&w->large)) {
        if (measure_large_claim(&w->large, &piece)) {
            read_piece(p, w, w, &piece);
        } else {
            w->waits++;
            (void)pthread_cond_wait(&p->done, &p->lock);
        }
    }
    w->shares = false;
    const bool failed = w->large.failed;
    (void)pthread_mutex_unlock(&p->lock);
    if (failed)
        *err = w->large_err;
    return failed ? -(int)err->code : 0;
}

static bool help(struct measure_pool *p, struct measure_pool_worker *w)
{
    struct measure_piece piece;
    for (unsigned i = 0; i < p->threads; i++) {
        struct measure_pool_worker *owner = p->worker[i];
        if (owner->shares && measure_large_claim(&owner->large, &piece)) {
            read_piece(p, w, owner, &piece);
            return true;
        }
    }
    return false;
}

bool measure_pool_step(struct measure_pool *p, struct measure_pool_worker *w)
{
    const size_t n = grab(p, w);
    if (n == 0)
        return help(p, w);
    read_jobs(p, w, n);
    return true;
}

static void *run(void *arg)
{
    struct measure_pool_worker *w = arg;
    struct measure_pool *p = w->pool;
    (void)pthread_mutex_lock(&p->lock);
    while (!p->ends)
        if (!measure_pool_step(p, w))
            (void)pthread_cond_wait(&p->work, &p->lock);
    (void)pthread_mutex_unlock(&p->lock);
    return NULL;
}

static int start(struct measure_pool_worker *w, struct cmc_err *err)
{
    return measure_thread_start(&w->thread, STACK, run, w)
               ? 0
               : cmc_fail(err, CMC_E_SYS, "start a thread");
}

int measure_pool_add(struct measure_pool *p, struct cmc_err *err)
{
    cmc_autofree struct measure_pool_worker *w = calloc(1, sizeof(*w));
    if (!w)
        return cmc_fail(err, CMC_E_LIMIT, "out of memory to read files");
    w->pool = p;
    w->worker.opts = p->opts;
    w->worker.meter = w->worker.content.meter = p->meter;
    w->worker.large = read_large;
    w->worker.ctx = w;
    measure_fsverity_init(&w->worker.content.tree);
    (void)pthread_mutex_lock(&p->lock);
    w->number = p->threads;
    const int r = w->number ? start(w, err) : 0;
    if (r == 0)
        p->worker[p->threads++] = CMC_TAKE_PTR(w);
    (void)pthread_mutex_unlock(&p->lock);
    return r;
}
