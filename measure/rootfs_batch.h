/* SPDX-License-Identifier: Apache-2.0 */
/* measure/rootfs_batch.h -- fs-verity digests of many small files at once, so that the lanes of the
 * hash engine are full however small the files are. Pure. */
#ifndef MEASURE_ROOTFS_BATCH_H
#define MEASURE_ROOTFS_BATCH_H
#include <stdbool.h>

#include "measure/fsverity.h"

enum {
    MEASURE_BATCH_FILES = 64,
    MEASURE_BATCH_BLOCKS = MEASURE_FSVERITY_FAN, /* so each file has one block of digests at most */
    MEASURE_BATCH_BYTES = MEASURE_BATCH_BLOCKS * MEASURE_FSVERITY_BLOCK /* stays in the cache */
};

struct measure_batch_file {
    uint64_t size;
    size_t first, blocks;
    uint8_t *out;
};

struct measure_batch { /* 550 KiB: on the heap, and used again; zeroed at first */
    size_t files, blocks;
    struct measure_batch_file file[MEASURE_BATCH_FILES];
    uint8_t leaf[MEASURE_BATCH_BLOCKS][CMC_SHA256_LEN]; /* digests of blocks */
    uint8_t top[MEASURE_BATCH_FILES][CMC_SHA256_LEN];
    uint8_t descriptor[MEASURE_BATCH_FILES][MEASURE_FSVERITY_DESCRIPTOR];
    /* a byte more than is due shows a file that grew */
    uint8_t arena[MEASURE_BATCH_BYTES + MEASURE_FSVERITY_BLOCK];
};

/* Is there room for a file of size bytes? An empty batch has it up to MEASURE_BATCH_BYTES. */
bool measure_batch_has_room(const struct measure_batch *b, uint64_t size);
/* Where the next file's content goes: it may be followed by one more byte. */
uint8_t *measure_batch_room(struct measure_batch *b);
/* The content is there. out: borrowed until measure_batch_end() has written the digest to it. */
void measure_batch_add(struct measure_batch *b, uint64_t size, uint8_t *out);
/* All digests; the batch is empty then. */
void measure_batch_end(struct measure_batch *b);

/* Of an empty batch: the digest of the subtree of len bytes (1..MEASURE_BATCH_BYTES) that were read
 * to measure_batch_room(), for measure_fsverity_add_subtree(). */
void measure_batch_subtree(struct measure_batch *b, size_t len, uint8_t out[static CMC_SHA256_LEN]);
#endif
