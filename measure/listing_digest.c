/* SPDX-License-Identifier: Apache-2.0 */
/* measure/listing_digest.c -- computes the root digest from a listing alone. */
#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "measure/listing.h"

struct open_dir {
    struct cmc_sha256_ctx sum; /* over the entries so far */
    uint16_t mode;
    uint32_t uid, gid;
    size_t path_len;  /* its path begins every path below */
    size_t name_at;   /* its name is path[name_at, path_len) */
    size_t xattrs_at; /* in stack.xattrs, up to the next directory's */
};

struct stack {
    struct open_dir *dirs; /* owned */
    size_t depth, cap;
    struct cmc_buf path;   /* of the innermost directory */
    struct cmc_buf xattrs; /* of all open directories */
};

static void stack_done(struct stack *s)
{
    free(s->dirs);
    cmc_buf_done(&s->path);
    cmc_buf_done(&s->xattrs);
}

static int push(struct stack *s, const struct measure_listing *l, struct cmc_err *err)
{
    if (s->depth == s->cap) {
        size_t cap = s->cap ? s->cap * 2 : 64;
        struct open_dir *dirs = reallocarray(s->dirs, cap, sizeof(*dirs));
        if (!dirs)
            return cmc_fail(err, CMC_E_LIMIT, "out of memory for %zu directories", cap);
        s->dirs = dirs;
        s->cap = cap;
    }
    struct open_dir *d = &s->dirs[s->depth++];
    *d = (struct open_dir){.mode = l->e.mode,
                           .uid = l->e.uid,
                           .gid = l->e.gid,
                           .path_len = l->path.len > 1 ? l->path.len : 0,
                           .name_at = l->path.len - l->e.name.len,
                           .xattrs_at = s->xattrs.len};
    measure_dir_start(&d->sum);
    s->path.len = 0;
    cmc_put(&s->path, l->path.p, d->path_len);
    cmc_put(&s->xattrs, l->e.xattrs.p, l->e.xattrs.len);
    if (s->path.bad || s->xattrs.bad)
        return cmc_fail(err, CMC_E_LIMIT, "out of memory for an open directory");
    return 0;
}

static struct measure_bytes top_xattrs(const struct stack *s)
{
    const size_t at = s->dirs[s->depth - 1].xattrs_at;
    return (struct measure_bytes){s->xattrs.data + at, s->xattrs.len - at};
}

/* Closes the innermost directory, which is not the root, into the one around it. */
static void pop(struct stack *s)
{
    struct open_dir *d = &s->dirs[s->depth - 1];
    uint8_t dir[CMC_SHA256_LEN], digest[CMC_SHA256_LEN];
    cmc_sha256_end(&d->sum, dir);
    const struct measure_entry e = {
        .type = 'd',
        .mode = d->mode,
        .uid = d->uid,
        .gid = d->gid,
        .name = {s->path.data + d->name_at, d->path_len - d->name_at},
        .xattrs = top_xattrs(s),
        .digest = dir,
    };
    measure_entry_digest(&e, digest);
    s->xattrs.len = d->xattrs_at;
    s->depth--;
    s->path.len = d[-1].path_len;
    cmc_sha256_add(&d[-1].sum, digest, sizeof(digest));
}

/* Is the entry directly in the innermost directory? */
static bool inside(const struct stack *s, const struct measure_listing *l)
{
    assert(s->dirs && s->depth > 0); /* the root never leaves the stack */
    const size_t dir = s->dirs[s->depth - 1].path_len;
    return l->path.len - l->e.name.len == dir + 1 &&
           (dir == 0 || memcmp(l->path.p, s->path.data, dir) == 0);
}

static void path_digest(struct measure_bytes path, uint8_t out[static CMC_SHA256_LEN])
{
    memset(out, 0, CMC_SHA256_LEN);
    for (size_t at = 1; at < path.len;) {
        const uint8_t *slash = memchr(path.p + at, '/', path.len - at);
        const size_t end = slash ? (size_t)(slash - path.p) : path.len;
        measure_path_digest(out, (struct measure_bytes){path.p + at, end - at}, out);
        at = end + 1;
    }
}

static int add(struct stack *s, const struct measure_listing *l, struct cmc_err *err)
{
    while (s->depth > 1 && !inside(s, l))
        pop(s);
    if (!inside(s, l))
        return cmc_fail(err, CMC_E_FORMAT, "listing line %zu: its directory has no line", l->line);
    if (l->e.type == 'd')
        return push(s, l, err);

    uint8_t group[CMC_SHA256_LEN], digest[CMC_SHA256_LEN];
    struct measure_entry e = l->e;
    if (l->link.len) {
        path_digest(l->link, group);
        e.group = group;
    }
    measure_entry_digest(&e, digest);
    cmc_sha256_add(&s->dirs[s->depth - 1].sum, digest, sizeof(digest));
    return 0;
}

static void finish(struct stack *s, uint8_t out[static CMC_SHA256_LEN])
{
    uint8_t dir[CMC_SHA256_LEN];
    while (s->depth > 1)
        pop(s);
    cmc_sha256_end(&s->dirs[0].sum, dir);
    measure_root_digest(dir, top_xattrs(s), out);
}

int measure_listing_digest(const void *text, size_t len, uint8_t out[static CMC_SHA256_LEN],
                           struct cmc_err *err)
{
    CMC_CLEANUP(measure_listing_done) struct measure_listing l = {0};
    CMC_CLEANUP(stack_done)
    struct stack s = {.path = cmc_buf_of(len), .xattrs = cmc_buf_of(SIZE_MAX / 2)};
    int r = measure_listing_open(&l, text, len, err);
    if (r == 0)
        r = measure_listing_next(&l, err); /* the root */
    if (r > 0)
        r = push(&s, &l, err);
    while (r == 0 && (r = measure_listing_next(&l, err)) > 0)
        r = add(&s, &l, err);
    if (r == 0)
        finish(&s, out);
    return r;
}
