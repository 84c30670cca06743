/* SPDX-License-Identifier: Apache-2.0 */
/* measure/rootfs_large.h -- a large file in pieces: any thread reads any piece, and their digests
 * enter the file's tree in order. Pure; callers hold one lock around each call. */
#ifndef MEASURE_ROOTFS_LARGE_H
#define MEASURE_ROOTFS_LARGE_H
#include "measure/rootfs_batch.h"

enum { MEASURE_PIECES_AHEAD = 64 }; /* as many may be read before the one that is due */

struct measure_large {
    int fd;                        /* borrowed */
    struct measure_fsverity *tree; /* borrowed */
    uint64_t size;
    uint64_t count, next, due; /* pieces: all, the next to be read, the next to enter the tree */
    unsigned busy;             /* are being read */
    bool failed;
    bool done[MEASURE_PIECES_AHEAD]; /* by number: what is there before it is due */
    uint8_t digest[MEASURE_PIECES_AHEAD][CMC_SHA256_LEN];
};

struct measure_piece {
    uint64_t number, at;
    size_t len;
};

/* Begins a file of size bytes, of more than one piece (MEASURE_BATCH_BYTES each). */
void measure_large_start(struct measure_large *l, int fd, uint64_t size,
                         struct measure_fsverity *tree);
/* A piece to be read; false when there is none now. It must be ended by put() or fail(). */
bool measure_large_claim(struct measure_large *l, struct measure_piece *out);
void measure_large_put(struct measure_large *l, const struct measure_piece *p,
                       const uint8_t digest[static CMC_SHA256_LEN]);
/* It could not be read: no other piece is given out. */
void measure_large_fail(struct measure_large *l);
/* Nobody reads a piece and nobody will: all are in the tree, or one failed. */
bool measure_large_is_over(const struct measure_large *l);
#endif
