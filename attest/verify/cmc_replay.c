/* SPDX-License-Identifier: Apache-2.0 */
/* attest/verify/cmc_replay.c -- from artifacts to PCR values, and whether the quote has them. What
 * a register begins with is our decision; a log can only say which of what we allow it was. */
#include <string.h>
#include <strings.h>

#include "attest/verify/cmc_parts.h"

static const struct {
    uint16_t alg;
    const char *name;
} algs[] = {{CMC_ALG_SHA256, "SHA-256"}, {CMC_ALG_SHA384, "SHA-384"}, {CMC_ALG_SHA512, "SHA-512"}};
enum { ALGS = sizeof(algs) / sizeof(algs[0]) };

const char *verify_cmc_alg_name(uint16_t alg)
{
    for (size_t i = 0; i < ALGS; i++)
        if (algs[i].alg == alg)
            return algs[i].name;
    return NULL;
}

uint16_t verify_cmc_alg(const char *name)
{
    for (size_t i = 0; i < ALGS; i++)
        if (name && strcasecmp(algs[i].name, name) == 0)
            return algs[i].alg;
    return 0;
}

bool verify_cmc_is_start(const struct meta_component *c)
{
    return c->name && strcmp(c->name, "TPM_PCR_INIT_VALUE") == 0;
}

/* Zeros; in PCR 0 with the locality of the start (TPM 2.0 Part 1, 17.2; 4: H-CRTM), in 17 to 22
 * with ones until a dynamic launch. */
bool verify_cmc_may_start(unsigned index, const uint8_t *value, size_t size)
{
    uint8_t same = value[0];
    for (size_t i = 1; i + 1 < size; i++)
        if (value[i] != same)
            return false;
    const uint8_t last = value[size - 1];
    if (same == 0xff)
        return index >= 17 && index <= 22 && last == 0xff;
    return same == 0 && (last == 0 || (index == 0 && (last == 3 || last == 4)));
}

struct replaying {
    const struct verify_cmc *v;
    struct verify_claim *up;
    const struct meta_artifact *artifact;
    uint16_t bank;
    size_t size;
    uint8_t *start; /* of the register */
};

static bool refuse(const struct replaying *r, size_t event, const char *why)
{
    (void)verify_claim_add(r->v->t, r->up, VERIFY_BAD, "log.replay", "PCR %d, event %zu: %s",
                           (int)r->artifact->index, event, why);
    return false;
}

static const struct meta_bytes *hash_of(const struct replaying *r, size_t event)
{
    const struct meta_bytes *h =
        meta_component_hash(&r->artifact->event[event], verify_cmc_alg_name(r->bank));
    if (h && h->len == r->size)
        return h;
    (void)refuse(r, event, "it has no digest for the quoted bank");
    return NULL;
}

/* Some reference says that the register begins so: what firmware put there before. */
static bool is_signed(const struct replaying *r, const struct meta_bytes *start)
{
    const struct verify_metadata *m = r->v->metadata;
    for (size_t i = 0; i < m->reference_count; i++) {
        const struct verify_reference *x = &m->reference[i];
        const struct meta_bytes *h =
            meta_component_hash(x->component, verify_cmc_alg_name(r->bank));
        if (x->tpm && x->index == r->artifact->index && verify_cmc_is_start(x->component) && h &&
            h->len == start->len && memcmp(h->data, start->data, h->len) == 0)
            return true;
    }
    return false;
}

/* An event that claims a start value counts at the front alone, and only when we would allow it. */
static bool take_start(const struct replaying *r)
{
    const struct meta_artifact *a = r->artifact;
    for (size_t i = 0; i < a->event_count; i++) {
        if (!verify_cmc_is_start(&a->event[i]))
            continue;
        const struct meta_bytes *h = hash_of(r, i);
        if (!h)
            return false;
        if (i > 0)
            return refuse(r, i, "a start value inside of the log");
        if (!verify_cmc_may_start((unsigned)a->index, h->data, h->len) && !is_signed(r, h))
            return refuse(r, i, "a start value that this register never has");
        memcpy(r->start, h->data, h->len);
    }
    return true;
}

