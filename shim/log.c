/* SPDX-License-Identifier: Apache-2.0 */
/* shim/log.c -- opens the shim's log; what has grown too long is set aside first. */
#include "shim/log.h"

#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/cleanup.h"

static int open_in(int dir, const char *name)
{
    return openat(dir, name,
                  O_WRONLY | O_APPEND | O_CREAT | O_NOFOLLOW | O_CLOEXEC | O_NOCTTY | O_NONBLOCK,
                  0600);
}

static bool is_too_long(int fd)
{
    struct stat st;
    return fstat(fd, &st) == 0 && S_ISREG(st.st_mode) && st.st_size > SHIM_LOG_BYTES_MAX;
}

static bool has_name(int fd, int dir, const char *name)
{
    struct stat mine, there;
    return fstat(fd, &mine) == 0 && fstatat(dir, name, &there, AT_SYMLINK_NOFOLLOW) == 0 &&
           mine.st_dev == there.st_dev && mine.st_ino == there.st_ino;
}

/* One `start` at a time renames a file: with its lock held, only what still has the name. A shim
 * that finds it locked goes on with the old file. True when there is another one to open. */
static bool set_aside(int fd, int dir, const char *name)
{
    char aside[NAME_MAX + 1];
    if (snprintf(aside, sizeof(aside), "%s.1", name) >= (int)sizeof(aside) ||
        flock(fd, LOCK_EX | LOCK_NB) < 0)
        return false;
    const bool moved = !has_name(fd, dir, name) || renameat(dir, name, dir, aside) == 0;
    (void)flock(fd, LOCK_UN); /* the proxy keeps this file open if no other can be made */
    return moved;
}

int shim_log_open(const struct cmc_site *site)
{
    char path[PATH_MAX];
    const int len = site->log ? snprintf(path, sizeof(path), "%s", site->log)
                              : snprintf(path, sizeof(path), "%s/shim.log", site->runtime_dir);
    char *slash = strrchr(path, '/');
    if (len >= (int)sizeof(path) || !slash)
        return -1;
    *slash = '\0';
    cmc_autofd int dir = open(slash == path ? "/" : path, O_PATH | O_DIRECTORY | O_CLOEXEC);
    int fd = dir < 0 ? -1 : open_in(dir, slash + 1);
    if (fd < 0 || !is_too_long(fd) || !set_aside(fd, dir, slash + 1))
        return fd;
    const int fresh = open_in(dir, slash + 1);
    if (fresh < 0)
        return fd;
    (void)close(fd);
    return fresh;
}
