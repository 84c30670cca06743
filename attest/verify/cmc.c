/* SPDX-License-Identifier: Apache-2.0 */
/* attest/verify/cmc.c -- reports of CMC 3.3.0: nonces, metadata, and the evidence for its events.
 */
#include "attest/verify/cmc.h"

#include <string.h>
#include <strings.h>

#include "attest/verify/cmc_parts.h"
#include "base/hex.h"

static const char tpm_evidence[] = "TPM Evidence", sw_evidence[] = "SW Evidence";

CMC_DEFINE_CLEANUP(verify_quote_freep, struct verify_quote *, verify_quote_free)

struct run {
    struct verify_cmc v;
    const struct meta_report *report;
    struct verify_result *out;
    uint8_t nonce[CMC_HASH_MAX]; /* what evidence must have signed */
    struct meta_bytes evidence_nonce;
};

static bool refuse(const struct verify_cmc *v, const char *id, const char *text)
{
    (void)verify_claim_add(v->t, v->log, VERIFY_BAD, id, "%s", text);
    return false;
}

static bool check_head(struct run *r, const struct verify_item *nonce)
{
    const struct meta_report *rep = r->report;
    const struct meta_context *c = &rep->context;
    const uint16_t alg = verify_cmc_alg(c->alg);
    struct cmc_err err = {0};
    if (!alg) {
        (void)verify_claim_add(r->v.t, r->v.log, VERIFY_BAD, "report.hash",
                               "context hash %s is none of SHA-256, SHA-384, SHA-512", c->alg);
        return false;
    }
    if (c->nonce.len != nonce->len || memcmp(c->nonce.data, nonce->data, nonce->len) != 0)
        return refuse(&r->v, "report.nonce",
                      "the context holds another nonce: the report answers another request");
    (void)verify_claim_add(r->v.t, r->v.log, VERIFY_GOOD, "report.nonce",
                           "the context holds the nonce of this request");
    if (cmc_hash2(alg, rep->context_bytes.data, rep->context_bytes.len, NULL, 0, r->nonce, &err) <
        0)
        return refuse(&r->v, "report.hash", err.msg);
    r->evidence_nonce = (struct meta_bytes){.data = r->nonce, .len = cmc_hash_size(alg)};
    return true;
}

/* Hexadecimal of a whole digest, in either case. */
static bool digest_of(const char *hex, uint16_t alg, uint8_t *out)
{
    struct cmc_err err = {0};
    return cmc_unhex(hex, strlen(hex), out, cmc_hash_size(alg), &err) == 0;
}

/* An item's name is a claim; its digest is computed. */
static bool check_name(const struct run *r, const struct meta_named_item *i, uint16_t alg)
{
    uint8_t got[CMC_HASH_MAX];
    struct cmc_err err = {0};
    if (cmc_hash2(alg, i->data.data, i->data.len, NULL, 0, got, &err) == 0 &&
        strcasecmp(verify_tree_hex(r->v.t, got, cmc_hash_size(alg)), i->digest) == 0)
        return true;
    (void)verify_claim_add(r->v.t, r->v.containers, VERIFY_BAD, "metadata.digest",
                           "the item that the report calls %s has another digest", i->digest);
    return false;
}

struct lists { /* of a report's metadata, as verify_metadata_load() takes them; in the tree */
    struct verify_item *item;
    struct meta_bytes *digest;
    uint8_t (*bytes)[CMC_HASH_MAX];
    size_t items, digests;
};

/* Without memory they stay empty: the tree says so at the end. */
static void fill(const struct run *r, uint16_t alg, struct lists *l)
{
    const struct meta_context *c = &r->report->context;
    l->item = verify_tree_alloc(r->v.t, c->item_count + 1, sizeof(*l->item));
    l->digest = verify_tree_alloc(r->v.t, c->digests.count + 1, sizeof(*l->digest));
    l->bytes = verify_tree_alloc(r->v.t, c->digests.count + 1, sizeof(*l->bytes));
    if (!l->bytes) /* the last: what did not fit before it sticks */
        return;
    for (size_t i = 0; i < c->item_count; i++)
        if (check_name(r, &c->item[i], alg))
            l->item[l->items++] =
                (struct verify_item){.data = c->item[i].data.data, .len = c->item[i].data.len};
    for (size_t i = 0; i < c->digests.count; i++) {
        if (digest_of(c->digests.at[i], alg, l->bytes[i]))
            l->digest[l->digests++] =
                (struct meta_bytes){.data = l->bytes[i], .len = cmc_hash_size(alg)};
        else
            (void)verify_claim_add(r->v.t, r->v.containers, VERIFY_BAD, "metadata.digest",
                                   "the report lists %s, which is no digest", c->digests.at[i]);
    }
}

static void load(struct run *r, struct verify_metadata *out)
{
    struct lists l = {0};
    const uint16_t alg = verify_cmc_alg(r->report->context.alg);
    if (!alg) {
        (void)verify_claim_add(r->v.t, r->v.containers, VERIFY_UNCHECKED, "metadata",
                               "the metadata could not be read");
        return;
    }
    fill(r, alg, &l);
    const struct verify_metadata_input in = {.trust = r->v.policy->trust,
                                             .item = l.item,
                                             .item_count = l.items,
                                             .own = r->v.policy->item,
                                             .own_count = r->v.policy->item_count,
                                             .digest = l.digest,
                                             .digest_count = l.digests,
                                             .alg = alg};
    if (verify_metadata_load(&in, r->v.t, r->v.containers, out) != VERIFY_UNCHECKED) {
        r->v.metadata = out;
        r->out->cert_level = out->cert_level;
        r->out->metadata = out->result;
        r->out->metadata_count = out->result_count;
    }
}

