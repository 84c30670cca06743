/* SPDX-License-Identifier: Apache-2.0 */
/* measure/image_tree.h -- the layers of an image in memory, each a tree of its own: names and what
 * they name, without content. Pure. */
#ifndef MEASURE_IMAGE_TREE_H
#define MEASURE_IMAGE_TREE_H
#include "measure/image_path.h"
#include "measure/rootfs_entry.h"

enum { MEASURE_IMAGE_LAYERS_MAX = 500 }; /* what the kernel's overlay takes */

struct measure_image_inode {
    uint8_t digest[CMC_SHA256_LEN]; /* f: content */
    union {
        uint64_t size; /* f */
        struct {
            uint32_t major, minor;
        } rdev; /* c, b */
        struct {
            uint32_t at, len;
        } target;       /* l: in text */
        uint32_t first; /* d: a name, 0 for none */
    } u;
    uint64_t spool; /* f: where its content was collected, 1 more than the place; 0: nowhere */
    uint32_t uid, gid;
    uint32_t xattrs;         /* in text: u32 length, then the encoding; 0 for none */
    uint32_t layer, ordinal; /* f: the member that brought the content */
    uint16_t mode;
    char type;   /* one of "fdlcbp" */
    bool opaque; /* d: hides what lower layers have of it */
    bool wanted; /* f: its content is to be collected */
};

struct measure_image_name {
    uint32_t dir, text; /* text: NUL-terminated */
    uint32_t inode;     /* 0: was removed */
    uint32_t next;      /* of the same directory */
    bool listed;        /* the layer at hand has a member for it */
};

struct measure_image_tree {
    struct measure_image_inode *inodes; /* owned; from 1 on; moves when one is added */
    size_t inode_count, inode_cap;
    struct measure_image_name *names; /* owned; from 1 on; the same */
    size_t name_count, name_cap;
    uint32_t *slots; /* owned: open addressing by (dir, text) of names */
    size_t slot_count;
    struct cmc_buf text;
    uint32_t roots[MEASURE_IMAGE_LAYERS_MAX];
    size_t layers;
};

void measure_image_tree_init(struct measure_image_tree *t);
void measure_image_tree_done(struct measure_image_tree *t);

/* All errors here are -CMC_E_LIMIT. Adds a layer above the others: an empty root. */
CMC_MUST_CHECK int measure_image_tree_layer(struct measure_image_tree *t, struct cmc_err *err);
CMC_MUST_CHECK int measure_image_inode_new(struct measure_image_tree *t, char type, uint32_t *out,
                                           struct cmc_err *err);
/* Keeps text, with a NUL behind it. */
CMC_MUST_CHECK int measure_image_text(struct measure_image_tree *t, struct measure_bytes text,
                                      uint32_t *at, struct cmc_err *err);

/* The name in dir, also one that was removed; 0: there never was one. */
uint32_t measure_image_name_find(const struct measure_image_tree *t, uint32_t dir,
                                 struct measure_bytes name);
/* What dir holds under a name, or 0. */
uint32_t measure_image_child(const struct measure_image_tree *t, uint32_t dir,
                             struct measure_bytes name);
/* Makes dir hold inode under a name, instead of what it held. *out: the name. */
CMC_MUST_CHECK int measure_image_put(struct measure_image_tree *t, uint32_t dir,
                                     struct measure_bytes name, uint32_t inode, uint32_t *out,
                                     struct cmc_err *err);

/* The layer's tree, for measure_image_resolve(). */
struct measure_image_view measure_image_layer_view(const struct measure_image_tree *t,
                                                   size_t layer);
/* What an overlay takes for a removal: a character device 0:0. */
bool measure_image_whiteout(const struct measure_image_inode *i);
#endif
