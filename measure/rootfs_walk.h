/* SPDX-License-Identifier: Apache-2.0 */
/* measure/rootfs_walk.h -- walks a tree by descriptors: one order, one idea of "changed", for every
 * form (docs/formats/rootfs-tree.md, "Reading a tree"). */
#ifndef MEASURE_ROOTFS_WALK_H
#define MEASURE_ROOTFS_WALK_H
#include "measure/rootfs_entry.h"
#include "measure/rootfs_look.h"
#include "measure/rootfs_read.h"

struct measure_walk_entry {    /* borrowed while a call lasts */
    struct measure_bytes path; /* "/dir/name"; empty for the root */
    const char *name;          /* the end of path, NUL-terminated */
    int fd; /* a directory open for reading, else O_PATH unless readable; -1 when only looked at */
    bool readable;          /* fd is: a regular file, of a form that reads */
    const struct statx *sx; /* basic statistics and mount id */
    uint32_t layer;         /* that it is from, topmost 0; 0 where there are none */
};

struct measure_walk_names { /* of a directory's entries, sorted as bytes; borrowed */
    const uint32_t *at;     /* places in text */
    const char *text;       /* NUL-terminated names */
    size_t count;
};

enum {
    /* What visit and leave may return: the descriptor is the form's from now on, and the form sees
     * to it that what it stands for has not changed (measure_look_same()). */
    MEASURE_WALK_KEPT = 1,
    /* What measure_walk_visit() has found. */
    MEASURE_WALK_IS_DIR = 2,
    /* What later may return: look at it now, and visit. */
    MEASURE_WALK_NOW = 3,
};

struct measure_walk_at { /* something that is no directory, before it is looked at */
    int dirfd;
    const char *name;
    uint64_t mount;
    uint32_t layer;
    uint8_t type; /* DT_*, as the directory lists it: no directory; or DT_UNKNOWN */
};

/* What a form does with what is met. An error ends the walk. */
struct measure_walk {
    /* A directory, the root first: before what is in it. */
    int (*enter)(void *ctx, const struct measure_walk_entry *dir,
                 const struct measure_walk_names *names, struct cmc_err *err);
    /* Anything else: 0 or MEASURE_WALK_KEPT. */
    int (*visit)(void *ctx, const struct measure_walk_entry *e, struct cmc_err *err);
    /* The directory entered last and not left yet: 0 or MEASURE_WALK_KEPT; may be NULL. */
    int (*leave)(void *ctx, int fd, const struct measure_facts *facts, struct cmc_err *err);
    /* Regular files that are listed as such come readable: one open(2) for each, not two. */
    bool reads;
    /* Only directories are opened; whether an entry changed during its visit is not asked. */
    bool look_only;
    /* With look_only, instead of a look and a visit, of what is listed; may be NULL. What is in the
     * topmost layer of its directory can be looked at until that is left, or longer when its
     * descriptor is kept; anything else now. 0 or MEASURE_WALK_NOW. */
    int (*later)(void *ctx, const struct measure_walk_at *at, struct cmc_err *err);
};

enum { MEASURE_WALK_DESCRIPTORS = 66 };

struct measure_names;
struct measure_walk_run { /* what all steps of a walk share; borrowed */
    const struct measure_walk *form;
    void *ctx;
    struct measure_meter *meter;
    struct measure_names *names;
};

/* Walks the tree below rootfd (a directory, O_PATH is enough; borrowed), directories before what
 * is in them, entries of one directory by the bytes of their names. meter counts entries, and
 * meter->opts->file_max is kept. MEASURE_WALK_DESCRIPTORS at any depth.
 * Errors begin with the path: what enter and visit return; -CMC_E_SYS (unreadable, "cancelled"),
 * -CMC_E_VERIFY (changed, a mount point), -CMC_E_LIMIT (entries, names, a file above file_max). */
CMC_MUST_CHECK int measure_walk(int rootfd, const struct measure_walk *form, void *ctx,
                                struct measure_meter *meter, struct cmc_err *err);

/* The step of a walk onto anything but a directory: has it visited, and sees that it stays.
 * Returns 0, or MEASURE_WALK_IS_DIR with nothing done. Errors: as measure_walk(), without the
 * path. */
CMC_MUST_CHECK int measure_walk_visit(const struct measure_walk_run *run,
                                      const struct measure_walk_at *at, struct cmc_err *err);

/* Is a file small enough? 0: any is. Errors: -CMC_E_LIMIT. */
CMC_MUST_CHECK int measure_walk_check(const struct statx *sx, uint64_t file_max,
                                      struct cmc_err *err);

/* Puts a path ("" for the root) before the message, safe to be shown. Returns -code. */
int measure_walk_name_fault(struct measure_bytes path, struct cmc_err *err);
#endif
