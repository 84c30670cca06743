/* SPDX-License-Identifier: Apache-2.0 */
/* tools/cmc_measure_rootfs.h -- the tree that the container will see: opens it, changing nothing,
 * and reads it. */
#ifndef TOOLS_CMC_MEASURE_ROOTFS_H
#define TOOLS_CMC_MEASURE_ROOTFS_H
#include "measure/rootfs_stamp.h"
#include "tools/cmc_measure_layers.h"

struct cmc_measure_rootfs {                  /* not to be copied: it points into itself */
    int root;                                /* O_PATH, owned; or -1: the tree is its layers' */
    struct measure_layers layers;            /* while root is -1 */
    const struct cmc_measure_mounts *mounts; /* borrowed */
    struct cmc_measure_layers open;
};

/* Opens the root as m says, read-only where it is an overlay, mounted nowhere (closing the
 * descriptor undoes it). bundle: the bundle directory; root_path: root.path of config.json.
 * as_layers: only the layers of an overlay are opened, if they may be enough; else it is mounted,
 * as cmc_measure_rootfs_mount() does.
 * Errors: -CMC_E_SYS, -CMC_E_FORMAT, -CMC_E_VERIFY (a symbolic link where a directory should be);
 * then there is nothing to close. */
CMC_MUST_CHECK int cmc_measure_rootfs_open(const struct cmc_measure_mounts *m, int bundle,
                                           const char *root_path, bool as_layers,
                                           struct cmc_measure_rootfs *out, struct cmc_err *err);
void cmc_measure_rootfs_close(struct cmc_measure_rootfs *r);

/* Mounts layers, because they were not enough, or nothing can read them: the root is that mount
 * then. Works in a namespace of the calling thread's own, which it leaves again, with "/" as its
 * current directory. Errors: as above. */
CMC_MUST_CHECK int cmc_measure_rootfs_mount(struct cmc_measure_rootfs *r, struct cmc_err *err);

/* The exact form, and a stamp. Errors: as measure_rootfs() or measure_rootfs_layers(). Of layers,
 * whatever the error but "cancelled": mount them and try again. */
CMC_MUST_CHECK int cmc_measure_rootfs_walk(const struct cmc_measure_rootfs *r,
                                           const struct measure_rootfs_opts *opts,
                                           struct measure_rootfs *out, struct cmc_err *err);
CMC_MUST_CHECK int cmc_measure_rootfs_look(const struct cmc_measure_rootfs *r,
                                           const struct measure_rootfs_opts *opts,
                                           struct measure_rootfs_stamp *out, struct cmc_err *err);

/* True for an upper directory that is not known to be empty, or gone. What is put into an empty one
 * after cmc_measure_rootfs_open() need not show in what that opened. */
bool cmc_measure_rootfs_upper_filled(const struct cmc_measure_mounts *m);
#endif
