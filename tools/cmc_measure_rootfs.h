/* SPDX-License-Identifier: Apache-2.0 */
/* tools/cmc_measure_rootfs.h -- opens the tree that the container will see, changing nothing. */
#ifndef TOOLS_CMC_MEASURE_ROOTFS_H
#define TOOLS_CMC_MEASURE_ROOTFS_H
#include <stdbool.h>

#include "tools/cmc_measure_mounts.h"

/* Opens the root as m says: O_PATH, read-only where it is an overlay, mounted nowhere (closing the
 * descriptor undoes it). bundle: the bundle directory; root_path: root.path of config.json.
 * An overlay is mounted in a namespace of the calling thread's own, which it leaves again, with
 * "/" as its current directory.
 * Returns the descriptor, owned by the caller. Errors: -CMC_E_SYS, -CMC_E_FORMAT,
 * -CMC_E_VERIFY (a symbolic link where a directory should be). */
CMC_MUST_CHECK int cmc_measure_rootfs_open(const struct cmc_measure_mounts *m, int bundle,
                                           const char *root_path, struct cmc_err *err);
/* True for an upper directory that is not known to be empty, or gone. What is put into an empty one
 * after cmc_measure_rootfs_open() need not show in what that opened. */
bool cmc_measure_rootfs_upper_filled(const struct cmc_measure_mounts *m);
#endif
