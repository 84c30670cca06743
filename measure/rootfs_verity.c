/* SPDX-License-Identifier: Apache-2.0 */
/* measure/rootfs_verity.c -- a file with fs-verity cannot be written, and what is read of it is
 * checked by the kernel: its digest need not be computed again. */
#include "measure/rootfs_verity.h"

#include <linux/fsverity.h>
#include <linux/magic.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <sys/vfs.h>

#include "measure/fsverity.h"

enum { AT_ROOT = 16 }; /* of the root hash, in a descriptor */

bool measure_verity_is_on(const struct statx *sx)
{
    return (sx->stx_attributes_mask & sx->stx_attributes & STATX_ATTR_VERITY) != 0;
}

/* File systems that check what they read themselves; FUSE asks its server what to say. */
static bool is_checked_by_kernel(int fd)
{
    struct statfs fs;
    return fstatfs(fd, &fs) == 0 &&
           (fs.f_type == EXT4_SUPER_MAGIC || fs.f_type == (__fsword_t)BTRFS_SUPER_MAGIC ||
            fs.f_type == (__fsword_t)F2FS_SUPER_MAGIC);
}

/* What is on the disk: only it says that there is no salt. */
static bool read_descriptor(int fd, uint8_t out[static MEASURE_FSVERITY_DESCRIPTOR])
{
    uint8_t there[MEASURE_FSVERITY_DESCRIPTOR] = {0};
    struct fsverity_read_metadata_arg arg = {
        .metadata_type = FS_VERITY_METADATA_TYPE_DESCRIPTOR,
        .length = sizeof(there),
        .buf_ptr = (uintptr_t)there,
    };
    if (ioctl(fd, FS_IOC_READ_VERITY_METADATA, &arg) != (int)sizeof(there))
        return false;
    memcpy(out, there, sizeof(there));
    return true;
}

/* What data are checked against. */
static bool read_digest(int fd, uint8_t out[static CMC_SHA256_LEN])
{
    union {
        struct fsverity_digest head;
        uint8_t room[sizeof(struct fsverity_digest) + CMC_SHA256_LEN];
    } d = {.head = {.digest_size = CMC_SHA256_LEN}};
    if (ioctl(fd, FS_IOC_MEASURE_VERITY, &d) < 0 ||
        d.head.digest_algorithm != FS_VERITY_HASH_ALG_SHA256 ||
        d.head.digest_size != CMC_SHA256_LEN)
        return false;
    memcpy(out, d.room + sizeof(d.head), CMC_SHA256_LEN);
    return true;
}

bool measure_verity_digest(int fd, uint64_t size, uint8_t out[static CMC_SHA256_LEN])
{
    uint8_t there[MEASURE_FSVERITY_DESCRIPTOR], ours[MEASURE_FSVERITY_DESCRIPTOR];
    uint8_t digest[CMC_SHA256_LEN], kernels[CMC_SHA256_LEN];
    if (!is_checked_by_kernel(fd) || !read_descriptor(fd, there) || !read_digest(fd, kernels))
        return false;
    memset(there + 4, 0, 4); /* the size of a signature, which is not hashed */
    measure_fsverity_describe(size, there + AT_ROOT, ours);
    cmc_sha256(ours, sizeof(ours), digest);
    if (memcmp(ours, there, sizeof(ours)) != 0 || memcmp(digest, kernels, sizeof(digest)) != 0)
        return false;
    memcpy(out, digest, sizeof(digest));
    return true;
}
