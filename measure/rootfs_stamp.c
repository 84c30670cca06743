/* SPDX-License-Identifier: Apache-2.0 */
/* measure/rootfs_stamp.c -- hashes what the file system says of a tree's entries, not what is in
 * them. */
#include "measure/rootfs_stamp.h"

#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>

#include "measure/rootfs_layers.h"
#include "measure/rootfs_xattr.h"

/* How far the clock of ctimes may stand: a tick of the slowest kernels, and the unit of file
 * systems that keep whole seconds (or two, as a parity that rounds down). */
#define REST_NS       UINT64_C(10000000)
#define REST_WHOLE_NS UINT64_C(2000000000)
#define NS_PER_S      UINT64_C(1000000000)
#define NS_PER_MS     UINT64_C(1000000)

struct stamper {
    const struct measure_rootfs_opts *opts;
    struct measure_meter meter;
    struct cmc_sha256_ctx hash;
    uint64_t rested; /* all is at rest that was changed before; nanoseconds */
    struct measure_xattr_scratch xattrs;
};

static void put_be(uint8_t **p, uint64_t v, size_t bytes)
{
    for (size_t i = bytes; i-- > 0;)
        *(*p)++ = (uint8_t)(v >> (8 * i));
}

static void note_change(struct stamper *s, const struct statx *sx)
{
    const struct statx_timestamp *c = &sx->stx_ctime;
    const uint64_t rest = c->tv_nsec ? REST_NS : REST_WHOLE_NS;
    const uint64_t at = c->tv_sec < 0 ? 0 : (uint64_t)c->tv_sec * NS_PER_S + c->tv_nsec;
    if (at + rest > s->rested)
        s->rested = at + rest;
}

static void add_entry(struct stamper *s, const struct measure_walk_entry *e)
{
    const struct statx *sx = e->sx;
    const size_t name_len = strlen(e->name);
    uint8_t packed[64], *p = packed;
    put_be(&p, name_len, 2);
    cmc_sha256_add(&s->hash, packed, 2);
    cmc_sha256_add(&s->hash, e->name, name_len);
    p = packed;
    put_be(&p, sx->stx_mode, 2);
    put_be(&p, sx->stx_uid, 4);
    put_be(&p, sx->stx_gid, 4);
    put_be(&p, sx->stx_size, 8);
    put_be(&p, sx->stx_rdev_major, 4);
    put_be(&p, sx->stx_rdev_minor, 4);
    put_be(&p, (uint64_t)sx->stx_ctime.tv_sec, 8);
    put_be(&p, sx->stx_ctime.tv_nsec, 4);
    /* An overlay of several file systems numbers directories (and devices) anew at each mount. */
    put_be(&p, S_ISDIR(sx->stx_mode) ? 0 : sx->stx_ino, 8);
    cmc_sha256_add(&s->hash, packed, (size_t)(p - packed));
    note_change(s, sx);
}

static int visit(void *ctx, const struct measure_walk_entry *e, struct cmc_err *err)
{
    (void)err;
    add_entry(ctx, e);
    return 0;
}

static int add_root(struct stamper *s, int fd, struct cmc_err *err)
{
    cmc_autobuf struct cmc_buf attributes = cmc_buf_of((size_t)16 * MEASURE_XATTR_LIST_MAX);
    if (measure_xattr_read(fd, false, s->opts, &s->xattrs, &attributes, err) < 0)
        return -(int)err->code;
    if (attributes.len)
        cmc_sha256_add(&s->hash, attributes.data, attributes.len);
    return 0;
}

static int enter(void *ctx, const struct measure_walk_entry *dir,
                 const struct measure_walk_names *names, struct cmc_err *err)
{
    struct stamper *s = ctx;
    uint8_t packed[8], *p = packed;
    if (*dir->name)
        add_entry(s, dir);
    else if (add_root(s, dir->fd, err) < 0)
        return -(int)err->code;
    put_be(&p, names->count, 8);
    cmc_sha256_add(&s->hash, packed, sizeof(packed));
    return 0;
}

/* The clock that ctimes come from: never ahead of the ctime of a later change. */
static uint64_t change_clock(void)
{
    struct timespec now = {0};
    (void)clock_gettime(CLOCK_REALTIME_COARSE, &now);
    return (uint64_t)now.tv_sec * NS_PER_S + (uint64_t)now.tv_nsec;
}

static uint32_t wait_of(uint64_t rested, uint64_t begun)
{
    if (rested < begun)
        return 0;
    const uint64_t ms = (rested - begun) / NS_PER_MS + 1;
    return ms < UINT32_MAX ? (uint32_t)ms : UINT32_MAX;
}

/* layers: NULL for the tree below rootfd. */
static int stamp(int rootfd, const struct measure_layers *layers,
                 const struct measure_rootfs_opts *opts, struct measure_rootfs_stamp *out,
                 struct cmc_err *err)
{
    static const struct measure_walk form = {.enter = enter, .visit = visit, .look_only = true};
    static const char domain[] = "cmc-rootfs-stamp-1";
    cmc_autofree struct stamper *s = calloc(1, sizeof(*s));
    if (!s)
        return cmc_fail(err, CMC_E_LIMIT, "out of memory to stamp a tree");
    s->opts = opts;
    s->meter.opts = opts;
    cmc_sha256_init(&s->hash);
    cmc_sha256_add(&s->hash, domain, sizeof(domain));
    const uint64_t begun = change_clock();
    if ((layers ? measure_layers_walk(layers, &form, s, &s->meter, err)
                : measure_walk(rootfd, &form, s, &s->meter, err)) < 0)
        return -(int)err->code;
    cmc_sha256_end(&s->hash, out->digest);
    out->entries = s->meter.entries;
    out->wait_ms = wait_of(s->rested, begun);
    out->rested_ns = s->rested;
    return 0;
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
