/* SPDX-License-Identifier: Apache-2.0 */
/* attest/verify/metadata_layers.c -- how items fit together: descriptions name manifests, and
 * manifests rest on one another down to a single root. */
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "attest/verify/metadata_parts.h"
#include "attest/verify/rules.h"

static struct verify_loaded *winner(const struct verify_loading *l, enum meta_kind kind)
{
    for (size_t i = 0; i < l->store->count; i++) {
        struct verify_loaded *x = &l->store->item[i];
        if (x->good && !x->older && x->item.kind == kind)
            return x;
    }
    return NULL;
}

static const char *named(const struct meta_description *d)
{
    return d->manifest ? d->manifest : "";
}

static void refuse(const struct verify_loading *l, const char *id, const char *text,
                   const char *name)
{
    (void)verify_claim_add(l->t, l->up, VERIFY_BAD, id, "%s \"%s\"", text, name);
}

/* The only description of a manifest; two would be two sets of rules. */
static const struct meta_description *describe(const struct verify_loading *l,
                                               const struct meta_item *image, const char *name)
{
    const struct meta_description *found = NULL;
    for (size_t i = 0; i < image->description_count; i++) {
        const struct meta_description *d = &image->description[i];
        if (strcasecmp(named(d), name) != 0)
            continue;
        if (found)
            refuse(l, "metadata.names", "two descriptions name the manifest", name);
        found = d;
    }
    return found;
}

static void check_rules(const struct verify_loading *l, const struct verify_manifest *m)
{
    struct cmc_err err = {0};
    if (m->description && m->description->oci_rules &&
        verify_rules_read(m->description->oci_rules, &err) < 0)
        (void)verify_claim_add(l->t, l->up, VERIFY_BAD, "metadata.rules", "manifest \"%s\": %s",
                               m->name, err.msg);
}

static bool is_root(const struct meta_item *m)
{
    return m->manifest.base_layers.count == 1 &&
           strcasecmp(m->manifest.base_layers.at[0], m->info.name) == 0;
}

/* Manifests that count: not older, and described. */
static size_t gather(const struct verify_loading *l, const struct meta_item *image)
{
    size_t n = 0;
    for (size_t i = 0; i < l->store->count; i++) {
        const struct verify_loaded *x = &l->store->item[i];
        if (!x->good || x->older || x->item.kind != META_MANIFEST)
            continue;
        struct verify_manifest m = {.item = &x->item, .name = x->item.info.name};
        m.description = image ? describe(l, image, m.name) : NULL;
        if (!m.description && !x->required) {
            (void)verify_claim_add(l->t, x->claim, VERIFY_NOTE, "metadata.unused",
                                   "no description names it: left out");
            continue;
        }
        if (!m.description && image)
            refuse(l, "metadata.names", "no description names the manifest", m.name);
        m.signer = meta_key_subject(x->verified.signer[0]);
        m.root = m.placed = is_root(m.item);
        memcpy(m.digest, x->digest, sizeof(m.digest));
        check_rules(l, &m);
        l->store->manifest[n++] = m;
    }
    return n;
}

static const struct verify_manifest *find(const struct verify_manifest *m, size_t n,
                                          const char *name)
{
    for (size_t i = 0; i < n; i++)
        if (strcasecmp(m[i].name, name) == 0)
            return &m[i];
    return NULL;
}

static void check_descriptions(const struct verify_loading *l, const struct meta_item *image,
                               size_t n)
{
    if (!image) {
        (void)verify_claim_add(l->t, l->up, VERIFY_BAD, "metadata.description",
                               "no image description: nothing says which manifests belong to the "
                               "host");
        return;
    }
    for (size_t i = 0; i < image->description_count; i++)
        if (!find(l->store->manifest, n, named(&image->description[i])))
            refuse(l, "metadata.names", "a description names a manifest that is not there:",
                   named(&image->description[i]));
}

static void check_root(const struct verify_loading *l, size_t n)
{
    const struct verify_manifest *root = NULL;
    for (size_t i = 0; i < n; i++) {
        const struct verify_manifest *m = &l->store->manifest[i];
        if (m->root && root)
            (void)verify_claim_add(l->t, l->up, VERIFY_BAD, "metadata.root",
                                   "more than one root manifest: \"%s\" and \"%s\"", root->name,
                                   m->name);
        root = m->root ? m : root;
    }
    if (!root)
        (void)verify_claim_add(l->t, l->up, VERIFY_BAD, "metadata.root",
                               "no root manifest: none has itself as its only base layer");
}

static bool rests(const struct verify_manifest *m, const struct verify_manifest *placed, size_t n)
{
    const struct meta_texts *base = &m->item->manifest.base_layers;
    for (size_t i = 0; i < base->count; i++)
        if (find(placed, n, base->at[i]))
            return true;
    return false;
}

static void swap(struct verify_manifest *a, struct verify_manifest *b)
{
    const struct verify_manifest kept = *a;
    *a = *b;
    *b = kept;
}

/* Moves what is placed to the front, level by level; what is left rests on nothing. */
static size_t place(struct verify_manifest *m, size_t n)
{
    size_t placed = 0;
    for (size_t i = 0; i < n; i++)
        if (m[i].root)
            swap(&m[i], &m[placed++]);
    for (size_t before = 0, level = placed; before < placed; before = level, level = placed)
        for (size_t i = placed; i < n; i++)
            if (rests(&m[i], m, level)) {
                m[i].placed = true;
                swap(&m[i], &m[placed++]);
            }
    return placed;
}

static void say_unplaced(const struct verify_loading *l, size_t placed, size_t n)
{
    for (size_t i = placed; i < n; i++)
        refuse(l, "metadata.layers",
               "none of its base layers leads to the root (missing, or a cycle): manifest",
               l->store->manifest[i].name);
}

bool verify_metadata_order(const struct verify_loading *l, struct verify_metadata *out)
{
    struct verify_loaded *image = winner(l, META_IMAGE_DESCRIPTION);
    l->store->manifest = calloc(l->store->count + 1, sizeof(*l->store->manifest));
    if (!l->store->manifest)
        return false;
    const size_t n = gather(l, image ? &image->item : NULL);
    if (n == 0)
        (void)verify_claim_add(l->t, l->up, VERIFY_BAD, "metadata.manifests",
                               "no manifest: nobody says what may run");
    check_descriptions(l, image ? &image->item : NULL, n);
    if (n)
        check_root(l, n);
    out->manifest = l->store->manifest;
    out->manifest_count = place(l->store->manifest, n);
    say_unplaced(l, out->manifest_count, n);
    return true;
}
