/* SPDX-License-Identifier: Apache-2.0 */
/* measure/rootfs_walk.c -- walks a tree by descriptors, never by paths. */
#include "measure/rootfs_walk.h"

#include <fcntl.h>
#include <stdlib.h>
#include <sys/stat.h>

#include "base/hex.h"
#include "measure/rootfs_names.h"

enum { OPEN_DIRS_MAX = 64, PATH_SHOWN_MAX = 300 };

/* A directory being walked. Only the innermost OPEN_DIRS_MAX hold a descriptor: an ancestor's is
 * opened again, through "..", when the walk comes back. */
struct frame {
    int fd;                    /* owned, or -1 */
    size_t path;               /* length of its path */
    size_t text;               /* where its names are in text */
    uint32_t first, next, end; /* and in names */
    struct measure_facts facts;
};

struct walker {
    struct measure_walk_run run;
    struct frame *frames;
    size_t depth, frame_cap;
    uint64_t mount;
    struct measure_names names;
};

static void walker_free(struct walker *w)
{
    for (size_t i = 0; i < w->depth; i++)
        cmc_closep(&w->frames[i].fd);
    free(w->frames);
    measure_names_done(&w->names);
    free(w);
}

/* The root may be a mount point; nothing below it. */
static int look(const struct walker *w, int dirfd, const char *name, struct statx *sx,
                struct cmc_err *err)
{
    return w->depth > 0 ? measure_look_on(w->mount, dirfd, name, sx, err)
                        : measure_look(dirfd, name, sx, err);
}

/* The names in fd, after those of the directories around it, in order. */
static int list(struct walker *w, int fd, struct measure_walk_names *out, struct cmc_err *err)
{
    struct measure_names *n = w->run.names;
    const size_t first = n->count;
    if (measure_names_read(n, fd, 0, err) < 0 || measure_names_sort(n, first, err) < 0)
        return -(int)err->code;
    const size_t count = n->count - first;
    *out = (struct measure_walk_names){count ? n->at + first : NULL, (const char *)n->text.data,
                                       count};
    return 0;
}

static int push(struct walker *w, const struct frame *f, struct cmc_err *err)
{
    if (w->depth == w->frame_cap) {
        const size_t cap = w->frame_cap ? w->frame_cap * 2 : 64;
        struct frame *frames = reallocarray(w->frames, cap, sizeof(*frames));
        if (!frames)
            return cmc_fail(err, CMC_E_LIMIT, "out of memory %zu directories deep", w->depth);
        w->frames = frames;
        w->frame_cap = cap;
    }
    if (w->depth >= OPEN_DIRS_MAX)
        cmc_closep(&w->frames[w->depth - OPEN_DIRS_MAX].fd);
    w->frames[w->depth++] = *f;
    return 0;
}

/* Opens and lists the directory that is called name, or open, in dirfd. */
static int enter(struct walker *w, int dirfd, const char *name, struct cmc_err *err)
{
    struct statx sx;
    struct measure_walk_names names;
    struct measure_names *n = w->run.names;
    struct frame f = {.path = n->path.len, .text = n->text.len, .first = (uint32_t)n->count};
    cmc_autofd int fd = measure_look_open(dirfd, *name ? name : ".", O_RDONLY | O_DIRECTORY,
                                          MEASURE_LOOK_BENEATH, err);
    if (fd < 0 || look(w, fd, "", &sx, err) < 0 || list(w, fd, &names, err) < 0)
        return -(int)err->code;
    const struct measure_walk_entry e = {{n->path.data, n->path.len}, name, fd, false, &sx, 0};
    if (w->run.form->enter(w->run.ctx, &e, &names, err) < 0)
        return -(int)err->code;
    w->mount = sx.stx_mnt_id;
    f.fd = fd;
    f.next = f.first;
    f.end = (uint32_t)n->count;
    f.facts = measure_facts_of(&sx);
    if (push(w, &f, err) < 0)
        return -(int)err->code;
    (void)cmc_take_fd(&fd);
    return 0;
}

int measure_walk_check(const struct statx *sx, uint64_t file_max, struct cmc_err *err)
{
    if (S_ISREG(sx->stx_mode) && file_max && sx->stx_size > file_max)
        return cmc_fail(err, CMC_E_LIMIT, "%llu bytes, at most %llu (file_max)",
                        (unsigned long long)sx->stx_size, (unsigned long long)file_max);
    return 0;
}

/* O_NONBLOCK: should it be a FIFO by now, nobody waits for its writer. */
static int open_entry(const struct measure_walk_at *at, bool readable, struct cmc_err *err)
{
    const uint64_t flags = readable ? O_RDONLY | O_NONBLOCK | O_NOCTTY : O_PATH;
    return measure_look_open(at->dirfd, at->name, flags, MEASURE_LOOK_BENEATH, err);
}

/* What is open for reading must be a regular file. */
static int look_at(const struct measure_walk_at *at, int fd, bool readable, struct statx *sx,
                   struct cmc_err *err)
{
    const bool by_name = fd < 0;
    if (measure_look_on(at->mount, by_name ? at->dirfd : fd, by_name ? at->name : "", sx, err) < 0)
        return -(int)err->code;
    if (readable && !S_ISREG(sx->stx_mode))
        return cmc_fail(err, CMC_E_VERIFY, "changed: its type is another than listed");
    return 0;
}

