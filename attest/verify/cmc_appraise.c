/* SPDX-License-Identifier: Apache-2.0 */
/* attest/verify/cmc_appraise.c -- every event that the quote vouches for, against the references:
 * containers in their registers, the host in the others. */
#include <string.h>

#include "attest/verify/cmc_parts.h"

enum { SAID_MAX = 16, IMA_PCR = 10, BOOT_PCRS = 8, FIRST_RESETTABLE = 16 };

struct register_of {
    struct verify_cmc *v;
    const struct verify_cmc_pcrs *pcrs;
    int index;
    size_t size;
    size_t known, strange; /* events that are no containers */
};

static struct meta_bytes bytes(const uint8_t *data, size_t len)
{
    return (struct meta_bytes){.data = data, .len = len};
}

static void add_stranger(struct verify_cmc *v)
{
    if (!verify_cmc_room(v, 1))
        return;
    v->container[v->count] =
        (struct verify_container){.seq = v->count + 1, .event = "unknown", .status = VERIFY_BAD};
    v->count++;
}

/* An event of a register for containers that is none is "something else ran". */
static void say_strange(struct register_of *r, size_t event)
{
    const bool containers = verify_cmc_is_register(r->v, r->index);
    if (r->strange++ < SAID_MAX)
        (void)verify_claim_add(
            r->v->t, containers ? r->v->containers : r->v->host, VERIFY_BAD,
            containers ? "container.event" : "host.event",
            containers ? "PCR %d, event %zu: no reference knows it, and it is no container: "
                         "something that could not be measured, or of another kind"
                       : "PCR %d, event %zu: no reference knows it",
            r->index, event);
    if (containers)
        add_stranger(r->v);
}

static void appraise_event(struct register_of *r, size_t i)
{
    const struct meta_component *event = &r->pcrs->artifact[r->index]->event[i];
    const struct meta_bytes *h = meta_component_hash(event, verify_cmc_alg_name(r->pcrs->bank));
    if (verify_cmc_is_start(event))
        return;
    if (event->ctr)
        verify_cmc_container(r->v, event, r->index, r->pcrs->bank);
    else if (h && verify_cmc_find(r->v, r->index, h))
        r->known++;
    else
        say_strange(r, i);
}

static bool named(const struct verify_reference *r, const char *name)
{
    return r->component->name && strcmp(r->component->name, name) == 0;
}

static void mark_all(struct register_of *r)
{
    for (size_t i = 0; r->v->seen && i < r->v->metadata->reference_count; i++)
        r->v->seen[i] |=
            r->v->metadata->reference[i].tpm && r->v->metadata->reference[i].index == r->index;
}

/* A signed "PCR Summary" is the register's whole value: then its events need no references. */
static bool is_whole(struct register_of *r)
{
    const struct verify_metadata *m = r->v->metadata;
    const char *alg = verify_cmc_alg_name(r->pcrs->bank);
    for (size_t i = 0; i < m->reference_count; i++) {
        const struct verify_reference *x = &m->reference[i];
        const struct meta_bytes *h = meta_component_hash(x->component, alg);
        if (x->tpm && x->index == r->index && !x->component->ctr && h && h->len == r->size &&
            named(x, "PCR Summary") && memcmp(h->data, r->pcrs->value[r->index], r->size) == 0)
            return true;
    }
    return false;
}

/* One reference of a summary; false: it cannot be part of one. */
static bool fold_one(const struct register_of *r, const struct verify_reference *x, bool first,
                     uint8_t *value)
{
    const struct meta_bytes *h =
        meta_component_hash(x->component, verify_cmc_alg_name(r->pcrs->bank));
    struct cmc_err err = {0};
    if (!h || h->len != r->size)
        return false;
    if (verify_cmc_is_start(x->component)) {
        memcpy(value, h->data, r->size);
        return first && verify_cmc_may_start((unsigned)r->index, value, r->size);
    }
    return cmc_hash2(r->pcrs->bank, value, r->size, h->data, r->size, value, &err) == 0;
}

/* What all references of the register give, one after the other. */
static bool folds(const struct register_of *r)
{
    uint8_t value[CMC_HASH_MAX] = {0};
    const struct verify_metadata *m = r->v->metadata;
    size_t n = 0;
    for (size_t i = 0; i < m->reference_count; i++) {
        const struct verify_reference *x = &m->reference[i];
        if (!x->tpm || x->index != r->index || named(x, "PCR Summary"))
            continue;
        if (!fold_one(r, x, n++ == 0, value))
            return false;
    }
    return n > 0 && memcmp(value, r->pcrs->value[r->index], r->size) == 0;
}

