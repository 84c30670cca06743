/* SPDX-License-Identifier: Apache-2.0 */
/* measure/rootfs_layers.c -- one tree of many: a name's topmost entry counts, and directories of a
 * name are one. What overlayfs does with anything less plain is left to overlayfs. */
#include "measure/rootfs_layers.h"

#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "measure/rootfs_layers_set.h"
#include "measure/rootfs_names.h"

enum { OPEN_DIRS_MAX = 64 }; /* with more, all frames but the innermost close theirs */

/* A directory of the tree that is being walked. */
struct frame {
    size_t dirs, dirs_end;     /* in set.dirs: its directories in the layers, topmost first */
    size_t path, text, real;   /* lengths when it was entered */
    uint32_t first, next, end; /* names that are shown */
    size_t rest, rest_next;    /* in rest: further directories of these names, in the same order */
};

struct walker {
    struct measure_walk_run run;
    struct measure_names names;
    struct measure_layer_set set;
    struct frame *frames; /* owned; moves when one is added, as rest does */
    size_t depth, frame_cap;
    size_t closed;  /* outermost frames whose directories are closed */
    uint32_t *rest; /* owned: places in text */
    size_t rest_count, rest_cap;
};

size_t measure_layers_descriptors(const struct measure_layers *layers)
{
    return OPEN_DIRS_MAX + 2 * layers->count;
}

const char *measure_layers_prefix(const struct measure_layers *layers)
{
    return layers->userxattr ? "user.overlay." : "trusted.overlay.";
}

