/* SPDX-License-Identifier: Apache-2.0 */
/* attest/serve/listen.c -- from the service manager, or made here. */
#include "attest/serve/listen.h"

#include <fcntl.h>
#include <grp.h>
#include <netdb.h>
#include <sys/socket.h>
#include <unistd.h>

#include "attest/serve/dial.h"
#include "base/cleanup.h"
#include "base/service.h"

enum { BACKLOG = 512, GROUP_BYTES = 65536 };

gid_t serve_listen_group(const char *name)
{
    struct group group, *found = NULL;
    static char text[GROUP_BYTES]; /* asked once, by one thread */
    if (getgrnam_r(name, &group, text, sizeof(text), &found) != 0 || !found)
        return (gid_t)-1;
    return found->gr_gid;
}

static int bind_one(const struct addrinfo *a, struct cmc_err *err)
{
    const int on = 1;
    cmc_autofd int fd = socket(a->ai_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (fd < 0 || setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on)) < 0)
        return cmc_fail(err, CMC_E_SYS, "socket");
    if (a->ai_family == AF_INET6 && setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &on, sizeof(on)) < 0)
        return cmc_fail(err, CMC_E_SYS, "IPV6_V6ONLY");
    if (bind(fd, a->ai_addr, a->ai_addrlen) < 0 || listen(fd, BACKLOG) < 0)
        return cmc_fail(err, CMC_E_SYS, "bind");
    return cmc_take_fd(&fd);
}

static int listen_tcp(struct serve_server *s, const char *text, struct cmc_err *err)
{
    struct serve_addr addr;
    struct addrinfo *list = NULL;
    const struct addrinfo hints = {.ai_socktype = SOCK_STREAM, .ai_flags = AI_PASSIVE};
    if (serve_addr_parse(text, &addr, err) < 0)
        return -(int)err->code;
    const int failed = getaddrinfo(addr.host[0] ? addr.host : NULL, addr.port, &hints, &list);
    if (failed)
        return cmc_fail(err, CMC_E_USAGE, "tcp %.120s: %s", text, gai_strerror(failed));
    int rc = 0;
    for (const struct addrinfo *a = list; a && rc == 0; a = a->ai_next) {
        const int fd = bind_one(a, err);
        rc = fd < 0 ? fd : serve_server_listen(s, fd, true, err);
    }
    freeaddrinfo(list);
    return rc < 0 ? cmc_wrap(err, "tcp %.120s", text) : 0;
}

static int listen_unix(struct serve_server *s, const struct serve_config *cfg, gid_t gid,
                       struct cmc_err *err)
{
    const struct cmc_service_socket own = {
        .path = cfg->addr, .type = SOCK_STREAM, .mode = cfg->mode, .gid = gid};
    const int fd = cmc_service_listen(&own, err);
    return fd < 0 ? fd : serve_server_listen(s, fd, false, err);
}

static int take(struct serve_server *s, int fd, bool *tcp, struct cmc_err *err)
{
    int domain = 0;
    socklen_t len = sizeof(domain);
    const int flags = fcntl(fd, F_GETFL);
    if (flags < 0 || fcntl(fd, F_SETFL, flags | O_NONBLOCK) < 0 ||
        getsockopt(fd, SOL_SOCKET, SO_DOMAIN, &domain, &len) < 0)
        return cmc_fail(err, CMC_E_SYS, "descriptor %d, which was passed", fd);
    *tcp = domain != AF_UNIX;
    return serve_server_listen(s, fd, *tcp, err);
}

int serve_listen(struct serve_server *s, const struct serve_config *cfg, int count, gid_t gid,
                 struct cmc_err *err)
{
    bool passed[2] = {false, false}; /* by tcp */
    for (int i = 0; i < count; i++) {
        bool tcp = false;
        if (take(s, CMC_SERVICE_FIRST_FD + i, &tcp, err) < 0)
            return -(int)err->code;
        passed[tcp] = true;
    }
    if (!passed[false] && listen_unix(s, cfg, gid, err) < 0)
        return -(int)err->code;
    return cfg->tcp && !passed[true] ? listen_tcp(s, cfg->tcp, err) : 0;
}
