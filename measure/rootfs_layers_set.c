/* SPDX-License-Identifier: Apache-2.0 */
/* measure/rootfs_layers_set.c -- opens the directories that are one in the tree, follows what
 * redirects them, and opens them again where a walk comes back. */
#include "measure/rootfs_layers_set.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/capability.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

/* A directory of a layer, before it is opened. */
struct spot {
    int dirfd;
    const char *name;
    uint32_t layer;
    uint32_t real; /* as in measure_layer_dir */
};

/* What a redirect names in the layers below the directory that has it. */
struct search {
    char name[PATH_MAX]; /* one name, or after a slash a path from the layer's root on */
    size_t list;         /* one name: the next of the directories around */
    uint32_t layer;      /* a path: the next layer */
    bool stop;           /* nothing below belongs to it */
};

/* Without it overlayfs's attributes look as if there were none. */
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

int measure_layer_set_init(struct measure_layer_set *s, const struct measure_layers *given,
                           struct cmc_err *err)
{
    s->given = given;
    s->real = cmc_buf_of(MEASURE_TREE_TEXT_MAX);
    cmc_put_u8(&s->real, 0); /* place 0 is none */
    if (cmc_buf_check(&s->real, "paths in layers", err) < 0)
        return -(int)err->code;
    if (given->count < 2 || given->count > MEASURE_LAYERS_MAX)
        return cmc_fail(err, CMC_E_FORMAT, MEASURE_LAYERS_NOT "%zu of them", given->count);
    for (size_t i = 0; i < given->count; i++) {
        if (measure_layer_of(given->fds[i], &s->layers[i], err) < 0)
            return cmc_wrap(err, "layer %zu", i);
        for (size_t k = 0; k < i; k++)
            if (s->layers[k].ino == s->layers[i].ino && s->layers[k].dev == s->layers[i].dev)
                return cmc_fail(err, CMC_E_FORMAT, MEASURE_LAYERS_NOT "one layer twice");
    }
    return check_privilege(given, err);
}

void measure_layer_set_done(struct measure_layer_set *s)
{
    measure_layer_set_close(s, 0, s->count);
    free(s->dirs);
    cmc_buf_done(&s->real);
}

void measure_layer_set_close(struct measure_layer_set *s, size_t first, size_t end)
{
    for (size_t i = first; i < end; i++) {
        s->open -= s->dirs[i].fd >= 0;
        cmc_closep(&s->dirs[i].fd);
    }
}

int measure_layer_set_take(struct measure_layer_set *s, size_t i)
{
    s->open -= s->dirs[i].fd >= 0;
    return cmc_take_fd(&s->dirs[i].fd);
}

void measure_layer_set_drop(struct measure_layer_set *s, size_t first, size_t real)
{
    measure_layer_set_close(s, first, s->count);
    s->count = first;
    s->real.len = real;
}

static int add(struct measure_layer_set *s, const struct measure_layer_dir *d, struct cmc_err *err)
{
    if (s->count >= MEASURE_LAYER_DIRS_MAX)
        return cmc_fail(err, CMC_E_FORMAT, MEASURE_LAYERS_NOT "more than %d directories around one",
                        MEASURE_LAYER_DIRS_MAX);
    if (s->count == s->cap) {
        const size_t cap = s->cap ? s->cap * 2 : 64;
        struct measure_layer_dir *dirs = reallocarray(s->dirs, cap, sizeof(*dirs));
        if (!dirs)
            return cmc_fail(err, CMC_E_LIMIT, "out of memory for %zu directories", cap);
        s->dirs = dirs;
        s->cap = cap;
    }
    s->dirs[s->count++] = *d;
    s->open++;
    return 0;
}

/* Overlayfs refuses a layer that is met within another. */
static bool is_layer(const struct measure_layer_set *s, const struct measure_facts *f)
{
    for (size_t i = 0; i < s->given->count; i++)
        if (s->layers[i].ino == f->ino && s->layers[i].dev == f->dev)
            return true;
    return false;
}

