/* SPDX-License-Identifier: Apache-2.0 */
/* measure/rootfs_stamp.h -- has anything in a tree been touched since it was measured? */
#ifndef MEASURE_ROOTFS_STAMP_H
#define MEASURE_ROOTFS_STAMP_H
#include "measure/rootfs.h"

/* newest_ns: the latest ctime among the entries (CLOCK_REALTIME, nanoseconds; 0: no entry). A file
 * system's clock ticks: an entry that was changed twice within a tick shows one ctime, so a stamp
 * tells nothing about changes near its newest_ns. */
struct measure_rootfs_stamp {
    uint8_t digest[CMC_SHA256_LEN];
    int64_t newest_ns;
};

/* SHA-256 over name, type, inode, ctime, size, mode, owner and device numbers of every entry below
 * rootfd, in walk order, without reading any content; st_dev does not enter: two mounts of one
 * overlay have two. Two equal stamps on one boot: no entry was written, renamed, added or removed
 * in between, because nobody can set a ctime. May be called from the progress call of
 * measure_rootfs().
 * Errors: as measure_rootfs(); *out untouched. */
CMC_MUST_CHECK int measure_rootfs_stamp(int rootfd, const struct measure_rootfs_opts *opts,
                                        struct measure_rootfs_stamp *out, struct cmc_err *err);
#endif
