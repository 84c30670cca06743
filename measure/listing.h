/* SPDX-License-Identifier: Apache-2.0 */
/* measure/listing.h -- the text listing of a root file system: written, read strictly, proved by
 * its digest, compared (docs/formats/rootfs-tree.md, "Listing"). */
#ifndef MEASURE_LISTING_H
#define MEASURE_LISTING_H
#include "base/buf.h"
#include "measure/rootfs_entry.h"

enum { MEASURE_LISTING_MAX = 1 << 30 };

/* Writing: the first line, then the root (path "/") and every entry in walk order.
 * link: the group's first path, len 0 for none. e->name, digest of d and group are not used. */
void measure_listing_begin(struct cmc_buf *b);
void measure_listing_put(struct cmc_buf *b, const struct measure_entry *e,
                         struct measure_bytes path, struct measure_bytes link);

/* Reading, line by line. */
struct measure_listing {
    const char *p, *end; /* borrowed */
    size_t line;
    struct measure_entry e; /* the entry read last; group is NULL; valid until the next call */
    struct measure_bytes path, link;
    struct cmc_buf path_buf, before_buf, link_buf, target_buf, xattr_buf;
    uint8_t digest[CMC_SHA256_LEN];
};

/* text: borrowed until measure_listing_done(). Errors: -CMC_E_FORMAT (another first line),
 * -CMC_E_LIMIT (more than MEASURE_LISTING_MAX bytes). */
CMC_MUST_CHECK int measure_listing_open(struct measure_listing *l, const void *text, size_t len,
                                        struct cmc_err *err);
/* Next entry into l->e, path and link; a listing holds the root at least.
 * Returns 1, 0 at the end, or -CMC_E_FORMAT with the line. Checks each line and the order of
 * paths; that parents exist is measure_listing_digest()'s business. */
CMC_MUST_CHECK int measure_listing_next(struct measure_listing *l, struct cmc_err *err);
void measure_listing_done(struct measure_listing *l);

/* The root digest of what a listing shows. Errors: -CMC_E_FORMAT, -CMC_E_LIMIT; out untouched. */
CMC_MUST_CHECK int measure_listing_digest(const void *text, size_t len,
                                          uint8_t out[static CMC_SHA256_LEN], struct cmc_err *err);

enum measure_change { /* bits */
                      MEASURE_ADDED = 1,
                      MEASURE_REMOVED = 2,
                      MEASURE_TYPE = 4,
                      MEASURE_CONTENT = 8,
                      MEASURE_MODE = 16,
                      MEASURE_OWNER = 32,
                      MEASURE_TARGET = 64,
                      MEASURE_RDEV = 128,
                      MEASURE_HARDLINK = 256,
                      MEASURE_XATTR = 512
};
/* "content" for MEASURE_CONTENT. */
const char *measure_change_name(enum measure_change one);

/* Calls on_change once per path that differs, in walk order, with all its changes (bits).
 * path: raw bytes, borrowed for the call. A result other than 0 ends the comparison and is
 * returned. Errors: as measure_listing_digest(), saying which listing, "first" or "second". */
CMC_MUST_CHECK int measure_listing_diff(struct measure_bytes a, struct measure_bytes b,
                                        int (*on_change)(void *ctx, struct measure_bytes path,
                                                         unsigned changes),
                                        void *ctx, struct cmc_err *err);

/* Walk order of two paths: below 0, 0, above 0. */
int measure_path_cmp(struct measure_bytes a, struct measure_bytes b);
#endif
