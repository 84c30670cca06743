/* SPDX-License-Identifier: Apache-2.0 */
/* measure/rootfs_batch.c -- three waves: the blocks of all files, their blocks of digests, their
 * descriptors; each wave is one call of the hash engine. */
#include "measure/rootfs_batch.h"

#include <string.h>

#include "base/sha256_many.h"

enum { BLOCK = MEASURE_FSVERITY_BLOCK };

static size_t blocks_of(uint64_t size)
{
    return (size_t)((size + BLOCK - 1) / BLOCK);
}

bool measure_batch_has_room(const struct measure_batch *b, uint64_t size)
{
    return b->files < MEASURE_BATCH_FILES && size <= MEASURE_BATCH_BYTES &&
           b->blocks + blocks_of(size) <= MEASURE_BATCH_BLOCKS;
}

uint8_t *measure_batch_room(struct measure_batch *b)
{
    return b->arena + b->blocks * BLOCK;
}

void measure_batch_add(struct measure_batch *b, uint64_t size, uint8_t *out)
{
    const size_t blocks = blocks_of(size);
    memset(measure_batch_room(b) + size, 0, blocks * BLOCK - (size_t)size);
    struct measure_batch_file *f = &b->file[b->files++];
    f->size = size;
    f->first = b->blocks;
    f->blocks = blocks;
    f->out = out;
    b->blocks += blocks;
}

/* The block of digests of count leaves from first on, made where those leaves' content was. */
static const uint8_t *digests_of(struct measure_batch *b, size_t first, size_t count)
{
    uint8_t *block = b->arena + first * BLOCK;
    memcpy(block, b->leaf[first], count * CMC_SHA256_LEN);
    memset(block + count * CMC_SHA256_LEN, 0, BLOCK - count * CMC_SHA256_LEN);
    return block;
}

static void hash_tops(struct measure_batch *b)
{
    const uint8_t *block[MEASURE_BATCH_FILES];
    size_t count = 0;
    for (size_t i = 0; i < b->files; i++)
        if (b->file[i].blocks > 1)
            block[count++] = digests_of(b, b->file[i].first, b->file[i].blocks);
    cmc_sha256_many(block, BLOCK, count, b->top);
}

static void hash_descriptors(struct measure_batch *b)
{
    const uint8_t *descriptor[MEASURE_BATCH_FILES];
    for (size_t i = 0, top = 0; i < b->files; i++) {
        const struct measure_batch_file *f = &b->file[i];
        const uint8_t *root = f->blocks > 1 ? b->top[top++] : b->leaf[f->blocks ? f->first : 0];
        measure_fsverity_describe(f->size, root, b->descriptor[i]);
        descriptor[i] = b->descriptor[i];
    }
    cmc_sha256_many(descriptor, MEASURE_FSVERITY_DESCRIPTOR, b->files, b->top);
}

void measure_batch_end(struct measure_batch *b)
{
    measure_fsverity_hash(b->arena, b->blocks, b->leaf);
    hash_tops(b);
    hash_descriptors(b);
    for (size_t i = 0; i < b->files; i++)
        memcpy(b->file[i].out, b->top[i], CMC_SHA256_LEN);
    b->files = b->blocks = 0;
}

void measure_batch_subtree(struct measure_batch *b, size_t len, uint8_t out[static CMC_SHA256_LEN])
{
    const size_t blocks = blocks_of(len);
    memset(b->arena + len, 0, blocks * BLOCK - len);
    measure_fsverity_hash(b->arena, blocks, b->leaf);
    measure_fsverity_hash(digests_of(b, 0, blocks), 1, b->top);
    memcpy(out, b->top[0], CMC_SHA256_LEN);
}
