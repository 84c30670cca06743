/* SPDX-License-Identifier: Apache-2.0 */
/* measure/rootfs_rest.h -- since when has something been left alone, so long that any later change
 * of it shows in its ctime (docs/formats/rootfs-tree.md, "Stamps")? */
#ifndef MEASURE_ROOTFS_REST_H
#define MEASURE_ROOTFS_REST_H
#include <stdint.h>

/* The clock that ctimes come from, in nanoseconds: never ahead of the ctime of a later change. */
uint64_t measure_rest_clock(void);
/* What that clock must be beyond for something of that ctime or mtime to be at rest. UINT64_MAX:
 * before 1970 (seconds as statx has them, unsigned), or beyond the nanoseconds of 64 bits. */
uint64_t measure_rest_end(uint64_t seconds, uint32_t nanoseconds);
#endif
