/* SPDX-License-Identifier: Apache-2.0 */
/* measure/rootfs_stamp.h -- has anything in a tree been touched since it was measured? Metadata
 * only; what it proves and what not: docs/formats/rootfs-tree.md, "Stamps". */
#ifndef MEASURE_ROOTFS_STAMP_H
#define MEASURE_ROOTFS_STAMP_H
#include "measure/rootfs.h"

/* How to go on from an earlier measurement: take a stamp, measure, and keep both if the stamp is
 * settled. Later, take a second stamp: if its digest is that of the first, the measurement is of
 * the tree as it is now. An unsettled first stamp proves nothing: an entry was changed so shortly
 * before that another change could leave the same ctime. */
struct measure_rootfs_stamp {
    uint8_t digest[CMC_SHA256_LEN];
    uint64_t entries;
    uint32_t wait_ms; /* 0: settled; else stamp again after that time, while nobody writes */
    /* Settled also for a measurement that began earlier, after this (CLOCK_REALTIME_COARSE): who
     * finds out late that a measurement takes long stamps the tree within it. */
    uint64_t rested_ns;
};

/* Stamps the tree below rootfd: name, type, mode, owner, size, ctime and device numbers of every
 * entry in walk order, the inode of all but directories, and of the root directory only the
 * extended attributes that the exact form covers (a snapshotter makes the root anew each time).
 * Opens directories, reads no content. For one boot, on file systems that keep ctime themselves.
 * opts: file_max, progress and ctx are kept, listing is not written to, owners are the host's.
 * Errors: as measure_rootfs(); *out untouched. */
CMC_MUST_CHECK int measure_rootfs_stamp(int rootfd, const struct measure_rootfs_opts *opts,
                                        struct measure_rootfs_stamp *out, struct cmc_err *err);
/* The same of what an overlay of these layers shows. A change below a layer shows only where the
 * overlay does. Errors: as measure_layers_walk(). */
CMC_MUST_CHECK int measure_rootfs_stamp_layers(const struct measure_layers *layers,
                                               const struct measure_rootfs_opts *opts,
                                               struct measure_rootfs_stamp *out,
                                               struct cmc_err *err);
#endif
