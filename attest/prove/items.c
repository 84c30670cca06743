/* SPDX-License-Identifier: Apache-2.0 */
/* attest/prove/items.c -- the metadata of a report: in one order, and without what the asker has.
 */
#include <stdlib.h>
#include <string.h>

#include "attest/meta/exact.h"
#include "attest/prove/parts.h"

static int by_digest(const void *a, const void *b)
{
    const struct prove_listed *x = a, *y = b;
    return memcmp(x->digest, y->digest, sizeof(x->digest));
}

static bool is_cached(const struct prove_request *r, const uint8_t *digest)
{
    for (size_t i = 0; i < r->cached_count; i++)
        if (memcmp(r->cached[i], digest, CMC_SHA256_LEN) == 0)
            return true;
    return false;
}

int prove_items_of(const struct prove_request *r, struct prove_items *out, struct cmc_err *err)
{
    if (r->item_count > META_EXACT_LIST)
        return cmc_fail(err, CMC_E_LIMIT, "%zu items of metadata, at most %d", r->item_count,
                        META_EXACT_LIST);
    struct prove_items got = {.at = calloc(r->item_count + 1, sizeof(*got.at))};
    if (!got.at)
        return cmc_fail(err, CMC_E_LIMIT, "metadata: out of memory");
    for (size_t i = 0; i < r->item_count; i++) {
        struct prove_listed *l = &got.at[i];
        l->data = (struct meta_bytes){.data = r->item[i].data, .len = r->item[i].len};
        cmc_sha256(l->data.data, l->data.len, l->digest);
        l->cached = is_cached(r, l->digest);
    }
    qsort(got.at, r->item_count, sizeof(*got.at), by_digest);
    for (size_t i = 0; i < r->item_count; i++)
        if (!got.count || by_digest(&got.at[got.count - 1], &got.at[i]) != 0)
            got.at[got.count++] = got.at[i];
    *out = got;
    return 0;
}

void prove_items_done(struct prove_items *i)
{
    free(i->at);
    *i = (struct prove_items){0};
}
