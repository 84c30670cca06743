/* SPDX-License-Identifier: Apache-2.0 */
/* measure/rootfs_cmc.h -- the root file system digest of profile cmc: SHA-256 over a canonical tar
 * stream (docs/formats/cmc-rootfs.md). */
#ifndef MEASURE_ROOTFS_CMC_H
#define MEASURE_ROOTFS_CMC_H
#include "measure/rootfs.h"

/* Measures the tree below rootfd as measure_rootfs() does, with the same errors, and -CMC_E_VERIFY
 * where CMC itself would take two files for one. Ids enter as they are on the host (opts->uids and
 * gids are not applied); opts->listing is not written to. Sockets count as entries, and no more. */
CMC_MUST_CHECK int measure_rootfs_cmc(int rootfd, const struct measure_rootfs_opts *opts,
                                      struct measure_rootfs *out, struct cmc_err *err);
/* What measure_rootfs_cmc() gives of the mounted overlay, by reading the layers. Errors: as there
 * and as measure_rootfs_layers(): whatever the error but "cancelled", mount and measure that. */
CMC_MUST_CHECK int measure_rootfs_cmc_layers(const struct measure_layers *layers,
                                             const struct measure_rootfs_opts *opts,
                                             struct measure_rootfs *out, struct cmc_err *err);
#endif
