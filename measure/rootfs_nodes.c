/* SPDX-License-Identifier: Apache-2.0 */
/* measure/rootfs_nodes.c -- entries in memory, hard-link groups, and the listing of it all. */
#include "measure/rootfs_nodes.h"

#include <stdlib.h>
#include <string.h>

#include "measure/listing.h"

int measure_nodes_init(struct measure_nodes *n, struct cmc_err *err)
{
    *n = (struct measure_nodes){.text = cmc_buf_of(MEASURE_TREE_TEXT_MAX)};
    cmc_put_u8(&n->text, 0); /* place 0: the root's name, and "none" */
    if (cmc_buf_check(&n->text, "names", err) < 0)
        return -(int)err->code;
    return measure_nodes_add(n, 0, 0, 'd', err);
}

void measure_nodes_done(struct measure_nodes *n)
{
    free(n->v);
    cmc_buf_done(&n->text);
    free(n->slots);
    free(n->groups);
    free(n->group_names);
}

int measure_nodes_add(struct measure_nodes *n, uint32_t parent, uint32_t name, char type,
                      struct cmc_err *err)
{
    if (n->count > MEASURE_ENTRIES_MAX)
        return cmc_fail(err, CMC_E_LIMIT, "more than %d entries", MEASURE_ENTRIES_MAX);
    if (n->count == n->cap) {
        size_t cap = n->cap ? n->cap * 2 : 256;
        struct measure_node *v = reallocarray(n->v, cap, sizeof(*v));
        if (!v)
            return cmc_fail(err, CMC_E_LIMIT, "out of memory for %zu entries", cap);
        n->v = v;
        n->cap = cap;
    }
    n->v[n->count++] = (struct measure_node){.parent = parent, .name = name, .type = type};
    return 0;
}

/* Numbers of devices and inodes are small and alike: spread them (the finaliser of MurmurHash3). */
static uint64_t hash_of(const struct measure_node *e)
{
    uint64_t h = e->ino * 0x9e3779b97f4a7c15U ^ e->dev;
    h = (h ^ h >> 33) * 0xff51afd7ed558ccdU;
    h = (h ^ h >> 33) * 0xc4ceb9fe1a85ec53U;
    return h ^ h >> 33;
}

static struct measure_slot *slot_of(const struct measure_nodes *n, const struct measure_node *e)
{
    const uint64_t h = hash_of(e);
    const uint32_t hash = (uint32_t)(h >> 32);
    size_t at = (size_t)h & (n->slot_count - 1);
    for (; n->slots[at].node; at = (at + 1) & (n->slot_count - 1)) {
        const struct measure_node *there = &n->v[n->slots[at].node];
        if (n->slots[at].hash == hash && there->ino == e->ino && there->dev == e->dev)
            break;
    }
    return &n->slots[at];
}

static void take_slot(struct measure_nodes *n, struct measure_slot *slot, uint32_t i)
{
    *slot = (struct measure_slot){i, (uint32_t)(hash_of(&n->v[i]) >> 32)};
}

static int grow_slots(struct measure_nodes *n, struct cmc_err *err)
{
    const struct measure_nodes old = *n;
    const size_t count = old.slot_count ? old.slot_count * 2 : 512;
    struct measure_slot *slots = reallocarray(NULL, count, sizeof(*slots));
    if (!slots)
        return cmc_fail(err, CMC_E_LIMIT, "out of memory for %zu inodes", count);
    /* Not calloc(): its pages are read before they are written, and a page of zeros that becomes
     * one's own is taken from the other threads' CPUs by an interrupt. */
    explicit_bzero(slots, count * sizeof(*slots));
    n->slots = slots;
    n->slot_count = count;
    for (size_t i = 0; i < old.slot_count; i++)
        if (old.slots[i].node)
            take_slot(n, slot_of(n, &n->v[old.slots[i].node]), old.slots[i].node);
    free(old.slots);
    return 0;
}

static int new_group(struct measure_nodes *n, uint32_t first, struct cmc_err *err)
{
    if (n->group_count + 1 >= n->group_cap) {
        const size_t cap = n->group_cap ? n->group_cap * 2 : 64;
        uint32_t *groups = reallocarray(n->groups, cap, sizeof(*groups));
        if (!groups)
            return cmc_fail(err, CMC_E_LIMIT, "out of memory for %zu hard-link groups", cap);
        n->groups = groups;
        n->group_cap = cap;
    }
    n->groups[++n->group_count] = first;
    n->v[first].group = (uint32_t)n->group_count;
    return 0;
}

int measure_nodes_seen(struct measure_nodes *n, uint32_t i, struct cmc_err *err)
{
    if (n->slots_used * 4 >= n->slot_count * 3 && grow_slots(n, err) < 0)
        return -(int)err->code;
    struct measure_slot *slot = slot_of(n, &n->v[i]);
    const uint32_t first = slot->node;
    if (!first) {
        take_slot(n, slot, i);
        n->slots_used++;
        return 0;
    }
    if (!n->v[first].group && new_group(n, first, err) < 0)
        return -(int)err->code;
    n->v[i].group = n->v[first].group;
    return 0;
}

uint32_t measure_nodes_twin(const struct measure_nodes *n, uint32_t i)
{
    const struct measure_node *e = &n->v[i];
    if (!e->group || n->groups[e->group] == i)
        return 0;
    const uint32_t first = n->groups[e->group];
    const struct measure_node *there = &n->v[first];
    const bool same = there->type == 'f' && e->type == 'f' && there->u.size == e->u.size &&
                      there->changed == e->changed;
    return same ? first : 0;
}

