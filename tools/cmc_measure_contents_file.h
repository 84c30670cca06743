/* SPDX-License-Identifier: Apache-2.0 */
/* tools/cmc_measure_contents_file.h -- the file of one layer: what its regular files contain
 * (docs/formats/layer-cache.md). */
#ifndef TOOLS_CMC_MEASURE_CONTENTS_FILE_H
#define TOOLS_CMC_MEASURE_CONTENTS_FILE_H
#include <stdbool.h>
#include <stddef.h>

#include "base/hash.h"

enum {
    CMC_MEASURE_CONTENTS_HEAD = 72,
    CMC_MEASURE_CONTENTS_RECORD = 56,
    CMC_MEASURE_CONTENTS_MAX = 1 << 19, /* records */
    CMC_MEASURE_CONTENTS_BLOCK = 64,    /* records that are read together */
    CMC_MEASURE_CONTENTS_BUFFER = 1 << 16
};

struct cmc_measure_contents_head { /* what a file is of */
    uint8_t boot[16];
    uint8_t layer[CMC_SHA256_LEN];
    int64_t lead_ns;
};

struct cmc_measure_contents_record {
    uint64_t ino, size, changed;
    uint8_t digest[CMC_SHA256_LEN];
};

struct cmc_measure_contents_reader { /* on the heap */
    int fd;                          /* owned */
    size_t count;
    struct cmc_measure_contents_head head;
    uint64_t *first; /* owned: the inode number that each block begins with */
    size_t block;    /* which is in data; SIZE_MAX: none */
    uint8_t data[CMC_MEASURE_CONTENTS_BLOCK * CMC_MEASURE_CONTENTS_RECORD];
};

/* Reads the whole file, and judges all that can be judged without knowing whose it should be.
 * fd: taken, also on errors. Errors: -CMC_E_SYS, -CMC_E_LIMIT, -CMC_E_FORMAT. */
CMC_MUST_CHECK int cmc_measure_contents_file_open(int fd, struct cmc_measure_contents_reader **out,
                                                  struct cmc_err *err);
void cmc_measure_contents_file_close(struct cmc_measure_contents_reader *r); /* NULL is fine */
/* Record i, below count. False: it cannot be read any more. */
bool cmc_measure_contents_file_at(struct cmc_measure_contents_reader *r, size_t i,
                                  struct cmc_measure_contents_record *out);
/* The record of that inode number; false, and out untouched, when there is none. */
bool cmc_measure_contents_file_find(struct cmc_measure_contents_reader *r, uint64_t ino,
                                    struct cmc_measure_contents_record *out);

struct cmc_measure_contents_writer { /* on the heap */
    int fd;                          /* borrowed; at its beginning */
    bool bad;                        /* a write failed; later ones do nothing */
    size_t count, used;
    struct cmc_sha256_ctx hash;
    uint8_t data[CMC_MEASURE_CONTENTS_BUFFER];
};

void cmc_measure_contents_file_start(struct cmc_measure_contents_writer *w, int fd,
                                     const struct cmc_measure_contents_head *head);
/* Records ascend by inode number. What is more than CMC_MEASURE_CONTENTS_MAX is left out. */
void cmc_measure_contents_file_add(struct cmc_measure_contents_writer *w,
                                   const struct cmc_measure_contents_record *r);
/* True when all is written. */
bool cmc_measure_contents_file_end(struct cmc_measure_contents_writer *w);
#endif
