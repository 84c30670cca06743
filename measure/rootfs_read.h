/* SPDX-License-Identifier: Apache-2.0 */
/* measure/rootfs_read.h -- the content digest of an open file, and how far the work is. */
#ifndef MEASURE_ROOTFS_READ_H
#define MEASURE_ROOTFS_READ_H
#include <limits.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>

#include "measure/fsverity.h"
#include "measure/rootfs.h"

enum { MEASURE_READ_SIZE = 128 << 10 }; /* fits the second-level cache beside the digests */

struct measure_shared {   /* by the threads of one measurement */
    pthread_mutex_t lock; /* around a meter's entries and work */
    atomic_bool stop;     /* no more need be read: "cancelled" */
};

struct measure_meter {
    const struct measure_rootfs_opts *opts;
    uint64_t entries, files, bytes;         /* bytes: sizes of files, holes included */
    uint64_t told_entries, work, told_work; /* work: bytes really read */
    struct measure_shared *shared;          /* borrowed; NULL where there is one thread */
    atomic_bool unleased;                   /* opts->lease: somebody may write what is being read */
};
/* One more entry, or some more bytes read, by any thread; progress is called by one at a time.
 * Errors: -CMC_E_SYS "cancelled". */
CMC_MUST_CHECK int measure_meter_entry(struct measure_meter *m, struct cmc_err *err);
CMC_MUST_CHECK int measure_meter_read(struct measure_meter *m, size_t bytes, struct cmc_err *err);
/* One more file, for the walking thread. */
void measure_meter_file(struct measure_meter *m, uint64_t size);

struct statx;
/* Does a file hold fewer bytes than its size, and enough to look for the holes? */
bool measure_content_sparse(const struct statx *sx);
/* Opens for reading the regular file that fd (O_PATH) stands for; returns a descriptor, owned by
 * the caller, or -CMC_E_SYS. */
CMC_MUST_CHECK int measure_content_open(int fd, struct cmc_err *err);
/* With opts->lease, before the first byte of file is read: nobody may have it open for writing, or
 * mapped writable, or the meter says so, and the result is false. Who opens it for writing in that
 * moment waits no longer than that. */
bool measure_content_lease(struct measure_meter *m, int file);
/* Reads a file of size bytes, and a byte more where there is one, to buf.
 * Errors: -CMC_E_SYS, -CMC_E_VERIFY (other than size bytes). */
CMC_MUST_CHECK int measure_content_whole(int fd, size_t size, uint8_t *buf, struct cmc_err *err);
/* Reads len bytes from at on. Errors: -CMC_E_SYS, -CMC_E_VERIFY (fewer). */
CMC_MUST_CHECK int measure_content_range(int fd, uint64_t at, size_t len, uint8_t *buf,
                                         struct cmc_err *err);
/* The target of the link that fd (O_PATH) stands for; not NUL-terminated.
 * Errors: -CMC_E_SYS, -CMC_E_LIMIT (empty, or no shorter than PATH_MAX). */
CMC_MUST_CHECK int measure_content_target(int fd, char target[static PATH_MAX], size_t *len,
                                          struct cmc_err *err);

struct measure_content {         /* on the heap; used again for each file */
    struct measure_meter *meter; /* borrowed */
    struct measure_fsverity tree;
    uint8_t buf[MEASURE_READ_SIZE + 1]; /* a byte more than is due shows a file that grew */
};

/* Where content goes. Zeros of a hole come in whole blocks, or end the file. */
struct measure_sink {
    void *to;
    void (*add)(void *to, const void *data, size_t len);
    int (*zeros)(void *to, uint64_t bytes, struct cmc_err *err);
};

/* Reads size bytes of fd. sparse: look for holes first.
 * Errors: -CMC_E_SYS, -CMC_E_VERIFY (other than size bytes), what sink->zeros returns. */
CMC_MUST_CHECK int measure_content_read(struct measure_content *c, const struct measure_sink *sink,
                                        int fd, uint64_t size, bool sparse, struct cmc_err *err);
/* Its fs-verity digest. Errors: the same; out untouched. */
CMC_MUST_CHECK int measure_content_digest(struct measure_content *c, int fd, uint64_t size,
                                          bool sparse, uint8_t out[static CMC_SHA256_LEN],
                                          struct cmc_err *err);
#endif
