/* SPDX-License-Identifier: Apache-2.0 */
/* tools/cmc_measure_refs.c -- a file below a directory that everyone can write to: each step on
 * descriptors, nothing followed, nothing taken over from others. */
#include "tools/cmc_measure_refs.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/openat2.h>
#include <sys/stat.h>
#include <sys/syscall.h>

#include "tools/cmc_measure_replace.h"

static int open_dir(int dirfd, const char *name, struct cmc_err *err)
{
    const struct open_how how = {
        .flags = O_RDONLY | O_DIRECTORY | O_CLOEXEC,
        .resolve = RESOLVE_NO_SYMLINKS | RESOLVE_NO_MAGICLINKS,
    };
    int tries = 8; /* EAGAIN: a rename raced the lookup; bounded, then reported */
    long fd;
    do
        fd = syscall(SYS_openat2, dirfd, name, &how, sizeof(how));
    while (fd < 0 && (errno == EINTR || (errno == EAGAIN && --tries > 0)));
    if (fd < 0 && errno == ELOOP)
        return cmc_fail(err, CMC_E_VERIFY, "%.300s: a symbolic link; remove it", name);
    if (fd < 0 && errno == ENOTDIR)
        return cmc_fail(err, CMC_E_VERIFY, "%.300s: not a directory; remove it", name);
    if (fd < 0)
        return cmc_fail(err, CMC_E_SYS, "open %.300s", name);
    return (int)fd;
}

/* The directory below which ours is: nobody else may rename what is ours in it. */
static int open_top(const char *top, struct cmc_err *err)
{
    struct stat st;
    cmc_autofd int fd = open_dir(AT_FDCWD, top, err);
    if (fd < 0)
        return -(int)err->code;
    if (fstat(fd, &st) < 0)
        return cmc_fail(err, CMC_E_SYS, "stat %.300s", top);
    if (st.st_uid != geteuid() || ((st.st_mode & 022) != 0 && (st.st_mode & S_ISVTX) == 0))
        return cmc_fail(err, CMC_E_VERIFY,
                        "%.300s: uid %u mode %04o: others may rename what is in it; need root's, "
                        "mode 1777",
                        top, st.st_uid, st.st_mode & 07777U);
    return cmc_take_fd(&fd);
}

static int open_own(int top, struct cmc_err *err)
{
    struct stat st;
    if (mkdirat(top, CMC_MEASURE_REFS_DIR, 0700) < 0 && errno != EEXIST)
        return cmc_fail(err, CMC_E_SYS, "make the directory " CMC_MEASURE_REFS_DIR);
    cmc_autofd int fd = open_dir(top, CMC_MEASURE_REFS_DIR, err);
    if (fd < 0)
        return -(int)err->code;
    if (fstat(fd, &st) < 0)
        return cmc_fail(err, CMC_E_SYS, "stat " CMC_MEASURE_REFS_DIR);
    if (st.st_uid != geteuid() || (st.st_mode & 07777) != 0700)
        return cmc_fail(err, CMC_E_VERIFY,
                        CMC_MEASURE_REFS_DIR ": uid %u mode %04o, need root's, mode 0700; remove "
                                             "the directory",
                        st.st_uid, st.st_mode & 07777U);
    return cmc_take_fd(&fd);
}

/* What is replaced: a name that leads elsewhere shows that somebody else was at work. */
static int judge_old(int dir, struct cmc_err *err)
{
    struct stat st;
    if (fstatat(dir, CMC_MEASURE_REFS_FILE, &st, AT_SYMLINK_NOFOLLOW) < 0)
        return errno == ENOENT ? 0 : cmc_fail(err, CMC_E_SYS, "stat " CMC_MEASURE_REFS_FILE);
    if (!S_ISREG(st.st_mode))
        return cmc_fail(err, CMC_E_VERIFY, CMC_MEASURE_REFS_FILE ": not a regular file; remove it");
    if (st.st_uid != geteuid() || st.st_nlink != 1)
        return cmc_fail(err, CMC_E_VERIFY,
                        CMC_MEASURE_REFS_FILE ": uid %u links %u, need root's and one link; remove "
                                              "it",
                        st.st_uid, (unsigned)st.st_nlink);
    return 0;
}

int cmc_measure_refs_write(const char *top, const struct cmc_buf *data, struct cmc_err *err)
{
    cmc_autofd int above = open_top(top, err);
    if (above < 0)
        return -(int)err->code;
    cmc_autofd int dir = open_own(above, err);
    if (dir < 0 || judge_old(dir, err) < 0 ||
        cmc_measure_replace(dir, CMC_MEASURE_REFS_FILE, 0600, data, err) < 0)
        return cmc_wrap(err, "%.300s", top);
    return 0;
}
