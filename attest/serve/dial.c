/* SPDX-License-Identifier: Apache-2.0 */
/* attest/serve/dial.c -- connects, sends and receives until a deadline. */
#include "attest/serve/dial.h"

#include <errno.h>
#include <netdb.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <time.h>

static int set_unix(const char *path, struct serve_addr *out, struct cmc_err *err)
{
    const size_t len = strlen(path);
    if (path[0] != '/' || len > SERVE_PATH_MAX)
        return cmc_fail(err, CMC_E_USAGE,
                        "address %.120s: a unix socket is an absolute path of at most %d bytes",
                        path, SERVE_PATH_MAX);
    memcpy(out->path, path, len + 1);
    return 0;
}

static bool is_port(const char *text)
{
    const size_t len = strspn(text, "0123456789");
    return len > 0 && len <= 5 && text[len] == '\0';
}

static int set_tcp(const char *text, struct serve_addr *out, struct cmc_err *err)
{
    const char *colon = strrchr(text, ':'), *host = text;
    if (!colon || !is_port(colon + 1))
        return cmc_fail(err, CMC_E_USAGE, "address %.120s: give host:port", text);
    size_t len = (size_t)(colon - text);
    if (len >= 2 && host[0] == '[' && host[len - 1] == ']') { /* RFC 3986, 3.2.2 */
        host++;
        len -= 2;
    }
    if (len > SERVE_HOST_MAX)
        return cmc_fail(err, CMC_E_USAGE, "address: the host is longer than %d bytes",
                        SERVE_HOST_MAX);
    memcpy(out->host, host, len);
    (void)snprintf(out->port, sizeof(out->port), "%s", colon + 1);
    out->tcp = true;
    return 0;
}

int serve_addr_parse(const char *text, struct serve_addr *out, struct cmc_err *err)
{
    struct serve_addr addr = {0};
    int rc;
    if (strncmp(text, "unix://", 7) == 0)
        rc = set_unix(text + 7, &addr, err);
    else if (strncmp(text, "tcp://", 6) == 0)
        rc = set_tcp(text + 6, &addr, err);
    else
        rc = text[0] == '/' ? set_unix(text, &addr, err) : set_tcp(text, &addr, err);
    if (rc == 0)
        *out = addr;
    return rc;
}

int64_t serve_now_ms(void)
{
    struct timespec ts;
    (void)clock_gettime(CLOCK_MONOTONIC, &ts);
    return (int64_t)ts.tv_sec * 1000 + ts.tv_nsec / 1000000;
}

static int await(int fd, short events, int64_t end_ms, struct cmc_err *err)
{
    for (;;) {
        const int64_t left = end_ms - serve_now_ms();
        struct pollfd p = {.fd = fd, .events = events};
        if (left <= 0) {
            errno = ETIMEDOUT;
            return cmc_fail(err, CMC_E_SYS, "no answer in time");
        }
        const int n = poll(&p, 1, left > 60000 ? 60000 : (int)left);
        if (n > 0)
            return 0;
        if (n < 0 && errno != EINTR)
            return cmc_fail(err, CMC_E_SYS, "poll");
    }
}

static int connect_to(int family, const struct sockaddr *to, socklen_t len, int64_t end_ms,
                      struct cmc_err *err)
{
    cmc_autofd int fd = socket(family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (fd < 0)
        return cmc_fail(err, CMC_E_SYS, "socket");
    while (connect(fd, to, len) < 0) {
        if (errno == EISCONN)
            break;
        if (errno == EAGAIN) { /* unix(7): the backlog is full */
            const struct timespec moment = {.tv_nsec = 5000000};
            (void)nanosleep(&moment, NULL);
            if (serve_now_ms() < end_ms)
                continue;
        }
        if (errno != EINPROGRESS && errno != EALREADY && errno != EINTR)
            return cmc_fail(err, CMC_E_SYS, "connect");
        if (await(fd, POLLOUT, end_ms, err) < 0)
            return -(int)err->code;
    }
    return cmc_take_fd(&fd);
}

static int dial_tcp(const struct serve_addr *addr, int64_t end_ms, struct cmc_err *err)
{
    const struct addrinfo hints = {.ai_socktype = SOCK_STREAM};
    struct addrinfo *list = NULL;
    int fd = -1;
    const int rc = getaddrinfo(addr->host, addr->port, &hints, &list);
    if (rc != 0) {
        errno = 0;
        return cmc_fail(err, CMC_E_SYS, "look up %.120s: %s", addr->host, gai_strerror(rc));
    }
    for (const struct addrinfo *a = list; a && fd < 0; a = a->ai_next)
        fd = connect_to(a->ai_family, a->ai_addr, a->ai_addrlen, end_ms, err);
    freeaddrinfo(list);
    return fd < 0 ? cmc_wrap(err, "connect to %.120s:%s", addr->host, addr->port) : fd;
}

int serve_dial(const struct serve_addr *addr, int64_t end_ms, struct cmc_err *err)
{
    struct sockaddr_un to = {.sun_family = AF_UNIX};
    if (addr->tcp)
        return dial_tcp(addr, end_ms, err);
    memcpy(to.sun_path, addr->path, sizeof(to.sun_path));
    const int fd =
        connect_to(AF_UNIX, (const struct sockaddr *)(const void *)&to, sizeof(to), end_ms, err);
    return fd < 0 ? cmc_wrap(err, "connect to %s", addr->path) : fd;
}

int serve_send(int fd, const void *data, size_t len, int64_t end_ms, struct cmc_err *err)
{
    for (size_t at = 0; at < len;) {
        const ssize_t n = send(fd, (const uint8_t *)data + at, len - at, MSG_NOSIGNAL);
        if (n >= 0)
            at += (size_t)n;
        else if (errno != EAGAIN && errno != EINTR)
            return cmc_fail(err, CMC_E_SYS, "send");
        else if (await(fd, POLLOUT, end_ms, err) < 0)
            return -(int)err->code;
    }
    return 0;
}

int serve_receive(int fd, void *data, size_t len, int64_t end_ms, struct cmc_err *err)
{
    for (size_t at = 0; at < len;) {
        const ssize_t n = recv(fd, (uint8_t *)data + at, len - at, 0);
        if (n > 0) {
            at += (size_t)n;
            continue;
        }
        if (n == 0) {
            errno = ECONNRESET;
            return cmc_fail(err, CMC_E_SYS, "the peer closed after %zu of %zu bytes", at, len);
        }
        if (errno != EAGAIN && errno != EINTR)
            return cmc_fail(err, CMC_E_SYS, "receive");
        if (await(fd, POLLIN, end_ms, err) < 0)
            return -(int)err->code;
    }
    return 0;
}
