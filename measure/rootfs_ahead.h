/* SPDX-License-Identifier: Apache-2.0 */
/* measure/rootfs_ahead.h -- asks the disk for the files of a tree before who reads them one by one
 * comes to them: a crew of threads that sleeps while hardly anybody waits for a disk. */
#ifndef MEASURE_ROOTFS_AHEAD_H
#define MEASURE_ROOTFS_AHEAD_H
#include "measure/rootfs_entry.h"

struct measure_ahead;

struct measure_ahead_opts {
    const int *roots; /* borrowed: a tree's directory, or those of its layers */
    size_t count;
    size_t descriptors; /* that the reader may need, besides what is open */
    unsigned threads;   /* that there may be, those of the reader included; 0: any number */
    unsigned busy;      /* the reader's own */
};

/* NULL when there can be no crew, which is no fault: so is nothing else here. No thread is started
 * before the reader has waited for a disk, and not just for a page here and there.
 *
 * The crew walks the roots in the reader's order, each name beneath its root and never through a
 * link or onto another mount. It opens directories and regular files, nothing else, and reads no
 * content itself. It is five windows of 24 MiB or 1,024 files ahead of the reader, ten when each
 * ends with a huge file; asleep when what it asks for is in memory. 24 descriptors; 2 MiB of
 * memory, 12 where directories are huge. */
struct measure_ahead *measure_ahead_new(const struct measure_ahead_opts *opts);
/* Stops the crew and waits for its end; NULL is fine. */
void measure_ahead_free(struct measure_ahead *a);
/* The reader is at that path ("" or "/dir/name"), in the order of measure_walk(), and has waited
 * that often for other threads so far. From one thread; a may be NULL. */
void measure_ahead_at(struct measure_ahead *a, struct measure_bytes path, long waits);
#endif
