/* SPDX-License-Identifier: Apache-2.0 */
/* measure/image_path.h -- where a path leads in a tree that is not on disk: links are followed and
 * never lead out of it. Pure. */
#ifndef MEASURE_IMAGE_PATH_H
#define MEASURE_IMAGE_PATH_H
#include <stdbool.h>

#include "measure/rootfs_entry.h"

enum { MEASURE_IMAGE_LINKS_MAX = 255, MEASURE_IMAGE_PATH_MAX = 4095, MEASURE_IMAGE_NAME_MAX = 255 };

struct measure_image_seen { /* what a directory holds under a name */
    uint32_t id;
    char type;                   /* as of struct measure_entry */
    struct measure_bytes target; /* l; borrowed */
};

struct measure_image_view { /* a tree to look into */
    const void *tree;
    uint32_t root;
    bool (*look)(const void *tree, uint32_t dir, struct measure_bytes name,
                 struct measure_image_seen *out);
};

/* Follows from, from the root on, the last part too if it is a link. path: replaced by where that
 * leads, parts joined by "/", empty for the root. *id: what is there, 0 for nothing (and so for all
 * below nothing); *type: its letter, or 0. Errors: -CMC_E_VERIFY (too many links; something on the
 * way is no directory), -CMC_E_LIMIT. */
CMC_MUST_CHECK int measure_image_resolve(const struct measure_image_view *view,
                                         struct measure_bytes from, struct cmc_buf *path,
                                         uint32_t *id, char *type, struct cmc_err *err);

/* The first part of *rest, which loses it and the slashes around it; empty at the end. */
struct measure_bytes measure_image_part(struct measure_bytes *rest);
#endif