static void describe(const struct run *r, const struct meta_key *k)
{
    r->out->key_kind = verify_key_words(k, r->v.t);
    r->out->host = verify_tree_text(r->v.t, meta_key_host(k, 0));
    memcpy(r->out->ak, meta_key_spki(k), sizeof(r->out->ak));
    r->out->has_ak = true;
}

static bool appraise_tpm(struct run *r, const struct meta_evidence *e,
                         const struct meta_collateral *c)
{
    const struct verify_evidence evidence = {.attest = e->evidence,
                                             .signature = e->signature,
                                             .cert = c->cert,
                                             .cert_count = c->cert_count,
                                             .role = META_ROLE_AK,
                                             .extra = r->evidence_nonce.data,
                                             .extra_len = r->evidence_nonce.len};
    CMC_CLEANUP(verify_quote_freep) struct verify_quote *q = NULL;
    struct verify_cmc_pcrs pcrs = {0};
    (void)!verify_quote_check(&evidence, r->v.policy, r->v.t, r->v.log, &q);
    if (!q)
        return false;
    describe(r, verify_quote_key(q));
    if (!verify_cmc_replay(&r->v, q, c, r->v.log, &pcrs))
        return false;
    verify_cmc_index(&r->v, pcrs.bank, false);
    verify_cmc_appraise(&r->v, &pcrs);
    (void)verify_metadata_level(r->v.metadata,
                                verify_key_kind(verify_quote_key(q)) == VERIFY_KEY_TPM, r->v.t,
                                r->v.containers);
    return true;
}

static bool appraise_software(struct run *r, const struct meta_evidence *e,
                              const struct meta_collateral *c)
{
    if (!verify_cmc_software(&r->v, e, c, &r->evidence_nonce, r->out))
        return false;
    verify_cmc_software_events(&r->v, c);
    (void)verify_metadata_level(r->v.metadata, false, r->v.t, r->v.containers);
    (void)verify_claim_add(r->v.t, r->v.host, VERIFY_UNCHECKED, "host.software",
                           "software evidence says nothing about the host");
    return true;
}

/* The only collateral of that type. */
static const struct meta_collateral *collateral_of(const struct run *r, const char *type)
{
    const struct meta_context *c = &r->report->context;
    const struct meta_collateral *found = NULL;
    for (size_t i = 0; i < c->collateral_count; i++) {
        if (strcmp(c->collateral[i].type, type) != 0)
            continue;
        if (found)
            return NULL;
        found = &c->collateral[i];
    }
    return found;
}

/* Exactly one piece of evidence: two would leave open which of them vouches for an event. */
static bool appraise(struct run *r)
{
    const struct meta_report *rep = r->report;
    if (rep->evidence_count != 1)
        return refuse(&r->v, "report.evidence",
                      rep->evidence_count ? "more than one piece of evidence" : "no evidence");
    const struct meta_evidence *e = &rep->evidence[0];
    const struct meta_collateral *c = collateral_of(r, e->type);
    const bool software = strcmp(e->type, sw_evidence) == 0;
    if (!software && strcmp(e->type, tpm_evidence) != 0) {
        (void)verify_claim_add(r->v.t, r->v.log, VERIFY_BAD, "report.evidence",
                               "%s: this verifier knows %s and %s", e->type, tpm_evidence,
                               sw_evidence);
        return false;
    }
    if (!c)
        return refuse(&r->v, "report.collateral", "not exactly one collateral for the evidence");
    return software ? appraise_software(r, e, c) : appraise_tpm(r, e, c);
}

/* A claim without any below it was never shown. */
static void settle(struct verify_cmc *v, bool authentic)
{
    if (!authentic) {
        (void)verify_claim_add(v->t, v->containers, VERIFY_UNCHECKED, "container.none",
                               "without authentic evidence nothing is known of containers");
        (void)verify_claim_add(v->t, v->host, VERIFY_UNCHECKED, "host.pcr",
                               "without authentic evidence nothing is known of the host");
    }
    v->log->status = verify_claim_worst(v->log);
    v->containers->status = verify_claim_worst(v->containers);
    v->host->status = verify_claim_worst(v->host);
}

static void judge(struct run *r, const struct verify_item *nonce)
{
    static const struct verify_metadata nothing;
    struct verify_metadata metadata = {0};
    r->v.metadata = &nothing;
    const bool head = check_head(r, nonce);
    load(r, &metadata);
    settle(&r->v, head && appraise(r));
    r->out->pcr = r->v.pcr;
    r->out->container = r->v.container;
    r->out->container_count = r->v.count;
    r->v.metadata = &nothing;
    verify_metadata_done(&metadata);
}

int verify_cmc_report(const struct verify_item *report, const struct verify_item *nonce,
                      const struct verify_policy *policy, struct verify_tree *t,
                      struct verify_result *out, struct cmc_err *err)
{
    struct meta_report rep = {0};
    struct cmc_err why = {0};
    struct run r = {.v = {.policy = policy, .t = t}, .report = &rep, .out = out};
    r.v.log = verify_claim_add(t, NULL, VERIFY_BAD, "log", "the log is authentic");
    r.v.containers =
        verify_claim_add(t, NULL, VERIFY_BAD, "containers", "every container matches a reference");
    r.v.host = verify_claim_add(t, NULL, VERIFY_BAD, "host", "the recorder itself is appraised");
    const int rc = meta_report_decode(report->data, report->len, &rep, &why);
    if (rc < 0) {
        (void)verify_claim_result(t, r.v.log, "report.format", rc, &why, "the report");
        settle(&r.v, false);
    } else {
        out->profile = "cmc";
        judge(&r, nonce);
    }
    meta_report_done(&rep);
    return verify_tree_check(t, err);
}
