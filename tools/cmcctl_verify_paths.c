/* SPDX-License-Identifier: Apache-2.0 */
/* tools/cmcctl_verify_paths.c -- which files differ: two listings, each proved by its digest. */
#include <stdio.h>
#include <string.h>

#include "base/hex.h"
#include "measure/listing.h"
#include "tools/cmcctl_verify.h"

enum {
    LISTINGS_MAX = 8, /* that are kept at a time; more are not asked for */
    LISTING_BYTES_MAX = 64 << 20,
    PATHS_MAX = 1000, /* of a container */
    PATH_SHOWN = 512
};

struct ctl_text { /* a text that the result borrows */
    struct ctl_text *next;
    char text[];
};

struct listing {
    uint8_t digest[CMC_SHA256_LEN];
    struct cmc_buf bytes;    /* owned; empty: it could not be had */
    struct verify_item item; /* bytes, or an item of the policy */
    char why[160];
};

struct finder {
    const struct verify_policy *policy;
    const struct serve_peer *peer;
    struct ctl_paths *out;
    struct listing listing[LISTINGS_MAX];
    size_t count;
};

/* A copy that lives as long as p, or NULL. */
static const char *keep(struct ctl_paths *p, const void *data, size_t len)
{
    struct ctl_text *t = malloc(sizeof(*t) + len + 1);
    if (!t)
        return NULL;
    memcpy(t->text, data, len);
    t->text[len] = '\0';
    t->next = p->text;
    p->text = t;
    return t->text;
}

static bool gives(const void *data, size_t len, const uint8_t *digest)
{
    uint8_t got[CMC_SHA256_LEN];
    struct cmc_err ignored = {0};
    return measure_listing_digest(data, len, got, &ignored) == 0 &&
           memcmp(got, digest, sizeof(got)) == 0;
}

static bool find_item(const struct finder *f, struct listing *l)
{
    for (size_t i = 0; i < f->policy->item_count; i++)
        if (gives(f->policy->item[i].data, f->policy->item[i].len, l->digest)) {
            l->item = f->policy->item[i];
            return true;
        }
    return false;
}

/* From the host. It may lie: what it gives counts by its digest. */
static void fetch(const struct finder *f, struct listing *l)
{
    struct cmc_err err = {0};
    if (!f->peer)
        return;
    const int rc = serve_detail(f->peer, "tree", l->digest, &l->bytes, &err);
    if (rc < 0)
        (void)snprintf(l->why, sizeof(l->why), "%.150s", err.msg);
    else if (rc > 0 && !gives(l->bytes.data, l->bytes.len, l->digest))
        (void)snprintf(l->why, sizeof(l->why), "the host gave a listing with another digest");
    else if (rc > 0)
        l->item = (struct verify_item){l->bytes.data, l->bytes.len};
}

/* The listing of a root digest, or NULL when there is no room for one more. */
static const struct listing *get(struct finder *f, const uint8_t *digest)
{
    for (size_t i = 0; i < f->count; i++)
        if (memcmp(f->listing[i].digest, digest, CMC_SHA256_LEN) == 0)
            return &f->listing[i];
    if (f->count == LISTINGS_MAX || !digest)
        return NULL;
    struct listing *l = &f->listing[f->count++];
    *l = (struct listing){.bytes = cmc_buf_of(LISTING_BYTES_MAX)};
    memcpy(l->digest, digest, CMC_SHA256_LEN);
    (void)snprintf(l->why, sizeof(l->why), "%s", f->peer ? "the host has none" : "none is here");
    if (!find_item(f, l))
        fetch(f, l);
    return l;
}

struct found {
    struct ctl_paths *out;
    struct verify_difference *list; /* owned by the caller */
    size_t count, cap, more;
    bool bad;
};

static int on_change(void *ctx, struct measure_bytes path, unsigned changes)
{
    struct found *f = ctx;
    cmc_autobuf struct cmc_buf text = cmc_buf_of((size_t)8 * PATH_SHOWN);
    cmc_autobuf struct cmc_buf what = cmc_buf_of(256);
    if (f->count == f->cap) {
        f->more++;
        return 0;
    }
    cmc_put_safe(&text, path.p, path.len, PATH_SHOWN);
    for (unsigned bit = 1; bit <= MEASURE_XATTR; bit <<= 1)
        if (changes & bit)
            cmc_put_fmt(&what, "%s%s", what.len ? ", " : "",
                        measure_change_name((enum measure_change)bit));
    f->bad = f->bad || text.bad || what.bad;
    const char *a = f->bad ? NULL : keep(f->out, text.data, text.len);
    const char *b = a ? keep(f->out, what.data, what.len) : NULL;
    f->bad = !b;
    f->list[f->count] = (struct verify_difference){.path = a, .after = b};
    f->count += !f->bad;
    return f->bad;
}

static void say(struct finder *f, size_t i, const char *what, const struct listing *l)
{
    char text[256];
    const int n = l ? snprintf(text, sizeof(text), "no listing of the %s one: %s", what, l->why)
                    : snprintf(text, sizeof(text), "%s", what);
    f->out->no_path[i] = keep(f->out, text, n < (int)sizeof(text) ? (size_t)n : sizeof(text) - 1);
}

