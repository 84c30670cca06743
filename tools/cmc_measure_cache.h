/* SPDX-License-Identifier: Apache-2.0 */
/* tools/cmc_measure_cache.h -- digests of program files that did not change since they were
 * hashed, as bytes. Pure. */
#ifndef TOOLS_CMC_MEASURE_CACHE_H
#define TOOLS_CMC_MEASURE_CACHE_H
#include "base/buf.h"
#include "base/hash.h"

enum { CMC_MEASURE_CACHE_MAX = 32, CMC_MEASURE_CACHE_BYTES_MAX = 16 + CMC_MEASURE_CACHE_MAX * 80 };

/* What a file is known by; all zero never is a file. */
struct cmc_measure_file {
    uint64_t device, inode, size;
    int64_t mtime_ns, ctime_ns;
};

struct cmc_measure_cached {
    struct cmc_measure_file file;
    uint8_t sha256[CMC_SHA256_LEN];
};

struct cmc_measure_cache { /* newest first, each file once */
    size_t count;
    struct cmc_measure_cached entry[CMC_MEASURE_CACHE_MAX];
};

/* "cmc-programs-1\n" NUL, then 72 bytes an entry: device, inode, size, mtime, ctime (big-endian,
 * nanoseconds), SHA-256. What it accepts, put() writes back. Errors: -CMC_E_FORMAT; *out untouched.
 */
CMC_MUST_CHECK int cmc_measure_cache_parse(const void *data, size_t len,
                                           struct cmc_measure_cache *out, struct cmc_err *err);
void cmc_measure_cache_put(const struct cmc_measure_cache *c, struct cmc_buf *out);
/* The digest of file, or NULL. */
const uint8_t *cmc_measure_cache_find(const struct cmc_measure_cache *c,
                                      const struct cmc_measure_file *file);
/* Adds a file that is not there yet; with the cache full the oldest goes. */
void cmc_measure_cache_add(struct cmc_measure_cache *c, const struct cmc_measure_file *file,
                           const uint8_t sha256[static CMC_SHA256_LEN]);
#endif
