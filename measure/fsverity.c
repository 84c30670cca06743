/* SPDX-License-Identifier: Apache-2.0 */
/* measure/fsverity.c -- fs-verity digests, with zero subtrees folded.
 * Source: Linux Documentation/filesystems/fsverity.rst, "Merkle tree" and "fs-verity descriptor".
 */
#include "measure/fsverity.h"

#include <string.h>

#include "base/sha256_many.h"

enum { BLOCK = MEASURE_FSVERITY_BLOCK, FAN = MEASURE_FSVERITY_FAN };

/* Blocks that follow each other in memory, in as many lanes as the CPU has. */
void measure_fsverity_hash(const uint8_t *data, size_t count, uint8_t (*digests)[CMC_SHA256_LEN])
{
    const uint8_t *block[FAN];
    for (size_t n; count > 0; count -= n, digests += n) {
        n = count < FAN ? count : FAN;
        for (size_t i = 0; i < n; i++, data += BLOCK)
            block[i] = data;
        cmc_sha256_many(block, BLOCK, n, digests);
    }
}

static void hash_blocks(const uint8_t *data, size_t count, uint8_t *digests)
{
    measure_fsverity_hash(data, count, (uint8_t(*)[CMC_SHA256_LEN])digests);
}

/* Full blocks carry over, like the digits of a counter. */
static void carry(struct measure_fsverity *v, size_t level)
{
    while (v->used[level] == BLOCK) {
        hash_blocks(v->block[level], 1, v->block[level + 1] + v->used[level + 1]);
        v->used[level] = 0;
        v->used[++level] += CMC_SHA256_LEN;
    }
}

static void push(struct measure_fsverity *v, size_t level, const uint8_t *digest)
{
    memcpy(v->block[level] + v->used[level], digest, CMC_SHA256_LEN);
    v->used[level] += CMC_SHA256_LEN;
    carry(v, level);
}

void measure_fsverity_init(struct measure_fsverity *v)
{
    memset(v, 0, sizeof(*v));
    hash_blocks(v->block[0], 1, v->zero[0]);
    for (size_t l = 1; l < MEASURE_FSVERITY_LEVELS; l++) {
        for (size_t i = 0; i < FAN; i++)
            memcpy(v->block[0] + i * CMC_SHA256_LEN, v->zero[l - 1], CMC_SHA256_LEN);
        hash_blocks(v->block[0], 1, v->zero[l]);
    }
}

void measure_fsverity_start(struct measure_fsverity *v)
{
    memset(v->used, 0, sizeof(v->used));
}

void measure_fsverity_add(struct measure_fsverity *v, const void *data, size_t len)
{
    const uint8_t *p = data;
    size_t blocks = len / BLOCK;
    while (blocks > 0) {
        size_t room = (BLOCK - v->used[0]) / CMC_SHA256_LEN;
        size_t n = blocks < room ? blocks : room;
        hash_blocks(p, n, v->block[0] + v->used[0]);
        v->used[0] += n * CMC_SHA256_LEN;
        carry(v, 0);
        p += n * BLOCK;
        blocks -= n;
    }
    if (len % BLOCK) {
        uint8_t last[BLOCK] = {0}, digest[CMC_SHA256_LEN];
        memcpy(last, p, len % BLOCK);
        hash_blocks(last, 1, digest);
        push(v, 0, digest);
    }
}

void measure_fsverity_add_subtree(struct measure_fsverity *v,
                                  const uint8_t digest[static CMC_SHA256_LEN])
{
    push(v, 1, digest);
}

/* The highest level whose next subtree starts here and is not larger than blocks. */
static size_t zero_level(const struct measure_fsverity *v, uint64_t blocks, uint64_t *size)
{
    size_t level = 0;
    *size = 1;
    while (level + 1 < MEASURE_FSVERITY_LEVELS - 1 && v->used[level] == 0 &&
           blocks / FAN >= *size) {
        *size *= FAN;
        level++;
    }
    return level;
}

void measure_fsverity_add_zeros(struct measure_fsverity *v, uint64_t blocks)
{
    while (blocks > 0) {
        uint64_t size;
        size_t level = zero_level(v, blocks, &size);
        push(v, level, v->zero[level]);
        blocks -= size;
    }
}

static int alone(const struct measure_fsverity *v, size_t level)
{
    for (size_t l = level + 1; l < MEASURE_FSVERITY_LEVELS; l++)
        if (v->used[l])
            return 0;
    return v->used[level] == CMC_SHA256_LEN;
}

/* Fills up what is open from below until one digest is left. */
static void take_root(struct measure_fsverity *v, uint8_t root[static CMC_SHA256_LEN])
{
    size_t l = 0;
    for (; l + 1 < MEASURE_FSVERITY_LEVELS && !alone(v, l); l++) {
        if (!v->used[l])
            continue;
        memset(v->block[l] + v->used[l], 0, BLOCK - v->used[l]);
        v->used[l] = BLOCK;
        carry(v, l);
    }
    memcpy(root, v->block[l], CMC_SHA256_LEN);
}

void measure_fsverity_describe(uint64_t size, const uint8_t root[static CMC_SHA256_LEN],
                               uint8_t out[static MEASURE_FSVERITY_DESCRIPTOR])
{
    enum { AT_SIZE = 8, AT_ROOT = 16 };
    memset(out, 0, MEASURE_FSVERITY_DESCRIPTOR);
    out[0] = 1;  /* version */
    out[1] = 1;  /* FS_VERITY_HASH_ALG_SHA256 */
    out[2] = 12; /* log2 of BLOCK */
    for (size_t i = 0; i < 8; i++)
        out[AT_SIZE + i] = (uint8_t)(size >> (8 * i));
    if (size > 0) /* the root hash of nothing is zeros */
        memcpy(out + AT_ROOT, root, CMC_SHA256_LEN);
}

void measure_fsverity_end(struct measure_fsverity *v, uint64_t size,
                          uint8_t out[static CMC_SHA256_LEN])
{
    uint8_t root[CMC_SHA256_LEN] = {0}, d[MEASURE_FSVERITY_DESCRIPTOR];
    if (size > 0)
        take_root(v, root);
    measure_fsverity_describe(size, root, d);
    cmc_sha256(d, sizeof(d), out);
}
