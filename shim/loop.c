/* SPDX-License-Identifier: Apache-2.0 */
/* shim/loop.c -- epoll, and nothing that knows what a descriptor means. */
#include "shim/loop.h"

#include <errno.h>
#include <sys/epoll.h>
#include <time.h>
#include <unistd.h>

enum { BATCH = 16 };

int shim_loop_init(struct shim_loop *l, struct cmc_err *err)
{
    l->epfd = epoll_create1(EPOLL_CLOEXEC);
    return l->epfd < 0 ? cmc_fail(err, CMC_E_SYS, "epoll_create1") : 0;
}

int shim_loop_add(struct shim_loop *l, struct shim_watch *w, int fd, uint32_t events,
                  struct cmc_err *err)
{
    struct epoll_event ev = {.events = events, .data.ptr = w};
    w->fd = fd;
    w->events = events;
    if (epoll_ctl(l->epfd, EPOLL_CTL_ADD, fd, &ev) == 0)
        return 0;
    (void)cmc_fail(err, CMC_E_SYS, "epoll_ctl");
    (void)close(fd);
    w->fd = -1;
    return -CMC_E_SYS;
}

/* A descriptor that hung up reports EPOLLHUP whatever is asked, so 0 takes it out of the set:
 * else a peer that is gone while we may not read would keep us spinning. */
void shim_loop_set(struct shim_loop *l, struct shim_watch *w, uint32_t events)
{
    struct epoll_event ev = {.events = events, .data.ptr = w};
    if (w->fd < 0 || events == w->events)
        return;
    int op = events == 0 ? EPOLL_CTL_DEL : w->events == 0 ? EPOLL_CTL_ADD : EPOLL_CTL_MOD;
    if (epoll_ctl(l->epfd, op, w->fd, &ev) == 0)
        w->events = events;
}

void shim_loop_drop(struct shim_loop *l, struct shim_watch *w)
{
    if (w->fd < 0)
        return;
    shim_loop_set(l, w, 0);
    (void)close(w->fd);
    w->fd = -1;
}

int shim_loop_wait(struct shim_loop *l, int timeout_ms, struct cmc_err *err)
{
    struct epoll_event ev[BATCH];
    int n = epoll_wait(l->epfd, ev, BATCH, timeout_ms);
    if (n < 0 && errno != EINTR)
        return cmc_fail(err, CMC_E_SYS, "epoll_wait");
    for (int i = 0; i < n; i++) {
        const struct shim_watch *w = ev[i].data.ptr;
        if (w->fd >= 0) /* an earlier callback of this batch may have closed it */
            w->ready(w->owner, ev[i].events);
    }
    return 0;
}

uint64_t shim_loop_now_us(void)
{
    struct timespec ts;
    (void)clock_gettime(CLOCK_MONOTONIC, &ts);
    return (uint64_t)ts.tv_sec * 1000000 + (uint64_t)ts.tv_nsec / 1000;
}

uint64_t shim_loop_now_ms(void)
{
    return shim_loop_now_us() / 1000;
}