/* The containers of a register that was shown to be what its references give. */
static void list_references(struct register_of *r)
{
    struct verify_cmc *v = r->v;
    for (size_t i = 0; i < v->wanted_count; i++) {
        const struct verify_cmc_wanted *w = &v->wanted[i];
        if (w->reference->index != r->index || !verify_cmc_room(v, 1))
            continue;
        struct verify_container *row = &v->container[v->count++];
        *row = (struct verify_container){
            .seq = v->count, .event = "container-create", .measured = true, .status = VERIFY_GOOD};
        memcpy(row->config, w->config, CMC_SHA256_LEN);
        memcpy(row->rootfs, w->rootfs, CMC_SHA256_LEN);
        verify_cmc_refer(v, w, row);
        (void)verify_claim_add(v->t, v->containers, VERIFY_GOOD, "container",
                               "container %llu is reference \"%s\" of \"%s\", in PCR %d",
                               (unsigned long long)row->seq, row->reference, row->manifest,
                               r->index);
    }
}

static void appraise_summary(struct register_of *r)
{
    const bool folded = folds(r), containers = verify_cmc_is_register(r->v, r->index);
    if (folded || is_whole(r)) {
        mark_all(r);
        r->known = 1;
        if (folded)
            list_references(r);
        return;
    }
    r->strange = 1;
    (void)verify_claim_add(r->v->t, containers ? r->v->containers : r->v->host, VERIFY_BAD,
                           containers ? "container.event" : "host.pcr",
                           "PCR %d is %s, which its references do not give", r->index,
                           verify_tree_hex(r->v->t, r->pcrs->value[r->index], r->size));
}

static void say_register(const struct register_of *r)
{
    const struct meta_artifact *a = r->pcrs->artifact[r->index];
    if (r->strange || (r->known == 0 && r->index >= BOOT_PCRS && r->index != IMA_PCR))
        return;
    if (r->known)
        (void)verify_claim_add(r->v->t, r->v->host, VERIFY_GOOD, "host.pcr",
                               "PCR %d is as its references say", r->index);
    else
        (void)verify_claim_add(r->v->t, r->v->host, VERIFY_UNCHECKED, "host.pcr",
                               a ? "PCR %d holds nothing" : "PCR %d is not quoted", r->index);
}

static void appraise_register(struct register_of *r)
{
    const struct meta_artifact *a = r->pcrs->artifact[r->index];
    const size_t before = r->v->count;
    if (a && verify_cmc_is_summary(a)) {
        appraise_summary(r);
    } else if (a && is_whole(r) && !verify_cmc_is_register(r->v, r->index)) {
        mark_all(r);
        r->known = 1;
    } else {
        const struct meta_bytes start = bytes(r->pcrs->start[r->index], r->size);
        if (a)
            (void)verify_cmc_find(r->v, r->index, &start); /* a reference may name it */
        for (size_t i = 0; a && i < a->event_count; i++)
            appraise_event(r, i);
    }
    if (r->v->count > before && r->index >= FIRST_RESETTABLE)
        (void)verify_claim_add(r->v->t, r->v->containers, VERIFY_BAD, "container.register",
                               "containers in PCR %d, which others can reset", r->index);
    say_register(r);
}

static void say_nothing_ran(struct verify_cmc *v)
{
    const bool wanted = v->wanted_count > 0;
    (void)verify_claim_add(v->t, v->containers, wanted ? VERIFY_BAD : VERIFY_UNCHECKED,
                           "container.none",
                           wanted ? "no container is in the register: this boot was not recorded, "
                                    "or nothing ran; the profile cannot tell"
                                  : "there is neither a container nor a reference for one");
}

void verify_cmc_appraise(struct verify_cmc *v, const struct verify_cmc_pcrs *pcrs)
{
    for (int i = 0; i < VERIFY_CMC_PCRS; i++) {
        struct register_of r = {v, pcrs, i, cmc_hash_size(pcrs->bank), 0, 0};
        appraise_register(&r);
    }
    verify_cmc_missing(v, pcrs);
    if (v->count == 0)
        say_nothing_ran(v);
}

void verify_cmc_software_events(struct verify_cmc *v, const struct meta_collateral *c)
{
    verify_cmc_index(v, CMC_ALG_SHA256, true);
    for (size_t i = 0; i < c->artifact_count; i++)
        for (size_t k = 0; k < c->artifact[i].event_count; k++) {
            const struct meta_component *event = &c->artifact[i].event[k];
            if (event->ctr)
                verify_cmc_container(v, event, -1, CMC_ALG_SHA256);
            else
                add_stranger(v);
        }
    for (size_t i = 0; i < v->count && i < SAID_MAX; i++)
        if (!v->container[i].measured)
            (void)verify_claim_add(v->t, v->containers, VERIFY_BAD, "container.event",
                                   "event %zu is no container", i + 1);
    verify_cmc_missing(v, NULL);
    if (v->count == 0)
        say_nothing_ran(v);
}
