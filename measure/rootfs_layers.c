/* SPDX-License-Identifier: Apache-2.0 */
/* measure/rootfs_layers.c -- one tree of many: a name's topmost entry counts, and directories of a
 * name are one. What overlayfs does with anything less plain is left to overlayfs. */
#include "measure/rootfs_layers.h"

#include <fcntl.h>
#include <limits.h>
#include <linux/capability.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "measure/rootfs_layers_dir.h"
#include "measure/rootfs_names.h"

/* Frames but the innermost close their directories when more are open. */
enum { OPEN_DIRS_MAX = 64, DIRS_MAX = 1 << 16, ATTRIBUTES_MAX = 1 << 16 };

/* A directory of the tree that is being walked. */
struct frame {
    size_t dirs, dirs_end;     /* in dirs: its directories in the layers, topmost first */
    size_t path, text;         /* as in measure_names */
    uint32_t first, next, end; /* names that are shown */
    size_t rest, rest_next;    /* in rest: further directories of these names, in the same order */
};

struct walker {
    struct measure_walk_run run;
    const struct measure_layers *given;
    const char *prefix;
    struct frame *frames; /* owned; moves when one is added, as dirs and rest do */
    size_t depth, frame_cap;
    struct measure_layer_dir *dirs; /* owned: of all frames */
    size_t dir_count, dir_cap;
    size_t open, closed; /* directories open; outermost frames whose directories are closed */
    uint32_t *rest;      /* owned: places in text */
    size_t rest_count, rest_cap;
    struct measure_layer layers[MEASURE_LAYERS_MAX];
    char attributes[ATTRIBUTES_MAX + 1];
};

const char *measure_layers_prefix(const struct measure_layers *layers)
{
    return layers->userxattr ? "user.overlay." : "trusted.overlay.";
}

static void walker_freep(struct walker **w)
{
    if (!*w)
        return;
    for (size_t i = 0; i < (*w)->dir_count; i++)
        cmc_closep(&(*w)->dirs[i].fd);
    free((*w)->frames);
    free((*w)->dirs);
    free((*w)->rest);
    measure_names_free((*w)->run.names);
    free(*w);
}

/* Room for one more of size bytes. */
static int make_room(void **array, size_t *cap, size_t count, size_t size, struct cmc_err *err)
{
    if (count < *cap)
        return 0;
    const size_t more = *cap ? *cap * 2 : 64;
    void *moved = reallocarray(*array, more, size);
    if (!moved)
        return cmc_fail(err, CMC_E_LIMIT, "out of memory to walk %zu directories", more);
    *array = moved;
    *cap = more;
    return 0;
}

static int add_dir(struct walker *w, const struct measure_layer_dir *d, struct cmc_err *err)
{
    void *dirs = w->dirs;
    if (w->dir_count >= DIRS_MAX)
        return cmc_fail(err, CMC_E_FORMAT, MEASURE_LAYERS_NOT "more than %d directories around one",
                        DIRS_MAX);
    if (make_room(&dirs, &w->dir_cap, w->dir_count, sizeof(*d), err) < 0)
        return -(int)err->code;
    w->dirs = dirs;
    w->dirs[w->dir_count++] = *d;
    w->open++;
    return 0;
}

static int add_rest(struct walker *w, uint32_t place, struct cmc_err *err)
{
    void *rest = w->rest;
    if (make_room(&rest, &w->rest_cap, w->rest_count, sizeof(*w->rest), err) < 0)
        return -(int)err->code;
    w->rest = rest;
    w->rest[w->rest_count++] = place;
    return 0;
}

/* Overlayfs refuses a layer that is met within another. */
static bool is_layer(const struct walker *w, const struct measure_facts *f)
{
    for (size_t i = 0; i < w->given->count; i++)
        if (w->layers[i].ino == f->ino && w->layers[i].dev == f->dev)
            return true;
    return false;
}

/* Opens a directory of a layer as a further one of the innermost. */
static int open_dir(struct walker *w, int dirfd, const char *name, uint32_t layer, struct statx *sx,
                    struct cmc_err *err)
{
    struct measure_layer_dir d = {.layer = layer};
    cmc_autofd int fd = measure_layer_open(&w->layers[layer], dirfd, name, sx, err);
    if (fd < 0)
        return -(int)err->code;
    d.facts = measure_facts_of(sx);
    if (w->depth > 0 && is_layer(w, &d.facts))
        return cmc_fail(err, CMC_E_FORMAT, MEASURE_LAYERS_NOT "a layer within a layer");
    if (d.facts.dev != w->layers[layer].dev)
        return cmc_fail(err, CMC_E_FORMAT, MEASURE_LAYERS_NOT "a device number of its own");
    d.fd = fd;
    if (add_dir(w, &d, err) < 0)
        return -(int)err->code;
    (void)cmc_take_fd(&fd);
    return 0;
}

