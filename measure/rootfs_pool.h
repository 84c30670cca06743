/* SPDX-License-Identifier: Apache-2.0 */
/* measure/rootfs_pool.h -- reads the regular files of a tree by several threads while one walks it.
 * Results come back in the order of the walk, in the walking thread: its data need no lock.
 *
 * The walking thread reads too, whenever it is ahead. Others are started when the tree has shown
 * that it is worth it: one for each CPU that we may use. Waiting for disks is others' work
 * (measure/rootfs_ahead.h). */
#ifndef MEASURE_ROOTFS_POOL_H
#define MEASURE_ROOTFS_POOL_H
#include "measure/rootfs_entry.h"
#include "measure/rootfs_look.h"
#include "measure/rootfs_read.h"

struct measure_pool;

enum { MEASURE_POOL_DESCRIPTORS = 640 }; /* at most */

struct measure_pool_file {
    uint32_t node;        /* the caller's number for it */
    const uint8_t *known; /* NULL, or the content's digest: only attributes are read */
    bool sparse;          /* measure_content_sparse() */
    bool verity;          /* measure_verity_is_on() */
    struct measure_facts facts;
};

struct measure_pool_got {        /* of a file; borrowed */
    const uint8_t *digest;       /* of its content: as it was known, or read */
    struct measure_bytes xattrs; /* encoded; empty for none */
    bool leased;                 /* read, and nobody could write to it */
};

/* Gets a file's results. An error is the file's. */
typedef int measure_pool_take(void *ctx, uint32_t node, const struct measure_pool_got *got,
                              struct cmc_err *err);

/* A pool of opts->threads at most. opts, meter and ctx are borrowed; the meter gets a lock.
 * Up to MEASURE_POOL_DESCRIPTORS, fewer where RLIMIT_NOFILE is near; 16 MiB of memory, beside
 * attributes. Errors: -CMC_E_LIMIT (memory). */
CMC_MUST_CHECK int measure_pool_new(const struct measure_rootfs_opts *opts,
                                    struct measure_meter *meter, measure_pool_take *take, void *ctx,
                                    struct measure_pool **out, struct cmc_err *err);
/* Leaves a walk that many descriptors, not those of measure_walk(); before anything is handed over.
 */
void measure_pool_spare(struct measure_pool *p, size_t descriptors);
/* How often the walking thread has waited for others. */
long measure_pool_waits(const struct measure_pool *p);
/* Stops all threads; what was not read never is. */
void measure_pool_free(struct measure_pool *p);

/* Hands over a regular file (open for reading; taken on success) to be read. May read other files
 * meanwhile, and take results. Errors: of any file or directory handed over; measure_pool_fault()
 * says which.
 */
CMC_MUST_CHECK int measure_pool_file(struct measure_pool *p, int fd,
                                     const struct measure_pool_file *f, struct cmc_err *err);
/* Hands over a directory that was walked, to be looked at when everything handed over before has
 * been read: it must be what it was. 1: fd is taken; 0: nothing was before it, look now.
 * Errors: the same. */
CMC_MUST_CHECK int measure_pool_dir(struct measure_pool *p, int fd, uint32_t node,
                                    const struct measure_facts *facts, struct cmc_err *err);
/* Ends what was handed over. Errors: the same. */
CMC_MUST_CHECK int measure_pool_finish(struct measure_pool *p, struct cmc_err *err);

/* The first error of what was handed over, and whose it is; false when there was none. */
bool measure_pool_fault(struct measure_pool *p, uint32_t *node, struct cmc_err *err);
#endif
