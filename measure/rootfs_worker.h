/* SPDX-License-Identifier: Apache-2.0 */
/* measure/rootfs_worker.h -- what one thread does with a handful of regular files: reads each once,
 * content and attributes, and sees that it did not change. */
#ifndef MEASURE_ROOTFS_WORKER_H
#define MEASURE_ROOTFS_WORKER_H
#include "measure/rootfs_batch.h"
#include "measure/rootfs_look.h"
#include "measure/rootfs_read.h"
#include "measure/rootfs_xattr.h"

enum { MEASURE_WORKER_FILES = MEASURE_BATCH_FILES };

struct measure_job {                /* a regular file that the walk has met */
    int fd;                         /* open for reading; owned */
    uint32_t node;                  /* whose it is: for messages, not read here */
    bool known;                     /* the content is: only attributes are read */
    bool sparse;                    /* measure_content_sparse() */
    bool verity;                    /* measure_verity_is_on() */
    bool leased;                    /* out: nobody could write to it from before it was read */
    bool done;                      /* not touched here */
    struct measure_facts facts;     /* of fd, when it was met */
    uint8_t digest[CMC_SHA256_LEN]; /* out, unless it is known */
    struct cmc_buf xattrs;          /* owned; measure_xattr_read() */
};

struct measure_worker { /* 950 KiB: on the heap, zeroed at first */
    const struct measure_rootfs_opts *opts;
    struct measure_meter *meter; /* shared; what is left when it says stop is not read */
    /* Reads a file of more than MEASURE_BATCH_BYTES into content.tree; batch is empty. */
    int (*large)(void *ctx, struct measure_worker *w, int fd, uint64_t size, struct cmc_err *err);
    void *ctx;
    size_t unmetered; /* bytes in the batch */
    struct measure_content content;
    struct measure_xattr_scratch xattrs;
    struct measure_batch batch;
};

/* Does all of the n jobs (at most MEASURE_WORKER_FILES), reordered as they are on disk, and closes
 * their descriptors.
 * Errors: *node is the job's; as of measure_content_*(), measure_xattr_read(), measure_look_same()
 * and large; "cancelled". */
CMC_MUST_CHECK int measure_worker_run(struct measure_worker *w, struct measure_job *job[], size_t n,
                                      uint32_t *node, struct cmc_err *err);
#endif
