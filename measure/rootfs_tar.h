/* SPDX-License-Identifier: Apache-2.0 */
/* measure/rootfs_tar.h -- one entry of CMC's canonical tar archive: values in, header bytes out.
 * Pure: docs/formats/cmc-rootfs.md, "The archive". */
#ifndef MEASURE_ROOTFS_TAR_H
#define MEASURE_ROOTFS_TAR_H
#include "measure/rootfs_entry.h"

enum {
    MEASURE_TAR_BLOCK = 512,
    MEASURE_TAR_END = 1024,           /* zero bytes, once, after the last entry */
    MEASURE_TAR_TEXT_MAX = 4095,      /* a name, a link name */
    MEASURE_TAR_CAPABILITY_MAX = 256, /* as CMC reads it */
    MEASURE_TAR_HEADERS_MAX = 16384   /* above what one entry can take */
};

struct measure_tar_entry {     /* pointers are borrowed */
    struct measure_bytes name; /* "/" only between parts, and after that of a directory */
    struct measure_bytes link; /* of '1' the first name, of '2' the target; else empty */
    char type;                 /* '0' to '6' */
    uint32_t mode;             /* at most 07777 */
    uint32_t uid, gid;
    uint32_t major, minor;           /* at most 07777777 */
    uint64_t size;                   /* 0 unless type is '0' */
    struct measure_bytes capability; /* empty for none */
};

/* Appends everything of an entry but its content: one block; or an extended header, its records
 * and a block. Errors: -CMC_E_LIMIT (a text, a number, out's maximum), -CMC_E_FORMAT (values that
 * contradict each other); out as it was. */
CMC_MUST_CHECK int measure_tar_header(const struct measure_tar_entry *e, struct cmc_buf *out,
                                      struct cmc_err *err);
/* The number of zero bytes after size bytes of content. */
size_t measure_tar_padding(uint64_t size);
#endif
