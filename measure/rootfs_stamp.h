/* SPDX-License-Identifier: Apache-2.0 */
/* measure/rootfs_stamp.h -- has anything in a tree been touched since it was measured? */
#ifndef MEASURE_ROOTFS_STAMP_H
#define MEASURE_ROOTFS_STAMP_H
#include "measure/rootfs.h"

/* SHA-256 over name, type, inode, ctime, size, mode, owner and device numbers of every entry below
 * rootfd, in walk order, without reading any content. Two equal stamps on one boot: no entry was
 * written, renamed, added or removed in between, because nobody can set a ctime.
 * Errors: as measure_rootfs(). */
CMC_MUST_CHECK int measure_rootfs_stamp(int rootfd, const struct measure_rootfs_opts *opts,
                                        uint8_t out[static CMC_SHA256_LEN], struct cmc_err *err);
#endif
