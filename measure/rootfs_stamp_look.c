/* SPDX-License-Identifier: Apache-2.0 */
/* measure/rootfs_stamp_look.c -- a walk for the stamp alone: one thread walks through directories,
 * others look at what is in those that it has left. */
#include "measure/rootfs_stamp.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "measure/cpus.h"
#include "measure/rootfs_layers.h"
#include "measure/thread.h"

enum {
    PARTS = 64,           /* that were left and are not yet stamped: a descriptor each */
    WORTH_ENTRIES = 4096, /* below this a thread costs more than it brings */
    THREADS_MAX = 3,      /* beside the one that walks, which is what they wait for */
    STACK = 128 << 10
};

struct part { /* a directory */
    struct measure_stamp_dir dir;
    int fd;         /* owned, or -1 while the walk is in it */
    uint32_t layer; /* of its own; what is of others is looked at by the walk */
    uint64_t mount;
    struct measure_facts facts;
    struct cmc_buf names; /* each NUL-terminated, behind 0; or behind 1, and its statx follows */
    bool done;
    struct cmc_err err;
};

struct look {
    struct measure_stamper stamper;
    struct measure_meter meter;
    struct measure_xattr_scratch xattrs;
    struct part **open; /* owned: those that the walk is in */
    size_t depth, cap;

    pthread_mutex_t lock; /* of what follows, and of each part's done */
    pthread_cond_t work, done;
    struct part *left[PARTS]; /* owned; numbers count on, places are their remainders */
    uint64_t low, next, head; /* [low, head) are there, [next, head) wait for a thread */
    bool ends;
    unsigned threads;
    bool asked; /* for more threads */
    pthread_t thread[THREADS_MAX];
};

static void part_free(struct part *p)
{
    cmc_closep(&p->fd);
    cmc_buf_done(&p->names);
    free(p);
}

static int look_at(struct part *p, const char *name, uint64_t file_max, struct cmc_err *err)
{
    struct statx sx;
    if (measure_look_on(p->mount, p->fd, name, &sx, err) < 0)
        return -(int)err->code;
    if (S_ISDIR(sx.stx_mode))
        return cmc_fail(err, CMC_E_VERIFY, "changed: its type is another than listed");
    if (measure_walk_check(&sx, file_max, err) < 0)
        return -(int)err->code;
    measure_stamp_dir_add(&p->dir, name, &sx);
    return 0;
}

/* All of one directory, which must be what it was. */
static int look_at_all(struct part *p, uint64_t file_max, struct cmc_err *err)
{
    struct statx sx;
    for (size_t at = 0; at < p->names.len;) {
        const bool known = p->names.data[at++] == 1;
        const char *name = (const char *)p->names.data + at;
        at += strlen(name) + 1;
        if (!known && look_at(p, name, file_max, err) < 0)
            return -(int)err->code;
        if (!known)
            continue;
        memcpy(&sx, p->names.data + at, sizeof(sx));
        at += sizeof(sx);
        measure_stamp_dir_add(&p->dir, name, &sx);
    }
    return measure_look_same(p->fd, &p->facts, err);
}

/* Takes a part that waits; false when there is none. With the lock held, which is released
 * meanwhile. */
static bool step(struct look *l)
{
    if (l->next == l->head)
        return false;
    struct part *p = l->left[l->next++ % PARTS];
    struct cmc_err err = {0};
    (void)pthread_mutex_unlock(&l->lock);
    (void)look_at_all(p, l->meter.opts->file_max, &err);
    (void)pthread_mutex_lock(&l->lock);
    p->err = err;
    p->done = true;
    (void)pthread_cond_signal(&l->done);
    return true;
}

static void *run(void *arg)
{
    struct look *l = arg;
    (void)pthread_mutex_lock(&l->lock);
    while (!l->ends)
        if (!step(l))
            (void)pthread_cond_wait(&l->work, &l->lock);
    (void)pthread_mutex_unlock(&l->lock);
    return NULL;
}

/* Without them the walking thread does it all. */
static void start_threads(struct look *l)
{
    const unsigned cpus = l->meter.opts->threads ? l->meter.opts->threads : measure_cpus();
    l->asked = true;
    while (l->threads + 1 < cpus && l->threads < THREADS_MAX &&
           measure_thread_start(&l->thread[l->threads], STACK, run, l))
        l->threads++;
}

/* Takes what is done, in order, until no more than that are left. */
static int settle(struct look *l, size_t most, struct cmc_err *err)
{
    int r = 0;
    (void)pthread_mutex_lock(&l->lock);
    while (r == 0 && l->low < l->head) {
        struct part *p = l->left[l->low % PARTS];
        if (p->done) {
            l->low++;
            measure_stamper_add(&l->stamper, &p->dir);
            r = -(int)p->err.code;
            *err = r < 0 ? p->err : *err;
            part_free(p);
        } else if (l->head - l->low <= most) {
            break;
        } else if (!step(l)) {
            (void)pthread_cond_wait(&l->done, &l->lock);
        }
    }
    (void)pthread_mutex_unlock(&l->lock);
    return r;
}

