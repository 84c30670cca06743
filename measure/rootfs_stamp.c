/* SPDX-License-Identifier: Apache-2.0 */
/* measure/rootfs_stamp.c -- hashes what the file system says of a tree's entries, not what is in
 * them. */
#include "measure/rootfs_stamp.h"

#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "measure/rootfs_rest.h"

#define NS_PER_MS UINT64_C(1000000)

static void put_be(uint8_t **p, uint64_t v, size_t bytes)
{
    for (size_t i = bytes; i-- > 0;)
        *(*p)++ = (uint8_t)(v >> (8 * i));
}

static void note_change(struct measure_stamp_dir *d, const struct statx_timestamp *t)
{
    const uint64_t end = measure_rest_end((uint64_t)t->tv_sec, t->tv_nsec);
    if (end > d->rested)
        d->rested = end;
}

static void put_owner(uint8_t **p, const struct statx *sx)
{
    put_be(p, sx->stx_mode, 2);
    put_be(p, sx->stx_uid, 4);
    put_be(p, sx->stx_gid, 4);
}

void measure_stamp_dir_add(struct measure_stamp_dir *d, const char *name, const struct statx *sx)
{
    const size_t name_len = strlen(name);
    uint8_t packed[64], *p = packed;
    put_be(&p, name_len, 2);
    cmc_sha256_add(&d->hash, packed, 2);
    cmc_sha256_add(&d->hash, name, name_len);
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
    cmc_sha256_add(&d->hash, packed, (size_t)(p - packed));
    note_change(d, &sx->stx_ctime);
    note_change(d, &sx->stx_mtime); /* who writes in times to come is not at rest */
}

static int add_root(struct measure_stamp_dir *d, const struct measure_walk_entry *root,
                    const struct measure_rootfs_opts *opts, struct measure_xattr_scratch *xattrs,
                    struct cmc_err *err)
{
    cmc_autobuf struct cmc_buf attributes = cmc_buf_of((size_t)16 * MEASURE_XATTR_LIST_MAX);
    uint8_t packed[16], *p = packed;
    put_owner(&p, root->sx);
    cmc_sha256_add(&d->hash, packed, (size_t)(p - packed));
    if (measure_xattr_read(root->fd, false, opts, xattrs, &attributes, err) < 0)
        return -(int)err->code;
    if (attributes.len)
        cmc_sha256_add(&d->hash, attributes.data, attributes.len);
    return 0;
}

int measure_stamp_dir_begin(struct measure_stamp_dir *d, const struct measure_walk_entry *dir,
                            size_t names, const struct measure_rootfs_opts *opts,
                            struct measure_xattr_scratch *xattrs, struct cmc_err *err)
{
    uint8_t packed[8], *p = packed;
    d->rested = 0;
    cmc_sha256_init(&d->hash);
    put_be(&p, names, 8);
    cmc_sha256_add(&d->hash, packed, sizeof(packed));
    if (!*dir->name)
        return add_root(d, dir, opts, xattrs, err);
    measure_stamp_dir_add(d, dir->name, dir->sx);
    return 0;
}

int measure_stamper_enter(struct measure_stamper *s, const struct measure_walk_entry *dir,
                          const struct measure_walk_names *names,
                          struct measure_xattr_scratch *xattrs, struct cmc_err *err)
{
    if (s->depth == s->cap) {
        const size_t cap = s->cap ? s->cap * 2 : 32;
        struct measure_stamp_dir *dirs = reallocarray(s->dirs, cap, sizeof(*dirs));
        if (!dirs)
            return cmc_fail(err, CMC_E_LIMIT, "out of memory %zu directories deep", s->depth);
        s->dirs = dirs;
        s->cap = cap;
    }
    return measure_stamp_dir_begin(&s->dirs[s->depth++], dir, names->count, s->opts, xattrs, err);
}

void measure_stamper_visit(struct measure_stamper *s, const struct measure_walk_entry *e)
{
    measure_stamp_dir_add(&s->dirs[s->depth - 1], e->name, e->sx);
}

void measure_stamper_add(struct measure_stamper *s, struct measure_stamp_dir *d)
{
    uint8_t digest[CMC_SHA256_LEN];
    cmc_sha256_end(&d->hash, digest);
    cmc_sha256_add(&s->hash, digest, sizeof(digest));
    if (d->rested > s->rested)
        s->rested = d->rested;
}

void measure_stamper_leave(struct measure_stamper *s)
{
    measure_stamper_add(s, &s->dirs[--s->depth]);
}

void measure_stamper_done(struct measure_stamper *s)
{
    free(s->dirs);
}

void measure_stamper_begin(struct measure_stamper *s, const struct measure_rootfs_opts *opts)
{
    static const char domain[] = "cmc-rootfs-stamp-2";
    *s = (struct measure_stamper){.opts = opts, .begun = measure_rest_clock()};
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
