/* SPDX-License-Identifier: Apache-2.0 */
/* measure/image_xattr.h -- what setxattr(2), chown(2), chmod(2) and making an entry do to extended
 * attributes, as Linux does it for root (docs/formats/image-references.md, "Attributes"). Pure. */
#ifndef MEASURE_IMAGE_XATTR_H
#define MEASURE_IMAGE_XATTR_H
#include "measure/image_tree.h"

/* Sets an attribute of inode; one that the kernel would refuse for its type, and those that the
 * form does not cover, are passed over. Errors: -CMC_E_VERIFY (a value that Linux does not take),
 * -CMC_E_LIMIT. */
CMC_MUST_CHECK int measure_image_setxattr(struct measure_image_tree *t, uint32_t inode,
                                          struct measure_bytes name, struct measure_bytes value,
                                          struct cmc_err *err);
/* Errors of these: -CMC_E_LIMIT. */
CMC_MUST_CHECK int measure_image_chown(struct measure_image_tree *t, uint32_t inode, uint32_t uid,
                                       uint32_t gid, struct cmc_err *err);
CMC_MUST_CHECK int measure_image_chmod(struct measure_image_tree *t, uint32_t inode, uint32_t mode,
                                       struct cmc_err *err);
/* A new inode takes over what its directory passes on. */
CMC_MUST_CHECK int measure_image_inherit(struct measure_image_tree *t, uint32_t dir, uint32_t inode,
                                         struct cmc_err *err);
/* All of from's attributes, set on to. */
CMC_MUST_CHECK int measure_image_copy_xattrs(struct measure_image_tree *t, uint32_t from,
                                             uint32_t to, struct cmc_err *err);
#endif
