/* SPDX-License-Identifier: Apache-2.0 */
/* shim/leftover.c -- belt and braces: the kernel kills the real shim with us already. */
#include "shim/leftover.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/cleanup.h"
#include "shim/bundle.h"
#include "shim/loop.h"
#include "shim/server.h"
#include "shim/sock.h"

#define NOTE "cmc-shim.pid"

/* Names of shim_sock_private(), not under the lock: a moment, then its process is gone. */
#define INNER     "cmc-inner-"
#define LISTENERS "/proc/net/unix"

enum { LISTENERS_MAX = 4 << 20 };
enum { KILL_WAIT_MS = 1000, ANSWER_MS = 500, GONE_MS = 1500 }; /* `delete` has 5 s in all */

static ssize_t read_text(int dirfd, const char *path, char *out, size_t cap)
{
    cmc_autofd int fd = openat(dirfd, path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
    ssize_t n = fd < 0 ? -1 : read(fd, out, cap - 1);
    out[n > 0 ? n : 0] = '\0';
    return n;
}

/* Ticks since boot at which a process began (proc(5), stat field 22): with its number, its name. */
static unsigned long long start_of(pid_t pid)
{
    char path[32], text[1024];
    (void)snprintf(path, sizeof(path), "/proc/%d/stat", pid);
    if (read_text(AT_FDCWD, path, text, sizeof(text)) <= 0)
        return 0;
    const char *at = strrchr(text, ')'); /* field 2 may hold spaces and parentheses */
    for (unsigned field = 2; at && field < 22; field++)
        at = strchr(at + 1, ' ');
    return at ? strtoull(at + 1, NULL, 10) : 0;
}

int shim_leftover_note(int bundle, pid_t server, struct cmc_err *err)
{
    char text[64];
    (void)snprintf(text, sizeof(text), "%d %llu\n", server, start_of(server));
    return shim_bundle_write(bundle, NOTE, text, err);
}

static void kill_noted(int bundle)
{
    char text[64], *end = NULL;
    if (read_text(bundle, NOTE, text, sizeof(text)) <= 0)
        return;
    long pid = strtol(text, &end, 10);
    unsigned long long start = strtoull(end, NULL, 10);
    if (pid <= 1 || pid > INT32_MAX || start == 0)
        return;
    cmc_autofd int pidfd = (int)syscall(SYS_pidfd_open, (pid_t)pid, 0);
    if (pidfd < 0 || start_of((pid_t)pid) != start)
        return;
    struct pollfd gone = {pidfd, POLLIN, 0};
    if (syscall(SYS_pidfd_send_signal, pidfd, SIGKILL, NULL, 0) == 0)
        (void)poll(&gone, 1, KILL_WAIT_MS);
}

/* Splits DIR/cmc-NAME; false for any other path: it is not ours to remove. */
static bool our_socket(const char *path, char *dir, size_t cap)
{
    const char *slash = strrchr(path, '/');
    if (path[0] != '/' || !slash || slash == path || strncmp(slash, "/cmc-", 5) != 0)
        return false;
    (void)snprintf(dir, cap, "%.*s", (int)(slash - path), path);
    return true;
}

/* A proxy that was killed closes its connections first and its socket last: for that moment it
 * still takes ours. One that lives answers. */
static bool proxy_gone(const char *path)
{
    const uint64_t until = shim_loop_now_ms() + GONE_MS;
    for (;;) {
        struct cmc_err err = {.sys_errno = 0};
        cmc_autofd int fd = shim_sock_connect(path, &err);
        if (fd < 0)
            return err.sys_errno == ECONNREFUSED || err.sys_errno == ENOENT;
        if (shim_server_probe(fd, -1, "-", ANSWER_MS, &err) > 0 || shim_loop_now_ms() >= until)
            return false; /* it lives, or we cannot tell */
        (void)poll(NULL, 0, 20);
    }
}

void shim_leftover_clean(int bundle)
{
    static const char scheme[] = "unix://";
    char address[256], dir[256];
    if (read_text(bundle, "address", address, sizeof(address)) <= 0 ||
        strncmp(address, scheme, sizeof(scheme) - 1) != 0)
        return;
    const char *path = address + sizeof(scheme) - 1;
    if (!our_socket(path, dir, sizeof(dir)))
        return;
    uint64_t ino = shim_sock_inode(path);
    if (!proxy_gone(path))
        return;
    shim_sock_remove(dir, path, ino);
    kill_noted(bundle);
}

static bool read_listeners(struct cmc_buf *out)
{
    struct cmc_err ignored;
    cmc_autofd int fd = open(LISTENERS, O_RDONLY | O_CLOEXEC);
    *out = cmc_buf_of(LISTENERS_MAX);
    return fd >= 0 && cmc_buf_read(out, fd, LISTENERS, &ignored) == 0 && out->len > 0;
}

/* Nobody has that name, and nobody answers: the first alone would be wrong about another network
 * namespace, the second costs every live proxy a connection. */
static bool is_stale(const char *dir, const char *name, const struct cmc_buf *listeners)
{
    char path[PATH_MAX];
    struct cmc_err err = {.sys_errno = 0};
    if (strncmp(name, INNER, strlen(INNER)) == 0) {
        const long pid = strtol(name + strlen(INNER), NULL, 10);
        return pid > 0 && pid < INT32_MAX && kill((pid_t)pid, 0) < 0 && errno == ESRCH;
    }
    (void)snprintf(path, sizeof(path), "%s/%s", dir, name);
    if (memmem(listeners->data, listeners->len, path, strlen(path)))
        return false;
    cmc_autofd int fd = shim_sock_connect(path, &err);
    return fd < 0 && err.sys_errno == ECONNREFUSED;
}

void shim_leftover_sweep(const char *dir)
{
    cmc_autobuf struct cmc_buf listeners = cmc_buf_of(0);
    DIR *d = read_listeners(&listeners) ? opendir(dir) : NULL;
    for (struct dirent *e; d && (e = readdir(d));)
        if (e->d_type == DT_SOCK && strncmp(e->d_name, "cmc-", 4) == 0 &&
            is_stale(dir, e->d_name, &listeners))
            (void)unlinkat(dirfd(d), e->d_name, 0);
    if (d)
        (void)closedir(d);
}
