/* SPDX-License-Identifier: Apache-2.0 */
/* attest/verify/containers_references.c -- which references are for containers of this register. */
#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "attest/verify/exact_parts.h"
#include "base/hex.h"

static bool property_is(const struct meta_component *c, const char *name, const char *value)
{
    const char *has = meta_component_property(c, name);
    return has && strcmp(has, value) == 0;
}

static bool key_id(const struct meta_component *c, uint8_t out[static 8])
{
    struct cmc_err err;
    const char *text = meta_component_property(c, "cmc.keyId");
    return text && cmc_unhex(text, strlen(text), out, 8, &err) == 0;
}

/* docs/formats/references.md */
static bool wanted(const struct verify_exact *x, const struct verify_reference *r,
                   struct verify_wanted *out)
{
    const struct meta_component *c = r->component;
    *out = (struct verify_wanted){.reference = r, .name = c->name};
    if (!property_is(c, "cmc.profile", "exact") || r->index != (int)verify_log_pcr(x->log) ||
        !c->ctr || c->ctr->config.len != CMC_SHA256_LEN || c->ctr->rootfs.len != CMC_SHA256_LEN ||
        !key_id(c, out->key_id))
        return false;
    out->config = c->ctr->config.data;
    out->rootfs = c->ctr->rootfs.data;
    return true;
}

struct verify_wanted_list verify_references(const struct verify_exact *x)
{
    const struct verify_metadata *m = x->metadata;
    struct verify_wanted *at = verify_tree_alloc(x->tree, m->reference_count, sizeof(*at));
    size_t count = 0;
    for (size_t i = 0; at && i < m->reference_count; i++)
        count += wanted(x, &m->reference[i], &at[count]);
    return (struct verify_wanted_list){.at = at, .count = count};
}

const uint8_t *verify_reference_sha256(const struct meta_component *c)
{
    const struct meta_bytes *hash = c->ctr ? NULL : meta_component_hash(c, "SHA-256");
    return hash && hash->len == CMC_SHA256_LEN ? hash->data : NULL;
}
