/* SPDX-License-Identifier: Apache-2.0 */
/* measure/rootfs_walk.c -- walks a tree by descriptors, never by paths. */
#include "measure/rootfs_walk.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdalign.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/hex.h"

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
    const struct measure_walk *form;
    void *ctx;
    struct measure_meter *meter;
    struct frame *frames;
    size_t depth, frame_cap;
    uint64_t mount;
    struct cmc_buf path; /* of what we work on: errors name it */
    struct cmc_buf text; /* names in directories being walked, each after a byte for its type */
    uint32_t *names;     /* places in text */
    size_t name_count, name_cap;
    alignas(struct dirent64) char dents[65536];
};

static void walker_free(struct walker *w)
{
    for (size_t i = 0; i < w->depth; i++)
        cmc_closep(&w->frames[i].fd);
    free(w->frames);
    free(w->names);
    cmc_buf_done(&w->path);
    cmc_buf_done(&w->text);
    free(w);
}

/* The root may be a mount point; nothing below it. */
static int look(const struct walker *w, int dirfd, const char *name, struct statx *sx,
                struct cmc_err *err)
{
    return w->depth > 0 ? measure_look_on(w->mount, dirfd, name, sx, err)
                        : measure_look(dirfd, name, sx, err);
}

static int keep_name(struct walker *w, const struct dirent64 *d, struct cmc_err *err)
{
    const size_t len = strlen(d->d_name);
    if (len > MEASURE_NAME_MAX)
        return cmc_fail(err, CMC_E_LIMIT, "a name of %zu bytes in it, at most %d", len,
                        MEASURE_NAME_MAX);
    if (w->name_count >= MEASURE_ENTRIES_MAX)
        return cmc_fail(err, CMC_E_LIMIT, "more than %d entries", MEASURE_ENTRIES_MAX);
    if (w->name_count == w->name_cap) {
        const size_t cap = w->name_cap ? w->name_cap * 2 : 1024;
        uint32_t *names = reallocarray(w->names, cap, sizeof(*names));
        if (!names)
            return cmc_fail(err, CMC_E_LIMIT, "out of memory for %zu names", cap);
        w->names = names;
        w->name_cap = cap;
    }
    cmc_put_u8(&w->text, d->d_type);
    w->names[w->name_count++] = (uint32_t)w->text.len;
    cmc_put(&w->text, d->d_name, len + 1);
    return cmc_buf_check(&w->text, "names", err);
}

static int read_names(struct walker *w, int fd, struct cmc_err *err)
{
    for (;;) {
        const ssize_t n = getdents64(fd, w->dents, sizeof(w->dents));
        if (n < 0)
            return cmc_fail(err, CMC_E_SYS, "list");
        if (n == 0)
            return 0;
        for (ssize_t at = 0; at < n;) {
            const struct dirent64 *d = (const void *)(w->dents + at);
            at += d->d_reclen;
            if (strcmp(d->d_name, ".") == 0 || strcmp(d->d_name, "..") == 0)
                continue;
            if (keep_name(w, d, err) < 0)
                return -(int)err->code;
        }
    }
}

static int by_name(const void *a, const void *b, void *text)
{
    const char *base = text;
    return strcmp(base + *(const uint32_t *)a, base + *(const uint32_t *)b);
}