static int look_and_visit(const struct measure_walk_run *run, const struct measure_walk_at *at,
                          struct cmc_err *err)
{
    const bool look_only = run->form->look_only;
    const bool readable = run->form->reads && at->type == DT_REG;
    struct statx sx;
    cmc_autofd int fd = look_only ? -1 : open_entry(at, readable, err);
    if ((!look_only && fd < 0) || look_at(at, fd, readable, &sx, err) < 0)
        return -(int)err->code;
    if (S_ISDIR(sx.stx_mode)) /* the listing did not say so */
        return MEASURE_WALK_IS_DIR;
    if (measure_walk_check(&sx, run->meter->opts->file_max, err) < 0)
        return -(int)err->code;
    const struct measure_facts facts = measure_facts_of(&sx);
    const struct cmc_buf *path = &run->names->path;
    const struct measure_walk_entry e = {
        {path->data, path->len}, at->name, fd, readable, &sx, at->layer};
    const int r = run->form->visit(run->ctx, &e, err);
    if (r == MEASURE_WALK_KEPT)
        (void)cmc_take_fd(&fd);
    return r != 0 ? (r < 0 ? r : 0) : look_only ? 0 : measure_look_same(fd, &facts, err);
}

int measure_walk_visit(const struct measure_walk_run *run, const struct measure_walk_at *at,
                       struct cmc_err *err)
{
    const int r = run->form->later && at->type != DT_UNKNOWN ? run->form->later(run->ctx, at, err)
                                                             : MEASURE_WALK_NOW;
    return r == MEASURE_WALK_NOW ? look_and_visit(run, at, err) : r;
}

/* Goes on with the next entry of the innermost directory. */
static int advance(struct walker *w, struct frame *f, struct cmc_err *err)
{
    struct measure_names *n = w->run.names;
    const uint32_t i = f->next++;
    const uint8_t type = *measure_names_type(n, n->at[i]);
    const bool is_dir = type == DT_DIR;
    size_t place;
    if (measure_names_step(n, i, w->run.meter, &place, err) < 0)
        return -(int)err->code;
    const char *name = (const char *)n->path.data + place;
    const struct measure_walk_at at = {
        .dirfd = f->fd, .name = name, .mount = w->mount, .type = type};
    const int r = is_dir ? MEASURE_WALK_IS_DIR : measure_walk_visit(&w->run, &at, err);
    return r == MEASURE_WALK_IS_DIR ? enter(w, f->fd, name, err) : r;
}

/* The directory around f, the innermost one, has a descriptor again. */
static int reopen(struct walker *w, struct frame *f, struct cmc_err *err)
{
    if (w->depth == 1 || f[-1].fd >= 0)
        return 0;
    w->run.names->path.len = f[-1].path;
    f[-1].fd = measure_look_open(f->fd, "..", O_RDONLY | O_DIRECTORY, MEASURE_LOOK_UP, err);
    if (f[-1].fd < 0 || measure_look_same(f[-1].fd, &f[-1].facts, err) < 0)
        return -(int)err->code;
    w->run.names->path.len = f->path;
    return 0;
}

/* Ends the innermost directory and goes back to the one around it. */
static int leave(struct walker *w, struct frame *f, struct cmc_err *err)
{
    int r = reopen(w, f, err);
    if (r == 0 && w->run.form->leave)
        r = w->run.form->leave(w->run.ctx, f->fd, &f->facts, err);
    if (r == MEASURE_WALK_KEPT)
        (void)cmc_take_fd(&f->fd);
    else if (r < 0 || measure_look_same(f->fd, &f->facts, err) < 0)
        return -(int)err->code;
    w->run.names->text.len = f->text;
    w->run.names->count = f->first;
    cmc_closep(&f->fd);
    w->depth--;
    return 0;
}

static int walk(struct walker *w, int rootfd, struct cmc_err *err)
{
    int r = enter(w, rootfd, "", err);
    while (r == 0 && w->depth > 0) {
        struct frame *f = &w->frames[w->depth - 1];
        w->run.names->path.len = f->path;
        r = f->next < f->end ? advance(w, f, err) : leave(w, f, err);
    }
    return r;
}

/* The end of a path, in at most PATH_SHOWN_MAX bytes however it is escaped. */
static void put_shown(struct cmc_buf *out, struct measure_bytes path)
{
    for (size_t keep = PATH_SHOWN_MAX - 3;; keep /= 2) {
        const size_t skip = path.len > keep ? path.len - keep : 0;
        out->len = 0;
        cmc_put_text(out, skip ? "..." : "");
        cmc_put_safe(out, path.p + skip, path.len - skip, path.len);
        if (out->len <= PATH_SHOWN_MAX || out->bad)
            return;
    }
}

int measure_walk_name_fault(struct measure_bytes path, struct cmc_err *err)
{
    CMC_CLEANUP(cmc_buf_done) struct cmc_buf shown = cmc_buf_of((size_t)8 * PATH_SHOWN_MAX);
    if (path.len)
        put_shown(&shown, path);
    else
        cmc_put_u8(&shown, '/');
    return shown.bad ? -(int)err->code
                     : cmc_wrap(err, "%.*s", (int)shown.len, (const char *)shown.data);
}

int measure_walk(int rootfd, const struct measure_walk *form, void *ctx,
                 struct measure_meter *meter, struct cmc_err *err)
{
    struct walker *w = calloc(1, sizeof(*w));
    if (!w)
        return cmc_fail(err, CMC_E_LIMIT, "out of memory to walk a tree");
    measure_names_init(&w->names);
    w->run = (struct measure_walk_run){form, ctx, meter, &w->names};
    int r = walk(w, rootfd, err);
    if (r < 0) /* the path that w works on */
        r = measure_walk_name_fault((struct measure_bytes){w->names.path.data, w->names.path.len},
                                    err);
    walker_free(w);
    return r;
}
