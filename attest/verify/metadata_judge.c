/* SPDX-License-Identifier: Apache-2.0 */
/* attest/verify/metadata_judge.c -- one item: who signed it, what it is, and whether now is its
 * time. */
#include <stdint.h>
#include <string.h>
#include <strings.h>

#include "attest/verify/metadata_parts.h"

/* What an own item cannot do decides nothing: it is left out. */
static enum verify_status bad(const struct verify_loaded *i)
{
    return i->required ? VERIFY_BAD : VERIFY_NOTE;
}

static bool holds(const struct verify_loading *l, struct verify_loaded *i, const char *id,
                  int result, const struct cmc_err *err)
{
    if (result == 0)
        return true;
    if (i->required)
        (void)verify_claim_result(l->t, i->claim, id, result, err, "refused");
    else
        (void)verify_claim_add(l->t, i->claim, VERIFY_NOTE, id, "left out: %s", err->msg);
    return false;
}

static const char *name_of(const struct meta_item *item)
{
    return item->info.name ? item->info.name : "without a name";
}

static const char *signers(struct verify_tree *t, const struct meta_verified *v)
{
    const char *all = meta_key_subject(v->signer[0]);
    for (size_t i = 1; i < v->count; i++)
        all = verify_tree_fmt(t, "%s, %s", all, meta_key_subject(v->signer[i]));
    return all;
}

/* A certificate says who its owner is; a manifest may not say that somebody else made it. */
static bool check_developer(const struct verify_loading *l, struct verify_loaded *i)
{
    const char *developer = i->item.manifest.developer;
    if (i->item.kind != META_MANIFEST || !developer || !*developer)
        return true;
    for (size_t k = 0; k < i->verified.count; k++)
        if (strcmp(developer, meta_key_subject(i->verified.signer[k])) == 0)
            return true;
    (void)verify_claim_add(l->t, i->claim, bad(i), "metadata.developer",
                           "the manifest says that %s made it, but %s signed it", developer,
                           signers(l->t, &i->verified));
    return false;
}

static bool read_time(const struct verify_loading *l, struct verify_loaded *i, const char *text,
                      int64_t *out)
{
    struct cmc_err err = {0};
    return holds(l, i, "metadata.time", meta_time(text, out, &err), &err);
}

static bool check_validity(const struct verify_loading *l, struct verify_loaded *i)
{
    const struct meta_info *info = &i->item.info;
    const int64_t now = meta_trust_now(l->in->trust);
    int64_t from = 0, to = 0;
    if (!info->not_before || !info->not_after) {
        (void)verify_claim_add(l->t, i->claim, bad(i), "metadata.validity",
                               "it does not say from when to when it is valid");
        return false;
    }
    if (!read_time(l, i, info->not_before, &from) || !read_time(l, i, info->not_after, &to))
        return false;
    if (now < from || now > to) {
        (void)verify_claim_add(l->t, i->claim, bad(i),
                               now < from ? "metadata.early" : "metadata.expired",
                               now < from ? "not yet valid: %s to %s" : "expired: %s to %s",
                               info->not_before, info->not_after);
        return false;
    }
    (void)verify_claim_add(l->t, i->claim, VERIFY_GOOD, "metadata.validity", "valid from %s to %s",
                           info->not_before, info->not_after);
    return true;
}

static bool check_version(const struct verify_loading *l, struct verify_loaded *i)
{
    i->version = INT64_MIN;
    return !i->item.info.version || read_time(l, i, i->item.info.version, &i->version);
}

static bool check_form(const struct verify_loading *l, struct verify_loaded *i)
{
    struct cmc_err err = {0};
    const int rc =
        meta_item_decode(i->verified.payload.data, i->verified.payload.len, &i->item, &err);
    if (!holds(l, i, "metadata.format", rc, &err))
        return false;
    i->claim->text = verify_tree_fmt(l->t, "%s \"%s\"%s%s", i->item.info.type, name_of(&i->item),
                                     i->item.info.version ? ", version " : "",
                                     i->item.info.version ? i->item.info.version : "");
    if (i->item.kind == META_MANIFEST && !i->item.info.name) {
        (void)verify_claim_add(l->t, i->claim, bad(i), "metadata.name",
                               "a manifest without a name");
        return false;
    }
    return true;
}

static bool check_signature(const struct verify_loading *l, struct verify_loaded *i)
{
    struct cmc_err err = {0};
    const int rc = meta_verify(i->bytes->data, i->bytes->len, l->in->trust, META_ROLE_METADATA,
                               &i->verified, &err);
    if (!holds(l, i, "metadata.signature", rc, &err))
        return false;
    if (i->verified.count == 0) { /* never success: who would have signed? */
        (void)verify_claim_add(l->t, i->claim, bad(i), "metadata.signature", "no signature");
        return false;
    }
    (void)verify_claim_add(l->t, i->claim, VERIFY_GOOD, "metadata.signature",
                           "signed by %s, for whom a root for metadata vouches",
                           signers(l->t, &i->verified));
    return true;
}

void verify_metadata_judge(const struct verify_loading *l, struct verify_loaded *i)
{
    i->claim = verify_claim_add(l->t, l->up, bad(i), "metadata.item", "item, SHA-256 %s",
                                verify_tree_hex(l->t, i->digest, CMC_SHA256_LEN));
    i->genuine = check_signature(l, i);
    i->good = i->genuine && check_form(l, i) && check_developer(l, i) && check_validity(l, i) &&
              check_version(l, i);
    if (i->good)
        i->claim->status = VERIFY_GOOD;
}

/* Two items that take one place: manifests of one name, others of one type. */
static bool rivals(const struct meta_item *a, const struct meta_item *b)
{
    if (a->kind != b->kind || a->kind == META_OMSP_RESPONSE)
        return false;
    return a->kind != META_MANIFEST || strcasecmp(a->info.name, b->info.name) == 0;
}

static void decide(const struct verify_loading *l, struct verify_loaded *a, struct verify_loaded *b)
{
    struct verify_loaded *older = a->version < b->version ? a : b;
    older->older = true;
    if (a->version == b->version)
        (void)verify_claim_add(l->t, older->claim, VERIFY_BAD, "metadata.version",
                               "two different items with this name and version");
    else
        (void)verify_claim_add(l->t, older->claim, VERIFY_NOTE, "metadata.older",
                               "a newer version takes its place");
    if (a->version == b->version)
        older->claim->status = VERIFY_BAD;
}

void verify_metadata_newest(const struct verify_loading *l)
{
    for (size_t i = 0; i < l->store->count; i++)
        for (size_t k = i + 1; k < l->store->count && !l->store->item[i].older; k++) {
            struct verify_loaded *a = &l->store->item[i], *b = &l->store->item[k];
            if (a->good && b->good && !b->older && rivals(&a->item, &b->item))
                decide(l, a, b);
        }
}