static int open_spot(const struct measure_layer_set *s, const struct spot *at, bool is_root,
                     struct statx *sx, struct cmc_err *err)
{
    const struct measure_layer *l = &s->layers[at->layer];
    cmc_autofd int fd = measure_layer_open(l, at->dirfd, at->name, sx, err);
    if (fd < 0)
        return fd;
    const struct measure_facts facts = measure_facts_of(sx);
    if (!is_root && is_layer(s, &facts))
        return cmc_fail(err, CMC_E_FORMAT, MEASURE_LAYERS_NOT "a layer within a layer");
    return cmc_take_fd(&fd);
}

/* Opens a directory and adds it: the root's, or one further in. */
static int open_dir(struct measure_layer_set *s, const struct spot *at, bool is_root,
                    struct measure_layer_found *found, struct cmc_err *err)
{
    cmc_autofd int fd = open_spot(s, at, is_root, &found->sx, err);
    const struct measure_layer_dir d = {fd, at->layer, at->real, measure_facts_of(&found->sx)};
    if (fd < 0 ||
        measure_layer_read_marks(fd, measure_layers_prefix(s->given), s->attributes,
                                 sizeof(s->attributes), &found->marks, err) < 0 ||
        add(s, &d, err) < 0)
        return -(int)err->code;
    (void)cmc_take_fd(&fd);
    return 0;
}

int measure_layer_set_root(struct measure_layer_set *s, struct statx *top, struct cmc_err *err)
{
    struct measure_layer_found found;
    for (uint32_t i = 0; i < s->given->count; i++) {
        const struct spot at = {s->layers[i].fd, ".", i, 0};
        if (open_dir(s, &at, true, &found, err) < 0)
            return cmc_wrap(err, "layer %u", i);
        if (i == 0)
            *top = found.sx;
    }
    return 0;
}

/* The path in its layer of a name in dir, which has that path in the tree: a new place in real. */
static int put_real(struct measure_layer_set *s, const struct measure_layer_dir *dir,
                    const struct measure_bytes *path, const char *name, uint32_t *real,
                    struct cmc_err *err)
{
    const size_t at = s->real.len;
    for (size_t i = dir->real; dir->real && s->real.data[i]; i++)
        cmc_put_u8(&s->real, s->real.data[i]); /* which may move it */
    if (!dir->real)
        cmc_put(&s->real, path->p, path->len);
    cmc_put_u8(&s->real, '/');
    cmc_put(&s->real, name, strlen(name) + 1);
    *real = (uint32_t)at;
    return cmc_buf_check(&s->real, "paths in layers", err);
}

int measure_layer_set_add(struct measure_layer_set *s, const struct measure_layer_around *around,
                          size_t list, const char *name, struct measure_layer_found *found,
                          struct cmc_err *err)
{
    const struct measure_layer_dir dir = s->dirs[around->first + list];
    struct spot at = {dir.fd, name, dir.layer, 0};
    if ((dir.real && put_real(s, &dir, &around->path, name, &at.real, err) < 0) ||
        open_dir(s, &at, false, found, err) < 0)
        return -(int)err->code;
    if (*found->marks.redirect && !s->given->redirects)
        return cmc_fail(err, CMC_E_FORMAT, MEASURE_LAYERS_NOT "a redirect that is not followed");
    if (found->marks.opaque)
        *found->marks.redirect = '\0'; /* there is nothing more to find */
    return 0;
}

/* Is there a directory to go on with? Whatever else is there ends the search. */
static int probe(const struct spot *at, bool *stop, struct cmc_err *err)
{
    struct statx sx;
    if (statx(at->dirfd, at->name, AT_SYMLINK_NOFOLLOW | AT_NO_AUTOMOUNT, STATX_TYPE, &sx) < 0)
        return errno == ENOENT || errno == ENAMETOOLONG ? 0
                                                        : cmc_fail(err, CMC_E_SYS, "look for it");
    if (S_ISDIR(sx.stx_mode))
        return 1;
    *stop = true;
    return 0;
}

/* Takes up what the marks of a directory say of the search, whose name or component it is. */
static int heed(struct search *w, const struct measure_layer_marks *m, size_t rem, size_t len,
                struct cmc_err *err)
{
    if (m->opaque) {
        w->stop = true;
        return 0;
    }
    if (!*m->redirect)
        return 0;
    if (*m->redirect == '/') /* it goes on wherever a directory on the way was opaque */
        w->stop = false;
    return measure_layer_rename(w->name, rem, len, m->redirect)
               ? 0
               : cmc_fail(err, CMC_E_FORMAT, MEASURE_LAYERS_NOT "a redirect to too long a path");
}

