/* SPDX-License-Identifier: Apache-2.0 */
/* measure/rootfs.c -- the exact form: what the walk meets becomes nodes. */
#include "measure/rootfs.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "measure/rootfs_ahead.h"
#include "measure/rootfs_known.h"
#include "measure/rootfs_layers.h"
#include "measure/rootfs_nodes.h"
#include "measure/rootfs_owner.h"
#include "measure/rootfs_pool.h"
#include "measure/rootfs_stamp.h"
#include "measure/rootfs_verity.h"
#include "measure/rootfs_xattr.h"

enum { NS_PER_S = 1000000000 };

struct exact {
    struct measure_rootfs_opts opts;
    struct measure_owners owners;
    struct measure_nodes nodes;
    uint32_t dir, next; /* nodes: the innermost directory, what is met next */
    struct measure_meter meter;
    struct measure_stamper stamper; /* used with opts.stamp */
    struct measure_pool *pool;
    struct measure_ahead *ahead; /* of a walk, or NULL */
    struct measure_lessons lessons;
    uint64_t known_files, known_bytes;
    struct measure_xattr_scratch xattrs; /* of what is no regular file */
};

static void exact_free(struct exact **x)
{
    if (!*x)
        return;
    if ((*x)->pool)
        measure_pool_free((*x)->pool);
    measure_lessons_done(&(*x)->lessons);
    measure_stamper_done(&(*x)->stamper);
    measure_nodes_done(&(*x)->nodes);
    free(*x);
}

static int record(struct exact *x, uint32_t i, const struct measure_walk_entry *at,
                  struct cmc_err *err)
{
    const struct measure_rootfs_opts *o = &x->opts;
    const struct statx *sx = at->sx;
    struct measure_node *e = &x->nodes.v[i];
    struct measure_owner owner;
    if (measure_owners_of(&x->owners, at, &owner, err) < 0)
        return -(int)err->code;
    e->type = measure_entry_type(sx->stx_mode);
    e->mode = e->type == 'l' ? 0777 : sx->stx_mode & 07777;
    e->uid = measure_idmap_inside(o->uids, o->uid_maps, owner.uid, MEASURE_OWNER_UNMAPPED);
    e->gid = measure_idmap_inside(o->gids, o->gid_maps, owner.gid, MEASURE_OWNER_UNMAPPED);
    e->dev = (uint64_t)sx->stx_dev_major << 32 | sx->stx_dev_minor;
    e->ino = sx->stx_ino;
    return 0;
}

/* Encoded attributes, as text has them from at on, become node i's: their length goes before. */
static void keep_xattrs(struct exact *x, uint32_t i, size_t at)
{
    struct cmc_buf *text = &x->nodes.text;
    const size_t len = text->len - at - 4;
    if (len == 0) {
        text->len = at;
        return;
    }
    for (size_t k = 0; k < 4; k++)
        text->data[at + k] = (uint8_t)(len >> (24 - 8 * k));
    x->nodes.v[i].xattrs = (uint32_t)at;
}

static int read_xattrs(struct exact *x, uint32_t i, int fd, bool opath, struct cmc_err *err)
{
    struct cmc_buf *text = &x->nodes.text;
    const size_t at = text->len;
    cmc_put_be32(text, 0);
    if (measure_xattr_read(fd, opath, &x->opts, &x->xattrs, text, err) < 0)
        return -(int)err->code;
    if (text->bad)
        return cmc_buf_check(text, "names and attributes", err);
    keep_xattrs(x, i, at);
    return 0;
}

/* What the pool has read of a file. */
static int take_file(void *ctx, uint32_t i, const struct measure_pool_got *got, struct cmc_err *err)
{
    struct exact *x = ctx;
    struct cmc_buf *text = &x->nodes.text;
    measure_lessons_take(&x->lessons, i, got->leased);
    memcpy(x->nodes.v[i].digest, got->digest, CMC_SHA256_LEN);
    if (got->xattrs.len == 0)
        return 0;
    const size_t at = text->len;
    cmc_put_be32(text, 0);
    cmc_put(text, got->xattrs.p, got->xattrs.len);
    if (cmc_buf_check(text, "names and attributes", err) < 0)
        return -(int)err->code;
    keep_xattrs(x, i, at);
    return 0;
}

static bool knows(struct exact *x, uint32_t i, uint32_t layer, const struct measure_facts *f)
{
    if (!measure_lessons_find(&x->lessons, layer, i, f, x->nodes.v[i].digest))
        return false;
    x->known_files++;
    x->known_bytes += f->size;
    return true;
}

