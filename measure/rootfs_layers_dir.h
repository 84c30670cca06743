/* SPDX-License-Identifier: Apache-2.0 */
/* measure/rootfs_layers_dir.h -- a directory of one layer, and what overlayfs reads off it. */
#ifndef MEASURE_ROOTFS_LAYERS_DIR_H
#define MEASURE_ROOTFS_LAYERS_DIR_H
#include <limits.h>

#include "measure/rootfs_layers.h"
#include "measure/rootfs_look.h"

struct measure_layer {
    int fd; /* borrowed */
    uint64_t mount, dev, ino;
};

struct measure_layer_dir {
    int fd; /* owned, or -1 */
    uint32_t layer;
    uint32_t real; /* its path in the layer where that is not its path in the tree, else 0 */
    struct measure_facts facts;
};

struct measure_layer_marks {
    bool opaque;             /* hides what is below it */
    bool origin;             /* was copied up from another layer: its list is filtered */
    char redirect[PATH_MAX]; /* "", or what it is called in lower layers */
};

/* What is known of a layer, on a file system that numbers files as overlayfs shows them.
 * Errors: -CMC_E_FORMAT (MEASURE_LAYERS_NOT), -CMC_E_SYS, -CMC_E_VERIFY. */
CMC_MUST_CHECK int measure_layer_of(int fd, struct measure_layer *out, struct cmc_err *err);
/* Opens the directory of that name, or path, below dirfd in a layer. Errors: as measure_look(). */
CMC_MUST_CHECK int measure_layer_open(const struct measure_layer *layer, int dirfd,
                                      const char *name, struct statx *sx, struct cmc_err *err);
/* Reads attributes that begin with prefix off a directory; names: room for their list.
 * Errors: -CMC_E_FORMAT (MEASURE_LAYERS_NOT: one that is not known or has no such value),
 * -CMC_E_SYS. */
CMC_MUST_CHECK int measure_layer_read_marks(int fd, const char *prefix, char *names, size_t room,
                                            struct measure_layer_marks *out, struct cmc_err *err);

/* Is it one name, or a path of names that begins with a slash? */
bool measure_layer_redirects(const char *value, size_t len);
/* In path, the name that is rem bytes before its end, and has that length, gets another by a
 * redirect: itself, or with everything before it. False when path would become too long. */
bool measure_layer_rename(char path[static PATH_MAX], size_t rem, size_t len, const char *redirect);
#endif
