/* SPDX-License-Identifier: Apache-2.0 */
/* attest/verify/host_pcrs.c -- the boot chain: quoted PCR values against references. */
#include <string.h>

#include "attest/verify/exact_parts.h"

enum { BOOT_PCRS = 8, PCRS = 24 };

/* What the references say of one PCR: whole values, any of which will do, or the digests that are
 * extended one after the other. */
struct expected {
    uint32_t index;
    const uint8_t *quoted; /* NULL: not quoted in bank SHA-256 */
    bool any, summary;     /* there are references; the quoted value is one of them */
    bool folded;           /* there are digests to extend */
    uint8_t fold[CMC_SHA256_LEN];
};

static bool for_pcr(const struct verify_reference *r, uint32_t index)
{
    const struct meta_component *c = r->component;
    return r->index == (int)index && !meta_component_property(c, "cmc.program") &&
           !meta_component_property(c, "cmc.profile");
}

static void take(struct expected *e, const struct meta_component *c)
{
    uint8_t both[2 * CMC_SHA256_LEN];
    const uint8_t *hash = verify_reference_sha256(c);
    if (!hash)
        return;
    e->any = true;
    if (strcmp(c->name, "PCR Summary") == 0) {
        e->summary |= e->quoted && memcmp(hash, e->quoted, CMC_SHA256_LEN) == 0;
        return;
    }
    e->folded = true;
    if (strcmp(c->name, "TPM_PCR_INIT_VALUE") == 0) {
        memcpy(e->fold, hash, CMC_SHA256_LEN);
        return;
    }
    memcpy(both, e->fold, CMC_SHA256_LEN);
    memcpy(both + CMC_SHA256_LEN, hash, CMC_SHA256_LEN);
    cmc_sha256(both, sizeof(both), e->fold);
}

static bool is_expected(const struct expected *e)
{
    return e->quoted &&
           (e->summary || (e->folded && memcmp(e->fold, e->quoted, CMC_SHA256_LEN) == 0));
}

static void add(const struct verify_exact *x, const struct expected *e, struct verify_claim *up)
{
    struct verify_tree *t = x->tree;
    if (is_expected(e))
        (void)verify_claim_add(t, up, VERIFY_GOOD, "host.pcr", "PCR %u is as its reference says",
                               e->index);
    else if (!e->quoted)
        (void)verify_claim_add(t, up, VERIFY_UNCHECKED, "host.pcr",
                               "PCR %u is not quoted in bank sha256", e->index);
    else if (e->any)
        (void)verify_claim_add(t, up, VERIFY_BAD, "host.pcr",
                               "PCR %u is %s, which is none of its references", e->index,
                               verify_tree_hex(t, e->quoted, CMC_SHA256_LEN));
    else
        (void)verify_claim_add(t, up, VERIFY_UNCHECKED, "host.pcr", "PCR %u has no reference",
                               e->index);
}

static void take_all(struct expected *e, const struct verify_metadata *m)
{
    for (size_t i = 0; i < m->reference_count; i++)
        if (for_pcr(&m->reference[i], e->index))
            take(e, m->reference[i].component);
}

/* The firmware's log is vouched for in PCR 0 to 7 alone. Who can write the file can move events of
 * the register from our log there, and so hide them: only a reference can say that they are the
 * firmware's. */
void verify_host_start(const struct verify_exact *x, struct verify_claim *log)
{
    struct expected e = {.index = verify_log_pcr(x->log)};
    if (verify_pcrs_value(x->pcrs, CMC_ALG_SHA256, e.index))
        e.quoted = verify_log_start(x->log);
    take_all(&e, x->metadata);
    if (verify_log_from_zeros(x->log) && !e.any)
        return;
    const bool good = is_expected(&e);
    (void)verify_claim_add(x->tree, log,
                           good                ? VERIFY_GOOD
                           : e.any && e.quoted ? VERIFY_BAD
                                               : VERIFY_UNCHECKED,
                           "log.begin",
                           good ? "PCR %u began as its reference says"
                           : e.any && e.quoted
                               ? "PCR %u began with a value that is none of its references"
                               : "PCR %u began with what the firmware's log alone says, and no "
                                 "reference: what was recorded before could be hidden there",
                           e.index);
}

/* The register itself goes on from its start: verify_host_start(). */
void verify_host_pcrs(const struct verify_exact *x, struct verify_claim *up)
{
    for (uint32_t i = 0; i < PCRS; i++) {
        struct expected e = {.index = i, .quoted = verify_pcrs_value(x->pcrs, CMC_ALG_SHA256, i)};
        if (i == verify_log_pcr(x->log))
            continue;
        take_all(&e, x->metadata);
        if (i < BOOT_PCRS || e.any)
            add(x, &e, up);
    }
}