/* A verdict that rests on the digests of a root file system rests on its first path, too: which
 * says more. */
static void improve_reason(struct ctl_paths *p, const struct verify_container *c,
                           const struct verify_difference *first, size_t more)
{
    char hex[2 * CMC_SHA256_LEN + 1], text[2 * PATH_SHOWN];
    cmc_hex(c->rootfs, sizeof(c->rootfs), hex);
    if (!p->result.reason || !strstr(p->result.reason, hex))
        return;
    const char *name = c->name ? c->name : c->id ? c->id : "a container";
    int n = snprintf(text, sizeof(text), "%.200s: %.500s: %.100s", name, first->path, first->after);
    if (more && n > 0 && (size_t)n < sizeof(text))
        n += snprintf(text + n, sizeof(text) - (size_t)n, ", and %zu more paths", more);
    const char *reason = n > 0 && (size_t)n < sizeof(text) ? keep(p, text, (size_t)n) : NULL;
    if (reason)
        p->result.reason = reason;
}

/* Puts the paths behind the differences that are there. */
static int compare(struct finder *f, size_t i, const struct listing *reference,
                   const struct listing *measured, struct cmc_err *err)
{
    struct verify_container *c = &f->out->container[i];
    const size_t cap = c->difference_count + PATHS_MAX;
    struct ctl_text *block = malloc(sizeof(*block) + cap * sizeof(struct verify_difference));
    if (!block)
        return cmc_fail(err, CMC_E_LIMIT, "out of memory");
    block->next = f->out->text;
    f->out->text = block;
    struct found found = {.out = f->out,
                          .list = (struct verify_difference *)(void *)block->text,
                          .count = c->difference_count,
                          .cap = cap};
    if (c->difference_count)
        memcpy(found.list, c->difference, c->difference_count * sizeof(*c->difference));
    const struct measure_bytes a = {reference->item.data, reference->item.len};
    const struct measure_bytes b = {measured->item.data, measured->item.len};
    if (measure_listing_diff(a, b, on_change, &found, err) < 0)
        return -(int)err->code;
    if (found.bad)
        return cmc_fail(err, CMC_E_LIMIT, "out of memory");
    const size_t first = c->difference_count;
    c->difference = found.list;
    c->difference_count = found.count;
    if (found.count > first)
        improve_reason(f->out, c, &found.list[first], found.count - first - 1 + found.more);
    if (found.more) {
        char text[64];
        (void)snprintf(text, sizeof(text), "%zu more paths differ", found.more);
        say(f, i, text, NULL);
    }
    return 0;
}

static int name_paths(struct finder *f, size_t i, struct cmc_err *err)
{
    const struct verify_container *c = &f->out->container[i];
    if (f->out->result.profile && strcmp(f->out->result.profile, "cmc") == 0) {
        say(f, i, "another digest; hosts of profile cmc keep no listings", NULL);
        return 0;
    }
    const struct listing *reference = get(f, c->ref_rootfs);
    const struct listing *measured = reference ? get(f, c->rootfs) : NULL;
    if (!reference || !measured)
        say(f, i, "more root file systems differ than are looked into", NULL);
    else if (!reference->item.data)
        say(f, i, "reference", reference);
    else if (!measured->item.data)
        say(f, i, "measured", measured);
    else
        return compare(f, i, reference, measured, err);
    return 0;
}

/* The copies that can be changed. */
static int copy(const struct verify_result *r, struct ctl_paths *out, struct cmc_err *err)
{
    *out = (struct ctl_paths){.result = *r};
    if (!r->container_count)
        return 0;
    out->container = calloc(r->container_count, sizeof(*out->container));
    out->no_path = calloc(r->container_count, sizeof(*out->no_path));
    if (!out->container || !out->no_path)
        return cmc_fail(err, CMC_E_LIMIT, "out of memory");
    memcpy(out->container, r->container, r->container_count * sizeof(*r->container));
    out->result.container = out->container;
    return 0;
}

int cmcctl_paths_find(const struct verify_result *r, const struct verify_policy *policy,
                      const struct serve_peer *peer, struct ctl_paths *out, struct cmc_err *err)
{
    struct finder f = {.policy = policy, .peer = peer, .out = out};
    int rc = copy(r, out, err);
    for (size_t i = 0; rc == 0 && i < r->container_count; i++)
        if (r->container[i].status != VERIFY_GOOD && r->container[i].reference &&
            r->container[i].rootfs_differs)
            rc = name_paths(&f, i, err);
    for (size_t i = 0; i < f.count; i++)
        cmc_buf_done(&f.listing[i].bytes);
    return rc;
}

void cmcctl_paths_done(struct ctl_paths *p)
{
    while (p->text) {
        struct ctl_text *next = p->text->next;
        free(p->text);
        p->text = next;
    }
    free(p->container);
    free(p->no_path);
    *p = (struct ctl_paths){0};
}
