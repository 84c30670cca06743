/* SPDX-License-Identifier: Apache-2.0 */
/* measure/rootfs_pool_parts.h -- what the files that make up measure/rootfs_pool.h share. */
#ifndef MEASURE_ROOTFS_POOL_PARTS_H
#define MEASURE_ROOTFS_POOL_PARTS_H
#include <pthread.h>

#include "measure/rootfs_large.h"
#include "measure/rootfs_pool.h"
#include "measure/rootfs_worker.h"

enum {
    MEASURE_POOL_JOBS = 512,
    MEASURE_POOL_DIRS = 128,
    MEASURE_POOL_THREADS = 16, /* the walking one is the first */
};

struct measure_pool_worker {
    struct measure_pool *pool;
    unsigned number;
    pthread_t thread;
    struct measure_job *job[MEASURE_WORKER_FILES]; /* at hand */
    long waits;                                    /* for other threads, so far */
    bool shares;                                   /* large is being read */
    struct measure_large large;
    struct cmc_err large_err;
    struct measure_worker worker;
};

struct measure_pool_dir {
    int fd; /* owned */
    uint32_t node;
    uint64_t after; /* due when all jobs before this number are taken */
    struct measure_facts facts;
};

struct measure_pool {
    const struct measure_rootfs_opts *opts;
    struct measure_meter *meter;
    measure_pool_take *take;
    void *ctx;

    /* the walking thread's; numbers count on, places are their remainders */
    uint64_t head, low; /* jobs [low, head) are in the ring */
    uint64_t job_max;
    uint64_t dir_head, dir_low, dir_max;
    struct measure_pool_dir dir[MEASURE_POOL_DIRS];
    uint64_t files, bytes; /* met so far: is it worth threads? */
    unsigned cpus;         /* 0: not asked yet */
    bool no_more;          /* a thread could not be started */

    /* everyone's, under lock */
    pthread_mutex_t lock;
    pthread_cond_t work, done; /* idle threads, who waits for others */
    uint64_t ready, next;      /* jobs [next, ready) wait for a thread */
    bool ends;
    uint32_t fault_node;
    bool failed;
    struct cmc_err fault;         /* with failed */
    struct measure_shared shared; /* stop: also with failed */
    unsigned threads;
    struct measure_pool_worker *worker[MEASURE_POOL_THREADS];
    struct measure_job job[MEASURE_POOL_JOBS];
};

/* Adds a worker, started unless it is the first. Errors: -CMC_E_LIMIT, -CMC_E_SYS. */
CMC_MUST_CHECK int measure_pool_add(struct measure_pool *p, struct cmc_err *err);
/* Reads some files, or a piece of a large one; false when there was nothing to do. With the lock
 * held, which is released meanwhile. */
bool measure_pool_step(struct measure_pool *p, struct measure_pool_worker *w);
/* The first error counts. With the lock held. */
void measure_pool_fail(struct measure_pool *p, uint32_t node, const struct cmc_err *err);
#endif
