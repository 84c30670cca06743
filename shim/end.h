/* SPDX-License-Identifier: Apache-2.0 */
/* shim/end.h -- one end of a connection: whole frames in, whole frames out, both bounded. */
#ifndef SHIM_END_H
#define SHIM_END_H
#include <stdbool.h>

#include "base/buf.h"
#include "shim/frame.h"
#include "shim/loop.h"

enum {
    SHIM_END_HIGH = 64 << 10,   /* pending output at which its source is no longer read */
    SHIM_END_OUT_MAX = 16 << 20 /* never reached while sources are held back */
};

struct shim_end {
    struct shim_watch w;
    struct cmc_buf in;          /* at most one frame and one read */
    size_t used;                /* bytes of in that are dealt with */
    struct cmc_buf out;         /* whole frames */
    size_t sent;                /* bytes of out that are gone */
    uint64_t drain;             /* bytes of an oversize frame still to throw away */
    struct shim_frame oversize; /* its header, while drain > 0 or it waits to be reported */
    bool oversized;
    bool eof;    /* the peer sends no more */
    bool hup;    /* the peer is gone altogether, or reading failed */
    bool broken; /* writing failed */
};

enum shim_end_got { SHIM_END_NOTHING, SHIM_END_FRAME, SHIM_END_OVERSIZE, SHIM_END_TRUNCATED };

/* Takes a non-blocking socket over. */
CMC_MUST_CHECK int shim_end_init(struct shim_end *e, struct shim_loop *l, int fd,
                                 struct cmc_err *err);
void shim_end_done(struct shim_end *e, struct shim_loop *l);
/* One recv(2); true when there may be more at once. Sets eof and hup. */
bool shim_end_read(struct shim_end *e);
/* The next thing in the input. FRAME: *f whole (its bytes begin SHIM_FRAME_HEADER before data),
 * valid until the next call. OVERSIZE: a frame over the limit has been thrown away, *f is its
 * header. TRUNCATED: the input ended inside a frame. */
enum shim_end_got shim_end_next(struct shim_end *e, struct shim_frame *f);
/* Queues whole frames and sends what the socket takes. */
void shim_end_put(struct shim_end *e, const void *data, size_t len);
void shim_end_flush(struct shim_end *e);
size_t shim_end_pending(const struct shim_end *e);
#endif
