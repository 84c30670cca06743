/* SPDX-License-Identifier: Apache-2.0 */
/* measure/rootfs_batch.c -- three waves: the blocks of all files, their blocks of digests, their
 * descriptors; each wave is one call of the hash engine. The last block of a file, and a block of
 * digests, end with zeros, which cost less beside others that do: blocks go by what they use. */
#include "measure/rootfs_batch.h"

#include <string.h>

#include "base/sha256_many.h"

enum { BLOCK = MEASURE_FSVERITY_BLOCK, PIECE = 64, PIECES = BLOCK / PIECE };

struct block {
    const uint8_t *at;
    uint8_t *out;
    uint16_t used; /* zeros from there on */
};

struct wave {
    size_t count;
    struct block block[MEASURE_BATCH_BLOCKS];
};

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

static void put_block(struct wave *w, const uint8_t *at, size_t used, uint8_t *out)
{
    struct block *b = &w->block[w->count++];
    b->at = at;
    b->out = out;
    b->used = (uint16_t)used;
}

static size_t pieces_of(const struct block *b)
{
    return ((size_t)b->used + PIECE - 1) / PIECE;
}

/* All blocks of a wave, those that use most first. */
static void hash_wave(const struct wave *w)
{
    const uint8_t *at[MEASURE_BATCH_BLOCKS];
    uint16_t used[MEASURE_BATCH_BLOCKS], place[MEASURE_BATCH_BLOCKS] = {0};
    uint8_t digest[MEASURE_BATCH_BLOCKS][CMC_SHA256_LEN];
    size_t from[PIECES + 2] = {0}; /* where those go that use PIECES - k pieces */
    for (size_t i = 0; i < w->count; i++)
        from[PIECES - pieces_of(&w->block[i]) + 1]++;
    for (size_t k = 1; k < PIECES + 2; k++)
        from[k] += from[k - 1];
    for (size_t i = 0; i < w->count; i++) {
        const struct block *b = &w->block[i];
        const size_t to = from[PIECES - pieces_of(b)]++;
        place[i] = (uint16_t)to;
        at[to] = b->at;
        used[to] = b->used;
    }
    cmc_sha256_many_used(at, used, BLOCK, w->count, digest);
    for (size_t i = 0; i < w->count; i++)
        memcpy(w->block[i].out, digest[place[i]], CMC_SHA256_LEN);
}

static void hash_leaves(struct measure_batch *b)
{
    struct wave w;
    w.count = 0;
    for (const struct measure_batch_file *f = b->file; f < b->file + b->files; f++)
        for (size_t i = 0; i < f->blocks; i++) {
            const uint64_t left = f->size - i * BLOCK;
            put_block(&w, b->arena + (f->first + i) * BLOCK, left < BLOCK ? (size_t)left : BLOCK,
                      b->leaf[f->first + i]);
        }
    hash_wave(&w);
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
    struct wave w;
    w.count = 0;
    for (const struct measure_batch_file *f = b->file; f < b->file + b->files; f++)
        if (f->blocks > 1)
            put_block(&w, digests_of(b, f->first, f->blocks), f->blocks * CMC_SHA256_LEN,
                      b->top[w.count]);
    hash_wave(&w);
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
    hash_leaves(b);
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
