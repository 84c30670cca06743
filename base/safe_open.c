/* SPDX-License-Identifier: Apache-2.0 */
/* base/safe_open.c -- decide on the descriptor, never on the name. */
#include "base/safe_open.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/openat2.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/cleanup.h"

enum { STATX_WANT = STATX_TYPE | STATX_MODE | STATX_NLINK | STATX_UID | STATX_SIZE };

static int openat2_retry(int dirfd, const char *path, const struct open_how *how)
{
    long fd;
    int tries = 8; /* EAGAIN: a rename raced the lookup; bounded, then reported */
    do
        fd = syscall(SYS_openat2, dirfd, path, how, sizeof(*how));
    while (fd < 0 && (errno == EINTR || (errno == EAGAIN && --tries > 0)));
    return (int)fd;
}

int cmc_open_trusted(int dirfd, const char *path, uint64_t max, struct cmc_err *err)
{
    /* O_NONBLOCK: a FIFO in the wrong place must not hang us. */
    const struct open_how how = {
        .flags = O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY,
        .resolve = RESOLVE_BENEATH | RESOLVE_NO_SYMLINKS | RESOLVE_NO_MAGICLINKS,
    };
    cmc_autofd int fd = openat2_retry(dirfd, path, &how);
    if (fd < 0)
        return cmc_fail(err, CMC_E_SYS, "open %s", path);

    struct statx sx;
    if (statx(fd, "", AT_EMPTY_PATH, STATX_WANT, &sx) < 0)
        return cmc_fail(err, CMC_E_SYS, "statx %s", path);
    if ((sx.stx_mask & STATX_WANT) != STATX_WANT)
        return cmc_fail(err, CMC_E_VERIFY, "%s: file system does not report its metadata", path);
    if (!S_ISREG(sx.stx_mode))
        return cmc_fail(err, CMC_E_VERIFY, "%s: not a regular file", path);
    if (sx.stx_uid != 0 || (sx.stx_mode & (S_IWGRP | S_IWOTH)) || sx.stx_nlink != 1)
        return cmc_fail(err, CMC_E_VERIFY, "%s: uid %u mode %04o links %u, need root-only", path,
                        sx.stx_uid, sx.stx_mode & 07777U, sx.stx_nlink);
    if (sx.stx_size > max)
        return cmc_fail(err, CMC_E_LIMIT, "%s: %llu bytes, at most %llu", path,
                        (unsigned long long)sx.stx_size, (unsigned long long)max);
    return cmc_take_fd(&fd);
}
