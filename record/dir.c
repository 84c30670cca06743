/* SPDX-License-Identifier: Apache-2.0 */
/* record/dir.c -- decide on the descriptor, never on the name; make nothing that others can change.
 */
#include "record/dir.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/cleanup.h"

enum { DIR_MODE = 0750, READ_STEP = 8192 };

static void fclose_p(FILE **f)
{
    if (*f)
        (void)fclose(*f);
}

gid_t record_dir_group(void)
{
    CMC_CLEANUP(fclose_p) FILE *f = fopen("/etc/group", "re");
    cmc_autofree char *line = NULL; /* name:password:gid:members */
    size_t cap = 0;
    while (f && getline(&line, &cap, f) > 0) {
        const char *gid = strncmp(line, "cmc:", 4) == 0 ? strchr(line + 4, ':') : NULL;
        if (gid)
            return (gid_t)strtoul(gid + 1, NULL, 10);
    }
    return (gid_t)-1;
}

int record_dir_read(int fd, size_t max, const char *what, struct cmc_buf *out, struct cmc_err *err)
{
    cmc_autobuf struct cmc_buf b = cmc_buf_of(max);
    uint8_t step[READ_STEP];
    for (ssize_t n = 1; n != 0 && !b.bad;) {
        n = pread(fd, step, sizeof(step), (off_t)b.len);
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0)
            return cmc_fail(err, CMC_E_SYS, "read %s", what);
        cmc_put(&b, step, (size_t)n);
    }
    if (cmc_buf_check(&b, what, err) < 0)
        return -(int)err->code;
    *out = b;
    b = cmc_buf_of(0);
    return 0;
}

static bool is_ours(uid_t uid)
{
    return uid == 0 || uid == geteuid();
}

static int judge_dir(int fd, const char *path, bool last, struct cmc_err *err)
{
    struct stat st;
    if (fstat(fd, &st) < 0)
        return cmc_fail(err, CMC_E_SYS, "stat %s", path);
    const bool open = st.st_mode & (S_IWGRP | S_IWOTH);
    if (!is_ours(st.st_uid) || (open && (last || !(st.st_mode & S_ISVTX))))
        return cmc_fail(err, CMC_E_VERIFY,
                        "directory %s: uid %u mode %04o, must be root's and writable by root only",
                        path, st.st_uid, st.st_mode & 07777U);
    return 0;
}

static int make_dir(int parent, const char *name, const char *path, struct cmc_err *err)
{
    if (mkdirat(parent, name, DIR_MODE) < 0)
        return errno == EEXIST ? 0 : cmc_fail(err, CMC_E_SYS, "make %s", path);
    cmc_autofd int fd = openat(parent, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    if (fd < 0 || fchown(fd, (uid_t)-1, record_dir_group()) < 0 || fchmod(fd, DIR_MODE) < 0)
        return cmc_fail(err, CMC_E_SYS, "make %s", path);
    return 0;
}

/* Opens component name of path below parent, and makes it when it may and is absent. */
static int enter(int parent, const char *name, const char *path, bool make, struct cmc_err *err)
{
    const int flags = O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC;
    int fd = openat(parent, name, flags);
    if (fd < 0 && errno == ENOENT && make) {
        if (make_dir(parent, name, path, err) < 0)
            return -(int)err->code;
        fd = openat(parent, name, flags);
    }
    if (fd < 0 && (errno == ELOOP || errno == ENOTDIR)) /* Linux says ENOTDIR for a symlink here */
        return cmc_fail(err, CMC_E_VERIFY, "%s: %s is a symbolic link or no directory", path, name);
    return fd < 0 ? cmc_fail(err, CMC_E_SYS, "open %s: at %s", path, name) : fd;
}

int record_dir_open(const char *path, bool make, struct cmc_err *err)
{
    char copy[PATH_MAX], *rest = NULL;
    if (path[0] != '/' || strlen(path) >= sizeof(copy))
        return cmc_fail(err, CMC_E_USAGE, "directory %.64s: needs an absolute path", path);
    memcpy(copy, path, strlen(path) + 1);
    cmc_autofd int fd = open("/", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (fd < 0)
        return cmc_fail(err, CMC_E_SYS, "open /");
    for (char *name = strtok_r(copy, "/", &rest); name;) {
        char *next = strtok_r(NULL, "/", &rest);
        if (strcmp(name, "..") == 0)
            return cmc_fail(err, CMC_E_USAGE, "directory %s: no .. please", path);
        int below = enter(fd, name, path, make, err);
        if (below < 0)
            return below;
        (void)close(fd);
        fd = below;
        if (judge_dir(fd, path, !next, err) < 0)
            return cmc_wrap(err, "at %s", name);
        name = next;
    }
    return cmc_take_fd(&fd);
}

static int judge_file(const struct stat *st, const char *name, mode_t mode, struct cmc_err *err)
{
    if (!S_ISREG(st->st_mode))
        return cmc_fail(err, CMC_E_VERIFY, "%s: not a regular file", name);
    if (!is_ours(st->st_uid) || st->st_nlink != 1 || (st->st_mode & 07777U & ~mode))
        return cmc_fail(err, CMC_E_VERIFY, "%s: uid %u mode %04o links %lu, need root's %04o", name,
                        st->st_uid, st->st_mode & 07777U, (unsigned long)st->st_nlink, mode);
    return 0;
}

/* Mode and group do not depend on the umask, nor on where the maker of an empty file was killed. */
static int own(int fd, int dirfd, const char *name, mode_t mode, struct cmc_err *err)
{
    struct stat dir;
    if (fstat(dirfd, &dir) < 0 || fchown(fd, (uid_t)-1, dir.st_gid) < 0 || fchmod(fd, mode) < 0)
        return cmc_fail(err, CMC_E_SYS, "make %s", name);
    if (fsync(dirfd) < 0) /* its name must be as durable as its content will be */
        return cmc_fail(err, CMC_E_SYS, "sync the directory of %s", name);
    return 0;
}

int record_dir_file(int dirfd, const char *name, int flags, mode_t mode, struct cmc_err *err)
{
    struct stat st;
    cmc_autofd int fd =
        openat(dirfd, name, flags | O_NOFOLLOW | O_CLOEXEC | O_NONBLOCK | O_NOCTTY, mode);
    if (fd < 0 && errno == ELOOP)
        return cmc_fail(err, CMC_E_VERIFY, "%s: is a symbolic link", name);
    if (fd < 0)
        return cmc_fail(err, CMC_E_SYS, "open %s", name);
    if (fstat(fd, &st) < 0)
        return cmc_fail(err, CMC_E_SYS, "stat %s", name);
    if (judge_file(&st, name, mode, err) < 0)
        return -(int)err->code;
    if ((flags & O_CREAT) && st.st_size == 0 && own(fd, dirfd, name, mode, err) < 0)
        return -(int)err->code;
    return cmc_take_fd(&fd);
}