/* For a directory that does not say what is in it. */
static int open_and_hand_over(struct exact *x, int opath, const struct measure_pool_file *f,
                              struct cmc_err *err)
{
    cmc_autofd int fd = measure_content_open(opath, err);
    if (fd < 0 || measure_pool_file(x->pool, fd, f, err) < 0)
        return -(int)err->code;
    (void)cmc_take_fd(&fd);
    return 0;
}

/* The file is read later, by whoever has time. */
static int hand_over(struct exact *x, uint32_t i, const struct measure_walk_entry *at,
                     struct cmc_err *err)
{
    const struct statx *sx = at->sx;
    struct measure_node *e = &x->nodes.v[i];
    e->u.size = sx->stx_size;
    e->changed = (uint64_t)sx->stx_ctime.tv_sec * NS_PER_S + sx->stx_ctime.tv_nsec;
    if (measure_nodes_seen(&x->nodes, i, err) < 0)
        return -(int)err->code;
    e->twin = measure_nodes_twin(&x->nodes, i) != 0;
    struct measure_pool_file file = {.node = i,
                                     .sparse = measure_content_sparse(sx),
                                     .verity = measure_verity_is_on(sx),
                                     .facts = measure_facts_of(sx)};
    if (e->twin || knows(x, i, at->layer, &file.facts))
        file.known = e->digest;
    measure_meter_file(&x->meter, e->twin ? 0 : sx->stx_size);
    if (!at->readable)
        return open_and_hand_over(x, at->fd, &file, err);
    const int r = measure_pool_file(x->pool, at->fd, &file, err);
    return r < 0 ? r : MEASURE_WALK_KEPT;
}

static int read_target(struct exact *x, uint32_t i, int fd, struct cmc_err *err)
{
    char target[PATH_MAX];
    size_t len = 0;
    if (measure_content_target(fd, target, &len, err) < 0)
        return -(int)err->code;
    x->nodes.v[i].u.target.at = (uint32_t)x->nodes.text.len;
    x->nodes.v[i].u.target.len = (uint32_t)len;
    cmc_put(&x->nodes.text, target, len);
    return read_xattrs(x, i, fd, true, err);
}

static int visit(void *ctx, const struct measure_walk_entry *at, struct cmc_err *err)
{
    struct exact *x = ctx;
    const uint32_t i = x->next++;
    struct measure_node *e = &x->nodes.v[i];
    measure_ahead_at(x->ahead, at->path, measure_pool_waits(x->pool));
    int r = record(x, i, at, err);
    if (x->opts.stamp)
        measure_stamper_visit(&x->stamper, at);
    if (r < 0)
        return r;
    switch (e->type) {
    case 'f':
        return hand_over(x, i, at, err);
    case 'l':
        r = read_target(x, i, at->fd, err);
        break;
    case 'c':
    case 'b':
        e->u.rdev.major = at->sx->stx_rdev_major;
        e->u.rdev.minor = at->sx->stx_rdev_minor;
        r = read_xattrs(x, i, at->fd, true, err);
        break;
    case 'p':
    case 's':
        r = read_xattrs(x, i, at->fd, true, err);
        break;
    default:
        return cmc_fail(err, CMC_E_FORMAT, "type %o is not known",
                        at->sx->stx_mode & (unsigned)S_IFMT);
    }
    return r < 0 ? r : measure_nodes_seen(&x->nodes, i, err);
}

static int enter(void *ctx, const struct measure_walk_entry *at,
                 const struct measure_walk_names *names, struct cmc_err *err)
{
    struct exact *x = ctx;
    struct measure_nodes *n = &x->nodes;
    const uint32_t i = x->next, first = (uint32_t)n->count;
    measure_ahead_at(x->ahead, at->path, measure_pool_waits(x->pool));
    if (record(x, i, at, err) < 0 || read_xattrs(x, i, at->fd, false, err) < 0)
        return -(int)err->code;
    if (x->opts.stamp && measure_stamper_enter(&x->stamper, at, names, &x->xattrs, err) < 0)
        return -(int)err->code;
    for (size_t k = 0; k < names->count; k++) {
        const char *name = names->text + names->at[k];
        const size_t place = n->text.len;
        cmc_put(&n->text, name, strlen(name) + 1);
        if (cmc_buf_check(&n->text, "names and attributes", err) < 0 ||
            measure_nodes_add(n, i, (uint32_t)place, 0, err) < 0)
            return -(int)err->code;
    }
    n->v[i].u.in.first = first;
    n->v[i].u.in.count = (uint32_t)names->count;
    x->dir = i;
    x->next = first;
    return 0;
}

static int leave(void *ctx, int fd, const struct measure_facts *facts, struct cmc_err *err)
{
    struct exact *x = ctx;
    const uint32_t i = x->dir;
    if (x->opts.stamp)
        measure_stamper_leave(&x->stamper);
    x->next = i + 1;
    x->dir = x->nodes.v[i].parent;
    return measure_pool_dir(x->pool, fd, i, facts, err);
}

