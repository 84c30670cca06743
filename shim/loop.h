/* SPDX-License-Identifier: Apache-2.0 */
/* shim/loop.h -- one thread, one epoll set, one callback per descriptor. */
#ifndef SHIM_LOOP_H
#define SHIM_LOOP_H
#include <stdint.h>

#include "base/err.h"

struct shim_watch {
    int fd;          /* owned; -1: closed, callbacks no longer come */
    uint32_t events; /* EPOLLIN and EPOLLOUT; 0 also silences EPOLLHUP */
    void (*ready)(void *owner, uint32_t events);
    void *owner; /* must live until the end of the shim_loop_wait() that saw the fd closed */
};

struct shim_loop {
    int epfd;
};

CMC_MUST_CHECK int shim_loop_init(struct shim_loop *l, struct cmc_err *err);
/* Takes fd over, and closes it on failure too. */
CMC_MUST_CHECK int shim_loop_add(struct shim_loop *l, struct shim_watch *w, int fd, uint32_t events,
                                 struct cmc_err *err);
void shim_loop_set(struct shim_loop *l, struct shim_watch *w, uint32_t events);
/* Closes the fd. */
void shim_loop_drop(struct shim_loop *l, struct shim_watch *w);
/* Waits at most timeout_ms (-1: for ever) and calls what is ready, once each. */
CMC_MUST_CHECK int shim_loop_wait(struct shim_loop *l, int timeout_ms, struct cmc_err *err);
/* CLOCK_MONOTONIC. */
uint64_t shim_loop_now_ms(void);
uint64_t shim_loop_now_us(void);
#endif
