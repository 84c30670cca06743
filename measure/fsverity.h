/* SPDX-License-Identifier: Apache-2.0 */
/* measure/fsverity.h -- the fs-verity digest of a file's bytes: SHA-256, 4096-byte blocks, no salt.
 */
#ifndef MEASURE_FSVERITY_H
#define MEASURE_FSVERITY_H
#include <stddef.h>
#include <stdint.h>

#include "base/hash.h"

enum {
    MEASURE_FSVERITY_BLOCK = 4096,
    MEASURE_FSVERITY_FAN = MEASURE_FSVERITY_BLOCK / CMC_SHA256_LEN, /* digests to a block */
    MEASURE_FSVERITY_DESCRIPTOR = 256,
    MEASURE_FSVERITY_LEVELS = 9 /* 128^9 blocks are more than 2^63 bytes */
};

/* A Merkle tree under construction: per level the digests that do not fill a block yet.
 * 37 KiB: on the heap, and used again for the next file. */
struct measure_fsverity {
    uint8_t block[MEASURE_FSVERITY_LEVELS][MEASURE_FSVERITY_BLOCK];
    size_t used[MEASURE_FSVERITY_LEVELS];                  /* bytes of block */
    uint8_t zero[MEASURE_FSVERITY_LEVELS][CMC_SHA256_LEN]; /* digest of 128^level zero blocks */
};

/* Once, before the first file. */
void measure_fsverity_init(struct measure_fsverity *v);
/* Begins a file; what an earlier file left behind is forgotten. */
void measure_fsverity_start(struct measure_fsverity *v);
/* The file's next bytes; len is a multiple of MEASURE_FSVERITY_BLOCK except in the last call. */
void measure_fsverity_add(struct measure_fsverity *v, const void *data, size_t len);
/* As adding that many blocks of zeros, in time of their number's logarithm. */
void measure_fsverity_add_zeros(struct measure_fsverity *v, uint64_t blocks);
/* As adding FAN blocks whose digests fill the block that has this digest: fewer only at the end of
 * the file. Nothing but whole subtrees was added before. */
void measure_fsverity_add_subtree(struct measure_fsverity *v,
                                  const uint8_t digest[static CMC_SHA256_LEN]);
/* Ends a file of size bytes. Trailing zeros of a last, partial
 * block may have been added as a whole block: padding is zeros too. */
void measure_fsverity_end(struct measure_fsverity *v, uint64_t size,
                          uint8_t out[static CMC_SHA256_LEN]);

/* The parts, for who builds small trees himself: the digests of count blocks, and what is hashed at
 * last (root counts for nothing where size is 0). */
void measure_fsverity_hash(const uint8_t *data, size_t count, uint8_t (*digests)[CMC_SHA256_LEN]);
void measure_fsverity_describe(uint64_t size, const uint8_t root[static CMC_SHA256_LEN],
                               uint8_t out[static MEASURE_FSVERITY_DESCRIPTOR]);
#endif
