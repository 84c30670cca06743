/* SPDX-License-Identifier: Apache-2.0 */
/* measure/image_tree.c -- inodes and names in arrays, found by a hash of directory and name. */
#include "measure/image_tree.h"

#include <stdlib.h>
#include <string.h>

void measure_image_tree_init(struct measure_image_tree *t)
{
    *t = (struct measure_image_tree){.text = cmc_buf_of(MEASURE_TREE_TEXT_MAX)};
    cmc_put_u8(&t->text, 0); /* place 0 says "none" */
}

void measure_image_tree_done(struct measure_image_tree *t)
{
    free(t->inodes);
    free(t->names);
    free(t->slots);
    cmc_buf_done(&t->text);
}

/* Room for one more of *v, and for the unused place 0. */
static int grow(void **v, size_t size, size_t count, size_t *cap, struct cmc_err *err)
{
    if (count > MEASURE_ENTRIES_MAX)
        return cmc_fail(err, CMC_E_LIMIT, "more than %d entries in all layers",
                        MEASURE_ENTRIES_MAX);
    if (count + 1 < *cap)
        return 0;
    const size_t more = *cap ? *cap * 2 : 256;
    void *moved = reallocarray(*v, more, size);
    if (!moved)
        return cmc_fail(err, CMC_E_LIMIT, "out of memory for %zu entries", more);
    *v = moved;
    *cap = more;
    return 0;
}

int measure_image_inode_new(struct measure_image_tree *t, char type, uint32_t *out,
                            struct cmc_err *err)
{
    void *v = t->inodes;
    const int r = grow(&v, sizeof(*t->inodes), t->inode_count, &t->inode_cap, err);
    t->inodes = v;
    if (r < 0)
        return r;
    *out = (uint32_t)++t->inode_count;
    t->inodes[*out] = (struct measure_image_inode){.type = type};
    return 0;
}

int measure_image_tree_layer(struct measure_image_tree *t, struct cmc_err *err)
{
    if (t->layers == MEASURE_IMAGE_LAYERS_MAX)
        return cmc_fail(err, CMC_E_LIMIT, "more than %d layers", MEASURE_IMAGE_LAYERS_MAX);
    if (measure_image_inode_new(t, 'd', &t->roots[t->layers], err) < 0)
        return -(int)err->code;
    t->inodes[t->roots[t->layers++]].mode = 0755;
    return 0;
}

int measure_image_text(struct measure_image_tree *t, struct measure_bytes text, uint32_t *at,
                       struct cmc_err *err)
{
    const size_t place = t->text.len;
    cmc_put(&t->text, text.p, text.len);
    cmc_put_u8(&t->text, 0);
    if (cmc_buf_check(&t->text, "names and attributes", err) < 0)
        return -(int)err->code;
    *at = (uint32_t)place;
    return 0;
}

/* FNV-1a over name, started by the directory. */
static size_t slot_of(const struct measure_image_tree *t, uint32_t dir, struct measure_bytes name)
{
    uint64_t h = (UINT64_C(0xcbf29ce484222325) ^ dir) * UINT64_C(0x100000001b3);
    for (size_t i = 0; i < name.len; i++)
        h = (h ^ name.p[i]) * UINT64_C(0x100000001b3);
    size_t at = (size_t)(h ^ h >> 32) & (t->slot_count - 1);
    for (; t->slots[at]; at = (at + 1) & (t->slot_count - 1)) {
        const struct measure_image_name *there = &t->names[t->slots[at]];
        const uint8_t *text = t->text.data + there->text;
        if (there->dir == dir && strncmp((const char *)text, (const char *)name.p, name.len) == 0 &&
            text[name.len] == 0)
            break;
    }
    return at;
}

static struct measure_bytes text_of(const struct measure_image_tree *t,
                                    const struct measure_image_name *n)
{
    const uint8_t *text = t->text.data + n->text;
    return (struct measure_bytes){text, strlen((const char *)text)};
}

static int grow_slots(struct measure_image_tree *t, struct cmc_err *err)
{
    const size_t count = t->slot_count ? t->slot_count * 2 : 512;
    uint32_t *slots = calloc(count, sizeof(*slots));
    if (!slots)
        return cmc_fail(err, CMC_E_LIMIT, "out of memory for %zu names", count);
    free(t->slots);
    t->slots = slots;
    t->slot_count = count;
    for (size_t i = 1; i <= t->name_count; i++)
        slots[slot_of(t, t->names[i].dir, text_of(t, &t->names[i]))] = (uint32_t)i;
    return 0;
}

uint32_t measure_image_name_find(const struct measure_image_tree *t, uint32_t dir,
                                 struct measure_bytes name)
{
    return t->slot_count ? t->slots[slot_of(t, dir, name)] : 0;
}

uint32_t measure_image_child(const struct measure_image_tree *t, uint32_t dir,
                             struct measure_bytes name)
{
    const uint32_t found = measure_image_name_find(t, dir, name);
    return found ? t->names[found].inode : 0;
}

int measure_image_put(struct measure_image_tree *t, uint32_t dir, struct measure_bytes name,
                      uint32_t inode, uint32_t *out, struct cmc_err *err)
{
    uint32_t at = measure_image_name_find(t, dir, name), text;
    if (!at) {
        void *v = t->names;
        const int r = grow(&v, sizeof(*t->names), t->name_count, &t->name_cap, err);
        t->names = v;
        if (r < 0 || (t->name_count * 2 >= t->slot_count && grow_slots(t, err) < 0) ||
            measure_image_text(t, name, &text, err) < 0)
            return -(int)err->code;
        at = (uint32_t)t->name_count + 1;
        t->names[at] =
            (struct measure_image_name){.dir = dir, .text = text, .next = t->inodes[dir].u.first};
        t->slots[slot_of(t, dir, name)] = at;
        t->name_count++;
        t->inodes[dir].u.first = at;
    }
    t->names[at].inode = inode;
    *out = at;
    return 0;
}

static bool look(const void *tree, uint32_t dir, struct measure_bytes name,
                 struct measure_image_seen *out)
{
    const struct measure_image_tree *t = tree;
    const uint32_t id = measure_image_child(t, dir, name);
    if (!id)
        return false;
    const struct measure_image_inode *i = &t->inodes[id];
    *out = (struct measure_image_seen){.id = id, .type = i->type};
    if (i->type == 'l')
        out->target = (struct measure_bytes){t->text.data + i->u.target.at, i->u.target.len};
    return true;
}

struct measure_image_view measure_image_layer_view(const struct measure_image_tree *t, size_t layer)
{
    return (struct measure_image_view){.tree = t, .root = t->roots[layer], .look = look};
}

bool measure_image_whiteout(const struct measure_image_inode *i)
{
    return i->type == 'c' && i->u.rdev.major == 0 && i->u.rdev.minor == 0;
}
