/* SPDX-License-Identifier: Apache-2.0 */
/* measure/rootfs_look.h -- opening an entry of a tree, and seeing whether it has changed since. */
#ifndef MEASURE_ROOTFS_LOOK_H
#define MEASURE_ROOTFS_LOOK_H
#include <stdint.h>

#include "base/err.h"

struct statx;

/* What must stay as it is while we look. No padding: compared as bytes. */
struct measure_facts {
    uint64_t dev, ino, mount, size;
    uint64_t mtime_s, ctime_s;
    uint32_t mtime_ns, ctime_ns;
    uint32_t mode, uid, gid, rdev_major, rdev_minor, zero;
};

/* How far a name may lead. */
enum measure_look_reach { MEASURE_LOOK_BENEATH, MEASURE_LOOK_UP };

/* Opens name in dirfd with flags of open(2), never through a link or onto another mount; only
 * MEASURE_LOOK_UP may leave dirfd. Errors: as measure_look(). */
CMC_MUST_CHECK int measure_look_open(int dirfd, const char *name, uint64_t flags,
                                     enum measure_look_reach reach, struct cmc_err *err);
/* name in dirfd, or dirfd itself when name is empty.
 * Errors: -CMC_E_VERIFY (gone, another type, a mount point; a file system that does not tell all
 * facts), -CMC_E_SYS. */
CMC_MUST_CHECK int measure_look(int dirfd, const char *name, struct statx *sx, struct cmc_err *err);
/* The same, and it must be on that mount: -CMC_E_VERIFY. */
CMC_MUST_CHECK int measure_look_on(uint64_t mount, int dirfd, const char *name, struct statx *sx,
                                   struct cmc_err *err);

struct measure_facts measure_facts_of(const struct statx *sx);
/* Is fd what it was? Errors: -CMC_E_VERIFY "changed", and as measure_look(). */
CMC_MUST_CHECK int measure_look_same(int fd, const struct measure_facts *before,
                                     struct cmc_err *err);
#endif
