/* SPDX-License-Identifier: Apache-2.0 */
/* measure/rootfs_links.h -- inodes of several names, as CMC knows them: the first name of each. */
#ifndef MEASURE_ROOTFS_LINKS_H
#define MEASURE_ROOTFS_LINKS_H
#include "measure/rootfs_entry.h"

struct measure_link {
    uint64_t ino, dev;
    size_t at, len; /* the first name, in names; len 0: a free slot */
};

struct measure_links {
    struct measure_link *slots; /* owned: open addressing by inode number */
    size_t slot_count, used;
    struct cmc_buf names;
};

void measure_links_init(struct measure_links *l);
void measure_links_done(struct measure_links *l);

/* Meets a name of an inode of several. *first is the name that was met before it, borrowed until
 * the next call, or empty: then this one is the first. CMC tells inodes apart by their number only:
 * the same number on another device is -CMC_E_VERIFY. Other errors: -CMC_E_LIMIT. */
CMC_MUST_CHECK int measure_links_meet(struct measure_links *l, uint64_t ino, uint64_t dev,
                                      struct measure_bytes name, struct measure_bytes *first,
                                      struct cmc_err *err);
#endif
