/* SPDX-License-Identifier: Apache-2.0 */
/* attest/verify/quote.c -- from a TPM's evidence to PCR values that a key vouches for. */
#include "attest/verify/quote.h"

#include <inttypes.h>
#include <string.h>

#include <tss2/tss2_mu.h>

#include "attest/verify/quote_parts.h"

CMC_DEFINE_CLEANUP(verify_quote_freep, struct verify_quote *, verify_quote_free)

void verify_quote_free(struct verify_quote *q)
{
    if (q)
        meta_key_free(q->key);
    free(q);
}

const struct meta_key *verify_quote_key(const struct verify_quote *q)
{
    return q->key;
}

uint32_t verify_quote_reset_count(const struct verify_quote *q)
{
    return q->reset_count;
}

const struct verify_selected *verify_quote_bank(const struct verify_quote *q, size_t i)
{
    return i < q->count ? &q->bank[i] : NULL;
}

/* TPM 2.0 Part 2, 6.9: what else a TPM signs. None of them is a statement about PCRs. */
static const char *type_name(uint16_t type)
{
    switch (type) {
    case TPM2_ST_ATTEST_NV:
        return "TPM_ST_ATTEST_NV";
    case TPM2_ST_ATTEST_COMMAND_AUDIT:
        return "TPM_ST_ATTEST_COMMAND_AUDIT";
    case TPM2_ST_ATTEST_SESSION_AUDIT:
        return "TPM_ST_ATTEST_SESSION_AUDIT";
    case TPM2_ST_ATTEST_CERTIFY:
        return "TPM_ST_ATTEST_CERTIFY";
    case TPM2_ST_ATTEST_TIME:
        return "TPM_ST_ATTEST_TIME";
    case TPM2_ST_ATTEST_CREATION:
        return "TPM_ST_ATTEST_CREATION";
    case 0x801c: /* newer than the headers that we build with */
        return "TPM_ST_ATTEST_NV_DIGEST";
    default:
        return "none that is known";
    }
}

/* What the bytes claim to be, before anything else in them is looked at. */
static bool check_head(const struct meta_bytes *attest, struct verify_tree *t,
                       struct verify_claim *up)
{
    struct cmc_reader r = cmc_reader_of(attest->data, attest->len);
    const uint32_t magic = cmc_read_be32(&r);
    const uint16_t type = cmc_read_be16(&r);
    if (r.bad) {
        (void)verify_claim_add(t, up, VERIFY_BAD, "quote.format",
                               "the signed structure has %zu bytes: it is truncated", attest->len);
        return false;
    }
    if (magic != TPM2_GENERATED_VALUE) {
        (void)verify_claim_add(t, up, VERIFY_BAD, "quote.magic",
                               "magic 0x%08" PRIx32 " instead of 0x%08" PRIx32
                               ": it was not made inside a TPM",
                               magic, (uint32_t)TPM2_GENERATED_VALUE);
        return false;
    }
    (void)verify_claim_add(t, up, VERIFY_GOOD, "quote.magic", "magic 0x%08" PRIx32, magic);
    if (type != TPM2_ST_ATTEST_QUOTE) {
        (void)verify_claim_add(t, up, VERIFY_BAD, "quote.type",
                               "type 0x%04x (%s) instead of TPM_ST_ATTEST_QUOTE", type,
                               type_name(type));
        return false;
    }
    (void)verify_claim_add(t, up, VERIFY_GOOD, "quote.type", "type TPM_ST_ATTEST_QUOTE");
    return true;
}

/* All of it, and nothing behind it. */
static bool check_format(const struct meta_bytes *attest, TPMS_ATTEST *out, struct verify_tree *t,
                         struct verify_claim *up)
{
    size_t at = 0;
    const TSS2_RC rc = Tss2_MU_TPMS_ATTEST_Unmarshal(attest->data, attest->len, &at, out);
    if (rc == TSS2_RC_SUCCESS && at == attest->len && out->clockInfo.safe <= 1)
        return true;
    (void)verify_claim_add(t, up, VERIFY_BAD, "quote.format",
                           rc != TSS2_RC_SUCCESS ? "the signed structure is no TPMS_ATTEST"
                           : at != attest->len   ? "bytes stand behind the signed structure"
                                                 : "clockInfo.safe is neither 0 nor 1");
    return false;
}

static bool check_nonce(const TPMS_ATTEST *a, const struct verify_evidence *e,
                        struct verify_tree *t, struct verify_claim *up)
{
    /* Not a secret: who may read the report may read both. */
    const bool same = a->extraData.size == e->extra_len &&
                      memcmp(a->extraData.buffer, e->extra, e->extra_len) == 0;
    (void)verify_claim_add(t, up, same ? VERIFY_GOOD : VERIFY_BAD, "quote.nonce",
                           same ? "extraData is made of the nonce: the quote answers this request"
                                : "extraData is not made of this request's nonce: the quote was "
                                  "given for another one, or for another use");
    return same;
}

