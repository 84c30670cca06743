/* SPDX-License-Identifier: Apache-2.0 */
/* measure/rootfs_stream.c -- a ring of buffers between who reads and who hashes. */
#include "measure/rootfs_stream.h"

#include <pthread.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "measure/thread.h"

enum {
    BUFFERS = 8,
    BUFFER = 256 << 10,
    WORTH_A_THREAD = 4, /* full buffers: a short stream is hashed by who adds it */
    STACK = 128 << 10
};

struct measure_stream {
    struct cmc_sha256_ctx hash; /* the thread's while it runs */
    size_t used;                /* bytes in the buffer that is being filled */
    long waits;                 /* for an empty buffer */
    bool alone;                 /* no thread, or none could be started */
    bool runs;
    pthread_t thread;
    pthread_mutex_t lock; /* of what follows */
    pthread_cond_t filled, emptied;
    bool ends;
    uint64_t head, tail; /* buffers [tail, head) are full; head is being filled */
    uint8_t buffer[BUFFERS][BUFFER];
};

int measure_stream_new(unsigned threads, struct measure_stream **out, struct cmc_err *err)
{
    struct measure_stream *s = calloc(1, sizeof(*s));
    if (!s)
        return cmc_fail(err, CMC_E_LIMIT, "out of memory to hash a tree");
    s->alone = threads == 1;
    (void)pthread_mutex_init(&s->lock, NULL);
    (void)pthread_cond_init(&s->filled, NULL);
    (void)pthread_cond_init(&s->emptied, NULL);
    cmc_sha256_init(&s->hash);
    *out = s;
    return 0;
}

/* With the lock held, which is released meanwhile. */
static void hash_one(struct measure_stream *s)
{
    const uint8_t *full = s->buffer[s->tail % BUFFERS];
    (void)pthread_mutex_unlock(&s->lock);
    cmc_sha256_add(&s->hash, full, BUFFER);
    (void)pthread_mutex_lock(&s->lock);
    s->tail++;
    (void)pthread_cond_signal(&s->emptied);
}

static void *run(void *arg)
{
    struct measure_stream *s = arg;
    (void)pthread_mutex_lock(&s->lock);
    while (!s->ends || s->tail < s->head) {
        if (s->tail < s->head)
            hash_one(s);
        else
            (void)pthread_cond_wait(&s->filled, &s->lock);
    }
    (void)pthread_mutex_unlock(&s->lock);
    return NULL;
}

/* The buffer that was filled is to be hashed; there is an empty one then. */
static void hand_over(struct measure_stream *s)
{
    (void)pthread_mutex_lock(&s->lock);
    s->head++;
    s->used = 0;
    if (!s->runs && !s->alone && s->head - s->tail == WORTH_A_THREAD) {
        s->runs = measure_thread_start(&s->thread, STACK, run, s);
        s->alone = !s->runs;
    }
    while (s->alone && s->tail < s->head)
        hash_one(s);
    (void)pthread_cond_signal(&s->filled);
    while (s->head - s->tail == BUFFERS) {
        s->waits++;
        (void)pthread_cond_wait(&s->emptied, &s->lock);
    }
    (void)pthread_mutex_unlock(&s->lock);
}

void measure_stream_add(struct measure_stream *s, const void *data, size_t len)
{
    const uint8_t *from = data;
    while (len > 0) {
        const size_t room = BUFFER - s->used, n = len < room ? len : room;
        memcpy(s->buffer[s->head % BUFFERS] + s->used, from, n);
        s->used += n;
        from += n;
        len -= n;
        if (s->used == BUFFER)
            hand_over(s);
    }
}

long measure_stream_waits(const struct measure_stream *s)
{
    return s->waits;
}

static void join(struct measure_stream *s)
{
    (void)pthread_mutex_lock(&s->lock);
    s->ends = true;
    (void)pthread_cond_signal(&s->filled);
    (void)pthread_mutex_unlock(&s->lock);
    if (s->runs)
        (void)pthread_join(s->thread, NULL);
    s->runs = false;
}

void measure_stream_end(struct measure_stream *s, uint8_t out[static CMC_SHA256_LEN])
{
    join(s);
    for (; s->tail < s->head; s->tail++)
        cmc_sha256_add(&s->hash, s->buffer[s->tail % BUFFERS], BUFFER);
    cmc_sha256_add(&s->hash, s->buffer[s->head % BUFFERS], s->used);
    cmc_sha256_end(&s->hash, out);
}

void measure_stream_free(struct measure_stream *s)
{
    if (!s)
        return;
    join(s);
    (void)pthread_cond_destroy(&s->emptied);
    (void)pthread_cond_destroy(&s->filled);
    (void)pthread_mutex_destroy(&s->lock);
    free(s);
}