static int read_marks(struct walker *w, struct measure_layer_marks *m, struct cmc_err *err)
{
    return measure_layer_read_marks(w->dirs[w->dir_count - 1].fd, w->prefix, w->attributes,
                                    sizeof(w->attributes), m, err);
}

/* All layers are the root, whatever they are marked with. */
static int open_root(struct walker *w, struct statx *top, struct cmc_err *err)
{
    for (uint32_t i = 0; i < w->given->count; i++) {
        struct measure_layer_marks m;
        struct statx sx;
        if (open_dir(w, w->layers[i].fd, ".", i, &sx, err) < 0 || read_marks(w, &m, err) < 0)
            return cmc_wrap(err, "layer %u", i);
        if (i == 0)
            *top = sx;
    }
    return 0;
}

/* One of the directories that f has of the name: list is the number of the one around it. */
static int open_one(struct walker *w, const struct frame *f, unsigned list, const char *name,
                    struct statx *sx, struct measure_layer_marks *m, struct cmc_err *err)
{
    const struct measure_layer_dir around = w->dirs[f->dirs + list];
    if (open_dir(w, around.fd, name, around.layer, sx, err) < 0 || read_marks(w, m, err) < 0)
        return -(int)err->code;
    if (m->redirect && !(w->given->redirects && around.layer + 1 == w->given->count))
        return cmc_fail(err, CMC_E_FORMAT, MEASURE_LAYERS_NOT "a redirect");
    return 0;
}

/* The directories of one name, down to an opaque one. */
static int open_child(struct walker *w, size_t around, uint32_t place, const char *name,
                      struct statx *top, struct measure_layer_marks *top_marks, struct cmc_err *err)
{
    const struct measure_names *n = w->run.names;
    const struct frame f = w->frames[around];
    size_t next = f.rest_next;
    if (open_one(w, &f, measure_names_list(n, place), name, top, top_marks, err) < 0)
        return -(int)err->code;
    bool opaque = top_marks->opaque;
    for (; next < w->rest_count; next++) {
        struct measure_layer_marks m;
        struct statx sx;
        if (strcmp((const char *)n->text.data + w->rest[next], name) != 0)
            break;
        if (opaque)
            continue;
        if (open_one(w, &f, measure_names_list(n, w->rest[next]), name, &sx, &m, err) < 0)
            return -(int)err->code;
        opaque = m.opaque;
    }
    w->frames[around].rest_next = next;
    return 0;
}

/* What the entry at place is; DT_WHT for a whiteout. */
static int find_type(struct walker *w, const struct frame *f, uint32_t place, uint8_t *type,
                     struct cmc_err *err)
{
    struct measure_names *n = w->run.names;
    uint8_t *listed = measure_names_type(n, place);
    if (*listed == DT_CHR || *listed == DT_UNKNOWN) {
        const struct measure_layer_dir *d = &w->dirs[f->dirs + measure_names_list(n, place)];
        const char *name = (const char *)n->text.data + place;
        struct statx sx;
        if (measure_look_on(w->layers[d->layer].mount, d->fd, name, &sx, err) < 0)
            return -(int)err->code;
        const bool none = sx.stx_rdev_major == 0 && sx.stx_rdev_minor == 0;
        *listed = S_ISCHR(sx.stx_mode) && none ? DT_WHT : (uint8_t)IFTODT(sx.stx_mode);
    }
    *type = *listed;
    return 0;
}

/* Of the entries [i, end), which have one name, the first counts; directories of that name in
 * lower layers belong to it until something else lies between. */
static int merge_name(struct walker *w, struct frame *f, size_t i, size_t end, struct cmc_err *err)
{
    uint32_t *at = w->run.names->at;
    uint8_t type;
    if (find_type(w, f, at[i], &type, err) < 0)
        return -(int)err->code;
    if (type == DT_WHT)
        return 0;
    for (size_t k = i + 1; type == DT_DIR && k < end; k++) {
        if (find_type(w, f, at[k], &type, err) < 0)
            return -(int)err->code;
        if (type == DT_DIR && add_rest(w, at[k], err) < 0)
            return -(int)err->code;
    }
    at[f->end++] = at[i];
    return 0;
}