/* The walk may be elsewhere when what it has handed over turns out to be bad. */
static int name_fault(struct exact *x, struct cmc_err *err)
{
    cmc_autobuf struct cmc_buf path = cmc_buf_of(MEASURE_TREE_TEXT_MAX);
    uint32_t i;
    if (!measure_pool_fault(x->pool, &i, err))
        return -(int)err->code;
    if (i)
        measure_nodes_path(&x->nodes, i, &path);
    return measure_walk_name_fault((struct measure_bytes){path.data, path.len}, err);
}

struct source { /* a tree, or layers that make one */
    int root;
    const struct measure_layers *layers;
};

static int walk(const struct source *from, struct exact *x, struct cmc_err *err)
{
    static const struct measure_walk form = {
        .enter = enter, .visit = visit, .leave = leave, .reads = true};
    const struct measure_layers *l = from->layers;
    const size_t descriptors = l ? measure_layers_descriptors(l) : MEASURE_WALK_DESCRIPTORS;
    const struct measure_ahead_opts ahead = {
        .roots = l ? l->fds : &from->root,
        .count = l ? l->count : 1,
        .descriptors = descriptors + MEASURE_POOL_DESCRIPTORS,
        .threads = x->opts.threads,
        .busy = x->opts.threads, /* the pool's */
    };
    if (l) {
        x->opts.overlay = measure_layers_prefix(l);
        measure_pool_spare(x->pool, descriptors);
    }
    x->ahead = measure_ahead_new(&ahead);
    const int r = l ? measure_layers_walk(l, &form, x, &x->meter, err)
                    : measure_walk(from->root, &form, x, &x->meter, err);
    measure_ahead_free(CMC_TAKE_PTR(x->ahead));
    return r;
}

static int read_all(const struct source *from, struct exact *x, struct cmc_err *err)
{
    if (measure_nodes_init(&x->nodes, err) < 0 ||
        measure_pool_new(&x->opts, &x->meter, take_file, x, &x->pool, err) < 0)
        return -(int)err->code;
    if (walk(from, x, err) < 0 || measure_pool_finish(x->pool, err) < 0)
        return name_fault(x, err);
    measure_pool_free(CMC_TAKE_PTR(x->pool));
    measure_nodes_match_twins(&x->nodes);
    measure_lessons_tell(&x->lessons, &x->nodes);
    return 0;
}

static int measure(const struct source *from, const struct measure_rootfs_opts *opts,
                   struct measure_rootfs *out, struct cmc_err *err)
{
    struct measure_rootfs got;
    CMC_CLEANUP(exact_free) struct exact *x = calloc(1, sizeof(*x));
    if (!x)
        return cmc_fail(err, CMC_E_LIMIT, "out of memory to measure a tree");
    x->opts = *opts;
    if (opts->rootless) /* what is written there are the container's ids already */
        x->opts.uid_maps = x->opts.gid_maps = 0;
    x->owners.rootless = opts->rootless;
    x->meter.opts = &x->opts;
    measure_lessons_init(&x->lessons, opts->known);
    measure_stamper_begin(&x->stamper, &x->opts);
    if (read_all(from, x, err) < 0)
        return -(int)err->code;
    if (opts->listing && measure_nodes_list(&x->nodes, opts->listing, err) < 0)
        return -(int)err->code;
    if (opts->list && opts->list(opts->list_ctx, &x->nodes, err) < 0)
        return -(int)err->code;
    if (measure_nodes_digest(&x->nodes, opts->threads, got.digest, err) < 0)
        return -(int)err->code;
    got.entries = x->meter.entries;
    got.files = x->meter.files;
    got.bytes = x->meter.bytes;
    got.guessed = x->owners.guessed;
    got.known_files = x->known_files;
    got.known_bytes = x->known_bytes;
    got.leased = opts->lease && !x->meter.unleased;
    if (opts->stamp)
        measure_stamper_end(&x->stamper, x->meter.entries, opts->stamp);
    *out = got;
    return 0;
}

int measure_rootfs(int rootfd, const struct measure_rootfs_opts *opts, struct measure_rootfs *out,
                   struct cmc_err *err)
{
    const struct source from = {.root = rootfd};
    return measure(&from, opts, out, err);
}

int measure_rootfs_layers(const struct measure_layers *layers,
                          const struct measure_rootfs_opts *opts, struct measure_rootfs *out,
                          struct cmc_err *err)
{
    const struct source from = {.root = -1, .layers = layers};
    return measure(&from, opts, out, err);
}
