/* SPDX-License-Identifier: Apache-2.0 */
/* attest/verify/metadata_pool.c -- the references of all manifests, in the order of layers. */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "attest/verify/metadata_parts.h"

enum { PCRS = 24, LEVEL_MAX = 9 };

static bool property_is(const struct meta_component *c, const char *name, const char *value)
{
    const char *has = meta_component_property(c, name);
    return has && strcmp(has, value) == 0;
}

/* -1: no register. */
static int index_of(const struct meta_component *c)
{
    const char *text = meta_component_property(c, "cmc.index");
    char *end = NULL;
    if (!text || !*text || strspn(text, "0123456789") != strlen(text) || strlen(text) > 2)
        return -1;
    const long n = strtol(text, &end, 10);
    return n < PCRS ? (int)n : -1;
}

/* What a component cannot be used without; NULL: it can be. */
static const char *fault_of(const struct verify_reference *r)
{
    const char *ta = meta_component_property(r->component, "cmc.ta");
    if (r->component->hash_count == 0 && !r->component->ctr)
        return "it has no hash";
    if (!ta)
        return "it has no cmc.ta: what it is a reference for";
    if (!r->tpm && !r->sw)
        return "its cmc.ta is neither TPM nor SW";
    if (r->tpm && r->index < 0 && !meta_component_property(r->component, "cmc.program"))
        return "it has no cmc.index of 0 to 23";
    return NULL;
}

static bool must_run(const struct meta_component *c)
{
    return property_is(c, "cmc.profile", "exact") ? property_is(c, "cmc.mustRun", "true")
                                                  : !c->optional;
}

/* Anchors that the Go CMC knows and we have no evidence of. */
static bool is_foreign(const struct meta_component *c)
{
    return property_is(c, "cmc.ta", "SNP") || property_is(c, "cmc.ta", "TDX") ||
           property_is(c, "cmc.ta", "SGX");
}

static void add(const struct verify_loading *l, const struct verify_manifest *m,
                const struct meta_component *c, struct verify_metadata *out)
{
    const struct verify_reference r = {
        .component = c,
        .manifest = m,
        .rules = m->description ? m->description->oci_rules : NULL,
        .tpm = property_is(c, "cmc.ta", "TPM"),
        .sw = property_is(c, "cmc.ta", "SW"),
        .index = index_of(c),
        .must_run = must_run(c),
    };
    const char *fault = fault_of(&r);
    if (fault)
        (void)verify_claim_add(l->t, l->up, VERIFY_BAD, "metadata.component",
                               "manifest \"%s\", component \"%s\": %s", m->name,
                               c->name ? c->name : "", fault);
    else
        l->store->reference[out->reference_count++] = r;
}

static bool count(const struct verify_loading *l, const struct verify_metadata *m, size_t *out)
{
    size_t n = 0;
    for (size_t i = 0; i < m->manifest_count; i++) {
        const size_t here = m->manifest[i].item->manifest.component_count;
        if (here == 0)
            (void)verify_claim_add(l->t, l->up, VERIFY_BAD, "metadata.components",
                                   "manifest \"%s\" has no components: it allows nothing",
                                   m->manifest[i].name);
        n += here;
        if (n > VERIFY_REFERENCES_MAX) {
            (void)verify_claim_add(l->t, l->up, VERIFY_BAD, "metadata.limit",
                                   "more than %d components", VERIFY_REFERENCES_MAX);
            return false;
        }
    }
    *out = n;
    return true;
}

static void add_manifest(const struct verify_loading *l, const struct verify_manifest *m,
                         struct verify_metadata *out)
{
    const struct meta_manifest *item = &m->item->manifest;
    const int level = item->cert_level < 0           ? 0
                      : item->cert_level > LEVEL_MAX ? LEVEL_MAX
                                                     : (int)item->cert_level;
    if (m == out->manifest || level < out->cert_level)
        out->cert_level = level;
    for (size_t i = 0; i < item->component_count; i++)
        if (!is_foreign(&item->component[i]))
            add(l, m, &item->component[i], out);
}

bool verify_metadata_pool(const struct verify_loading *l, struct verify_metadata *out)
{
    size_t n = 0;
    if (!count(l, out, &n))
        return true;
    l->store->reference = calloc(n + 1, sizeof(*l->store->reference));
    if (!l->store->reference)
        return false;
    out->reference = l->store->reference;
    for (size_t i = 0; i < out->manifest_count; i++)
        add_manifest(l, &out->manifest[i], out);
    return true;
}
