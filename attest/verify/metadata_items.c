/* SPDX-License-Identifier: Apache-2.0 */
/* attest/verify/metadata_items.c -- which items there are: found by digests that are recomputed,
 * never by what somebody calls them. */
#include <stdlib.h>
#include <string.h>

#include "attest/verify/metadata_parts.h"

enum { COSE_SIGN = 0xd8 }; /* the first byte of CBOR tag 98 */

static uint16_t alg_of(const struct verify_loading *l)
{
    return l->in->alg ? l->in->alg : CMC_ALG_SHA256;
}

/* A signed item rather than a listing or another file. */
static bool is_signed(const struct verify_item *i)
{
    size_t at = 0;
    while (at < i->len && strchr(" \t\r\n", i->data[at]) && i->data[at])
        at++;
    return at < i->len && (i->data[at] == '{' || i->data[at] == COSE_SIGN);
}

/* The place of an item in the report's list; digest_count: not there. */
static size_t listed(const struct verify_loading *l, const struct verify_item *item)
{
    const size_t size = cmc_hash_size(alg_of(l));
    uint8_t digest[CMC_HASH_MAX];
    struct cmc_err err = {0};
    size_t i = 0;
    if (cmc_hash2(alg_of(l), item->data, item->len, NULL, 0, digest, &err) < 0)
        return l->in->digest_count;
    while (i < l->in->digest_count &&
           (l->in->digest[i].len != size || memcmp(l->in->digest[i].data, digest, size) != 0))
        i++;
    return i;
}

static bool known(const struct verify_metadata_store *s, const uint8_t *digest)
{
    for (size_t i = 0; i < s->count; i++)
        if (memcmp(s->item[i].digest, digest, CMC_SHA256_LEN) == 0)
            return true;
    return false;
}

/* Takes an item once; found: which listed digests have one. */
static void take(const struct verify_loading *l, const struct verify_item *item, bool own,
                 bool *found)
{
    struct verify_metadata_store *s = l->store;
    struct verify_loaded *new = &s->item[s->count];
    const size_t at = listed(l, item);
    cmc_sha256(item->data, item->len, new->digest);
    if (at < l->in->digest_count)
        found[at] = true;
    else if (!own)
        (void)verify_claim_add(l->t, l->up, VERIFY_BAD, "metadata.digest",
                               "the report holds an item that it does not list: SHA-256 %s",
                               verify_tree_hex(l->t, new->digest, CMC_SHA256_LEN));
    if (known(s, new->digest))
        return;
    new->bytes = item;
    new->required = !own || at < l->in->digest_count || l->in->digest_count == 0;
    s->count++;
}

static void say_missing(const struct verify_loading *l, const bool *found)
{
    for (size_t i = 0; i < l->in->digest_count; i++)
        if (!found[i])
            (void)verify_claim_add(
                l->t, l->up, VERIFY_BAD, "metadata.missing",
                "the report lists an item that nobody has: %s",
                verify_tree_hex(l->t, l->in->digest[i].data, l->in->digest[i].len));
}

bool verify_metadata_collect(const struct verify_loading *l)
{
    const struct verify_metadata_input *in = l->in;
    if (in->item_count > VERIFY_ITEMS_MAX || in->own_count > VERIFY_ITEMS_MAX ||
        in->digest_count > VERIFY_DIGESTS_MAX) {
        (void)verify_claim_add(l->t, l->up, VERIFY_BAD, "metadata.limit",
                               "%zu items, %zu own and %zu digests: at most %d, %d and %d",
                               in->item_count, in->own_count, in->digest_count, VERIFY_ITEMS_MAX,
                               VERIFY_ITEMS_MAX, VERIFY_DIGESTS_MAX);
        return true;
    }
    bool *found = calloc(in->digest_count + 1, sizeof(*found));
    l->store->item = calloc(in->item_count + in->own_count + 1, sizeof(*l->store->item));
    if (found && l->store->item) {
        for (size_t i = 0; i < in->item_count; i++)
            take(l, &in->item[i], false, found);
        for (size_t i = 0; i < in->own_count; i++)
            if (is_signed(&in->own[i]))
                take(l, &in->own[i], true, found);
        say_missing(l, found);
    }
    const bool good = found && l->store->item;
    free(found);
    return good;
}
