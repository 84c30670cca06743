/* SPDX-License-Identifier: Apache-2.0 */
/* tests/lib/tar_bed.h -- writes tar archives, member by member, for tests of what reads them. */
#ifndef TESTS_LIB_TAR_BED_H
#define TESTS_LIB_TAR_BED_H
#include "base/buf.h"
#include "measure/untar.h"

struct tar_bed_member {
    const char *name;
    char type;     /* 0 is written as such */
    unsigned mode; /* 0: 0644 */
    unsigned uid, gid;
    unsigned major, minor;
    const char *link;
    const void *content;
    size_t size;           /* 0 with content: its strlen */
    const char *attribute; /* a pax record SCHILY.xattr.ATTRIBUTE is written before it */
    const void *value;
    size_t value_len;
};

/* A block of 512 bytes with its checksum. */
void tar_bed_block(struct cmc_buf *out, uint8_t block[static 512]);
void tar_bed_put(struct cmc_buf *out, const struct tar_bed_member *m);
void tar_bed_end(struct cmc_buf *out);

struct tar_bed_source { /* over bytes that are there */
    struct cmc_reader bytes;
};
struct measure_source tar_bed_source(struct tar_bed_source *s, const struct cmc_buf *tar);
#endif