void measure_nodes_match_twins(struct measure_nodes *n)
{
    for (size_t i = 1; i < n->count; i++)
        if (n->v[i].twin)
            memcpy(n->v[i].digest, n->v[n->groups[n->v[i].group]].digest, CMC_SHA256_LEN);
}

static struct measure_bytes name_of(const struct measure_nodes *n, const struct measure_node *e)
{
    const uint8_t *name = n->text.data + e->name;
    return (struct measure_bytes){name, strlen((const char *)name)};
}

void measure_nodes_path(const struct measure_nodes *n, uint32_t i, struct cmc_buf *out)
{
    size_t len = 0;
    for (uint32_t up = i; up; up = n->v[up].parent)
        len += 1 + name_of(n, &n->v[up]).len;
    if (i == 0)
        cmc_put_u8(out, '/');
    const size_t from = out->len;
    for (size_t k = 0; k < len; k++) /* room, then filled from its end */
        cmc_put_u8(out, '/');
    if (out->bad)
        return;
    for (size_t end = from + len; i; i = n->v[i].parent) {
        const struct measure_bytes name = name_of(n, &n->v[i]);
        end -= name.len;
        memcpy(out->data + end, name.p, name.len);
        end--;
    }
}

struct measure_entry measure_nodes_entry(const struct measure_nodes *n, uint32_t i)
{
    const struct measure_node *e = &n->v[i];
    struct measure_entry out = {.type = e->type,
                                .mode = e->mode,
                                .uid = e->uid,
                                .gid = e->gid,
                                .name = name_of(n, e),
                                .xattrs = measure_no_xattrs,
                                .digest = e->digest};
    if (e->xattrs) {
        struct cmc_reader r = cmc_reader_of(n->text.data + e->xattrs, n->text.len - e->xattrs);
        const size_t len = cmc_read_be32(&r);
        out.xattrs = (struct measure_bytes){cmc_read_bytes(&r, len), len};
    }
    if (e->type == 'f')
        out.size = e->u.size;
    if (e->type == 'c' || e->type == 'b') {
        out.major = e->u.rdev.major;
        out.minor = e->u.rdev.minor;
    }
    if (e->type == 'l')
        out.target = (struct measure_bytes){n->text.data + e->u.target.at, e->u.target.len};
    return out;
}

/* The node after i in walk order, or 0: path follows along, where there is one. */
static uint32_t step(const struct measure_nodes *n, uint32_t i, struct cmc_buf *path)
{
    const struct measure_node *e = &n->v[i];
    if (e->type == 'd' && e->u.in.count)
        return e->u.in.first;
    for (; i; i = e->parent, e = &n->v[i]) {
        if (path)
            path->len -= 1 + name_of(n, e).len;
        const struct measure_node *dir = &n->v[e->parent];
        if (i + 1 < dir->u.in.first + dir->u.in.count)
            return i + 1;
    }
    return 0;
}

uint32_t measure_nodes_next(const struct measure_nodes *n, uint32_t i)
{
    return step(n, i, NULL);
}

/* The line of node i. */
static void list_one(const struct measure_nodes *n, uint32_t i, const struct cmc_buf *path,
                     struct cmc_buf *link, struct cmc_buf *out)
{
    const struct measure_entry e = measure_nodes_entry(n, i);
    const struct measure_bytes root = {(const uint8_t *)"/", 1};
    link->len = 0;
    if (n->v[i].group)
        measure_nodes_path(n, n->groups[n->v[i].group], link);
    measure_listing_put(out, &e, i ? (struct measure_bytes){path->data, path->len} : root,
                        (struct measure_bytes){link->data, link->len});
}

/* On to the node after i, its path with it; 0: there is none. */
static uint32_t step_down(const struct measure_nodes *n, uint32_t i, struct cmc_buf *path)
{
    i = step(n, i, path);
    if (i) {
        const struct measure_bytes name = name_of(n, &n->v[i]);
        cmc_put_u8(path, '/');
        cmc_put(path, name.p, name.len);
    }
    return i;
}

int measure_nodes_write(const struct measure_nodes *n, measure_nodes_put *put, void *ctx,
                        struct cmc_err *err)
{
    enum { PIECE = 64 << 10 };
    cmc_autobuf struct cmc_buf path = cmc_buf_of(MEASURE_TREE_TEXT_MAX);
    cmc_autobuf struct cmc_buf link = cmc_buf_of(MEASURE_TREE_TEXT_MAX);
    cmc_autobuf struct cmc_buf piece = cmc_buf_of(MEASURE_LISTING_MAX); /* a line can be long */
    uint32_t i = 0;
    measure_listing_begin(&piece);
    do {
        list_one(n, i, &path, &link, &piece);
        i = step_down(n, i, &path);
        if (cmc_buf_check(&path, "a path", err) < 0 || cmc_buf_check(&link, "a path", err) < 0 ||
            cmc_buf_check(&piece, "the listing", err) < 0)
            return -(int)err->code;
        if (i > 0 && piece.len < PIECE)
            continue;
        const int r = put(ctx, piece.data, piece.len, err);
        if (r < 0)
            return r;
        piece.len = 0;
    } while (i > 0);
    return 0;
}

static int append(void *ctx, const void *text, size_t len, struct cmc_err *err)
{
    struct cmc_buf *out = ctx;
    cmc_put(out, text, len);
    return cmc_buf_check(out, "the listing", err);
}

int measure_nodes_list(const struct measure_nodes *n, struct cmc_buf *out, struct cmc_err *err)
{
    return measure_nodes_write(n, append, out, err);
}