/* One name in one of the directories around. */
static int find_name(struct measure_layer_set *s, const struct measure_layer_around *around,
                     struct search *w, struct cmc_err *err)
{
    const struct measure_layer_dir dir = s->dirs[around->first + w->list++];
    struct measure_layer_found found;
    char name[PATH_MAX];
    memcpy(name, w->name, strlen(w->name) + 1);
    struct spot at = {dir.fd, name, dir.layer, 0};
    const int there = probe(&at, &w->stop, err);
    if (there <= 0)
        return there;
    if (put_real(s, &dir, &around->path, name, &at.real, err) < 0 ||
        open_dir(s, &at, false, &found, err) < 0)
        return -(int)err->code;
    w->layer = dir.layer + 1; /* where a path goes on */
    return heed(w, &found.marks, strlen(name), strlen(name), err);
}

/* The directory of a path in one layer: each on the way has its say, as a redirect itself.
 * Components are counted from the end, as what is before them may change. */
static int find_path(struct measure_layer_set *s, struct search *w, struct cmc_err *err)
{
    const uint32_t layer = w->layer++;
    const size_t start = s->count;
    struct measure_layer_found found;
    struct spot at = {s->layers[layer].fd, NULL, layer, (uint32_t)s->real.len};
    char name[PATH_MAX];
    cmc_put(&s->real, w->name, strlen(w->name) + 1);
    if (cmc_buf_check(&s->real, "paths in layers", err) < 0)
        return -(int)err->code;
    for (size_t rem = strlen(w->name) - 1;;) {
        const char *from = w->name + strlen(w->name) - rem;
        const size_t len = (size_t)(strchrnul(from, '/') - from);
        memcpy(name, from, len);
        name[len] = '\0';
        at.name = name;
        const int there = probe(&at, &w->stop, err);
        if (there <= 0) {
            measure_layer_set_close(s, start, s->count);
            s->count = start;
            return there;
        }
        if (open_dir(s, &at, false, &found, err) < 0 || heed(w, &found.marks, rem, len, err) < 0)
            return -(int)err->code;
        if (s->count - start == 2) { /* the one on the way here */
            measure_layer_set_close(s, start, start + 1);
            s->dirs[start] = s->dirs[start + 1];
            s->count--;
        }
        if (len == rem)
            return 0;
        at.dirfd = s->dirs[start].fd;
        rem -= len + 1;
    }
}

int measure_layer_set_follow(struct measure_layer_set *s, const struct measure_layer_around *around,
                             size_t list, const char *redirect, struct cmc_err *err)
{
    struct search w = {.list = list + 1, .layer = s->dirs[s->count - 1].layer + 1};
    memcpy(w.name, redirect, strlen(redirect) + 1);
    while (!w.stop) {
        const bool path = *w.name == '/';
        if (path ? w.layer == s->given->count : around->first + w.list == around->end)
            return 0;
        if ((path ? find_path(s, &w, err) : find_name(s, around, &w, err)) < 0)
            return -(int)err->code;
    }
    return 0;
}

int measure_layer_set_reopen(struct measure_layer_set *s, const struct measure_layer_around *dir,
                             struct cmc_err *err)
{
    for (size_t i = dir->first; i < dir->end; i++) {
        struct measure_layer_dir *d = &s->dirs[i];
        const struct measure_layer *l = &s->layers[d->layer];
        const char *real = (const char *)s->real.data + d->real;
        const size_t len = d->real ? strlen(real) : dir->path.len;
        char path[PATH_MAX] = "."; /* the root's; others without the slash that begins them */
        struct statx sx;
        if (len >= sizeof(path))
            return cmc_fail(err, CMC_E_FORMAT, MEASURE_LAYERS_NOT "a path of %zu bytes", len);
        if (len > 0) {
            memcpy(path, d->real ? real + 1 : (const char *)dir->path.p + 1, len - 1);
            path[len - 1] = '\0';
        }
        d->fd = measure_layer_open(l, l->fd, path, &sx, err);
        if (d->fd < 0)
            return -(int)err->code;
        s->open++; /* whether it is what it was is asked when it is left */
    }
    return 0;
}
