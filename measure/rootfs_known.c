/* SPDX-License-Identifier: Apache-2.0 */
/* measure/rootfs_known.c -- asks for what is known, and collects what will be. */
#include "measure/rootfs_known.h"

#include <stdlib.h>

#include "measure/rootfs_look.h"
#include "measure/rootfs_nodes.h"
#include "measure/rootfs_rest.h"

#define NS_PER_S UINT64_C(1000000000)

void measure_lessons_init(struct measure_lessons *l, const struct measure_known *known)
{
    *l = (struct measure_lessons){.known = known, .start = measure_rest_clock()};
}

void measure_lessons_done(struct measure_lessons *l)
{
    free(l->v);
}

bool measure_known_rests(const struct measure_facts *f, uint64_t start)
{
    return measure_rest_end(f->ctime_s, f->ctime_ns) <= start &&
           measure_rest_end(f->mtime_s, f->mtime_ns) <= start;
}

static void remember(struct measure_lessons *l, const struct measure_lesson *lesson)
{
    if (l->count == l->cap && !l->lost) {
        const size_t cap = l->cap ? l->cap * 2 : 256;
        struct measure_lesson *v = reallocarray(l->v, cap, sizeof(*l->v));
        l->lost = !v;
        if (v) {
            l->v = v;
            l->cap = cap;
        }
    }
    if (!l->lost)
        l->v[l->count++] = *lesson;
}

bool measure_lessons_find(struct measure_lessons *l, uint32_t layer, uint32_t node,
                          const struct measure_facts *f, uint8_t digest[static CMC_SHA256_LEN])
{
    if (!l->known || f->size == 0 || !measure_known_rests(f, l->start))
        return false;
    const struct measure_known_file file = {
        layer, f->dev, f->ino, f->size, f->ctime_s * NS_PER_S + f->ctime_ns,
    };
    if (l->known->find(l->known->ctx, &file, digest))
        return true;
    remember(l, &(struct measure_lesson){f->ino, node, layer});
    return false;
}

void measure_lessons_take(struct measure_lessons *l, uint32_t node, bool leased)
{
    if (l->taken == l->count || l->v[l->taken].node != node)
        return;
    if (leased)
        l->v[l->kept++] = l->v[l->taken];
    l->taken++;
}

static int by_layer_and_inode(const void *a, const void *b)
{
    const struct measure_lesson *x = a, *y = b;
    if (x->layer != y->layer)
        return x->layer < y->layer ? -1 : 1;
    return (x->ino > y->ino) - (x->ino < y->ino);
}

void measure_lessons_tell(struct measure_lessons *l, const struct measure_nodes *n)
{
    if (l->lost || l->kept == 0)
        return;
    qsort(l->v, l->kept, sizeof(*l->v), by_layer_and_inode);
    for (size_t i = 0; i < l->kept; i++) {
        const struct measure_node *e = &n->v[l->v[i].node];
        const struct measure_known_file file = {
            l->v[i].layer, e->dev, e->ino, e->u.size, e->changed,
        };
        const bool again = i > 0 && by_layer_and_inode(&l->v[i - 1], &l->v[i]) == 0;
        if (!again && !l->known->learn(l->known->ctx, &file, e->digest))
            return;
    }
}
