/* SPDX-License-Identifier: Apache-2.0 */
/* measure/rootfs_look.c -- one idea of "changed", whoever looks and when. */
#include "measure/rootfs_look.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/openat2.h>
#include <stdbool.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

static int fail_look(const char *what, struct cmc_err *err)
{
    switch (errno) {
    case EXDEV:
        return cmc_fail(err, CMC_E_VERIFY, "a mount point below the root; unmount it first");
    case ENOENT:
        return cmc_fail(err, CMC_E_VERIFY, "changed: it vanished while it was measured");
    case ENOTDIR:
    case ELOOP:
    case ENXIO: /* a socket, or a device that nobody drives */
        return cmc_fail(err, CMC_E_VERIFY, "changed: its type is another while it is measured");
    default:
        return cmc_fail(err, CMC_E_SYS, "%s", what);
    }
}

/* An entry's name cannot; to be beneath costs the kernel a lock that all threads share. */
static bool may_leave(const char *name)
{
    return strchr(name, '/') || strcmp(name, "..") == 0;
}

int measure_look_open(int dirfd, const char *name, uint64_t flags, enum measure_look_reach reach,
                      struct cmc_err *err)
{
    const uint64_t beneath = reach == MEASURE_LOOK_BENEATH && may_leave(name) ? RESOLVE_BENEATH : 0;
    const struct open_how how = {
        .flags = flags | O_CLOEXEC | O_NOFOLLOW,
        .resolve = beneath | RESOLVE_NO_SYMLINKS | RESOLVE_NO_MAGICLINKS | RESOLVE_NO_XDEV,
    };
    long fd;
    int tries = 64; /* EAGAIN: a rename somewhere raced the lookup; bounded, then reported */
    do
        fd = syscall(SYS_openat2, dirfd, name, &how, sizeof(how));
    while (fd < 0 && (errno == EINTR || (errno == EAGAIN && --tries > 0)));
    return fd < 0 ? fail_look("open", err) : (int)fd;
}

int measure_look(int dirfd, const char *name, struct statx *sx, struct cmc_err *err)
{
    const unsigned want = STATX_BASIC_STATS & ~(unsigned)(STATX_ATIME | STATX_NLINK);
    const int flags = AT_SYMLINK_NOFOLLOW | AT_NO_AUTOMOUNT | (*name ? 0 : AT_EMPTY_PATH);
    if (statx(dirfd, name, flags, STATX_BASIC_STATS | STATX_MNT_ID, sx) < 0)
        return fail_look("statx", err);
    if ((sx->stx_mask & want) != want || !(sx->stx_mask & STATX_MNT_ID))
        return cmc_fail(err, CMC_E_VERIFY,
                        "kernel or file system does not tell all of mode, "
                        "owner, size, times and mount (statx mask %x)",
                        sx->stx_mask);
    return 0;
}

int measure_look_on(uint64_t mount, int dirfd, const char *name, struct statx *sx,
                    struct cmc_err *err)
{
    if (measure_look(dirfd, name, sx, err) < 0)
        return -(int)err->code;
    if (sx->stx_mnt_id != mount)
        return cmc_fail(err, CMC_E_VERIFY, "a mount point below the root; unmount it first");
    return 0;
}

struct measure_facts measure_facts_of(const struct statx *sx)
{
    return (struct measure_facts){
        .dev = (uint64_t)sx->stx_dev_major << 32 | sx->stx_dev_minor,
        .ino = sx->stx_ino,
        .mount = sx->stx_mnt_id,
        .size = sx->stx_size,
        .mtime_s = (uint64_t)sx->stx_mtime.tv_sec,
        .ctime_s = (uint64_t)sx->stx_ctime.tv_sec,
        .mtime_ns = sx->stx_mtime.tv_nsec,
        .ctime_ns = sx->stx_ctime.tv_nsec,
        .mode = sx->stx_mode,
        .uid = sx->stx_uid,
        .gid = sx->stx_gid,
        .rdev_major = sx->stx_rdev_major,
        .rdev_minor = sx->stx_rdev_minor,
    };
}

int measure_look_same(int fd, const struct measure_facts *before, struct cmc_err *err)
{
    struct statx sx;
    if (measure_look(fd, "", &sx, err) < 0)
        return -(int)err->code;
    const struct measure_facts now = measure_facts_of(&sx);
    if (memcmp(&now, before, sizeof(now)) != 0)
        return cmc_fail(err, CMC_E_VERIFY, "changed while it was measured; measure a tree at rest");
    return 0;
}