static int make_room(struct look *l, struct cmc_err *err)
{
    if (l->depth < l->cap)
        return 0;
    const size_t cap = l->cap ? l->cap * 2 : 32;
    struct part **open = reallocarray(l->open, cap, sizeof(struct part *));
    if (!open)
        return cmc_fail(err, CMC_E_LIMIT, "out of memory %zu directories deep", l->depth);
    l->open = open;
    l->cap = cap;
    return 0;
}

static int enter(void *ctx, const struct measure_walk_entry *dir,
                 const struct measure_walk_names *names, struct cmc_err *err)
{
    struct look *l = ctx;
    if (make_room(l, err) < 0)
        return -(int)err->code;
    struct part *p = calloc(1, sizeof(*p));
    if (!p)
        return cmc_fail(err, CMC_E_LIMIT, "out of memory to stamp a directory");
    p->fd = -1;
    p->layer = dir->layer;
    p->names = cmc_buf_of(MEASURE_TREE_TEXT_MAX);
    l->open[l->depth++] = p;
    return measure_stamp_dir_begin(&p->dir, dir, names->count, l->meter.opts, &l->xattrs, err);
}

static int later(void *ctx, const struct measure_walk_at *at, struct cmc_err *err)
{
    struct look *l = ctx;
    struct part *p = l->open[l->depth - 1];
    if (at->layer != p->layer)
        return MEASURE_WALK_NOW;
    p->mount = at->mount;
    cmc_put_u8(&p->names, 0);
    cmc_put(&p->names, at->name, strlen(at->name) + 1);
    return cmc_buf_check(&p->names, "names", err);
}

static int visit(void *ctx, const struct measure_walk_entry *e, struct cmc_err *err)
{
    struct look *l = ctx;
    struct part *p = l->open[l->depth - 1];
    cmc_put_u8(&p->names, 1);
    cmc_put(&p->names, e->name, strlen(e->name) + 1);
    cmc_put(&p->names, e->sx, sizeof(*e->sx));
    return cmc_buf_check(&p->names, "names", err);
}

static int leave(void *ctx, int fd, const struct measure_facts *facts, struct cmc_err *err)
{
    struct look *l = ctx;
    if (!l->asked && l->meter.entries >= WORTH_ENTRIES && l->meter.opts->threads != 1)
        start_threads(l);
    if (settle(l, l->threads ? PARTS - 1 : 0, err) < 0)
        return -(int)err->code;
    struct part *p = l->open[--l->depth];
    p->fd = fd;
    p->facts = *facts;
    (void)pthread_mutex_lock(&l->lock);
    l->left[l->head++ % PARTS] = p;
    (void)pthread_cond_signal(&l->work);
    (void)pthread_mutex_unlock(&l->lock);
    return MEASURE_WALK_KEPT;
}

static void look_free(struct look *l)
{
    (void)pthread_mutex_lock(&l->lock);
    l->ends = true;
    (void)pthread_cond_broadcast(&l->work);
    (void)pthread_mutex_unlock(&l->lock);
    for (unsigned i = 0; i < l->threads; i++)
        (void)pthread_join(l->thread[i], NULL);
    for (; l->low < l->head; l->low++)
        part_free(l->left[l->low % PARTS]);
    while (l->depth > 0)
        part_free(l->open[--l->depth]);
    free(l->open);
    measure_stamper_done(&l->stamper);
    (void)pthread_cond_destroy(&l->done);
    (void)pthread_cond_destroy(&l->work);
    (void)pthread_mutex_destroy(&l->lock);
    free(l);
}

static int stamp(int rootfd, const struct measure_layers *layers,
                 const struct measure_rootfs_opts *opts, struct measure_rootfs_stamp *out,
                 struct cmc_err *err)
{
    static const struct measure_walk form = {
        .enter = enter, .visit = visit, .leave = leave, .later = later, .look_only = true};
    struct look *l = calloc(1, sizeof(*l));
    if (!l)
        return cmc_fail(err, CMC_E_LIMIT, "out of memory to stamp a tree");
    (void)pthread_mutex_init(&l->lock, NULL);
    (void)pthread_cond_init(&l->work, NULL);
    (void)pthread_cond_init(&l->done, NULL);
    l->meter.opts = opts;
    measure_stamper_begin(&l->stamper, opts);
    int r = layers ? measure_layers_walk(layers, &form, l, &l->meter, err)
                   : measure_walk(rootfd, &form, l, &l->meter, err);
    if (r == 0)
        r = settle(l, 0, err);
    if (r == 0)
        measure_stamper_end(&l->stamper, l->meter.entries, out);
    look_free(l);
    return r;
}

int measure_rootfs_stamp(int rootfd, const struct measure_rootfs_opts *opts,
                         struct measure_rootfs_stamp *out, struct cmc_err *err)
{
    return stamp(rootfd, NULL, opts, out, err);
}

int measure_rootfs_stamp_layers(const struct measure_layers *layers,
                                const struct measure_rootfs_opts *opts,
                                struct measure_rootfs_stamp *out, struct cmc_err *err)
{
    return stamp(-1, layers, opts, out, err);
}
