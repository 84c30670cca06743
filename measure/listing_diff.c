/* SPDX-License-Identifier: Apache-2.0 */
/* measure/listing_diff.c -- merges two listings by path and says what differs. */
#include <string.h>

#include "measure/listing.h"

const char *measure_change_name(enum measure_change one)
{
    switch (one) {
    case MEASURE_ADDED:
        return "added";
    case MEASURE_REMOVED:
        return "removed";
    case MEASURE_TYPE:
        return "type";
    case MEASURE_CONTENT:
        return "content";
    case MEASURE_MODE:
        return "mode";
    case MEASURE_OWNER:
        return "owner";
    case MEASURE_TARGET:
        return "target";
    case MEASURE_RDEV:
        return "rdev";
    case MEASURE_HARDLINK:
        return "hardlink";
    case MEASURE_XATTR:
        return "xattr";
    default:
        return "unknown";
    }
}

static bool same(struct measure_bytes a, struct measure_bytes b)
{
    return a.len == b.len && (a.len == 0 || memcmp(a.p, b.p, a.len) == 0);
}

static unsigned bit(bool differs, enum measure_change change)
{
    return differs ? (unsigned)change : 0;
}

static unsigned compare(const struct measure_listing *la, const struct measure_listing *lb)
{
    const struct measure_entry *a = &la->e, *b = &lb->e;
    const unsigned xattrs = bit(!same(a->xattrs, b->xattrs), MEASURE_XATTR);
    if (a->name.len == 0) /* the root's mode and owner are shown, not covered */
        return xattrs;
    if (a->type != b->type)
        return MEASURE_TYPE;
    const bool content =
        a->type == 'f' && (a->size != b->size || memcmp(a->digest, b->digest, CMC_SHA256_LEN) != 0);
    return bit(content, MEASURE_CONTENT) | bit(a->mode != b->mode, MEASURE_MODE) |
           bit(a->uid != b->uid || a->gid != b->gid, MEASURE_OWNER) |
           bit(!same(a->target, b->target), MEASURE_TARGET) |
           bit(a->major != b->major || a->minor != b->minor, MEASURE_RDEV) |
           bit(!same(la->link, lb->link), MEASURE_HARDLINK) | xattrs;
}

struct side {
    struct measure_listing l;
    const char *which;
    int more; /* 1: l.e holds an entry */
};

static void side_done(struct side *s)
{
    measure_listing_done(&s->l);
}

static int advance(struct side *s, struct cmc_err *err)
{
    s->more = measure_listing_next(&s->l, err);
    return s->more < 0 ? cmc_wrap(err, "%s", s->which) : 0;
}

static int start(struct side *s, struct measure_bytes text, struct cmc_err *err)
{
    if (measure_listing_open(&s->l, text.p, text.len, err) < 0)
        return cmc_wrap(err, "%s", s->which);
    return advance(s, err);
}

/* Where the merge stands: below 0 the first side's path is next, above 0 the second's, 0 both. */
static int order_of(const struct side *x, const struct side *y)
{
    if (!x->more || !y->more)
        return x->more ? -1 : 1;
    return measure_path_cmp(x->l.path, y->l.path);
}

static unsigned changes_of(const struct side *x, const struct side *y, int order)
{
    if (order != 0)
        return order < 0 ? MEASURE_REMOVED : MEASURE_ADDED;
    return compare(&x->l, &y->l);
}

static int advance_both(struct side *x, struct side *y, int order, struct cmc_err *err)
{
    int r = order <= 0 ? advance(x, err) : 0;
    if (r == 0 && order >= 0)
        r = advance(y, err);
    return r;
}

int measure_listing_diff(struct measure_bytes a, struct measure_bytes b,
                         int (*on_change)(void *ctx, struct measure_bytes path, unsigned changes),
                         void *ctx, struct cmc_err *err)
{
    CMC_CLEANUP(side_done) struct side x = {.which = "first"};
    CMC_CLEANUP(side_done) struct side y = {.which = "second"};
    int r = start(&x, a, err);
    if (r == 0)
        r = start(&y, b, err);
    while (r == 0 && (x.more || y.more)) {
        const int order = order_of(&x, &y);
        const unsigned changes = changes_of(&x, &y, order);
        if (changes)
            r = on_change(ctx, order > 0 ? y.l.path : x.l.path, changes);
        if (r == 0)
            r = advance_both(&x, &y, order, err);
    }
    return r;
}
