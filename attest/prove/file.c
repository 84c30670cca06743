/* SPDX-License-Identifier: Apache-2.0 */
/* attest/prove/file.c -- keys and certificates in storage: ours alone, whole or absent. */
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/random.h>
#include <sys/stat.h>

#include "attest/prove/parts.h"
#include "base/cleanup.h"
#include "base/hex.h"

enum { OTHERS = S_IRWXG | S_IRWXO };

static int open_dir(const char *dir, struct cmc_err *err)
{
    int fd = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    return fd < 0 ? cmc_fail(err, CMC_E_SYS, "open storage %.300s", dir) : fd;
}

static int judge(int fd, const char *name, struct cmc_err *err)
{
    struct stat st;
    if (fstat(fd, &st) < 0)
        return cmc_fail(err, CMC_E_SYS, "stat %s", name);
    if (!S_ISREG(st.st_mode) || (st.st_uid != geteuid() && st.st_uid != 0) || st.st_mode & OTHERS)
        return cmc_fail(err, CMC_E_VERIFY,
                        "%s: mode %04o, owner %u: expected a regular file of our own, 0600", name,
                        st.st_mode & ALLPERMS, st.st_uid);
    return 0;
}

int prove_file_read(const char *dir, const char *name, size_t max, struct cmc_buf *out,
                    struct cmc_err *err)
{
    cmc_autobuf struct cmc_buf got = cmc_buf_of(max);
    cmc_autofd int dirfd = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    cmc_autofd int fd =
        dirfd < 0 ? -1 : openat(dirfd, name, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
    if (fd < 0 && errno == ENOENT)
        return 0;
    if (fd < 0)
        return cmc_fail(err, CMC_E_SYS, "open %.300s/%s", dir, name);
    if (judge(fd, name, err) < 0 || cmc_buf_read(&got, fd, name, err) < 0)
        return cmc_wrap(err, "%.300s", dir);
    *out = got;
    got = (struct cmc_buf){0};
    return 1;
}

static int write_all(int fd, const uint8_t *data, size_t len)
{
    while (len) {
        ssize_t n = write(fd, data, len);
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0)
            return -1;
        data += n;
        len -= (size_t)n;
    }
    return fsync(fd);
}

static int write_new(int dirfd, const char *name, const void *data, size_t len, struct cmc_err *err)
{
    uint8_t random[8];
    char temp[32] = ".new-", hex[2 * sizeof(random) + 1];
    if (getrandom(random, sizeof(random), 0) != sizeof(random))
        return cmc_fail(err, CMC_E_SYS, "getrandom");
    cmc_hex(random, sizeof(random), hex);
    (void)snprintf(temp, sizeof(temp), ".new-%s", hex);
    cmc_autofd int fd = openat(dirfd, temp, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
    if (fd < 0)
        return cmc_fail(err, CMC_E_SYS, "make %s", name);
    int rc = 0;
    if (write_all(fd, data, len) < 0 || renameat(dirfd, temp, dirfd, name) < 0 || fsync(dirfd) < 0)
        rc = cmc_fail(err, CMC_E_SYS, "write %s", name);
    if (rc < 0)
        (void)unlinkat(dirfd, temp, 0);
    return rc;
}

int prove_file_write(const char *dir, const char *name, const void *data, size_t len,
                     struct cmc_err *err)
{
    if (mkdir(dir, 0700) < 0 && errno != EEXIST)
        return cmc_fail(err, CMC_E_SYS, "make storage %.300s", dir);
    cmc_autofd int dirfd = open_dir(dir, err);
    if (dirfd < 0)
        return -(int)err->code;
    return write_new(dirfd, name, data, len, err) < 0 ? cmc_wrap(err, "%.300s", dir) : 0;
}
