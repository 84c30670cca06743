/* SPDX-License-Identifier: Apache-2.0 */
/* tools/cmc_measure_replace.c -- a new file beside the old one, durable before it takes the name.
 */
#include "tools/cmc_measure_replace.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/random.h>
#include <sys/stat.h>

enum { TRIES = 16 };

/* A file that was not there. temp: its name. */
static int open_new(int dirfd, mode_t mode, char temp[static NAME_MAX + 1], struct cmc_err *err)
{
    for (int i = 0; i < TRIES; i++) {
        uint64_t number;
        if (getrandom(&number, sizeof(number), 0) != (ssize_t)sizeof(number))
            return cmc_fail(err, CMC_E_SYS, "getrandom");
        (void)snprintf(temp, NAME_MAX + 1, ".cmc-%016llx", (unsigned long long)number);
        int fd =
            openat(dirfd, temp, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, mode & 0777U);
        if (fd >= 0 || errno != EEXIST)
            return fd >= 0 ? fd : cmc_fail(err, CMC_E_SYS, "make a file");
    }
    return cmc_fail(err, CMC_E_SYS, "make a file");
}

static int fill(int fd, mode_t mode, const struct cmc_buf *data, struct cmc_err *err)
{
    for (size_t done = 0; done < data->len;) {
        ssize_t n = write(fd, data->data + done, data->len - done);
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0)
            return cmc_fail(err, CMC_E_SYS, "write");
        done += (size_t)n;
    }
    if (fchmod(fd, mode) < 0 || fsync(fd) < 0) /* whatever the umask is */
        return cmc_fail(err, CMC_E_SYS, "write");
    return 0;
}

int cmc_measure_replace(int dirfd, const char *name, mode_t mode, const struct cmc_buf *data,
                        struct cmc_err *err)
{
    char temp[NAME_MAX + 1];
    if (!*name || strchr(name, '/') || strcmp(name, ".") == 0 || strcmp(name, "..") == 0)
        return cmc_fail(err, CMC_E_USAGE, "\"%.300s\" is not the name of a file", name);
    cmc_autofd int fd = open_new(dirfd, mode, temp, err);
    if (fd < 0)
        return -(int)err->code;
    int rc = fill(fd, mode, data, err);
    if (rc == 0 && renameat(dirfd, temp, dirfd, name) < 0)
        rc = cmc_fail(err, CMC_E_SYS, "rename a new file to %.300s", name);
    if (rc < 0)
        (void)unlinkat(dirfd, temp, 0);
    else
        (void)fsync(dirfd); /* some file systems cannot; the file itself is safe */
    return rc;
}

/* People name /dev/null, /dev/stdout or a pipe: these must not become files. */
static int judge_old(int dirfd, const char *name, struct cmc_err *err)
{
    struct stat st;
    if (fstatat(dirfd, name, &st, AT_SYMLINK_NOFOLLOW) < 0 || S_ISREG(st.st_mode))
        return 0; /* what else is wrong shows when the name is taken */
    return cmc_fail(err, CMC_E_USAGE, "is there and no regular file: name another one");
}

int cmc_measure_replace_at(const char *path, mode_t mode, const struct cmc_buf *data,
                           struct cmc_err *err)
{
    char dir[PATH_MAX];
    const char *slash = strrchr(path, '/');
    const size_t len = slash ? (size_t)(slash - path) : 0;
    if (len >= sizeof(dir))
        return cmc_fail(err, CMC_E_LIMIT, "a path of %zu bytes", strlen(path));
    (void)snprintf(dir, sizeof(dir), "%.*s", (int)len, path);
    cmc_autofd int dirfd = open(len ? dir : slash ? "/" : ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (dirfd < 0)
        return cmc_fail(err, CMC_E_SYS, "open the directory of %.300s", path);
    const char *name = slash ? slash + 1 : path;
    if (judge_old(dirfd, name, err) < 0 || cmc_measure_replace(dirfd, name, mode, data, err) < 0)
        return cmc_wrap(err, "%.300s", path);
    return 0;
}
