/* SPDX-License-Identifier: Apache-2.0 */
/* measure/rootfs_cmc.c -- hashes the archive that CMC would write of a tree, and writes none. */
#include "measure/rootfs_cmc.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/xattr.h>

#include "measure/rootfs_ahead.h"
#include "measure/rootfs_layers.h"
#include "measure/rootfs_links.h"
#include "measure/rootfs_owner.h"
#include "measure/rootfs_stamp.h"
#include "measure/rootfs_stream.h"
#include "measure/rootfs_tar.h"

static const uint8_t zeros[64 << 10];

struct archive {
    struct measure_rootfs_opts opts;
    struct measure_owners owners;
    struct measure_meter meter;
    struct measure_stamper stamper; /* used with opts.stamp */
    struct measure_stream *stream;
    struct measure_ahead *ahead; /* of a walk, or NULL */
    struct measure_links links;
    struct cmc_buf name, headers;
    uint8_t capability[MEASURE_TAR_CAPABILITY_MAX]; /* of the entry at hand */
    struct measure_xattr_scratch xattrs;
    struct measure_content content;
};

static void archive_free(struct archive **a)
{
    if (!*a)
        return;
    measure_stream_free((*a)->stream);
    measure_stamper_done(&(*a)->stamper);
    measure_links_done(&(*a)->links);
    cmc_buf_done(&(*a)->name);
    cmc_buf_done(&(*a)->headers);
    free(*a);
}

static void add(void *to, const void *data, size_t len)
{
    struct archive *a = to;
    measure_stream_add(a->stream, data, len);
}

/* A hole costs no reading, but all of the hashing. */
static int add_zeros(void *to, uint64_t bytes, struct cmc_err *err)
{
    struct archive *a = to;
    while (bytes > 0) {
        const size_t step = bytes < sizeof(zeros) ? (size_t)bytes : sizeof(zeros);
        add(a, zeros, step);
        if (measure_meter_read(&a->meter, step, err) < 0)
            return -(int)err->code;
        bytes -= step;
    }
    return 0;
}

static int read_capability(int fd, uint8_t value[static MEASURE_TAR_CAPABILITY_MAX], size_t *len,
                           struct cmc_err *err)
{
    char magic[32];
    (void)snprintf(magic, sizeof(magic), "/proc/self/fd/%d", fd);
    const ssize_t n = getxattr(magic, "security.capability", value, MEASURE_TAR_CAPABILITY_MAX);
    if (n < 0 && errno != ENODATA && errno != EOPNOTSUPP)
        return cmc_fail(err, CMC_E_SYS, "read security.capability");
    *len = n < 0 ? 0 : (size_t)n;
    return 0;
}

static int add_header(struct archive *a, struct measure_tar_entry *e,
                      const struct measure_walk_entry *at, struct cmc_err *err)
{
    struct measure_owner owner;
    size_t len = 0;
    if (measure_owners_of(&a->owners, at, &owner, err) < 0 ||
        read_capability(at->fd, a->capability, &len, err) < 0)
        return -(int)err->code;
    e->mode = at->sx->stx_mode & 07777;
    e->uid = owner.uid;
    e->gid = owner.gid;
    e->capability = (struct measure_bytes){a->capability, len};
    a->headers.len = 0;
    if (measure_tar_header(e, &a->headers, err) < 0)
        return -(int)err->code;
    add(a, a->headers.data, a->headers.len);
    return 0;
}

static int enter(void *ctx, const struct measure_walk_entry *dir,
                 const struct measure_walk_names *names, struct cmc_err *err)
{
    struct archive *a = ctx;
    measure_ahead_at(a->ahead, dir->path, measure_stream_waits(a->stream));
    if (a->opts.stamp && measure_stamper_enter(&a->stamper, dir, names, &a->xattrs, err) < 0)
        return -(int)err->code;
    if (!*dir->name)
        return measure_owners_of(&a->owners, dir, &(struct measure_owner){0}, err);
    a->name.len = 0;
    cmc_put(&a->name, dir->path.p + 1, dir->path.len - 1);
    cmc_put_u8(&a->name, '/');
    if (cmc_buf_check(&a->name, "a path", err) < 0)
        return -(int)err->code;
    struct measure_tar_entry e = {.name = {a->name.data, a->name.len}, .type = '5'};
    return add_header(a, &e, dir, err);
}

static int add_content(struct archive *a, const struct measure_walk_entry *at, struct cmc_err *err)
{
    const struct measure_sink sink = {a, add, add_zeros};
    const struct statx *sx = at->sx;
    const bool sparse = measure_content_sparse(sx);
    cmc_autofd int file = measure_content_open(at->fd, err);
    if (file < 0 ||
        (a->opts.overlay && measure_xattr_plain(file, a->opts.overlay, &a->xattrs, err) < 0))
        return -(int)err->code;
    (void)measure_content_lease(&a->meter, file);
    if (measure_content_read(&a->content, &sink, file, sx->stx_size, sparse, err) < 0)
        return -(int)err->code;
    measure_meter_file(&a->meter, sx->stx_size);
    add(a, zeros, measure_tar_padding(sx->stx_size));
    return 0;
}

