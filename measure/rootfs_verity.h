/* SPDX-License-Identifier: Apache-2.0 */
/* measure/rootfs_verity.h -- the content digest that the kernel keeps of a file with fs-verity. */
#ifndef MEASURE_ROOTFS_VERITY_H
#define MEASURE_ROOTFS_VERITY_H
#include <stdbool.h>
#include <stdint.h>

#include "base/hash.h"

struct statx;
/* Does the file system say that it has fs-verity? */
bool measure_verity_is_on(const struct statx *sx);
/* The content digest of the file of size bytes that fd is open for. False, and out untouched: the
 * kernel does not tell, or it is of another algorithm, block size or salt than ours. */
bool measure_verity_digest(int fd, uint64_t size, uint8_t out[static CMC_SHA256_LEN]);
#endif