/* The names of a directory, whose list in one layer overlayfs passes on as it is. */
static int list(struct walker *w, struct frame *f, bool origin, struct cmc_err *err)
{
    struct measure_names *n = w->run.names;
    for (size_t i = f->dirs; i < w->dir_count; i++)
        if (measure_names_read(n, w->dirs[i].fd, (unsigned)(i - f->dirs), err) < 0)
            return -(int)err->code;
    if (measure_names_sort(n, f->first, err) < 0)
        return -(int)err->code;
    f->end = f->first;
    size_t listed = 0;
    for (size_t i = f->first, next; i < n->count; i = next, listed++) {
        for (next = i + 1; next < n->count; next++)
            if (strcmp(measure_names_of(n, i), measure_names_of(n, next)) != 0)
                break;
        if (merge_name(w, f, i, next, err) < 0)
            return -(int)err->code;
    }
    const bool filtered = w->dir_count - f->dirs > 1 || origin;
    if (!filtered && listed != f->end - f->first)
        return cmc_fail(err, CMC_E_FORMAT,
                        MEASURE_LAYERS_NOT "a whiteout in a directory of one layer");
    n->count = f->end;
    return 0;
}

static void close_frame(struct walker *w, const struct frame *f)
{
    for (size_t i = f->dirs; i < f->dirs_end; i++) {
        cmc_closep(&w->dirs[i].fd);
        w->open--;
    }
}

/* Adds f as the innermost, and closes outer ones when too much is open. */
static int push(struct walker *w, const struct frame *f, struct cmc_err *err)
{
    void *frames = w->frames;
    if (make_room(&frames, &w->frame_cap, w->depth, sizeof(*f), err) < 0)
        return -(int)err->code;
    w->frames = frames;
    w->frames[w->depth++] = *f;
    while (w->open > OPEN_DIRS_MAX && w->closed + 1 < w->depth)
        close_frame(w, &w->frames[w->closed++]);
    return 0;
}

/* Enters the root, or the directory at place in the frame around it. */
static int enter(struct walker *w, uint32_t place, const char *name, struct cmc_err *err)
{
    const struct measure_names *n = w->run.names;
    struct measure_layer_marks marks = {0};
    struct statx sx;
    struct frame f = {.dirs = w->dir_count,
                      .path = n->path.len,
                      .text = n->text.len,
                      .first = (uint32_t)n->count,
                      .rest = w->rest_count,
                      .rest_next = w->rest_count};
    f.next = f.first;
    if ((w->depth > 0 ? open_child(w, w->depth - 1, place, name, &sx, &marks, err)
                      : open_root(w, &sx, err)) < 0 ||
        list(w, &f, marks.origin, err) < 0)
        return -(int)err->code;
    f.dirs_end = w->dir_count;
    const size_t count = f.end - f.first;
    const struct measure_walk_names names = {count ? n->at + f.first : NULL,
                                             (const char *)n->text.data, count};
    const struct measure_layer_dir *top = &w->dirs[f.dirs];
    const struct measure_walk_entry e = {
        {n->path.data, n->path.len}, name, top->fd, &sx, top->layer};
    if (w->run.form->enter(w->run.ctx, &e, &names, err) < 0)
        return -(int)err->code;
    return push(w, &f, err);
}

/* Goes on with the next entry of the innermost directory. */
static int advance(struct walker *w, struct frame *f, struct cmc_err *err)
{
    struct measure_names *n = w->run.names;
    const uint32_t i = f->next++, place = n->at[i];
    size_t at;
    if (measure_names_step(n, i, w->run.meter, &at, err) < 0)
        return -(int)err->code;
    const char *name = (const char *)n->path.data + at;
    if (*measure_names_type(n, place) == DT_DIR)
        return enter(w, place, name, err);
    const struct measure_layer_dir *d = &w->dirs[f->dirs + measure_names_list(n, place)];
    const struct measure_layer *l = &w->layers[d->layer];
    const struct measure_walk_at on = {d->fd, name, l->mount, l->dev, d->layer};
    const int r = measure_walk_visit(&w->run, &on, err);
    return r <= 0 ? r : cmc_fail(err, CMC_E_VERIFY, "changed: its type is another than listed");
}

