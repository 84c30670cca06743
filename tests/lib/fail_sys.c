/* SPDX-License-Identifier: Apache-2.0 */
/* tests/lib/fail_sys.c -- system calls, wrapped by the linker: one of them fails. */
#include "tests/lib/fail_sys.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/random.h>
#include <sys/socket.h>
#include <sys/stat.h>

#include <cmocka.h>

enum { MANY = 1000, DESCRIPTORS = 256 };

static size_t nth, countdown; /* countdown 0: none fails; n: the nth from now does */

void fail_sys_begin(void)
{
    countdown = nth;
}

void fail_sys_end(void)
{
    nth = countdown; /* 0: it has failed */
    countdown = 0;
}

static bool fails(void)
{
    if (countdown == 0 || --countdown > 0)
        return false;
    errno = EIO;
    return true;
}

static unsigned open_descriptors(void)
{
    unsigned n = 0;
    for (int fd = 0; fd < DESCRIPTORS; fd++)
        n += fcntl(fd, F_GETFD) >= 0;
    return n;
}

static bool is_undisturbed(fail_sys_call *call, size_t n)
{
    struct cmc_err err = {0};
    const unsigned before = open_descriptors();
    nth = n;
    const int rc = call(&err);
    const bool undisturbed = nth > 0;
    nth = 0;                        /* calls between two loops are not disturbed */
    assert_int_equal(countdown, 0); /* it called fail_sys_end() */
    if (rc < 0 ? undisturbed || -rc != (int)err.code || !err.msg[0] : err.code != CMC_OK)
        fail_msg("%s call %zu: %d, code %u: %s", undisturbed ? "before" : "without", n, rc,
                 (unsigned)err.code, err.msg);
    assert_int_equal(open_descriptors(), before);
    return undisturbed;
}

void fail_sys_each(fail_sys_call *call)
{
    size_t n = 1;
    while (n < MANY && !is_undisturbed(call, n))
        n++;
    assert_in_range(n, 2, MANY - 1); /* 1: nothing was tested */
}

/* NOLINTBEGIN(bugprone-reserved-identifier, cert-dcl37-c, cert-dcl51-cpp): the linker's names */
/* weak: a program lists those that it has wrapped */
#define WRAPPED_AS(type, failed, name, parameters, ...)                                            \
    __attribute__((weak)) type __real_##name parameters;                                           \
    type __wrap_##name parameters;                                                                 \
    type __wrap_##name parameters                                                                  \
    {                                                                                              \
        return fails() ? (failed) : __real_##name(__VA_ARGS__);                                    \
    }
#define WRAPPED(name, parameters, ...) WRAPPED_AS(int, -1, name, parameters, __VA_ARGS__)

WRAPPED(open, (const char *path, int flags, mode_t mode), path, flags, mode)
WRAPPED(openat, (int dir, const char *path, int flags, mode_t mode), dir, path, flags, mode)
WRAPPED(fstat, (int fd, struct stat *st), fd, st)
WRAPPED(fstatat, (int dir, const char *path, struct stat *st, int flags), dir, path, st, flags)
WRAPPED(lstat, (const char *path, struct stat *st), path, st)
WRAPPED(mkdir, (const char *path, mode_t mode), path, mode)
WRAPPED(unlink, (const char *path), path)
WRAPPED(unlinkat, (int dir, const char *path, int flags), dir, path, flags)
WRAPPED(renameat, (int from, const char *a, int to, const char *b), from, a, to, b)
WRAPPED(flock, (int fd, int how), fd, how)
WRAPPED(socket, (int domain, int type, int protocol), domain, type, protocol)
WRAPPED(bind, (int fd, const struct sockaddr *sa, socklen_t len), fd, sa, len)
WRAPPED(listen, (int fd, int backlog), fd, backlog)
WRAPPED(connect, (int fd, const struct sockaddr *sa, socklen_t len), fd, sa, len)
WRAPPED(getsockopt, (int fd, int level, int name, void *value, socklen_t *len), fd, level, name,
        value, len)

WRAPPED(setsockopt, (int fd, int level, int name, const void *value, socklen_t len), fd, level,
        name, value, len)
WRAPPED(fsync, (int fd), fd)
WRAPPED(poll, (struct pollfd * fds, nfds_t n, int timeout), fds, n, timeout)
WRAPPED_AS(ssize_t, -1, read, (int fd, void *data, size_t len), fd, data, len)
WRAPPED_AS(ssize_t, -1, pread, (int fd, void *data, size_t len, off_t at), fd, data, len, at)
WRAPPED_AS(ssize_t, -1, write, (int fd, const void *data, size_t len), fd, data, len)
WRAPPED_AS(ssize_t, -1, recv, (int fd, void *data, size_t len, int flags), fd, data, len, flags)
WRAPPED_AS(ssize_t, -1, send, (int fd, const void *data, size_t len, int flags), fd, data, len,
           flags)
WRAPPED_AS(ssize_t, -1, getrandom, (void *data, size_t len, unsigned flags), data, len, flags)
WRAPPED_AS(off_t, -1, lseek, (int fd, off_t at, int from), fd, at, from)
WRAPPED_AS(DIR *, NULL, fdopendir, (int fd), fd)
WRAPPED_AS(struct dirent *, NULL, readdir, (DIR * dir), dir)
/* NOLINTEND(bugprone-reserved-identifier, cert-dcl37-c, cert-dcl51-cpp) */
