/* SPDX-License-Identifier: Apache-2.0 */
/* base/service.c -- three small protocols of systemd, without its library. */
#include "base/service.h"

#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/cleanup.h"

enum { BACKLOG = 512 };

int cmc_service_sockets(const char *pid, const char *count, struct cmc_err *err)
{
    char *end = NULL;
    if (!pid || !count || strtol(pid, NULL, 10) != (long)getpid())
        return 0;
    const long n = strtol(count, &end, 10);
    if (*end || end == count || n < 0 || n > CMC_SERVICE_SOCKETS_MAX)
        return cmc_fail(err, CMC_E_USAGE, "LISTEN_FDS \"%.20s\": expected 0 to %d", count,
                        CMC_SERVICE_SOCKETS_MAX);
    for (int fd = CMC_SERVICE_FIRST_FD; fd < CMC_SERVICE_FIRST_FD + n; fd++)
        if (fcntl(fd, F_SETFD, FD_CLOEXEC) < 0)
            return cmc_fail(err, CMC_E_SYS, "LISTEN_FDS: descriptor %d", fd);
    return (int)n;
}

/* A path, or "@name" in the abstract namespace; len: of the whole address. */
static bool address(const char *path, struct sockaddr_un *to, socklen_t *len)
{
    const size_t n = strlen(path);
    *to = (struct sockaddr_un){.sun_family = AF_UNIX};
    if (n == 0 || n >= sizeof(to->sun_path) || (path[0] != '/' && path[0] != '@'))
        return false;
    memcpy(to->sun_path, path, n);
    if (path[0] == '@')
        to->sun_path[0] = '\0';
    *len = (socklen_t)(offsetof(struct sockaddr_un, sun_path) + n);
    return true;
}

void cmc_service_notify(const char *socket_path, const char *state)
{
    struct sockaddr_un to;
    socklen_t len;
    if (!socket_path || !address(socket_path, &to, &len))
        return;
    cmc_autofd int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    if (fd >= 0)
        (void)!sendto(fd, state, strlen(state), MSG_NOSIGNAL | MSG_DONTWAIT,
                      (const struct sockaddr *)(const void *)&to, len);
}

static int bind_and_listen(int fd, const struct cmc_service_socket *s, const char *path,
                           struct cmc_err *err)
{
    struct sockaddr_un at;
    socklen_t len;
    (void)unlink(path); /* of one of us that was killed in between */
    if (!address(path, &at, &len))
        return cmc_fail(err, CMC_E_USAGE, "socket %.120s: the path is too long", s->path);
    const mode_t before = umask(0777); /* nobody, until mode and group are right */
    const int rc = bind(fd, (const struct sockaddr *)(const void *)&at, len);
    (void)umask(before);
    if (rc < 0 || (s->gid != (gid_t)-1 && chown(path, (uid_t)-1, s->gid) < 0) ||
        chmod(path, s->mode) < 0 || listen(fd, BACKLOG) < 0 || rename(path, s->path) < 0) {
        (void)cmc_fail(err, CMC_E_SYS, "make the socket %s", s->path);
        (void)unlink(path);
        return -(int)err->code;
    }
    return 0;
}

static bool is_served(const struct cmc_service_socket *s)
{
    struct sockaddr_un to;
    socklen_t len;
    cmc_autofd int fd = socket(AF_UNIX, s->type | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    return fd >= 0 && address(s->path, &to, &len) &&
           (connect(fd, (const struct sockaddr *)(const void *)&to, len) == 0 || errno == EAGAIN);
}

int cmc_service_listen(const struct cmc_service_socket *s, struct cmc_err *err)
{
    struct stat st;
    char path[sizeof(((struct sockaddr_un *)NULL)->sun_path) + 8];
    if (s->path[0] != '/')
        return cmc_fail(err, CMC_E_USAGE, "socket %.120s: not an absolute path", s->path);
    if (lstat(s->path, &st) == 0 && !S_ISSOCK(st.st_mode))
        return cmc_fail(err, CMC_E_USAGE, "socket %.120s: something else is there", s->path);
    if (is_served(s))
        return cmc_fail(err, CMC_E_USAGE, "socket %.120s: another process serves it", s->path);
    if ((size_t)snprintf(path, sizeof(path), "%s.new", s->path) >= sizeof(path))
        return cmc_fail(err, CMC_E_USAGE, "socket %.120s: the path is too long", s->path);
    cmc_autofd int fd = socket(AF_UNIX, s->type | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (fd < 0)
        return cmc_fail(err, CMC_E_SYS, "socket");
    if (bind_and_listen(fd, s, path, err) < 0)
        return -(int)err->code;
    return cmc_take_fd(&fd);
}
