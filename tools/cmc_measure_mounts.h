/* SPDX-License-Identifier: Apache-2.0 */
/* tools/cmc_measure_mounts.h -- what a Create request says about the root file system. Pure. */
#ifndef TOOLS_CMC_MEASURE_MOUNTS_H
#define TOOLS_CMC_MEASURE_MOUNTS_H
#include "base/task.h"
#include "measure/rootfs.h"

enum {
    CMC_MEASURE_LAYERS_MAX = 500, /* fs/overlayfs: OVL_MAX_STACK */
    CMC_MEASURE_OVERLAY_OPTIONS_MAX = 128
};

enum cmc_measure_mounts_kind {
    CMC_MEASURE_ROOT_PATH, /* no mounts: root.path of config.json */
    CMC_MEASURE_BIND,      /* source, without what is mounted below it */
    CMC_MEASURE_BIND_TREE, /* source, with what is mounted below it */
    CMC_MEASURE_OVERLAY
};

struct cmc_measure_mounts { /* spans borrowed from the request */
    enum cmc_measure_mounts_kind kind;
    struct cmc_span source; /* CMC_MEASURE_BIND, CMC_MEASURE_BIND_TREE */
    size_t layer_count;     /* CMC_MEASURE_OVERLAY: upper first, then the lowers */
    bool has_upper;
    struct cmc_span layers[CMC_MEASURE_LAYERS_MAX];
    /* what changes how layers are read, each behind a comma: ",userxattr,metacopy=on" */
    char options[CMC_MEASURE_OVERLAY_OPTIONS_MAX];
    /* How ids of the lower layers, not of the upper, become the host's: from inside, which is on
     * disk, to outside. Count 0: as they are. */
    struct measure_idmap uids, gids;
};

/* Errors name the mount option or type that cannot be measured: -CMC_E_FORMAT; -CMC_E_LIMIT
 * (layers). *out unspecified then. */
CMC_MUST_CHECK int cmc_measure_mounts_plan(const struct cmc_task_create *create,
                                           struct cmc_measure_mounts *out, struct cmc_err *err);

/* What an id on disk is in the container, through a change of ids at the mount and then the maps
 * of the container, which it replaces. Room for one map at least.
 * Errors: -CMC_E_FORMAT (no id is in both). */
CMC_MUST_CHECK int cmc_measure_mounts_compose(const struct measure_idmap *disk,
                                              struct measure_idmap *maps, size_t *count,
                                              struct cmc_err *err);
#endif