/* Another name of an inode that was met before becomes a hard link; e says so then. */
static int find_first(struct archive *a, struct measure_tar_entry *e, const struct statx *sx,
                      struct cmc_err *err)
{
    struct measure_bytes first;
    if (!(sx->stx_mask & STATX_NLINK))
        return cmc_fail(err, CMC_E_VERIFY, "kernel or file system does not tell the link count");
    if (sx->stx_nlink < 2)
        return 0;
    const uint64_t dev = (uint64_t)sx->stx_dev_major << 32 | sx->stx_dev_minor;
    if (measure_links_meet(&a->links, sx->stx_ino, dev, e->name, &first, err) < 0)
        return -(int)err->code;
    if (first.len) {
        e->type = '1';
        e->link = first;
    }
    return 0;
}

static char tar_type(uint32_t mode)
{
    switch (mode & S_IFMT) {
    case S_IFREG:
        return '0';
    case S_IFLNK:
        return '2';
    case S_IFCHR:
        return '3';
    case S_IFBLK:
        return '4';
    case S_IFIFO:
        return '6';
    default:
        return 0;
    }
}

static int visit(void *ctx, const struct measure_walk_entry *at, struct cmc_err *err)
{
    struct archive *a = ctx;
    const struct statx *sx = at->sx;
    char target[PATH_MAX];
    struct measure_tar_entry e = {
        .name = {at->path.p + 1, at->path.len - 1},
        .type = tar_type(sx->stx_mode),
        .major = S_ISREG(sx->stx_mode) ? 0 : sx->stx_rdev_major,
        .minor = S_ISREG(sx->stx_mode) ? 0 : sx->stx_rdev_minor,
    };
    measure_ahead_at(a->ahead, at->path, measure_stream_waits(a->stream));
    if (a->opts.stamp)
        measure_stamper_visit(&a->stamper, at);
    if (S_ISSOCK(sx->stx_mode)) /* no entry, but a fault where only a rootless unpacking may be */
        return measure_owners_of(&a->owners, at, &(struct measure_owner){0}, err);
    if (e.type == 0)
        return cmc_fail(err, CMC_E_FORMAT, "type %o is not known", sx->stx_mode & (unsigned)S_IFMT);
    if (find_first(a, &e, sx, err) < 0)
        return -(int)err->code;
    if (e.type == '2') {
        e.link.p = (const uint8_t *)target;
        if (measure_content_target(at->fd, target, &e.link.len, err) < 0)
            return -(int)err->code;
    }
    e.size = e.type == '0' ? sx->stx_size : 0;
    if (add_header(a, &e, at, err) < 0)
        return -(int)err->code;
    return e.type == '0' ? add_content(a, at, err) : 0;
}

static int leave(void *ctx, int fd, const struct measure_facts *facts, struct cmc_err *err)
{
    struct archive *a = ctx;
    (void)fd;
    (void)facts;
    (void)err;
    if (a->opts.stamp)
        measure_stamper_leave(&a->stamper);
    return 0;
}

static int walk(int rootfd, const struct measure_layers *layers, struct archive *a,
                struct cmc_err *err)
{
    static const struct measure_walk form = {.enter = enter, .visit = visit, .leave = leave};
    const struct measure_ahead_opts ahead = {
        .roots = layers ? layers->fds : &rootfd,
        .count = layers ? layers->count : 1,
        .descriptors = layers ? measure_layers_descriptors(layers) : MEASURE_WALK_DESCRIPTORS,
        .threads = a->opts.threads,
        .busy = 2, /* one reads, one hashes */
    };
    if (layers)
        a->opts.overlay = measure_layers_prefix(layers);
    a->ahead = measure_ahead_new(&ahead);
    const int r = layers ? measure_layers_walk(layers, &form, a, &a->meter, err)
                         : measure_walk(rootfd, &form, a, &a->meter, err);
    measure_ahead_free(CMC_TAKE_PTR(a->ahead));
    return r;
}

static int measure(int rootfd, const struct measure_layers *layers,
                   const struct measure_rootfs_opts *opts, struct measure_rootfs *out,
                   struct cmc_err *err)
{
    CMC_CLEANUP(archive_free) struct archive *a = calloc(1, sizeof(*a));
    if (!a)
        return cmc_fail(err, CMC_E_LIMIT, "out of memory to measure a tree");
    a->opts = *opts;
    a->owners.rootless = opts->rootless;
    a->meter.opts = &a->opts;
    a->content.meter = &a->meter;
    a->name = cmc_buf_of(MEASURE_TREE_TEXT_MAX);
    a->headers = cmc_buf_of(MEASURE_TAR_HEADERS_MAX);
    measure_links_init(&a->links);
    measure_stamper_begin(&a->stamper, &a->opts);
    if (measure_stream_new(opts->threads, &a->stream, err) < 0 || walk(rootfd, layers, a, err) < 0)
        return -(int)err->code;
    add(a, zeros, MEASURE_TAR_END);
    measure_stream_end(a->stream, out->digest);
    out->entries = a->meter.entries;
    out->files = a->meter.files;
    out->bytes = a->meter.bytes;
    out->guessed = a->owners.guessed;
    out->leased = opts->lease && !a->meter.unleased;
    if (opts->stamp)
        measure_stamper_end(&a->stamper, a->meter.entries, opts->stamp);
    return 0;
}

int measure_rootfs_cmc(int rootfd, const struct measure_rootfs_opts *opts,
                       struct measure_rootfs *out, struct cmc_err *err)
{
    return measure(rootfd, NULL, opts, out, err);
}

int measure_rootfs_cmc_layers(const struct measure_layers *layers,
                              const struct measure_rootfs_opts *opts, struct measure_rootfs *out,
                              struct cmc_err *err)
{
    return measure(-1, layers, opts, out, err);
}
