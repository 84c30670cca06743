/* SPDX-License-Identifier: Apache-2.0 */
/* tools/cmc_measure_tree.h -- the digest of the root file system that a Create starts. */
#ifndef TOOLS_CMC_MEASURE_TREE_H
#define TOOLS_CMC_MEASURE_TREE_H
#include "tools/cmc_measure_job.h"
#include "tools/cmc_measure_rootfs.h"

/* Fills in what j->event says of the tree. from: freshly opened; it may be mounted here. Errors: as
 * cmc_measure_state_rootfs(). */
CMC_MUST_CHECK int cmc_measure_tree_digest(struct cmc_measure_job *j,
                                           struct cmc_measure_rootfs *from, struct cmc_err *err);
#endif
