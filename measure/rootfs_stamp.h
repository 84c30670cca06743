/* SPDX-License-Identifier: Apache-2.0 */
/* measure/rootfs_stamp.h -- has anything in a tree been touched since it was measured? Metadata
 * only; what it proves and what not: docs/formats/rootfs-tree.md, "Stamps". */
#ifndef MEASURE_ROOTFS_STAMP_H
#define MEASURE_ROOTFS_STAMP_H
#include "measure/rootfs_walk.h"
#include "measure/rootfs_xattr.h"

/* How to go on from an earlier measurement: measure with opts->stamp and opts->lease, and keep the
 * result with the stamp if that is settled and all files gave a lease. Later, take another stamp:
 * if its digest is that of the first, the measurement is of the tree as it is now. An unsettled
 * stamp proves nothing: an entry was changed so shortly before that another change could leave the
 * same ctime. */
struct measure_rootfs_stamp {
    uint8_t digest[CMC_SHA256_LEN];
    uint64_t entries;
    uint32_t wait_ms; /* 0: settled; else begin again after that time, while nobody writes */
};

/* Stamps the tree below rootfd: name, type, mode, owner, size, ctime and device numbers of every
 * entry, device and inode it is kept on, and of the root directory, which a snapshotter makes anew
 * each time, only mode, owner and the extended attributes that the exact form covers. Opens
 * directories, reads no content. For one boot, on file systems that keep ctime themselves.
 * opts: file_max, progress, ctx and threads are kept, maps enter with what they map. 64 descriptors
 * more than measure_walk(). Errors: as measure_rootfs(), by the path of where the walk is then;
 * *out untouched. */
CMC_MUST_CHECK int measure_rootfs_stamp(int rootfd, const struct measure_rootfs_opts *opts,
                                        struct measure_rootfs_stamp *out, struct cmc_err *err);
/* The same of what an overlay of these layers shows. Errors: as measure_rootfs_layers(). */
CMC_MUST_CHECK int measure_rootfs_stamp_layers(const struct measure_layers *layers,
                                               const struct measure_rootfs_opts *opts,
                                               struct measure_rootfs_stamp *out,
                                               struct cmc_err *err);

/* A directory's part: its own line and those of what is in it and is none. */
struct measure_stamp_dir {
    struct cmc_sha256_ctx hash;
    uint64_t rested; /* all is at rest then that was changed before; nanoseconds */
};
/* Begins with the directory itself. Errors, of the root: as measure_xattr_read(). */
CMC_MUST_CHECK int measure_stamp_dir_begin(struct measure_stamp_dir *d,
                                           const struct measure_walk_entry *dir, size_t names,
                                           const struct measure_rootfs_opts *opts,
                                           struct measure_xattr_scratch *xattrs,
                                           struct cmc_err *err);
void measure_stamp_dir_add(struct measure_stamp_dir *d, const char *name, const struct statx *sx);

/* What makes a stamp of any walk: the forms of digests take one on their way. */
struct measure_stamper {
    const struct measure_rootfs_opts *opts; /* borrowed */
    struct cmc_sha256_ctx hash;             /* of parts, in the order in which they are left */
    uint64_t begun, rested;                 /* by the clock of ctimes, nanoseconds */
    struct measure_stamp_dir *dirs;         /* owned: those that the walk is in */
    size_t depth, cap;
};
/* Before anything is looked at. */
void measure_stamper_begin(struct measure_stamper *s, const struct measure_rootfs_opts *opts);
/* Errors: -CMC_E_LIMIT (memory), and of the root as measure_xattr_read(). */
CMC_MUST_CHECK int measure_stamper_enter(struct measure_stamper *s,
                                         const struct measure_walk_entry *dir,
                                         const struct measure_walk_names *names,
                                         struct measure_xattr_scratch *xattrs, struct cmc_err *err);
void measure_stamper_visit(struct measure_stamper *s, const struct measure_walk_entry *e);
void measure_stamper_leave(struct measure_stamper *s);
/* The next part, from whoever made it. */
void measure_stamper_add(struct measure_stamper *s, struct measure_stamp_dir *d);
void measure_stamper_end(struct measure_stamper *s, uint64_t entries,
                         struct measure_rootfs_stamp *out);
void measure_stamper_done(struct measure_stamper *s);
#endif
