/* SPDX-License-Identifier: Apache-2.0 */
/* shim/sock.c -- bind, connect and remove unix sockets without racing another shim. */
#include "shim/sock.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/cleanup.h"

enum { BACKLOG = 128 };

static int address_of(const char *path, struct sockaddr_un *out, struct cmc_err *err)
{
    *out = (struct sockaddr_un){.sun_family = AF_UNIX};
    if (strlen(path) >= sizeof(out->sun_path))
        return cmc_fail(err, CMC_E_LIMIT, "socket path of %zu bytes, at most %zu", strlen(path),
                        sizeof(out->sun_path) - 1);
    (void)memcpy(out->sun_path, path, strlen(path) + 1);
    return 0;
}

static void make_dirs(const char *dir)
{
    char parent[PATH_MAX];
    (void)snprintf(parent, sizeof(parent), "%s", dir);
    char *slash = strrchr(parent, '/');
    if (slash && slash != parent) {
        *slash = '\0';
        (void)mkdir(parent, 0711); /* opening dir says what went wrong, if anything did */
    }
    (void)mkdir(dir, 0700);
}

int shim_sock_lock_dir(const char *dir, struct cmc_err *err)
{
    make_dirs(dir);
    cmc_autofd int fd = open(dir, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    struct stat st;
    if (fd < 0 || fstat(fd, &st) < 0)
        return cmc_fail(err, CMC_E_SYS, "socket directory %s", dir);
    if (st.st_uid != geteuid() || (st.st_mode & (S_IWGRP | S_IWOTH)))
        return cmc_fail(err, CMC_E_VERIFY,
                        "socket directory %s: uid %u mode %04o, others could replace sockets in it",
                        dir, st.st_uid, st.st_mode & 07777U);
    while (flock(fd, LOCK_EX) < 0)
        if (errno != EINTR)
            return cmc_fail(err, CMC_E_SYS, "lock %s", dir);
    return cmc_take_fd(&fd);
}

int shim_sock_connect(const char *path, struct cmc_err *err)
{
    struct sockaddr_un sa;
    if (address_of(path, &sa, err) < 0)
        return -(int)err->code;
    cmc_autofd int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (fd < 0 || connect(fd, (const struct sockaddr *)&sa, sizeof(sa)) < 0)
        return cmc_fail(err, CMC_E_SYS, "connect %s", path);
    return cmc_take_fd(&fd);
}

static int bind_listen(int fd, const struct sockaddr_un *sa)
{
    mode_t before = umask(0177); /* the name must never exist with wider rights */
    int rc = bind(fd, (const struct sockaddr *)sa, sizeof(*sa));
    int saved = errno;
    (void)umask(before);
    errno = saved;
    return rc < 0 ? rc : listen(fd, BACKLOG);
}

int shim_sock_listen(const char *path, struct cmc_err *err)
{
    struct sockaddr_un sa;
    if (address_of(path, &sa, err) < 0)
        return -(int)err->code;
    if (unlink(path) < 0 && errno != ENOENT)
        return cmc_fail(err, CMC_E_SYS, "remove stale %s", path);
    cmc_autofd int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (fd < 0 || bind_listen(fd, &sa) < 0)
        return cmc_fail(err, CMC_E_SYS, "listen on %s", path);
    return cmc_take_fd(&fd);
}

int shim_sock_private(const char *dir, int *listener, int *inode, struct cmc_err *err)
{
    char path[PATH_MAX];
    struct sockaddr_un sa;
    (void)snprintf(path, sizeof(path), "%s/cmc-inner-%d", dir, getpid());
    if (address_of(path, &sa, err) < 0)
        return -(int)err->code;
    (void)unlink(path); /* of a killed process that had our number */
    /* Blocking: the real shim inherits the open file description, and expects nothing else. */
    cmc_autofd int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (fd < 0 || bind_listen(fd, &sa) < 0)
        return cmc_fail(err, CMC_E_SYS, "listen on %s", path);
    cmc_autofd int node = open(path, O_PATH | O_NOFOLLOW | O_CLOEXEC);
    int saved = errno;
    (void)unlink(path);
    errno = saved;
    if (node < 0)
        return cmc_fail(err, CMC_E_SYS, "open %s", path);
    *listener = cmc_take_fd(&fd);
    *inode = cmc_take_fd(&node);
    return 0;
}

int shim_sock_connect_private(int inode, struct cmc_err *err)
{
    struct sockaddr_un sa = {.sun_family = AF_UNIX};
    (void)snprintf(sa.sun_path, sizeof(sa.sun_path), "/proc/self/fd/%d", inode);
    cmc_autofd int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (fd < 0 || connect(fd, (const struct sockaddr *)&sa, sizeof(sa)) < 0)
        return cmc_fail(err, CMC_E_SYS, "connect to the real shim");
    return cmc_take_fd(&fd);
}

bool shim_sock_peer_is_ours(int fd)
{
    struct ucred who = {.uid = (uid_t)-1};
    socklen_t len = sizeof(who);
    return getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &who, &len) == 0 && who.uid == geteuid();
}

uint64_t shim_sock_inode(const char *path)
{
    struct stat st;
    return lstat(path, &st) == 0 && S_ISSOCK(st.st_mode) ? (uint64_t)st.st_ino : 0;
}

void shim_sock_remove(const char *dir, const char *path, uint64_t ino)
{
    struct cmc_err ignored;
    cmc_autofd int lock = shim_sock_lock_dir(dir, &ignored);
    (void)lock; /* without it we race, but a name that is our inode's is ours to remove */
    if (ino && shim_sock_inode(path) == ino)
        (void)unlink(path);
}