static void walker_free(struct walker *w)
{
    measure_layer_set_done(&w->set);
    free(w->frames);
    free(w->rest);
    measure_names_done(&w->names);
    free(w);
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

static int add_rest(struct walker *w, uint32_t place, struct cmc_err *err)
{
    void *rest = w->rest;
    if (make_room(&rest, &w->rest_cap, w->rest_count, sizeof(*w->rest), err) < 0)
        return -(int)err->code;
    w->rest = rest;
    w->rest[w->rest_count++] = place;
    return 0;
}

static struct measure_layer_around around_of(const struct walker *w, const struct frame *f)
{
    return (struct measure_layer_around){f->dirs, f->dirs_end, {w->run.names->path.data, f->path}};
}

/* Opens the directories of one name in the innermost frame, down to an opaque one, or to one that
 * says what lower layers call it. */
static int open_child(struct walker *w, uint32_t place, const char *name,
                      struct measure_layer_found *top, struct cmc_err *err)
{
    const struct measure_names *n = w->run.names;
    struct frame *f = &w->frames[w->depth - 1];
    const struct measure_layer_around around = around_of(w, f);
    struct measure_layer_found lower, *found = top;
    bool go_on = true;
    for (uint32_t at = place;; at = w->rest[f->rest_next++], found = &lower) {
        const size_t list = measure_names_list(n, at);
        if (go_on && measure_layer_set_add(&w->set, &around, list, name, found, err) < 0)
            return -(int)err->code;
        const char *redirect = found->marks.redirect;
        if (go_on && *redirect &&
            measure_layer_set_follow(&w->set, &around, list, redirect, err) < 0)
            return -(int)err->code;
        go_on = go_on && !found->marks.opaque && !*redirect;
        if (f->rest_next == w->rest_count ||
            strcmp((const char *)n->text.data + w->rest[f->rest_next], name) != 0)
            return 0;
    }
}

/* What the entry at place is; DT_WHT for a whiteout. */
static int find_type(struct walker *w, const struct frame *f, uint32_t place, uint8_t *type,
                     struct cmc_err *err)
{
    struct measure_names *n = w->run.names;
    uint8_t *listed = measure_names_type(n, place);
    if (*listed == DT_CHR || *listed == DT_UNKNOWN) {
        const struct measure_layer_dir *d = &w->set.dirs[f->dirs + measure_names_list(n, place)];
        const char *name = (const char *)n->text.data + place;
        struct statx sx;
        if (measure_look_on(w->set.layers[d->layer].mount, d->fd, name, &sx, err) < 0)
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
    for (size_t i = f->dirs; i < w->set.count; i++)
        if (measure_names_read(n, w->set.dirs[i].fd, (unsigned)(i - f->dirs), err) < 0)
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
    const bool filtered = w->set.count - f->dirs > 1 || origin;
    if (!filtered && listed != f->end - f->first)
        return cmc_fail(err, CMC_E_FORMAT,
                        MEASURE_LAYERS_NOT "a whiteout in a directory of one layer");
    n->count = f->end;
    return 0;
}

/* Adds f as the innermost, and closes outer ones when too much is open. */
static int push(struct walker *w, const struct frame *f, struct cmc_err *err)
{
    void *frames = w->frames;
    if (make_room(&frames, &w->frame_cap, w->depth, sizeof(*f), err) < 0)
        return -(int)err->code;
    w->frames = frames;
    w->frames[w->depth++] = *f;
    for (; w->set.open > OPEN_DIRS_MAX && w->closed + 1 < w->depth; w->closed++)
        measure_layer_set_close(&w->set, w->frames[w->closed].dirs, w->frames[w->closed].dirs_end);
    return 0;
}

/* Enters the root, or the directory at place in the frame around it. */
static int enter(struct walker *w, uint32_t place, const char *name, struct cmc_err *err)
{
    const struct measure_names *n = w->run.names;
    struct measure_layer_found top = {.marks = {.origin = false}};
    struct frame f = {.dirs = w->set.count,
                      .path = n->path.len,
                      .text = n->text.len,
                      .real = w->set.real.len,
                      .first = (uint32_t)n->count,
                      .rest = w->rest_count,
                      .rest_next = w->rest_count};
    f.next = f.first;
    if ((w->depth > 0 ? open_child(w, place, name, &top, err)
                      : measure_layer_set_root(&w->set, &top.sx, err)) < 0 ||
        list(w, &f, top.marks.origin, err) < 0)
        return -(int)err->code;
    f.dirs_end = w->set.count;
    const size_t count = f.end - f.first;
    const struct measure_walk_names names = {count ? n->at + f.first : NULL,
                                             (const char *)n->text.data, count};
    const struct measure_layer_dir *d = &w->set.dirs[f.dirs];
    const struct measure_walk_entry e = {
        {n->path.data, n->path.len}, name, d->fd, false, &top.sx, d->layer};
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
    const struct measure_layer_dir *d = &w->set.dirs[f->dirs + measure_names_list(n, place)];
    const struct measure_layer *l = &w->set.layers[d->layer];
    const struct measure_walk_at on = {d->fd, name, l->mount, d->layer,
                                       *measure_names_type(n, place)};
    const int r = measure_walk_visit(&w->run, &on, err);
    return r != MEASURE_WALK_IS_DIR
               ? r
               : cmc_fail(err, CMC_E_VERIFY, "changed: its type is another than listed");
}

/* A form has seen the topmost directory and may keep it. Those of lower layers are looked at here:
 * what is visited is looked at again when it has been read, however late, so that all there is of
 * this directory was at this moment as it is measured. */
static int end_dirs(struct walker *w, const struct frame *f, struct cmc_err *err)
{
    const struct measure_layer_dir *top = &w->set.dirs[f->dirs];
    for (size_t i = f->dirs + 1; i < f->dirs_end; i++)
        if (measure_look_same(w->set.dirs[i].fd, &w->set.dirs[i].facts, err) < 0)
            return -(int)err->code;
    const int r =
        w->run.form->leave ? w->run.form->leave(w->run.ctx, top->fd, &top->facts, err) : 0;
    if (r == MEASURE_WALK_KEPT) {
        (void)measure_layer_set_take(&w->set, f->dirs);
        return 0;
    }
    return r < 0 ? r : measure_look_same(top->fd, &top->facts, err);
}

/* Ends the innermost directory and goes back to the one around it. */
static int leave(struct walker *w, const struct frame *f, struct cmc_err *err)
{
    struct measure_names *n = w->run.names;
    if (end_dirs(w, f, err) < 0)
        return -(int)err->code;
    measure_layer_set_drop(&w->set, f->dirs, f->real);
    w->rest_count = f->rest;
    n->text.len = f->text;
    n->count = f->first;
    w->depth--;
    if (w->depth == 0 || w->closed < w->depth)
        return 0;
    w->closed--;
    n->path.len = f[-1].path;
    const struct measure_layer_around dir = around_of(w, &f[-1]);
    return measure_layer_set_reopen(&w->set, &dir, err);
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

int measure_layers_walk(const struct measure_layers *layers, const struct measure_walk *form,
                        void *ctx, struct measure_meter *meter, struct cmc_err *err)
{
    struct walker *w = calloc(1, sizeof(*w));
    if (!w)
        return cmc_fail(err, CMC_E_LIMIT, "out of memory to walk layers");
    measure_names_init(&w->names);
    w->run = (struct measure_walk_run){form, ctx, meter, &w->names};
    int r = measure_layer_set_init(&w->set, layers, err);
    if (r == 0 && walk(w, err) < 0)
        r = measure_walk_name_fault((struct measure_bytes){w->names.path.data, w->names.path.len},
                                    err);
    walker_free(w);
    return r;
}