/* The names in fd, after those of the directories around it, in order. */
static int list(struct walker *w, int fd, struct measure_walk_names *out, struct cmc_err *err)
{
    const size_t first = w->name_count;
    if (read_names(w, fd, err) < 0)
        return -(int)err->code;
    const size_t count = w->name_count - first;
    uint32_t *at = count ? w->names + first : NULL;
    if (count > 1)
        qsort_r(at, count, sizeof(*at), by_name, w->text.data);
    for (size_t k = 1; k < count; k++)
        if (by_name(&at[k - 1], &at[k], w->text.data) == 0)
            return cmc_fail(err, CMC_E_VERIFY, "changed: one name twice while it was listed");
    *out = (struct measure_walk_names){at, (const char *)w->text.data, count};
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

static struct measure_walk_entry entry_of(const struct walker *w, const char *name, int fd,
                                          const struct statx *sx)
{
    return (struct measure_walk_entry){{w->path.data, w->path.len}, name, fd, sx};
}

/* Opens and lists the directory that is called name, or open, in dirfd. */
static int enter(struct walker *w, int dirfd, const char *name, struct cmc_err *err)
{
    struct statx sx;
    struct measure_walk_names names;
    struct frame f = {.path = w->path.len, .text = w->text.len, .first = (uint32_t)w->name_count};
    cmc_autofd int fd = measure_look_open(dirfd, *name ? name : ".", O_RDONLY | O_DIRECTORY,
                                          MEASURE_LOOK_BENEATH, err);
    if (fd < 0 || look(w, fd, "", &sx, err) < 0 || list(w, fd, &names, err) < 0)
        return -(int)err->code;
    const struct measure_walk_entry e = entry_of(w, name, fd, &sx);
    if (w->form->enter(w->ctx, &e, &names, err) < 0)
        return -(int)err->code;
    w->mount = sx.stx_mnt_id;
    f.fd = fd;
    f.next = f.first;
    f.end = (uint32_t)w->name_count;
    f.facts = measure_facts_of(&sx);
    if (push(w, &f, err) < 0)
        return -(int)err->code;
    (void)cmc_take_fd(&fd);
    return 0;
}

static int visit(struct walker *w, int dirfd, const char *name, struct cmc_err *err)
{
    const bool look_only = w->form->look_only;
    const uint64_t max = w->meter->opts->file_max;
    struct statx sx;
    cmc_autofd int fd =
        look_only ? -1 : measure_look_open(dirfd, name, O_PATH, MEASURE_LOOK_BENEATH, err);
    if (!look_only && fd < 0)
        return -(int)err->code;
    if (look(w, look_only ? dirfd : fd, look_only ? name : "", &sx, err) < 0)
        return -(int)err->code;
    if (S_ISDIR(sx.stx_mode)) /* the listing did not say so */
        return enter(w, dirfd, name, err);
    if (S_ISREG(sx.stx_mode) && max && sx.stx_size > max)
        return cmc_fail(err, CMC_E_LIMIT, "%llu bytes, at most %llu (file_max)",
                        (unsigned long long)sx.stx_size, (unsigned long long)max);
    const struct measure_facts facts = measure_facts_of(&sx);
    const struct measure_walk_entry e = entry_of(w, name, fd, &sx);
    const int r = w->form->visit(w->ctx, &e, err);
    if (r == MEASURE_WALK_KEPT)
        (void)cmc_take_fd(&fd);
    return r != 0 ? (r < 0 ? r : 0) : look_only ? 0 : measure_look_same(fd, &facts, err);
}

/* Goes on with the next entry of the innermost directory. */
static int advance(struct walker *w, struct frame *f, struct cmc_err *err)
{
    const char *entry = (const char *)w->text.data + w->names[f->next++];
    const bool is_dir = entry[-1] == DT_DIR;
    cmc_put_u8(&w->path, '/');
    const size_t name = w->path.len;
    cmc_put(&w->path, entry, strlen(entry) + 1);
    if (cmc_buf_check(&w->path, "a path", err) < 0)
        return -(int)err->code;
    w->path.len--; /* the NUL is there and does not count */
    if (w->meter->entries >= MEASURE_ENTRIES_MAX)
        return cmc_fail(err, CMC_E_LIMIT, "more than %d entries", MEASURE_ENTRIES_MAX);
    if (measure_meter_entry(w->meter, err) < 0)
        return -(int)err->code;
    return (is_dir ? enter : visit)(w, f->fd, (const char *)w->path.data + name, err);
}

/* The directory around f, the innermost one, has a descriptor again. */
static int reopen(struct walker *w, struct frame *f, struct cmc_err *err)
{
    if (w->depth == 1 || f[-1].fd >= 0)
        return 0;
    w->path.len = f[-1].path;
    f[-1].fd = measure_look_open(f->fd, "..", O_RDONLY | O_DIRECTORY, MEASURE_LOOK_UP, err);
    if (f[-1].fd < 0 || measure_look_same(f[-1].fd, &f[-1].facts, err) < 0)
        return -(int)err->code;
    w->path.len = f->path;
    return 0;
}

/* Ends the innermost directory and goes back to the one around it. */
static int leave(struct walker *w, struct frame *f, struct cmc_err *err)
{
    int r = reopen(w, f, err);
    if (r == 0 && w->form->leave)
        r = w->form->leave(w->ctx, f->fd, &f->facts, err);
    if (r == MEASURE_WALK_KEPT)
        (void)cmc_take_fd(&f->fd);
    else if (r < 0 || measure_look_same(f->fd, &f->facts, err) < 0)
        return -(int)err->code;
    w->text.len = f->text;
    w->name_count = f->first;
    cmc_closep(&f->fd);
    w->depth--;
    return 0;
}

static int walk(struct walker *w, int rootfd, struct cmc_err *err)
{
    int r = enter(w, rootfd, "", err);
    while (r == 0 && w->depth > 0) {
        struct frame *f = &w->frames[w->depth - 1];
        w->path.len = f->path;
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
    w->form = form;
    w->ctx = ctx;
    w->meter = meter;
    w->path = cmc_buf_of(MEASURE_TREE_TEXT_MAX);
    w->text = cmc_buf_of(MEASURE_TREE_TEXT_MAX);
    int r = walk(w, rootfd, err);
    if (r < 0) /* the path that w works on */
        r = measure_walk_name_fault((struct measure_bytes){w->path.data, w->path.len}, err);
    walker_free(w);
    return r;
}
