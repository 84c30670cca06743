/* SPDX-License-Identifier: Apache-2.0 */
/* measure/rootfs_links.c -- a table of inode numbers. */
#include "measure/rootfs_links.h"

#include <stdlib.h>

void measure_links_init(struct measure_links *l)
{
    *l = (struct measure_links){.names = cmc_buf_of(MEASURE_TREE_TEXT_MAX)};
}

void measure_links_done(struct measure_links *l)
{
    free(l->slots);
    cmc_buf_done(&l->names);
}

static struct measure_link *slot_of(const struct measure_links *l, uint64_t ino)
{
    const uint64_t h = ino * UINT64_C(0x9e3779b97f4a7c15); /* numbers are small and alike */
    size_t at = (size_t)(h ^ h >> 32) & (l->slot_count - 1);
    while (l->slots[at].len && l->slots[at].ino != ino)
        at = (at + 1) & (l->slot_count - 1);
    return &l->slots[at];
}

static int grow(struct measure_links *l, struct cmc_err *err)
{
    const struct measure_links old = *l;
    const size_t count = old.slot_count ? old.slot_count * 2 : 256;
    struct measure_link *slots = calloc(count, sizeof(*slots));
    if (!slots)
        return cmc_fail(err, CMC_E_LIMIT, "out of memory for %zu hard links", count);
    l->slots = slots;
    l->slot_count = count;
    for (size_t i = 0; i < old.slot_count; i++)
        if (old.slots[i].len)
            *slot_of(l, old.slots[i].ino) = old.slots[i];
    free(old.slots);
    return 0;
}

int measure_links_meet(struct measure_links *l, uint64_t ino, uint64_t dev,
                       struct measure_bytes name, struct measure_bytes *first, struct cmc_err *err)
{
    if (l->used * 2 >= l->slot_count && grow(l, err) < 0)
        return -(int)err->code;
    struct measure_link *s = slot_of(l, ino);
    if (s->len && s->dev != dev)
        return cmc_fail(err, CMC_E_VERIFY,
                        "inode %llu is on two devices: CMC would take the second file for a name "
                        "of the first; use profile exact",
                        (unsigned long long)ino);
    *first = (struct measure_bytes){0};
    if (s->len) {
        *first = (struct measure_bytes){l->names.data + s->at, s->len};
        return 0;
    }
    const size_t at = l->names.len;
    cmc_put(&l->names, name.p, name.len);
    if (cmc_buf_check(&l->names, "names of hard links", err) < 0)
        return -(int)err->code;
    *s = (struct measure_link){ino, dev, at, name.len};
    l->used++;
    return 0;
}
