/* SPDX-License-Identifier: Apache-2.0 */
/* measure/rootfs_stamp.c -- hashes what the file system says of a tree's entries, not what is in
 * them. */
#include "measure/rootfs_stamp.h"

#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>

#include "measure/rootfs_layers.h"

/* Far more than the clock of ctimes may stand, which is a tick of the slowest kernels (10 ms): the
 * rest is for clocks that are set back a little. And the unit of file systems that keep whole
 * seconds (or two, as a parity that rounds down). */
#define REST_NS       UINT64_C(100000000)
#define REST_WHOLE_NS UINT64_C(2000000000)
#define NS_PER_S      UINT64_C(1000000000)
#define NS_PER_MS     UINT64_C(1000000)

static void put_be(uint8_t **p, uint64_t v, size_t bytes)
{
    for (size_t i = bytes; i-- > 0;)
        *(*p)++ = (uint8_t)(v >> (8 * i));
}

static void note_change(struct measure_stamper *s, const struct statx_timestamp *t)
{
    const uint64_t rest = t->tv_nsec ? REST_NS : REST_WHOLE_NS;
    const uint64_t at = t->tv_sec < 0 ? 0 : (uint64_t)t->tv_sec * NS_PER_S + t->tv_nsec;
    if (at + rest > s->rested)
        s->rested = at + rest;
}

static void put_owner(uint8_t **p, const struct statx *sx)
{
    put_be(p, sx->stx_mode, 2);
    put_be(p, sx->stx_uid, 4);
    put_be(p, sx->stx_gid, 4);
}

void measure_stamper_visit(struct measure_stamper *s, const struct measure_walk_entry *e)
{
    const struct statx *sx = e->sx;
    const size_t name_len = strlen(e->name);
    uint8_t packed[64], *p = packed;
    put_be(&p, name_len, 2);
    cmc_sha256_add(&s->hash, packed, 2);
    cmc_sha256_add(&s->hash, e->name, name_len);
    p = packed;
    put_owner(&p, sx);
    put_be(&p, sx->stx_size, 8);
    put_be(&p, sx->stx_rdev_major, 4);
    put_be(&p, sx->stx_rdev_minor, 4);
    put_be(&p, (uint64_t)sx->stx_ctime.tv_sec, 8);
    put_be(&p, sx->stx_ctime.tv_nsec, 4);
    put_be(&p, sx->stx_dev_major, 4);
    put_be(&p, sx->stx_dev_minor, 4);
    put_be(&p, sx->stx_ino, 8);
    cmc_sha256_add(&s->hash, packed, (size_t)(p - packed));
    note_change(s, &sx->stx_ctime);
    note_change(s, &sx->stx_mtime); /* who writes in times to come is not at rest */
}

static int add_root(struct measure_stamper *s, const struct measure_walk_entry *root,
                    struct measure_xattr_scratch *xattrs, struct cmc_err *err)
{
    cmc_autobuf struct cmc_buf attributes = cmc_buf_of((size_t)16 * MEASURE_XATTR_LIST_MAX);
    uint8_t packed[16], *p = packed;
    put_owner(&p, root->sx);
    cmc_sha256_add(&s->hash, packed, (size_t)(p - packed));
    if (measure_xattr_read(root->fd, false, s->opts, xattrs, &attributes, err) < 0)
        return -(int)err->code;
    if (attributes.len)
        cmc_sha256_add(&s->hash, attributes.data, attributes.len);
    return 0;
}

int measure_stamper_enter(struct measure_stamper *s, const struct measure_walk_entry *dir,
                          const struct measure_walk_names *names,
                          struct measure_xattr_scratch *xattrs, struct cmc_err *err)
{
    uint8_t packed[8], *p = packed;
    if (*dir->name)
        measure_stamper_visit(s, dir);
    else if (add_root(s, dir, xattrs, err) < 0)
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

void measure_stamper_begin(struct measure_stamper *s, const struct measure_rootfs_opts *opts)
{
    static const char domain[] = "cmc-rootfs-stamp-2";
    *s = (struct measure_stamper){.opts = opts, .begun = change_clock()};
    cmc_sha256_init(&s->hash);
    cmc_sha256_add(&s->hash, domain, sizeof(domain));
}

static uint32_t wait_of(uint64_t rested, uint64_t begun)
{
    if (rested < begun)
        return 0;
    const uint64_t ms = (rested - begun) / NS_PER_MS + 1;
    return ms < UINT32_MAX ? (uint32_t)ms : UINT32_MAX;
}

void measure_stamper_end(struct measure_stamper *s, uint64_t entries,
                         struct measure_rootfs_stamp *out)
{
    cmc_sha256_end(&s->hash, out->digest);
    out->entries = entries;
    out->wait_ms = wait_of(s->rested, s->begun);
}

struct look { /* a walk for the stamp alone */
    struct measure_stamper stamper;
    struct measure_meter meter;
    struct measure_xattr_scratch xattrs;
};

static int enter(void *ctx, const struct measure_walk_entry *dir,
                 const struct measure_walk_names *names, struct cmc_err *err)
{
    struct look *l = ctx;
    return measure_stamper_enter(&l->stamper, dir, names, &l->xattrs, err);
}

static int visit(void *ctx, const struct measure_walk_entry *e, struct cmc_err *err)
{
    struct look *l = ctx;
    (void)err;
    measure_stamper_visit(&l->stamper, e);
    return 0;
}

static int stamp(int rootfd, const struct measure_layers *layers,
                 const struct measure_rootfs_opts *opts, struct measure_rootfs_stamp *out,
                 struct cmc_err *err)
{
    static const struct measure_walk form = {.enter = enter, .visit = visit, .look_only = true};
    cmc_autofree struct look *l = calloc(1, sizeof(*l));
    if (!l)
        return cmc_fail(err, CMC_E_LIMIT, "out of memory to stamp a tree");
    l->meter.opts = opts;
    measure_stamper_begin(&l->stamper, opts);
    const int r = layers ? measure_layers_walk(layers, &form, l, &l->meter, err)
                         : measure_walk(rootfd, &form, l, &l->meter, err);
    if (r == 0)
        measure_stamper_end(&l->stamper, l->meter.entries, out);
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
