/* SPDX-License-Identifier: Apache-2.0 */
/* measure/rootfs_ahead_crew.c -- a thread of the crew: lists a directory, or asks for files. What
 * fails is left to the reader, who reports it. */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "measure/rootfs_ahead_parts.h"
#include "measure/rootfs_look.h"
#include "measure/rootfs_read.h"

enum { STEP = 1 << 20 }; /* no kernel takes less at once */

static struct measure_waits waits_of(const struct measure_ahead_worker *w)
{
    return measure_waits_now(w->waits);
}

/* With the lock held, which is released meanwhile. */
static void wait_for(struct measure_ahead_worker *w, pthread_cond_t *what)
{
    w->waits++;
    (void)pthread_cond_wait(what, &w->ahead->lock);
}

/* ---- files ------------------------------------------------------------------------------------
 */

static void ask_for(int root, const char *path)
{
    struct cmc_err ignored;
    struct statx sx;
    cmc_autofd int fd = measure_look_open(root, path, O_PATH, MEASURE_LOOK_BENEATH, &ignored);
    if (fd < 0 || measure_look(fd, "", &sx, &ignored) < 0 || !S_ISREG(sx.stx_mode))
        return;
    cmc_autofd int file = measure_content_open(fd, &ignored);
    if (file < 0)
        return;
    const uint64_t size =
        sx.stx_size < MEASURE_AHEAD_BYTES ? sx.stx_size : (uint64_t)MEASURE_AHEAD_BYTES;
    for (uint64_t at = 0; at < size; at += STEP)
        (void)posix_fadvise(file, (off_t)at, STEP, POSIX_FADV_WILLNEED);
}

/* Asks for a handful. With the lock held, which is released meanwhile. */
static bool ask(struct measure_ahead *a, struct measure_ahead_worker *w)
{
    struct measure_ahead_taken t;
    if (!measure_ahead_ring_take(&a->ring, a->listing == 0 && a->dirs.count == 0, &t))
        return false;
    (void)pthread_mutex_unlock(&a->lock);
    const struct measure_waits before = waits_of(w);
    for (size_t i = 0; i < t.n; i++)
        ask_for(a->opts.roots[t.file[i]->root],
                (const char *)t.window->text.data + t.file[i]->path);
    const struct measure_waits now = waits_of(w);
    const bool cold = now.disk > before.disk || measure_waits_elsewhere(&before, &now, t.n);
    (void)pthread_mutex_lock(&a->lock);
    t.window->users--;
    a->useful = cold ? MEASURE_AHEAD_USEFUL : a->useful ? a->useful - 1 : 0;
    a->awake = a->awake && a->useful > 0;
    (void)pthread_cond_broadcast(&a->room);
    return true;
}

/* ---- directories ------------------------------------------------------------------------------
 */

static bool is_full(const struct measure_ahead_worker *w)
{
    return w->count == MEASURE_AHEAD_LIST;
}

static void keep_name(struct measure_ahead_worker *w, const struct dirent64 *d)
{
    const size_t at = w->names.len;
    if (is_full(w) || strcmp(d->d_name, ".") == 0 || strcmp(d->d_name, "..") == 0)
        return;
    cmc_put(&w->names, d->d_name, strlen(d->d_name) + 1);
    if (w->names.bad)
        return;
    w->list[w->count++] = (struct measure_ahead_name){.ino = d->d_ino,
                                                      .at = (uint32_t)at,
                                                      .dir = d->d_type == DT_DIR,
                                                      .unknown = d->d_type == DT_UNKNOWN};
}

static void read_names(struct measure_ahead_worker *w, int fd)
{
    ssize_t got;
    w->names.len = w->count = 0;
    w->names.bad = false;
    while (!is_full(w) && (got = getdents64(fd, w->dents, sizeof(w->dents))) > 0)
        for (ssize_t at = 0; at < got;) {
            const struct dirent64 *d = (const void *)(w->dents + at);
            at += d->d_reclen;
            keep_name(w, d);
        }
}

static int by_inode(const void *a, const void *b)
{
    const struct measure_ahead_name *x = a, *y = b;
    return (x->ino > y->ino) - (x->ino < y->ino);
}

static int by_name(const void *a, const void *b, void *names)
{
    const struct measure_ahead_name *x = a, *y = b;
    return strcmp((const char *)names + x->at, (const char *)names + y->at);
}

