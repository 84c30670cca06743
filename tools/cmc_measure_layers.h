/* SPDX-License-Identifier: Apache-2.0 */
/* tools/cmc_measure_layers.h -- opens the directories that an overlay is made of. */
#ifndef TOOLS_CMC_MEASURE_LAYERS_H
#define TOOLS_CMC_MEASURE_LAYERS_H
#include "measure/rootfs_layers.h"
#include "tools/cmc_measure_mounts.h"

struct cmc_measure_layers {
    size_t count;
    bool own; /* the upper directory adds nothing: fd[0] is an empty one of ours in its place */
    int fd[CMC_MEASURE_LAYERS_MAX]; /* owned; O_PATH, the upper directory first */
};

/* Opens a directory, not over links, with further RESOLVE_ flags of openat2(2): its descriptor.
 * Errors: -CMC_E_SYS, -CMC_E_LIMIT, -CMC_E_VERIFY (a link). */
CMC_MUST_CHECK int cmc_measure_layers_open_dir(int dirfd, const struct cmc_span *path,
                                               uint64_t resolve, struct cmc_err *err);
/* Opens what is not open yet, of none or after cmc_measure_layers_keep_own(). Close them also after
 * an error. Who gives up on a container may remove its upper directory while we measure, and a
 * directory that is gone cannot be listed: an empty one is replaced by one of our own, which is
 * mounted nowhere.
 * Errors: as above, naming the layer; -CMC_E_FORMAT (m->uids cannot be for that upper directory).
 */
CMC_MUST_CHECK int cmc_measure_layers_open(const struct cmc_measure_mounts *m,
                                           struct cmc_measure_layers *l, struct cmc_err *err);
/* Closes all but an upper directory of our own. */
void cmc_measure_layers_keep_own(struct cmc_measure_layers *l);
void cmc_measure_layers_close(struct cmc_measure_layers *l);

/* True for an upper directory that adds nothing to the tree: no entry, and no attribute but those
 * that overlayfs leaves where it was mounted before, or a label. */
bool cmc_measure_layers_is_bare(int upper);

/* How to read the tree off layers instead of a mount with m's options; false: only a mount tells.
 * Fills in all of *out but fds and count. */
bool cmc_measure_layers_readable(const struct cmc_measure_mounts *m, struct measure_layers *out);
#endif
