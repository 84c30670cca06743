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
    bool containers, referenced; /* it is for containers; references name it */
    size_t known, strange;       /* events that are no containers */
};

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
    const bool containers = r->containers;
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

/* A container of which only the digest is known: it is that of this reference. */
static void list_reference(struct register_of *r, const struct verify_reference *reference)
{
    struct verify_cmc *v = r->v;
    const struct verify_cmc_wanted *w = v->wanted;
    while (w < v->wanted + v->wanted_count && w->reference != reference)
        w++;
    if (w == v->wanted + v->wanted_count || !verify_cmc_room(v, 1))
        return;
    struct verify_container *row = &v->container[v->count++];
    *row = (struct verify_container){
        .seq = v->count, .event = "container-create", .measured = true, .status = VERIFY_GOOD};
    memcpy(row->config, w->config, CMC_SHA256_LEN);
    memcpy(row->rootfs, w->rootfs, CMC_SHA256_LEN);
    verify_cmc_refer(v, w, row);
    (void)verify_claim_add(v->t, v->containers, VERIFY_GOOD, "container",
                           "container %llu is reference \"%s\" of \"%s\", in PCR %d",
                           (unsigned long long)row->seq, row->reference, row->manifest, r->index);
}

static void appraise_digest(struct register_of *r, size_t event,
                            const struct verify_reference *known)
{
    r->known += known != NULL;
    if (!known)
        say_strange(r, event);
    else if (known->component->ctr)
        list_reference(r, known);
}

static void appraise_event(struct register_of *r, size_t i)
{
    const struct meta_component *event = &r->pcrs->artifact[r->index]->event[i];
    const struct meta_bytes *h = meta_component_hash(event, verify_cmc_alg_name(r->pcrs->bank));
    if (verify_cmc_is_start(event))
        return;
    if (event->ctr)
        verify_cmc_container(r->v, event, r->index, r->pcrs->bank);
    else
        appraise_digest(r, i, h ? verify_cmc_find(r->v, r->index, h) : NULL);
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
    for (size_t i = 0; i < r->v->wanted_count; i++)
        if (r->v->wanted[i].reference->index == r->index)
            list_reference(r, r->v->wanted[i].reference);
}

static void appraise_summary(struct register_of *r)
{
    const bool folded = folds(r), containers = r->containers;
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

/* Something was extended into a register that is quoted. */
static bool holds_something(const struct register_of *r)
{
    const uint8_t *value = r->pcrs->value[r->index];
    for (size_t i = 0; r->pcrs->artifact[r->index] && i < r->size; i++)
        if (value[i] != value[0] || (value[i] != 0 && value[i] != 0xff))
            return true;
    return false;
}

/* The boot chain and what IMA saw must be known, and whatever else was extended. */
static void say_register(const struct register_of *r)
{
    const bool needed = r->index < BOOT_PCRS || r->index == IMA_PCR || holds_something(r);
    if (r->strange || r->containers || (!r->known && !needed))
        return;
    if (r->known)
        (void)verify_claim_add(r->v->t, r->v->host, VERIFY_GOOD, "host.pcr",
                               "PCR %d is as its references say", r->index);
    else
        (void)verify_claim_add(r->v->t, r->v->host, VERIFY_UNCHECKED, "host.pcr",
                               !r->pcrs->artifact[r->index] ? "PCR %d is not quoted"
                               : r->referenced              ? "PCR %d holds nothing"
                                                            : "PCR %d has no reference",
                               r->index);
}

static void appraise_log(struct register_of *r)
{
    const struct meta_artifact *a = r->pcrs->artifact[r->index];
    const struct meta_bytes start = {.data = r->pcrs->start[r->index], .len = r->size};
    const struct verify_reference *known = verify_cmc_find(r->v, r->index, &start);
    (void)known; /* that it occurred is all */
    for (size_t i = 0; i < a->event_count; i++)
        appraise_event(r, i);
}

static void appraise_register(struct register_of *r)
{
    const struct meta_artifact *a = r->pcrs->artifact[r->index];
    const size_t before = r->v->count;
    if (a && (r->containers || r->referenced)) {
        if (verify_cmc_is_summary(a)) {
            appraise_summary(r);
        } else if (!r->containers && is_whole(r)) {
            mark_all(r);
            r->known = 1;
        } else {
            appraise_log(r);
        }
    }
    if (r->v->count > before)
        r->v->pcr = (uint32_t)r->index;
    if (r->v->count > before && r->index >= FIRST_RESETTABLE)
        (void)verify_claim_add(r->v->t, r->v->containers, VERIFY_BAD, "container.register",
                               "containers in PCR %d, which others can reset", r->index);
    say_register(r);
}

static bool has_containers(const struct meta_artifact *a)
{
    for (size_t i = 0; a && i < a->event_count; i++)
        if (a->event[i].ctr)
            return true;
    return false;
}

static bool has_references(const struct verify_cmc *v, int index)
{
    for (size_t i = 0; i < v->metadata->reference_count; i++)
        if (v->metadata->reference[i].tpm && v->metadata->reference[i].index == index)
            return true;
    return false;
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
        struct register_of r = {.v = v,
                                .pcrs = pcrs,
                                .index = i,
                                .size = cmc_hash_size(pcrs->bank),
                                .containers = verify_cmc_is_register(v, i) ||
                                              has_containers(pcrs->artifact[i]),
                                .referenced = has_references(v, i)};
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
