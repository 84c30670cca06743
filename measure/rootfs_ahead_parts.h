/* SPDX-License-Identifier: Apache-2.0 */
/* measure/rootfs_ahead_parts.h -- what the files that make up measure/rootfs_ahead.h share. */
#ifndef MEASURE_ROOTFS_AHEAD_PARTS_H
#define MEASURE_ROOTFS_AHEAD_PARTS_H
#include <dirent.h>
#include <limits.h>
#include <pthread.h>
#include <stdalign.h>

#include "measure/rootfs_ahead.h"
#include "measure/rootfs_waits.h"

enum {
    MEASURE_AHEAD_THREADS = 8,
    MEASURE_AHEAD_WINDOWS = 6,      /* one of which is being filled */
    MEASURE_AHEAD_FILES = 1024,     /* of a window: sorted as they lie on the disk */
    MEASURE_AHEAD_BYTES = 24 << 20, /* of a window, and of one file */
    MEASURE_AHEAD_TEXT = 1 << 20,   /* of a window: paths */
    MEASURE_AHEAD_FEW = 64,         /* files that are a window when the reader may need it soon */
    MEASURE_AHEAD_HANDFUL = 16,     /* files that one thread asks for together */
    MEASURE_AHEAD_DIRS = 1 << 14,   /* that wait to be listed */
    MEASURE_AHEAD_DIRS_TEXT = 2 << 20, /* and their paths */
    MEASURE_AHEAD_LIST = 1 << 14,      /* entries of a directory; of a larger one others are left */
};

/* Paths are relative to a root; "" is the root itself. They are sorted as measure_walk() goes: a
 * directory, what is in it, then what is beside it. */
int measure_ahead_order(const char *a, const char *b);
/* Has a reader who is at pos left everything in dir behind? */
bool measure_ahead_is_past(const char *dir, const char *pos);

/* ---- directories that wait to be listed, the next one first ---- */

struct measure_ahead_dir {
    char *path; /* owned */
    uint32_t root;
};
struct measure_ahead_dirs {
    struct measure_ahead_dir *heap; /* owned */
    size_t count, cap, text;
};
/* Takes a copy; false when it is full, or memory is. */
bool measure_ahead_dirs_add(struct measure_ahead_dirs *d, uint32_t root, const char *path);
/* The next one is the caller's; false when there is none. */
bool measure_ahead_dirs_take(struct measure_ahead_dirs *d, struct measure_ahead_dir *out);
void measure_ahead_dirs_done(struct measure_ahead_dirs *d);

/* ---- windows of files, in the reader's order, each sorted by inode ---- */

struct measure_ahead_file {
    uint64_t ino, size;
    uint32_t root, path; /* place in text */
};
struct measure_ahead_window {
    struct cmc_buf text;
    uint32_t first; /* place of the path that the reader meets first */
    unsigned count, next, users;
    uint64_t bytes;
    struct measure_ahead_file file[MEASURE_AHEAD_FILES];
};
/* Numbers count on, places are their remainders. The reader is in window entered - 1, that or a
 * later one is being asked for (turn), up to full, which is being filled. */
struct measure_ahead_ring {
    uint64_t entered, turn, full;
    bool filling;       /* that has a file already */
    char pos[PATH_MAX]; /* of the reader */
    struct measure_ahead_window window[MEASURE_AHEAD_WINDOWS];
};
void measure_ahead_ring_init(struct measure_ahead_ring *r);
void measure_ahead_ring_done(struct measure_ahead_ring *r);
/* May a file be added, or are we far enough ahead of the reader? */
bool measure_ahead_ring_has_room(const struct measure_ahead_ring *r);
/* Adds dir/name, where there is room. Its path may be too long, or memory out: then it is not. */
void measure_ahead_ring_add(struct measure_ahead_ring *r, const char *dir, const char *name,
                            const struct measure_ahead_file *file);
/* The reader has come to pos. True when there is room now where there was none. */
bool measure_ahead_ring_move(struct measure_ahead_ring *r, const char *pos, size_t len);
/* Ends the window that is being filled. */
void measure_ahead_ring_close(struct measure_ahead_ring *r);
struct measure_ahead_taken {
    struct measure_ahead_window *window; /* stays until users, which count the taker, is less */
    size_t n;
    const struct measure_ahead_file *file[MEASURE_AHEAD_HANDFUL];
};
/* Takes files that the reader has not come to; false when none are left. last: no more are to come.
 */
bool measure_ahead_ring_take(struct measure_ahead_ring *r, bool last,
                             struct measure_ahead_taken *out);

/* ---- the crew ---- */

struct measure_ahead_name {
    uint64_t ino, size;
    uint32_t at; /* in names */
    bool dir, unknown;
};
struct measure_ahead_worker { /* on the heap: most of it is for huge directories */
    struct measure_ahead *ahead;
    unsigned number;
    pthread_t thread;
    long waits;           /* for other threads, so far */
    struct cmc_buf names; /* of the directory at hand */
    size_t count;
    struct measure_ahead_name list[MEASURE_AHEAD_LIST];
    alignas(struct dirent64) char dents[32 << 10];
};

struct measure_ahead {
    struct measure_ahead_opts opts; /* threads: of the crew, at most */
    /* the reader's */
    unsigned met; /* entries while the crew slept */
    struct measure_waits before;
    long lately;      /* what waits for a disk count by now */
    unsigned threads; /* that run */
    struct measure_ahead_worker *worker[MEASURE_AHEAD_THREADS];
    bool no_crew; /* none could be started */
    /* everyone's, under lock */
    pthread_mutex_t lock;
    pthread_cond_t work, room; /* idle threads; those that are far enough ahead */
    bool awake, ends;
    unsigned useful;  /* above 0: what was asked for was not in memory, lately */
    unsigned listing; /* threads that are at a directory */
    struct measure_ahead_dirs dirs;
    struct measure_ahead_ring ring;
};

enum { MEASURE_AHEAD_USEFUL = 8 }; /* handfuls that are remembered */
/* What a thread of the crew does until a->ends. arg: its worker. */
void *measure_ahead_run(void *arg);
/* Sets the crew to work, and starts it the first time. Of the reader's thread. */
void measure_ahead_wake(struct measure_ahead *a);
#endif
