/* SPDX-License-Identifier: Apache-2.0 */
/* measure/rootfs_xattr.h -- extended attributes and ids as the container sees them. */
#ifndef MEASURE_ROOTFS_XATTR_H
#define MEASURE_ROOTFS_XATTR_H
#include "measure/rootfs.h"
#include "measure/rootfs_entry.h"

/* user_namespaces(7): what stat(2) and what ACLs show for an id without a mapping. */
enum { MEASURE_OWNER_UNMAPPED = 65534 };
#define MEASURE_ID_UNMAPPED UINT32_MAX

/* The id inside for a host id; id itself when there are no maps; unmapped when no range holds it.
 */
uint32_t measure_idmap_inside(const struct measure_idmap *maps, size_t count, uint32_t id,
                              uint32_t unmapped);

/* Maps the ids inside a covered attribute's value, in place; *len may change by 4. value has room
 * for MEASURE_XATTR_VALUE_MAX bytes. Errors: -CMC_E_FORMAT (an ACL or a capability that is none).
 */
CMC_MUST_CHECK int measure_xattr_map(const char *name, uint8_t *value, size_t *len,
                                     const struct measure_rootfs_opts *opts, struct cmc_err *err);

/* A covered name is "user." and a NUL at least. */
enum { MEASURE_XATTR_LIST_MAX = 65536, MEASURE_XATTRS_MAX = MEASURE_XATTR_LIST_MAX / 6 };
struct measure_xattr_scratch { /* 220 KiB, used again for each entry */
    char names[MEASURE_XATTR_LIST_MAX + 1];
    uint8_t value[MEASURE_XATTR_VALUE_MAX];
    const char *covered[MEASURE_XATTRS_MAX];
};

/* Appends the encoded attributes of fd's object to out: nothing at all when none is covered.
 * opath: fd was opened with O_PATH and is reached by its magic link in /proc.
 * Errors: -CMC_E_SYS, -CMC_E_FORMAT, -CMC_E_LIMIT, -CMC_E_VERIFY (one vanished meanwhile). */
CMC_MUST_CHECK int measure_xattr_read(int fd, bool opath, const struct measure_rootfs_opts *opts,
                                      struct measure_xattr_scratch *s, struct cmc_buf *out,
                                      struct cmc_err *err);
/* Is a regular file of a layer more than overlayfs passes on? overlay: as in measure_rootfs_opts.
 * Errors: as measure_xattr_read(). */
CMC_MUST_CHECK int measure_xattr_plain(int fd, const char *overlay, struct measure_xattr_scratch *s,
                                       struct cmc_err *err);
#endif
