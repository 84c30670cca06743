/* SPDX-License-Identifier: Apache-2.0 */
/* attest/serve/store.h -- the metadata and roots that cmcd works with: read and checked as one set,
 * handed over as one string of bytes. */
#ifndef ATTEST_SERVE_STORE_H
#define ATTEST_SERVE_STORE_H
#include "attest/meta/trust.h"
#include "attest/prove/prove.h"
#include "attest/serve/config.h"

enum {
    SERVE_ITEMS_MAX = 4096,
    SERVE_STORE_MAX = 64 << 20 /* bytes of all items and roots */
};

struct serve_store {
    struct cmc_buf bytes;    /* owned */
    struct prove_item *item; /* owned; data points into bytes */
    size_t count;
};

/* Reads all files of the configuration, verifies every item where there are roots for it, and
 * appends the set. now: seconds since 1970. Errors: -CMC_E_SYS, -CMC_E_FORMAT, -CMC_E_VERIFY,
 * -CMC_E_LIMIT, naming the file. */
CMC_MUST_CHECK int serve_store_load(const struct serve_config *cfg, int64_t now,
                                    struct cmc_buf *out, struct cmc_err *err);
/* A set from its bytes. *out: free with serve_store_done(). Errors: -CMC_E_FORMAT, -CMC_E_LIMIT. */
CMC_MUST_CHECK int serve_store_open(const void *data, size_t len, struct serve_store *out,
                                    struct cmc_err *err);
void serve_store_done(struct serve_store *s);
/* The roots and revocation lists of the set. *out: free with meta_trust_free().
 * Errors: those of meta_trust_add_roots(). */
CMC_MUST_CHECK int serve_store_trust(const struct serve_store *s, int64_t now,
                                     struct meta_trust **out, struct cmc_err *err);
#endif
