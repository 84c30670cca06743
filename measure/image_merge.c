/* SPDX-License-Identifier: Apache-2.0 */
/* measure/image_merge.c -- lays the layers over one another as the kernel's overlay does. */
#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "measure/image_parts.h"

struct item { /* a name in one layer's directory */
    const char *name;
    uint32_t inode, rank; /* rank: how many layers are above */
};

struct frame { /* a directory that is being walked */
    uint32_t node, next, end;
    size_t dirs; /* its layers' directories: from here on */
};

struct merge {
    struct measure_image_tree *t;
    struct measure_nodes *n;
    struct item *items; /* of the directory at hand */
    size_t item_cap;
    uint32_t *dirs; /* of the frames, one after the other, the topmost layer first */
    size_t dir_count, dir_cap;
    struct frame *frames;
    size_t depth, frame_cap;
};

static int push(void **v, size_t size, size_t count, size_t *cap, struct cmc_err *err)
{
    if (count < *cap)
        return 0;
    const size_t more = *cap ? *cap * 2 : 64;
    void *moved = reallocarray(*v, more, size);
    if (!moved)
        return cmc_fail(err, CMC_E_LIMIT, "out of memory for %zu entries", more);
    *v = moved;
    *cap = more;
    return 0;
}

static int push_dir(struct merge *m, uint32_t dir, struct cmc_err *err)
{
    void *v = m->dirs;
    const int r = push(&v, sizeof(*m->dirs), m->dir_count, &m->dir_cap, err);
    m->dirs = v;
    if (r < 0)
        return r;
    assert(m->dirs);
    m->dirs[m->dir_count++] = dir;
    return 0;
}

static int by_name(const void *a, const void *b)
{
    const struct item *x = a, *y = b;
    const int d = strcmp(x->name, y->name);
    return d ? d : (x->rank > y->rank) - (x->rank < y->rank);
}

static int push_item(struct merge *m, size_t count, const struct item *item, struct cmc_err *err)
{
    void *v = m->items;
    const int r = push(&v, sizeof(*m->items), count, &m->item_cap, err);
    m->items = v;
    if (r < 0)
        return r;
    assert(m->items);
    m->items[count] = *item;
    return 0;
}

/* All names of the directories from dirs on, into items; their number, or -code. */
static ssize_t gather(struct merge *m, size_t dirs, struct cmc_err *err)
{
    const struct measure_image_tree *t = m->t;
    size_t count = 0;
    for (size_t k = dirs; k < m->dir_count; k++)
        for (uint32_t at = t->inodes[m->dirs[k]].u.first; at; at = t->names[at].next) {
            const struct measure_image_name *name = &t->names[at];
            const struct item item = {(const char *)t->text.data + name->text, name->inode,
                                      (uint32_t)(k - dirs)};
            if (name->inode && push_item(m, count++, &item, err) < 0)
                return -(int)err->code;
        }
    if (count)
        qsort(m->items, count, sizeof(*m->items), by_name);
    return (ssize_t)count;
}

/* Copies len bytes behind a length to the nodes' text; 0 for none. */
static uint32_t copy_xattrs(struct merge *m, uint32_t at)
{
    struct cmc_buf *text = &m->n->text;
    const uint32_t place = (uint32_t)text->len;
    struct cmc_reader r = cmc_reader_of(m->t->text.data + at, m->t->text.len - at);
    if (!at)
        return 0;
    const uint32_t len = cmc_read_be32(&r);
    cmc_put_be32(text, len);
    cmc_put(text, cmc_read_bytes(&r, len), len);
    return place;
}

static int add_node(struct merge *m, uint32_t parent, const struct item *item, struct cmc_err *err)
{
    struct measure_nodes *n = m->n;
    const struct measure_image_inode *i = &m->t->inodes[item->inode];
    const size_t name = n->text.len;
    cmc_put(&n->text, item->name, strlen(item->name) + 1);
    if (cmc_buf_check(&n->text, "names and attributes", err) < 0 ||
        measure_nodes_add(n, parent, (uint32_t)name, i->type, err) < 0)
        return -(int)err->code;
    struct measure_node *e = &n->v[n->count - 1];
    e->mode = i->type == 'l' ? 0777 : i->mode;
    e->uid = i->uid;
    e->gid = i->gid;
    e->ino = item->inode;
    e->xattrs = copy_xattrs(m, i->xattrs);
    if (i->type == 'f') {
        memcpy(e->digest, i->digest, sizeof(e->digest));
        e->u.size = i->u.size;
    } else if (i->type == 'c' || i->type == 'b') {
        e->u.rdev.major = i->u.rdev.major;
        e->u.rdev.minor = i->u.rdev.minor;
    } else if (i->type == 'l') {
        e->u.target.at = (uint32_t)n->text.len;
        e->u.target.len = i->u.target.len;
        cmc_put(&n->text, m->t->text.data + i->u.target.at, i->u.target.len);
    }
    return cmc_buf_check(&n->text, "names and attributes", err);
}

