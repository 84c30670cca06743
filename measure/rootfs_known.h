/* SPDX-License-Identifier: Apache-2.0 */
/* measure/rootfs_known.h -- contents of files of layers that an earlier measuring has read, and
 * which of this one's a later one may rely on (docs/formats/layer-cache.md, Use and Learning). */
#ifndef MEASURE_ROOTFS_KNOWN_H
#define MEASURE_ROOTFS_KNOWN_H
#include <stdbool.h>
#include <stdint.h>

#include "base/hash.h"

struct measure_known_file {
    uint32_t layer; /* as in measure_layers, topmost 0; 0 where there are none */
    uint64_t dev, ino, size;
    uint64_t changed; /* ctime in nanoseconds */
};

/* Who remembers; called in the measuring thread only. */
struct measure_known {
    /* The content digest of a file that is at rest: false, digest untouched, when not known. */
    bool (*find)(void *ctx, const struct measure_known_file *f,
                 uint8_t digest[static CMC_SHA256_LEN]);
    /* After the whole tree was read: what was not known and can be from now on, each once,
     * ascending by layer and inode number. False: no more of it. */
    bool (*learn)(void *ctx, const struct measure_known_file *f,
                  const uint8_t digest[static CMC_SHA256_LEN]);
    void *ctx;
};

struct measure_facts;
struct measure_nodes;

struct measure_lesson { /* a file that may be learned when it has been read */
    uint64_t ino;
    uint32_t node, layer;
};

struct measure_lessons {
    const struct measure_known *known; /* borrowed; NULL: none of this */
    uint64_t start;                    /* clock of ctimes when the measuring began */
    struct measure_lesson *v;          /* owned */
    size_t count, cap;                 /* as the walk met them */
    size_t taken, kept;                /* v[0, kept) of v[0, taken) were read under a lease */
    bool lost;                         /* no memory: nothing is learned */
};

/* Begins; known may be NULL. */
void measure_lessons_init(struct measure_lessons *l, const struct measure_known *known);
void measure_lessons_done(struct measure_lessons *l);

/* Has a file rested long enough at start (nanoseconds) that any later change shows in its ctime? */
bool measure_known_rests(const struct measure_facts *f, uint64_t start);

/* A file that the walk has met as that node, not known by another name. True: digest is its
 * content's. False: it is read, and must go through measure_lessons_take() before those met later.
 */
bool measure_lessons_find(struct measure_lessons *l, uint32_t layer, uint32_t node,
                          const struct measure_facts *f, uint8_t digest[static CMC_SHA256_LEN]);
/* A node was read; leased: nobody could write to it. */
void measure_lessons_take(struct measure_lessons *l, uint32_t node, bool leased);
/* All was read: has what can be learned learned. The nodes still have content digests. */
void measure_lessons_tell(struct measure_lessons *l, const struct measure_nodes *n);
#endif
