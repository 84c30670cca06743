/* SPDX-License-Identifier: Apache-2.0 */
/* measure/rootfs_large.c -- which piece of a large file is whose, and which is due. */
#include "measure/rootfs_large.h"

#include <string.h>

void measure_large_start(struct measure_large *l, int fd, uint64_t size,
                         struct measure_fsverity *tree)
{
    *l = (struct measure_large){.fd = fd, .tree = tree, .size = size};
    l->count = (size + MEASURE_BATCH_BYTES - 1) / MEASURE_BATCH_BYTES;
    measure_fsverity_start(tree);
}

bool measure_large_claim(struct measure_large *l, struct measure_piece *out)
{
    if (l->failed || l->next == l->count || l->next - l->due == MEASURE_PIECES_AHEAD)
        return false;
    const uint64_t at = l->next * MEASURE_BATCH_BYTES, rest = l->size - at;
    const size_t len = rest < MEASURE_BATCH_BYTES ? (size_t)rest : MEASURE_BATCH_BYTES;
    *out = (struct measure_piece){l->next++, at, len};
    l->busy++;
    return true;
}

void measure_large_put(struct measure_large *l, const struct measure_piece *p,
                       const uint8_t digest[static CMC_SHA256_LEN])
{
    l->busy--;
    l->done[p->number % MEASURE_PIECES_AHEAD] = true;
    memcpy(l->digest[p->number % MEASURE_PIECES_AHEAD], digest, CMC_SHA256_LEN);
    for (size_t i; l->done[i = l->due % MEASURE_PIECES_AHEAD]; l->due++) {
        l->done[i] = false;
        measure_fsverity_add_subtree(l->tree, l->digest[i]);
    }
}

void measure_large_fail(struct measure_large *l)
{
    l->busy--;
    l->failed = true;
}

bool measure_large_is_over(const struct measure_large *l)
{
    return l->busy == 0 && (l->failed || l->due == l->count);
}