/* Opens the directories of a frame again, by their paths in the layers. */
static int reopen(struct walker *w, const struct frame *f, struct cmc_err *err)
{
    const struct measure_names *n = w->run.names;
    char path[PATH_MAX] = ".";
    if (f->path >= sizeof(path))
        return cmc_fail(err, CMC_E_FORMAT, MEASURE_LAYERS_NOT "a path of %zu bytes", f->path);
    if (f->path > 0) { /* without its slash, which would be the host's root */
        memcpy(path, n->path.data + 1, f->path - 1);
        path[f->path - 1] = '\0';
    }
    for (size_t i = f->dirs; i < f->dirs_end; i++) {
        struct measure_layer_dir *d = &w->dirs[i];
        const struct measure_layer *l = &w->layers[d->layer];
        struct statx sx;
        d->fd = measure_layer_open(l, l->fd, path, &sx, err);
        if (d->fd < 0)
            return -(int)err->code;
        w->open++;
        if (measure_look_same(d->fd, &d->facts, err) < 0)
            return -(int)err->code;
    }
    return 0;
}

/* Ends the innermost directory and goes back to the one around it. */
static int leave(struct walker *w, const struct frame *f, struct cmc_err *err)
{
    struct measure_names *n = w->run.names;
    for (size_t i = f->dirs; i < f->dirs_end; i++)
        if (measure_look_same(w->dirs[i].fd, &w->dirs[i].facts, err) < 0)
            return -(int)err->code;
    close_frame(w, f);
    if (w->run.form->leave)
        w->run.form->leave(w->run.ctx);
    w->dir_count = f->dirs;
    w->rest_count = f->rest;
    n->text.len = f->text;
    n->count = f->first;
    w->depth--;
    if (w->depth == 0 || w->closed < w->depth)
        return 0;
    w->closed--;
    n->path.len = f[-1].path;
    return reopen(w, &f[-1], err);
}

static int walk(struct walker *w, struct cmc_err *err)
{
    int r = enter(w, 0, "", err);
    while (r == 0 && w->depth > 0) {
        struct frame *f = &w->frames[w->depth - 1];
        w->run.names->path.len = f->path;
        r = f->next < f->end ? advance(w, f, err) : leave(w, f, err);
    }
    return r;
}

/* Without it the attributes of overlayfs look as if there were none. */
static int check_privilege(const struct measure_layers *l, struct cmc_err *err)
{
    struct __user_cap_header_struct head = {.version = _LINUX_CAPABILITY_VERSION_3};
    struct __user_cap_data_struct sets[_LINUX_CAPABILITY_U32S_3] = {{0}};
    if (l->userxattr)
        return 0;
    if (syscall(SYS_capget, &head, sets) < 0)
        return cmc_fail(err, CMC_E_SYS, "capget");
    if (!(sets[CAP_TO_INDEX(CAP_SYS_ADMIN)].effective & CAP_TO_MASK(CAP_SYS_ADMIN)))
        return cmc_fail(err, CMC_E_FORMAT,
                        MEASURE_LAYERS_NOT "trusted attributes need CAP_SYS_ADMIN");
    return 0;
}

static int look_at_layers(struct walker *w, struct cmc_err *err)
{
    const struct measure_layers *l = w->given;
    if (l->count < 2 || l->count > MEASURE_LAYERS_MAX)
        return cmc_fail(err, CMC_E_FORMAT, MEASURE_LAYERS_NOT "%zu of them", l->count);
    for (size_t i = 0; i < l->count; i++) {
        if (measure_layer_of(l->fds[i], &w->layers[i], err) < 0)
            return cmc_wrap(err, "layer %zu", i);
        for (size_t k = 0; k < i; k++)
            if (w->layers[k].ino == w->layers[i].ino && w->layers[k].dev == w->layers[i].dev)
                return cmc_fail(err, CMC_E_FORMAT, MEASURE_LAYERS_NOT "one layer twice");
    }
    return check_privilege(l, err);
}

int measure_layers_walk(const struct measure_layers *layers, const struct measure_walk *form,
                        void *ctx, struct measure_meter *meter, struct cmc_err *err)
{
    CMC_CLEANUP(walker_freep) struct walker *w = calloc(1, sizeof(*w));
    if (w)
        w->run = (struct measure_walk_run){form, ctx, meter, measure_names_new()};
    if (!w || !w->run.names)
        return cmc_fail(err, CMC_E_LIMIT, "out of memory to walk layers");
    w->given = layers;
    w->prefix = measure_layers_prefix(layers);
    if (look_at_layers(w, err) < 0)
        return -(int)err->code;
    return walk(w, err) < 0 ? measure_names_fault(w->run.names, err) : 0;
}
