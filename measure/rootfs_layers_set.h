/* SPDX-License-Identifier: Apache-2.0 */
/* measure/rootfs_layers_set.h -- the directories of layers that a walk is in, on one stack. */
#ifndef MEASURE_ROOTFS_LAYERS_SET_H
#define MEASURE_ROOTFS_LAYERS_SET_H
#include <sys/stat.h>

#include "measure/rootfs_layers_dir.h"

enum { MEASURE_LAYER_DIRS_MAX = 1 << 16, MEASURE_LAYER_ATTRIBUTES_MAX = 1 << 16 };

struct measure_layer_set {
    const struct measure_layers *given; /* borrowed */
    struct measure_layer_dir *dirs;     /* owned; moves when one is added */
    size_t count, cap, open;
    struct cmc_buf real; /* paths in layers, NUL-terminated, where they are not the tree's */
    struct measure_layer layers[MEASURE_LAYERS_MAX];
    char attributes[MEASURE_LAYER_ATTRIBUTES_MAX + 1];
};

struct measure_layer_found {
    struct statx sx;
    struct measure_layer_marks marks;
};

struct measure_layer_around { /* a directory of the tree, in which another is opened */
    size_t first, end;        /* its directories */
    struct measure_bytes path;
};

/* Looks at the layers. Errors: -CMC_E_FORMAT (MEASURE_LAYERS_NOT), -CMC_E_SYS, -CMC_E_VERIFY. */
CMC_MUST_CHECK int measure_layer_set_init(struct measure_layer_set *s,
                                          const struct measure_layers *given, struct cmc_err *err);
void measure_layer_set_done(struct measure_layer_set *s);

/* Opens all layers, as directories of the root. *top: the first one's. Errors, of these too: as
 * measure_layers_walk(), without a path. */
CMC_MUST_CHECK int measure_layer_set_root(struct measure_layer_set *s, struct statx *top,
                                          struct cmc_err *err);
/* Opens the directory of that name in the list-th directory around it. */
CMC_MUST_CHECK int measure_layer_set_add(struct measure_layer_set *s,
                                         const struct measure_layer_around *around, size_t list,
                                         const char *name, struct measure_layer_found *found,
                                         struct cmc_err *err);
/* Opens what lower layers have for a directory with that redirect, the last that was added, of the
 * list-th directory around it. */
CMC_MUST_CHECK int measure_layer_set_follow(struct measure_layer_set *s,
                                            const struct measure_layer_around *around, size_t list,
                                            const char *redirect, struct cmc_err *err);
/* From first on, forgets (after closing) what was added, and its paths from place real on. */
void measure_layer_set_drop(struct measure_layer_set *s, size_t first, size_t real);
void measure_layer_set_close(struct measure_layer_set *s, size_t first, size_t end);
/* The descriptor of directory i, which is the caller's from now on. */
int measure_layer_set_take(struct measure_layer_set *s, size_t i);
/* Opens directories of the tree's path again, each as it was. */
CMC_MUST_CHECK int measure_layer_set_reopen(struct measure_layer_set *s,
                                            const struct measure_layer_around *dir,
                                            struct cmc_err *err);
#endif
