/* SPDX-License-Identifier: Apache-2.0 */
/* record/lock.c -- one writer at a time: flock on a file that nobody but root can open. */
#include "record/lock.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/file.h>
#include <time.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "record/dir.h"

enum { FIRST_WAIT_US = 100, LAST_WAIT_US = 4000, PID_TEXT = 24 };

static long long now_us(void)
{
    struct timespec ts;
    (void)clock_gettime(CLOCK_MONOTONIC, &ts);
    return ts.tv_sec * 1000000LL + ts.tv_nsec / 1000;
}

static int fail_timeout(int fd, unsigned timeout_ms, struct cmc_err *err)
{
    char text[PID_TEXT + 1] = {0};
    if (pread(fd, text, PID_TEXT, 0) < 0)
        text[0] = 0;
    return cmc_fail(err, CMC_E_LIMIT,
                    "lock: not free for %u ms; process %ld took it last: see what it waits for",
                    timeout_ms, strtol(text, NULL, 10));
}

int record_lock_take(int dirfd, unsigned timeout_ms, struct cmc_err *err)
{
    cmc_autofd int fd = record_dir_file(dirfd, "lock", O_RDWR | O_CREAT, 0600, err);
    if (fd < 0)
        return -(int)err->code;
    const long long end = now_us() + timeout_ms * 1000LL;
    /* Polled: a blocking flock knows no timeout, and signals belong to the program. */
    for (long wait_us = FIRST_WAIT_US; flock(fd, LOCK_EX | LOCK_NB) < 0;) {
        if (errno != EWOULDBLOCK && errno != EINTR)
            return cmc_fail(err, CMC_E_SYS, "lock");
        if (now_us() >= end)
            return fail_timeout(fd, timeout_ms, err);
        const struct timespec ts = {.tv_nsec = wait_us * 1000};
        (void)nanosleep(&ts, NULL);
        wait_us = wait_us * 2 > LAST_WAIT_US ? LAST_WAIT_US : wait_us * 2;
    }
    char text[PID_TEXT + 1]; /* only for people: a lock that cannot be signed is still a lock */
    (void)snprintf(text, sizeof(text), "%-*ld\n", PID_TEXT - 1, (long)getpid());
    if (pwrite(fd, text, PID_TEXT, 0) != PID_TEXT)
        errno = 0;
    return cmc_take_fd(&fd);
}
