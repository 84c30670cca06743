/* SPDX-License-Identifier: Apache-2.0 */
/* measure/rootfs_stream.h -- the SHA-256 of one long stream: what is added is hashed by a second
 * thread, while the first one reads on. */
#ifndef MEASURE_ROOTFS_STREAM_H
#define MEASURE_ROOTFS_STREAM_H
#include <stddef.h>
#include <stdint.h>

#include "base/hash.h"

struct measure_stream;

/* threads 1: none is started; else one, when the stream is long enough to be worth it. 2 MiB.
 * Errors: -CMC_E_LIMIT (memory). */
CMC_MUST_CHECK int measure_stream_new(unsigned threads, struct measure_stream **out,
                                      struct cmc_err *err);
void measure_stream_free(struct measure_stream *s); /* NULL is fine */
void measure_stream_add(struct measure_stream *s, const void *data, size_t len);
/* How often who adds has waited for who hashes. */
long measure_stream_waits(const struct measure_stream *s);
/* Once, after which nothing is added. */
void measure_stream_end(struct measure_stream *s, uint8_t out[static CMC_SHA256_LEN]);
#endif