static bool replay_log(const struct replaying *r, uint8_t *value)
{
    const struct meta_artifact *a = r->artifact;
    struct cmc_err err = {0};
    if (!take_start(r))
        return false;
    memcpy(value, r->start, r->size);
    for (size_t i = 0; i < a->event_count; i++) {
        if (verify_cmc_is_start(&a->event[i]))
            continue;
        const struct meta_bytes *h = hash_of(r, i);
        if (!h)
            return false;
        if (cmc_hash2(r->bank, value, r->size, h->data, h->len, value, &err) < 0)
            return refuse(r, i, err.msg);
    }
    return true;
}

static bool replay_summary(const struct replaying *r, uint8_t *value)
{
    const struct meta_bytes *h = NULL;
    if (r->artifact->event_count != 1)
        return refuse(r, r->artifact->event_count, "a summary has exactly one event");
    h = hash_of(r, 0);
    if (!h)
        return false;
    memcpy(value, h->data, h->len);
    return true;
}

bool verify_cmc_is_summary(const struct meta_artifact *a)
{
    return a->type && strcmp(a->type, "PCR Summary") == 0;
}

static bool replay(const struct replaying *r, uint8_t *value)
{
    const struct meta_artifact *a = r->artifact;
    if (verify_cmc_is_summary(a))
        return replay_summary(r, value);
    if (a->type && strcmp(a->type, "PCR Eventlog") == 0)
        return replay_log(r, value);
    return refuse(r, 0, "neither a PCR Eventlog nor a PCR Summary");
}

/* By index, whatever order the prover chose; one for each register. */
static bool sort(const struct verify_cmc *v, const struct meta_collateral *c,
                 struct verify_claim *up, struct verify_cmc_pcrs *out)
{
    for (size_t i = 0; i < c->artifact_count; i++) {
        const struct meta_artifact *a = &c->artifact[i];
        if (a->index < 0 || a->index >= VERIFY_CMC_PCRS) {
            (void)verify_claim_add(v->t, up, VERIFY_BAD, "log.artifacts",
                                   "an artifact for PCR %lld, which does not exist",
                                   (long long)a->index);
            return false;
        }
        if (out->artifact[a->index]) {
            (void)verify_claim_add(v->t, up, VERIFY_BAD, "log.artifacts",
                                   "two artifacts for PCR %d", (int)a->index);
            return false;
        }
        out->artifact[a->index] = a;
    }
    return true;
}

static bool one_bank(const struct verify_cmc *v, const struct verify_quote *q,
                     struct verify_claim *up, uint16_t *bank)
{
    const struct verify_selected *first = verify_quote_bank(q, 0);
    if (!first || verify_quote_bank(q, 1) || !verify_cmc_alg_name(first->alg)) {
        (void)verify_claim_add(v->t, up, VERIFY_BAD, "quote.banks",
                               "reports of this kind quote exactly one bank of SHA-256, SHA-384 "
                               "or SHA-512");
        return false;
    }
    *bank = first->alg;
    return true;
}

bool verify_cmc_replay(const struct verify_cmc *v, const struct verify_quote *q,
                       const struct meta_collateral *c, struct verify_claim *parent,
                       struct verify_cmc_pcrs *out)
{
    struct meta_exact_pcr pcr[VERIFY_CMC_PCRS];
    const struct verify_pcrs *vouched = NULL;
    struct verify_cmc_pcrs got = {0};
    size_t n = 0;
    if (!one_bank(v, q, parent, &got.bank) || !sort(v, c, parent, &got))
        return false;
    const size_t size = cmc_hash_size(got.bank);
    for (unsigned i = 0; i < VERIFY_CMC_PCRS; i++) {
        const struct replaying r = {v, parent, got.artifact[i], got.bank, size, got.start[i]};
        if (!r.artifact)
            continue;
        if (!replay(&r, got.value[i]))
            return false;
        pcr[n++] = (struct meta_exact_pcr){got.bank, i, {.data = got.value[i], .len = size}};
    }
    if (verify_quote_values(q, pcr, n, v->t, parent, &vouched) != VERIFY_GOOD)
        return false;
    *out = got;
    return true;
}