/* safe NO: the clock may have run the same time before. What counts here are the nonce and
 * resetCount, which the TPM stores at once, so this decides nothing. */
static void note_clock(const TPMS_CLOCK_INFO *c, struct verify_tree *t, struct verify_claim *up)
{
    (void)verify_claim_add(
        t, up, c->safe ? VERIFY_GOOD : VERIFY_NOTE, "quote.clock",
        "TPM clock %" PRIu64 " ms, reset %" PRIu32 ", restart %" PRIu32 "%s", c->clock,
        c->resetCount, c->restartCount,
        c->safe ? "" : "; not safe: the TPM lost its power without a shutdown a while ago");
}

static uint32_t mask_of(const TPMS_PCR_SELECTION *s)
{
    uint32_t mask = 0;
    for (size_t i = 0; i < s->sizeofSelect && i < sizeof(s->pcrSelect); i++)
        mask |= (uint32_t)s->pcrSelect[i] << (8 * i);
    return mask;
}

/* What is wrong with bank i of a selection, or NULL. */
static const char *bank_fault(const TPML_PCR_SELECTION *s, size_t i)
{
    const TPMS_PCR_SELECTION *b = &s->pcrSelections[i];
    const uint32_t mask = mask_of(b);
    if (cmc_hash_size(b->hash) == 0)
        return "is one that we cannot compute";
    if (mask == 0)
        return "selects no PCR";
    if (mask >> 24)
        return "selects a PCR above 23";
    for (size_t k = 0; k < i; k++)
        if (s->pcrSelections[k].hash == b->hash)
            return "is selected twice";
    return NULL;
}

static bool check_banks(const TPML_PCR_SELECTION *s, struct verify_quote *q, struct verify_tree *t,
                        struct verify_claim *up)
{
    bool strong = false;
    for (size_t i = 0; i < s->count; i++) {
        const TPMS_PCR_SELECTION *b = &s->pcrSelections[i];
        const char *fault = bank_fault(s, i);
        if (fault) {
            (void)verify_claim_add(t, up, VERIFY_BAD, "quote.banks", "bank 0x%04x %s", b->hash,
                                   fault);
            return false;
        }
        q->bank[i] = (struct verify_selected){.alg = b->hash, .mask = mask_of(b)};
        strong |= b->hash != CMC_ALG_SHA1;
    }
    q->count = s->count;
    if (!strong)
        (void)verify_claim_add(t, up, VERIFY_BAD, "quote.banks",
                               s->count ? "only the SHA-1 bank is quoted: SHA-1 is broken"
                                        : "no PCR is quoted");
    return strong;
}

static bool check_attest(const struct verify_evidence *e, struct verify_quote *q,
                         struct verify_tree *t, struct verify_claim *up)
{
    TPMS_ATTEST a = {0};
    if (!check_head(&e->attest, t, up) || !check_format(&e->attest, &a, t, up) ||
        !check_nonce(&a, e, t, up))
        return false;
    note_clock(&a.clockInfo, t, up);
    const TPMS_QUOTE_INFO *info = &a.attested.quote;
    if (!check_banks(&info->pcrSelect, q, t, up))
        return false;
    q->reset_count = a.clockInfo.resetCount;
    q->digest_len = info->pcrDigest.size;
    memcpy(q->digest, info->pcrDigest.buffer, info->pcrDigest.size);
    return true;
}

enum verify_status verify_quote_check(const struct verify_evidence *e,
                                      const struct verify_policy *policy, struct verify_tree *t,
                                      struct verify_claim *parent, struct verify_quote **out)
{
    struct verify_claim *key = verify_claim_add(t, parent, VERIFY_BAD, "key",
                                                "an attestation key that a root vouches for");
    CMC_CLEANUP(verify_quote_freep) struct verify_quote *q = calloc(1, sizeof(*q));
    *out = NULL;
    if (!q) {
        key->status = VERIFY_UNCHECKED;
        return VERIFY_UNCHECKED;
    }
    const bool certified = verify_quote_key_check(e, policy, q, t, key);
    key->status = verify_claim_worst(key);
    if (!certified)
        return key->status;
    struct verify_claim *quote =
        verify_claim_add(t, parent, VERIFY_BAD, "quote", "a quote by this key for this request");
    const bool good = verify_quote_signature(e, q, t, quote) && check_attest(e, q, t, quote);
    quote->status = verify_claim_worst(quote);
    if (good)
        *out = CMC_TAKE_PTR(q);
    return key->status != VERIFY_GOOD ? key->status : quote->status;
}
