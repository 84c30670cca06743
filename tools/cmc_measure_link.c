/* SPDX-License-Identifier: Apache-2.0 */
/* tools/cmc_measure_link.c -- a thread, not a timer signal, tells progress: signals would interrupt
 * the TPM libraries, which do not all go on. */
#include "tools/cmc_measure_link.h"

#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <sys/socket.h>
#include <time.h>

#include "base/cleanup.h"

struct cmc_measure_link {
    int fd;
    atomic_uint_fast64_t entries, bytes, worked_ms;
    pthread_mutex_t lock; /* of done: no progress goes out during or after the result */
    bool done;
};

static uint64_t now_ms(void)
{
    struct timespec ts = {0};
    (void)clock_gettime(CLOCK_MONOTONIC, &ts);
    return (uint64_t)ts.tv_sec * 1000 + (uint64_t)ts.tv_nsec / 1000000;
}

/* Receives what there is, at most len bytes. */
static int receive(int fd, uint64_t deadline_ms, uint8_t *to, size_t len, struct cmc_err *err)
{
    for (;;) {
        const uint64_t now = now_ms();
        struct pollfd p = {.fd = fd, .events = POLLIN};
        int ready = poll(&p, 1, now < deadline_ms ? (int)(deadline_ms - now) : 0);
        ssize_t n = ready > 0 ? recv(fd, to, len, MSG_DONTWAIT) : -1;
        if (ready == 0)
            return cmc_fail(err, CMC_E_FORMAT, "request: silence for %d ms",
                            CMC_MEASURE_REQUEST_MS);
        if (n == 0)
            return cmc_fail(err, CMC_E_FORMAT, "request: the socket was closed within it");
        if (n > 0)
            return (int)n;
        if (errno != EINTR && errno != EAGAIN)
            return cmc_fail(err, CMC_E_SYS, "request: receive");
    }
}

int cmc_measure_link_read(int fd, struct cmc_buf *frame, struct cmc_helper_request *out,
                          struct cmc_err *err)
{
    enum { STEP = 8192 };
    uint8_t step[STEP];
    const uint64_t deadline_ms = now_ms() + CMC_MEASURE_REQUEST_MS;
    enum cmc_helper_type type = CMC_HELPER_REQUEST;
    struct cmc_reader body;
    int whole = 0;
    while (whole == 0) {
        int n = receive(fd, deadline_ms, step, STEP, err);
        if (n < 0)
            return n;
        cmc_put(frame, step, (size_t)n);
        if (cmc_buf_check(frame, "request", err) < 0)
            return -(int)err->code;
        whole = cmc_helper_frame(frame->data, frame->len, &type, &body, err);
    }
    if (whole < 0)
        return whole;
    if (type != CMC_HELPER_REQUEST || (size_t)whole != frame->len)
        return cmc_fail(err, CMC_E_FORMAT, "request: another frame, or bytes behind it");
    return cmc_helper_request_get(&body, out, err);
}

/* One small frame on a local socket goes whole or not at all. */
static void tell(struct cmc_measure_link *l)
{
    const struct cmc_helper_progress p = {
        .entries = atomic_load(&l->entries),
        .bytes = atomic_load(&l->bytes),
    };
    cmc_autobuf struct cmc_buf b = cmc_buf_of(256);
    struct cmc_err why = {0};
    if (cmc_helper_progress_put(&b, &p, &why) == 0)
        (void)send(l->fd, b.data, b.len, MSG_DONTWAIT | MSG_NOSIGNAL);
}

static void *beat(void *arg)
{
    struct cmc_measure_link *l = arg;
    const struct timespec pause = {.tv_nsec = CMC_MEASURE_BEAT_MS * 1000000L};
    for (bool done = false; !done;) {
        (void)nanosleep(&pause, NULL);
        (void)pthread_mutex_lock(&l->lock);
        done = l->done;
        if (!done && now_ms() - atomic_load(&l->worked_ms) < CMC_MEASURE_IDLE_MS)
            tell(l);
        (void)pthread_mutex_unlock(&l->lock);
    }
    return NULL;
}

int cmc_measure_link_start(int fd, struct cmc_measure_link **out, struct cmc_err *err)
{
    static struct cmc_measure_link link = {.lock = PTHREAD_MUTEX_INITIALIZER};
    sigset_t all, before;
    pthread_t thread;
    link.fd = fd;
    atomic_store(&link.worked_ms, now_ms());
    (void)sigfillset(&all);
    (void)pthread_sigmask(SIG_BLOCK, &all, &before);
    errno = pthread_create(&thread, NULL, beat, &link);
    const bool failed = errno != 0;
    if (failed)
        (void)cmc_fail(err, CMC_E_SYS, "start the progress thread");
    else
        (void)pthread_detach(thread); /* it ends with the process */
    (void)pthread_sigmask(SIG_SETMASK, &before, NULL);
    if (failed)
        return -CMC_E_SYS;
    *out = &link;
    return 0;
}

void cmc_measure_link_work(struct cmc_measure_link *link, uint64_t entries, uint64_t bytes)
{
    if (!link)
        return;
    atomic_store(&link->entries, entries);
    atomic_store(&link->bytes, bytes);
    atomic_store(&link->worked_ms, now_ms());
}

int cmc_measure_link_finish(struct cmc_measure_link *link, const struct cmc_helper_result *result,
                            struct cmc_err *err)
{
    cmc_autobuf struct cmc_buf b = cmc_buf_of(CMC_HELPER_MSG_MAX + 64);
    (void)pthread_mutex_lock(&link->lock);
    link->done = true;
    (void)pthread_mutex_unlock(&link->lock);
    if (cmc_helper_result_put(&b, result, err) < 0)
        return -(int)err->code;
    for (size_t sent = 0; sent < b.len;) {
        ssize_t n = send(link->fd, b.data + sent, b.len - sent, MSG_NOSIGNAL);
        if (n < 0 && errno != EINTR)
            return cmc_fail(err, CMC_E_SYS, "result: send");
        sent += n > 0 ? (size_t)n : 0;
    }
    return 0;
}