/* Looks at what is not known to be a directory: it is in memory then, and its size is known; 0 for
 * what need not be read. */
static void look_at_names(struct measure_ahead_worker *w, int fd)
{
    struct cmc_err ignored;
    struct statx sx;
    qsort(w->list, w->count, sizeof(w->list[0]), by_inode);
    for (size_t i = 0; i < w->count; i++) {
        struct measure_ahead_name *n = &w->list[i];
        if (n->dir || measure_look(fd, (const char *)w->names.data + n->at, &sx, &ignored) < 0)
            continue;
        n->dir = S_ISDIR(sx.stx_mode);
        if (S_ISREG(sx.stx_mode) && !measure_content_sparse(&sx))
            n->size = sx.stx_size;
    }
    if (w->count)
        qsort_r(w->list, w->count, sizeof(w->list[0]), by_name, w->names.data);
}

/* Those that are directories. With the lock held. */
static void add_dirs(struct measure_ahead *a, const struct measure_ahead_worker *w,
                     const struct measure_ahead_dir *d)
{
    char path[PATH_MAX];
    for (size_t i = 0; i < w->count; i++) {
        const char *name = (const char *)w->names.data + w->list[i].at;
        const int len = snprintf(path, sizeof(path), "%s%s%s", d->path, *d->path ? "/" : "", name);
        if (w->list[i].dir && len < PATH_MAX)
            (void)measure_ahead_dirs_add(&a->dirs, d->root, path);
    }
    (void)pthread_cond_broadcast(&a->work);
}

/* Those that are to be read, when there is room. With the lock held, which is released meanwhile.
 */
static void add_files(struct measure_ahead *a, struct measure_ahead_worker *w,
                      const struct measure_ahead_dir *d)
{
    for (size_t i = 0; i < w->count; i++) {
        const struct measure_ahead_name *n = &w->list[i];
        if (n->dir || n->size == 0)
            continue;
        while (!a->ends && !measure_ahead_ring_has_room(&a->ring))
            if (!a->awake || !ask(a, w)) /* all of the crew may be here */
                wait_for(w, &a->room);
        if (a->ends)
            return;
        const struct measure_ahead_file f = {.ino = n->ino, .size = n->size, .root = d->root};
        measure_ahead_ring_add(&a->ring, d->path, (const char *)w->names.data + n->at, &f);
    }
}

/* With the lock held, which is released meanwhile. */
static void list_dir(struct measure_ahead *a, struct measure_ahead_worker *w,
                     const struct measure_ahead_dir *d)
{
    struct cmc_err ignored;
    (void)pthread_mutex_unlock(&a->lock);
    cmc_autofd int fd = measure_look_open(a->opts.roots[d->root], *d->path ? d->path : ".",
                                          O_RDONLY | O_DIRECTORY, MEASURE_LOOK_BENEATH, &ignored);
    if (fd >= 0) {
        read_names(w, fd);
        look_at_names(w, fd);
    }
    (void)pthread_mutex_lock(&a->lock);
    if (fd < 0)
        return;
    add_dirs(a, w, d);
    add_files(a, w, d);
}

/* Lists the next directory, unless the reader has left it behind, or is far behind himself. */
static bool list(struct measure_ahead *a, struct measure_ahead_worker *w)
{
    struct measure_ahead_dir d;
    if (!measure_ahead_ring_has_room(&a->ring) || !measure_ahead_dirs_take(&a->dirs, &d))
        return false;
    a->listing++;
    if (!measure_ahead_is_past(d.path, a->ring.pos))
        list_dir(a, w, &d);
    free(d.path);
    a->listing--;
    (void)pthread_cond_broadcast(&a->work);
    return true;
}

void *measure_ahead_run(void *arg)
{
    struct measure_ahead_worker *w = arg;
    struct measure_ahead *a = w->ahead;
    const bool asks_first = w->number % 2 == 0;
    (void)pthread_mutex_lock(&a->lock);
    while (!a->ends) {
        const bool did =
            a->awake && (asks_first ? ask(a, w) || list(a, w) : list(a, w) || ask(a, w));
        if (!did)
            wait_for(w, &a->work);
    }
    (void)pthread_mutex_unlock(&a->lock);
    return NULL;
}
