/* SPDX-License-Identifier: Apache-2.0 */
/* measure/rootfs_worker.c -- reads files: small ones together, large ones one by one. */
#include "measure/rootfs_worker.h"

#include <fcntl.h>
#include <stdlib.h>

#include "measure/descriptors.h"
#include "measure/rootfs_verity.h"

static int by_inode(const void *a, const void *b)
{
    const struct measure_job *const *x = a, *const *y = b;
    return ((*x)->facts.ino > (*y)->facts.ino) - ((*x)->facts.ino < (*y)->facts.ino);
}

static bool is_small(const struct measure_job *j)
{
    return !j->sparse && j->facts.size <= MEASURE_BATCH_BYTES;
}

/* Digests of what was read so far. */
static int flush(struct measure_worker *w, struct cmc_err *err)
{
    const size_t bytes = w->unmetered;
    measure_batch_end(&w->batch);
    w->unmetered = 0;
    return measure_meter_read(w->meter, bytes, err);
}

static int read_small(struct measure_worker *w, struct measure_job *j, struct cmc_err *err)
{
    const size_t size = (size_t)j->facts.size;
    if (!measure_batch_has_room(&w->batch, size) && flush(w, err) < 0)
        return -(int)err->code;
    if (measure_content_whole(j->fd, size, measure_batch_room(&w->batch), err) < 0)
        return -(int)err->code;
    measure_batch_add(&w->batch, size, j->digest);
    w->unmetered += size;
    return 0;
}

static int read_content(struct measure_worker *w, struct measure_job *j, struct cmc_err *err)
{
    const uint64_t size = j->facts.size;
    if (j->verity && measure_verity_digest(j->fd, size, j->digest))
        return 0;
    j->leased = measure_content_lease(w->meter, j->fd);
    if (is_small(j))
        return read_small(w, j, err);
    if (j->sparse)
        return measure_content_digest(&w->content, j->fd, size, true, j->digest, err);
    if (flush(w, err) < 0 || w->large(w->ctx, w, j->fd, size, err) < 0)
        return -(int)err->code;
    measure_fsverity_end(&w->content.tree, size, j->digest);
    return 0;
}

static int read_job(struct measure_worker *w, struct measure_job *j, struct cmc_err *err)
{
    if ((!j->known && read_content(w, j, err) < 0) ||
        measure_xattr_read(j->fd, false, w->opts, &w->xattrs, &j->xattrs, err) < 0)
        return -(int)err->code;
    return measure_look_same(j->fd, &j->facts, err);
}

static void close_all(struct measure_job *job[], size_t n)
{
    int fd[MEASURE_WORKER_FILES];
    for (size_t i = 0; i < n; i++) {
        fd[i] = job[i]->fd;
        job[i]->fd = -1;
    }
    measure_descriptors_close(fd, n);
}

int measure_worker_run(struct measure_worker *w, struct measure_job *job[], size_t n,
                       uint32_t *node, struct cmc_err *err)
{
    int r = 0;
    *node = job[0]->node;
    qsort(job, n, sizeof(void *), by_inode);
    for (size_t i = 0; i < n && r == 0; i++)
        if (!atomic_load_explicit(&w->meter->shared->stop, memory_order_relaxed)) {
            *node = job[i]->node;
            r = read_job(w, job[i], err);
        }
    close_all(job, n);
    if (r == 0)
        return flush(w, err);
    w->batch.files = w->batch.blocks = w->unmetered = 0;
    return r;
}
