/* SPDX-License-Identifier: Apache-2.0 */
/* attest/verify/metadata.c -- from signed items to references: what signatures, time and order
 * allow to be believed. */
#include "attest/verify/metadata.h"

#include <stdlib.h>
#include <string.h>

#include "attest/verify/metadata_parts.h"

static enum verify_status status_of(const struct verify_loaded *i, bool holds)
{
    return holds ? VERIFY_GOOD : i->required ? VERIFY_BAD : VERIFY_NOTE;
}

static void say(struct verify_tree *t, const struct verify_loaded *i,
                struct verify_metadata_result *out)
{
    const struct meta_info *info = &i->item.info;
    *out = (struct verify_metadata_result){.type = verify_tree_text(t, info->type),
                                           .name = verify_tree_text(t, info->name),
                                           .version = verify_tree_text(t, info->version),
                                           .not_before = verify_tree_text(t, info->not_before),
                                           .not_after = verify_tree_text(t, info->not_after),
                                           .description = verify_tree_text(t, info->description),
                                           .status = i->claim->status,
                                           .signature = status_of(i, i->genuine),
                                           .validity = status_of(i, i->good)};
    memcpy(out->digest, i->digest, sizeof(out->digest));
}

static void say_all(const struct verify_loading *l, struct verify_metadata *out)
{
    struct verify_metadata_result *r = verify_tree_alloc(l->t, l->store->count, sizeof(*r));
    for (size_t i = 0; r && i < l->store->count; i++)
        say(l->t, &l->store->item[i], &r[i]);
    out->result = r;
    out->result_count = r ? l->store->count : 0;
}

static bool load(const struct verify_loading *l, struct verify_metadata *out)
{
    if (!verify_metadata_collect(l))
        return false;
    for (size_t i = 0; i < l->store->count; i++)
        verify_metadata_judge(l, &l->store->item[i]);
    verify_metadata_newest(l);
    say_all(l, out);
    return verify_metadata_order(l, out) && verify_metadata_pool(l, out);
}

enum verify_status verify_metadata_load(const struct verify_metadata_input *in,
                                        struct verify_tree *t, struct verify_claim *parent,
                                        struct verify_metadata *out)
{
    struct verify_claim *up =
        verify_claim_add(t, parent, VERIFY_BAD, "metadata", "signed metadata says what may run");
    *out = (struct verify_metadata){.store = calloc(1, sizeof(*out->store))};
    const struct verify_loading l = {in, t, up, out->store};
    if (!out->store || !load(&l, out)) {
        (void)verify_claim_add(t, up, VERIFY_UNCHECKED, "metadata.memory", "out of memory");
        verify_metadata_done(out);
    }
    up->status = verify_claim_worst(up);
    return up->status;
}

void verify_metadata_done(struct verify_metadata *m)
{
    struct verify_metadata_store *s = m->store;
    for (size_t i = 0; s && i < s->count; i++) {
        meta_item_done(&s->item[i].item);
        meta_verified_done(&s->item[i].verified);
    }
    if (s) {
        free(s->item);
        free(s->manifest);
        free(s->reference);
    }
    free(s);
    *m = (struct verify_metadata){0};
}

enum verify_status verify_metadata_level(const struct verify_metadata *m, bool hardware,
                                         struct verify_tree *t, struct verify_claim *parent)
{
    const bool too_high = m->cert_level > 1 && !hardware;
    const enum verify_status status = too_high ? VERIFY_BAD : VERIFY_GOOD;
    (void)verify_claim_add(t, parent, status, "metadata.level", "certification level %d%s",
                           m->cert_level,
                           too_high ? ": above 1, which needs evidence of hardware" : "");
    return status;
}
