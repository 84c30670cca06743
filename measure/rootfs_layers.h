/* SPDX-License-Identifier: Apache-2.0 */
/* measure/rootfs_layers.h -- walks the tree that overlayfs shows of a stack of layers, without
 * mounting it (docs/formats/rootfs-layers.md). */
#ifndef MEASURE_ROOTFS_LAYERS_H
#define MEASURE_ROOTFS_LAYERS_H
#include "measure/rootfs_walk.h"

/* Begins the reason why a stack is left to the kernel: only a mount tells what it shows. */
#define MEASURE_LAYERS_NOT "not read as layers: "

enum { MEASURE_LAYERS_MAX = 500 }; /* fs/overlayfs: OVL_MAX_STACK */

struct measure_layers {
    const int *fds; /* borrowed: directories, topmost first, O_PATH is enough */
    size_t count;   /* 2 to MEASURE_LAYERS_MAX, an upper directory among them */
    bool userxattr; /* overlayfs's own attributes are user.overlay., not trusted.overlay. */
    bool redirects; /* the mount would follow them */
};

/* As measure_walk(), over what a read-only overlay of these layers shows. A directory's descriptor
 * and statistics are those of its topmost layer, as everything else's are of its own. A form that
 * is not look_only reads the attributes of regular files with opts->overlay set to
 * measure_layers_prefix(): what only overlayfs can resolve shows there.
 * Descriptors: measure_layers_descriptors() at most. Errors: as measure_walk(), and -CMC_E_FORMAT
 * with MEASURE_LAYERS_NOT. Whatever the error but "cancelled", a mount may still be measured. */
CMC_MUST_CHECK int measure_layers_walk(const struct measure_layers *layers,
                                       const struct measure_walk *form, void *ctx,
                                       struct measure_meter *meter, struct cmc_err *err);
const char *measure_layers_prefix(const struct measure_layers *layers);
size_t measure_layers_descriptors(const struct measure_layers *layers);
#endif
