/* SPDX-License-Identifier: Apache-2.0 */
/* measure/untar.h -- reads tar archives, member by member, as containerd reads layers of images
 * (docs/formats/image-references.md, "Archives"). Pure: bytes come from a source. */
#ifndef MEASURE_UNTAR_H
#define MEASURE_UNTAR_H
#include <stdbool.h>

#include "measure/rootfs_entry.h"

enum {
    MEASURE_UNTAR_BLOCK = 512,
    MEASURE_UNTAR_RECORDS_MAX = 1 << 20, /* extended headers, long names: of one member */
    MEASURE_UNTAR_MAJOR_MAX = 0xfff,     /* what mknod(2) takes */
    MEASURE_UNTAR_MINOR_MAX = 0xfffff
};

struct measure_source { /* of bytes, in order */
    void *from;
    /* Gives want bytes, fewer only at the end. Errors: its own. */
    int (*read)(void *from, void *to, size_t want, size_t *got, struct cmc_err *err);
};

struct measure_untar_member {        /* texts are borrowed until the next call */
    char type;                       /* '0' file, '1' link, '2' symbolic link, '3' character device,
                                      * '4' block device, '5' directory, '6' FIFO */
    uint32_t mode;                   /* at most 07777 */
    uint32_t uid, gid;               /* below 2^32 - 1 */
    uint32_t major, minor;           /* of devices */
    uint64_t size;                   /* of content; 0 unless type is '0' */
    struct measure_bytes name, link; /* as written; NUL-terminated, NUL nowhere else */
    struct measure_bytes records;    /* for measure_untar_record() */
};

struct measure_untar {
    struct measure_source source;
    uint64_t at;   /* bytes read of the source */
    uint64_t left; /* of the member's content */
    size_t padding;
    uint8_t block[MEASURE_UNTAR_BLOCK];
    struct cmc_buf name, link, records; /* of the member at hand */
    bool long_name, long_link;          /* GNU headers told them */
};

void measure_untar_init(struct measure_untar *t, const struct measure_source *source);
void measure_untar_done(struct measure_untar *t);

/* The next member into *out, content of the one before being passed over. Returns 1, or 0 at the
 * archive's end. Errors: -CMC_E_FORMAT (no archive, a type or a sparse file that containerd does
 * not unpack), -CMC_E_LIMIT, what the source returns; they name the member where it has a name. */
CMC_MUST_CHECK int measure_untar_next(struct measure_untar *t, struct measure_untar_member *out,
                                      struct cmc_err *err);
/* The next bytes of its content: *got is 0 at the end of it, else at most cap.
 * Errors: -CMC_E_FORMAT (the archive ends), what the source returns. */
CMC_MUST_CHECK int measure_untar_read(struct measure_untar *t, void *to, size_t cap, size_t *got,
                                      struct cmc_err *err);

/* Takes the first record off *records; false at the end. */
bool measure_untar_record(struct measure_bytes *records, struct measure_bytes *key,
                          struct measure_bytes *value);
#endif
