/* SPDX-License-Identifier: Apache-2.0 */
/* attest/verify/quote_values.c -- PCR values: exactly those of the selection, with its digest. */
#include <string.h>

#include "attest/verify/quote_parts.h"

struct verify_pcrs { /* lives in the tree */
    size_t count;
    struct {
        uint16_t bank;
        uint32_t index;
        uint8_t value[CMC_HASH_MAX];
    } pcr[];
};

const uint8_t *verify_pcrs_value(const struct verify_pcrs *p, uint16_t bank, uint32_t index)
{
    for (size_t i = 0; i < p->count; i++)
        if (p->pcr[i].bank == bank && p->pcr[i].index == index)
            return p->pcr[i].value;
    return NULL;
}

/* Where the next bit of the selection is. */
struct cursor {
    const struct verify_quote *q;
    size_t bank;
    uint32_t index;
};

static bool next_bit(struct cursor *c, uint16_t *bank, uint32_t *index)
{
    for (; c->bank < c->q->count; c->bank++, c->index = 0)
        for (; c->index < 24; c->index++)
            if (c->q->bank[c->bank].mask >> c->index & 1) {
                *bank = c->q->bank[c->bank].alg;
                *index = c->index++;
                return true;
            }
    return false;
}

static const char *where(uint16_t bank, uint32_t index, struct verify_tree *t)
{
    return verify_tree_fmt(t, "PCR %u of bank %s", index, cmc_hash_name(bank));
}

/* What does not fit at the i-th place, or NULL. */
static const char *fault_at(const struct meta_exact_pcr *pcr, uint16_t bank, uint32_t index,
                            struct verify_tree *t)
{
    if (pcr->bank != bank || pcr->index != index)
        return verify_tree_fmt(t, "the quote has %s where the report has PCR %u of bank 0x%04x",
                               where(bank, index, t), pcr->index, pcr->bank);
    if (pcr->value.len != cmc_hash_size(bank))
        return verify_tree_fmt(t, "%s has a value of %zu bytes", where(bank, index, t),
                               pcr->value.len);
    return NULL;
}

static const char *selection_fault(const struct verify_quote *q, const struct meta_exact_pcr *pcr,
                                   size_t count, struct verify_tree *t)
{
    struct cursor c = {.q = q};
    uint16_t bank;
    uint32_t index;
    size_t i = 0;
    for (; next_bit(&c, &bank, &index); i++) {
        if (i == count)
            return verify_tree_fmt(t, "the quote covers %s, of which the report has no value",
                                   where(bank, index, t));
        const char *fault = fault_at(&pcr[i], bank, index, t);
        if (fault)
            return fault;
    }
    if (i < count)
        return verify_tree_fmt(t, "the report has PCR %u of bank 0x%04x, which is not quoted",
                               pcr[i].index, pcr[i].bank);
    return NULL;
}

static const struct verify_pcrs *keep(const struct meta_exact_pcr *pcr, size_t count,
                                      struct verify_tree *t)
{
    struct verify_pcrs *p = NULL;
    p = verify_tree_alloc(t, 1, sizeof(*p) + count * sizeof(p->pcr[0]));
    if (!p)
        return NULL;
    p->count = count;
    for (size_t i = 0; i < count; i++) {
        p->pcr[i].bank = (uint16_t)pcr[i].bank;
        p->pcr[i].index = pcr[i].index;
        memcpy(p->pcr[i].value, pcr[i].value.data, pcr[i].value.len);
    }
    return p;
}

/* Part 3, 18.4: the digest of the values, concatenated, in the hash of the signature. */
static int digest_is(const struct verify_quote *q, const struct meta_exact_pcr *pcr, size_t count,
                     struct cmc_err *err)
{
    cmc_autobuf struct cmc_buf all = cmc_buf_of((size_t)META_EXACT_PCRS * CMC_HASH_MAX);
    uint8_t got[CMC_HASH_MAX];
    for (size_t i = 0; i < count; i++)
        cmc_put(&all, pcr[i].value.data, pcr[i].value.len);
    int rc = cmc_buf_check(&all, "PCR values", err);
    if (rc == 0)
        rc = cmc_hash2(q->hash, all.data, all.len, NULL, 0, got, err);
    if (rc < 0)
        return rc;
    if (q->digest_len != cmc_hash_size(q->hash) || memcmp(got, q->digest, q->digest_len) != 0)
        return cmc_fail(err, CMC_E_VERIFY, "they are not those that the quote was made of");
    return 0;
}

enum verify_status verify_quote_values(const struct verify_quote *q,
                                       const struct meta_exact_pcr *pcr, size_t count,
                                       struct verify_tree *t, struct verify_claim *parent,
                                       const struct verify_pcrs **out)
{
    struct cmc_err err = {0};
    *out = NULL;
    const char *fault = selection_fault(q, pcr, count, t);
    if (fault) {
        (void)verify_claim_add(t, parent, VERIFY_BAD, "quote.selection", "%s", fault);
        return VERIFY_BAD;
    }
    (void)verify_claim_add(t, parent, VERIFY_GOOD, "quote.selection",
                           "the quote covers exactly the %zu PCR values of the report", count);
    const int rc = digest_is(q, pcr, count, &err);
    const enum verify_status status =
        verify_claim_result(t, parent, "quote.values", rc, &err, "the digest of the PCR values");
    if (status == VERIFY_GOOD)
        *out = keep(pcr, count, t);
    return status == VERIFY_GOOD && !*out ? VERIFY_UNCHECKED : status; /* memory: t says so */
}