/* Nodes for the first count items, of one directory: of each name the topmost layer decides. */
static int add_nodes(struct merge *m, uint32_t node, const struct item *items, size_t count,
                     struct cmc_err *err)
{
    assert(items);
    for (size_t k = 0; k < count; k++) {
        const struct item *item = &items[k];
        const bool hidden = k > 0 && strcmp(item->name, item[-1].name) == 0;
        if (!hidden && !measure_image_whiteout(&m->t->inodes[item->inode]) &&
            add_node(m, node, item, err) < 0)
            return -(int)err->code;
    }
    return 0;
}

static int push_frame(struct merge *m, const struct frame *f, struct cmc_err *err)
{
    void *v = m->frames;
    const int r = push(&v, sizeof(*m->frames), m->depth, &m->frame_cap, err);
    m->frames = v;
    if (r < 0)
        return r;
    assert(m->frames);
    m->frames[m->depth++] = *f;
    return 0;
}

/* The directory node, whose layers' directories are those from dirs on: its entries become nodes,
 * and it the innermost frame. */
static int enter(struct merge *m, uint32_t node, size_t dirs, struct cmc_err *err)
{
    struct measure_nodes *n = m->n;
    const uint32_t first = (uint32_t)n->count;
    const ssize_t count = gather(m, dirs, err);
    if (count < 0 || (count > 0 && add_nodes(m, node, m->items, (size_t)count, err) < 0))
        return -(int)err->code;
    n->v[node].u.in.first = first;
    n->v[node].u.in.count = (uint32_t)n->count - first;
    const struct frame f = {node, first, (uint32_t)n->count, dirs};
    return push_frame(m, &f, err);
}

/* What the layers have under the name of a directory: those above one that hides the others. */
static int enter_child(struct merge *m, const struct frame *f, uint32_t node, struct cmc_err *err)
{
    const uint8_t *text = m->n->text.data + m->n->v[node].name;
    const struct measure_bytes name = {text, strlen((const char *)text)};
    const size_t from = f->dirs, to = m->dir_count;
    for (size_t k = from; k < to; k++) {
        const uint32_t found = measure_image_child(m->t, m->dirs[k], name);
        if (!found)
            continue;
        if (m->t->inodes[found].type != 'd')
            break;
        if (push_dir(m, found, err) < 0)
            return -(int)err->code;
        if (m->t->inodes[found].opaque)
            break;
    }
    return enter(m, node, to, err);
}

static int walk(struct merge *m, struct cmc_err *err)
{
    for (size_t k = m->t->layers; k-- > 0;) /* roots are always merged */
        if (push_dir(m, m->t->roots[k], err) < 0)
            return -(int)err->code;
    if (enter(m, 0, 0, err) < 0)
        return -(int)err->code;
    while (m->depth > 0) {
        struct frame *f = &m->frames[m->depth - 1];
        if (f->next == f->end) {
            m->dir_count = f->dirs;
            m->depth--;
            continue;
        }
        const uint32_t node = f->next++;
        const struct frame at = *f; /* enter_child() may move it */
        const int r = m->n->v[node].type == 'd' ? enter_child(m, &at, node, err)
                                                : measure_nodes_seen(m->n, node, err);
        if (r < 0)
            return r;
    }
    return 0;
}

int measure_image_merge(struct measure_image *image, struct cmc_err *err)
{
    struct merge m = {.t = &image->tree, .n = &image->nodes};
    image->nodes.v[0].mode = 0755;
    const int r = walk(&m, err);
    free(m.items);
    free(m.dirs);
    free(m.frames);
    image->merged = r == 0;
    return r;
}
