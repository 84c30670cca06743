/* SPDX-License-Identifier: Apache-2.0 */
/* attest/verify/exact.c -- a report of profile exact: key, quote, log, metadata, containers, host,
 * in this order; what fails leaves the rest unread. */
#include "attest/verify/exact.h"

#include <string.h>

#include "attest/meta/exact.h"
#include "attest/verify/exact_parts.h"

enum { NONCE_MIN = 16 };

CMC_DEFINE_CLEANUP(verify_quote_freep, struct verify_quote *, verify_quote_free)
CMC_DEFINE_CLEANUP(verify_log_freep, struct verify_log *, verify_log_free)

struct tops { /* the three claims */
    struct verify_claim *log, *containers, *host;
};

static struct tops add_tops(struct verify_tree *t)
{
    return (struct tops){
        .log = verify_claim_add(t, NULL, VERIFY_UNCHECKED, "log", "the log is authentic"),
        .containers = verify_claim_add(t, NULL, VERIFY_UNCHECKED, "containers",
                                       "every container matches a reference"),
        .host = verify_claim_add(t, NULL, VERIFY_UNCHECKED, "host",
                                 "the recorder itself is appraised: boot chain and programs"),
    };
}

/* At most one boot log of kind "tcg" can be meant. */
static struct meta_bytes boot_log(const struct meta_exact *r, struct verify_tree *t,
                                  struct verify_claim *up)
{
    struct meta_bytes found = {0};
    size_t count = 0;
    for (size_t i = 0; i < r->boot_log_count; i++)
        if (strcmp(r->boot_log[i].kind, "tcg") == 0) {
            found = r->boot_log[i].data;
            count++;
        }
    if (count <= 1)
        return found;
    (void)verify_claim_add(t, up, VERIFY_NOTE, "log.boot-log",
                           "%zu firmware logs: none of them is used", count);
    return (struct meta_bytes){0};
}

static struct verify_quote *check_quote(struct verify_exact *x, const struct verify_item *nonce,
                                        struct verify_claim *up)
{
    const struct meta_exact *r = x->report;
    uint8_t extra[CMC_SHA256_LEN];
    struct verify_quote *q = NULL;
    const bool software = strcmp(r->kind, "sw") == 0;
    if (nonce->len < NONCE_MIN) {
        (void)verify_claim_add(x->tree, up, VERIFY_UNCHECKED, "quote.nonce",
                               "a nonce of %zu bytes is too short for this profile", nonce->len);
        return NULL;
    }
    meta_exact_qualify(nonce->data, nonce->len, extra);
    const struct verify_evidence e = {.attest = r->attest,
                                      .signature = r->signature,
                                      .cert = r->cert,
                                      .cert_count = r->cert_count,
                                      .role = software ? META_ROLE_SOFTWARE_AK : META_ROLE_AK,
                                      .extra = extra,
                                      .extra_len = sizeof(extra)};
    (void)!verify_quote_check(&e, x->policy, x->tree, up, &q);
    return q;
}

static struct verify_log *check_log(struct verify_exact *x, struct verify_claim *up)
{
    const struct meta_exact *r = x->report;
    struct verify_log *l = NULL;
    if (verify_quote_values(x->quote, r->pcr, r->pcr_count, x->tree, up, &x->pcrs) != VERIFY_GOOD)
        return NULL;
    const struct verify_log_input in = {.log = r->log, .boot_log = boot_log(r, x->tree, up)};
    (void)!verify_log_check(&in, x->quote, x->pcrs, x->tree, up, &l);
    return l;
}

static void fill_key(const struct verify_exact *x, struct verify_result *out)
{
    const struct meta_key *k = verify_quote_key(x->quote);
    out->host = verify_tree_text(x->tree, meta_key_host(k, 0));
    out->key_kind = verify_key_words(k, x->tree);
    memcpy(out->ak, meta_key_spki(k), sizeof(out->ak));
    out->has_ak = true;
}

static int judge_containers(struct verify_exact *x, const struct tops *top,
                            struct verify_result *out, struct cmc_err *err)
{
    const bool hardware = verify_key_kind(verify_quote_key(x->quote)) == VERIFY_KEY_TPM;
    (void)verify_metadata_level(x->metadata, hardware, x->tree, top->containers);
    out->pcr = verify_log_pcr(x->log);
    verify_host_start(x, top->log);
    top->log->status = verify_claim_worst(top->log);
    const int rc = verify_containers(x, top->containers, out, err);
    if (rc < 0)
        return rc;
    top->containers->status = verify_claim_worst(top->containers);
    out->cert_level = x->metadata->cert_level;
    verify_host_pcrs(x, top->host);
    if (verify_host_programs(x, top->host, err) < 0)
        return -(int)err->code;
    top->host->status = verify_claim_worst(top->host);
    return 0;
}

static int with_metadata(struct verify_exact *x, const struct tops *top, struct verify_result *out,
                         struct cmc_err *err)
{
    const struct meta_exact *r = x->report;
    struct verify_metadata m = {0};
    cmc_autofree struct verify_item *item = calloc(r->item_count + 1, sizeof(*item));
    if (!item)
        return cmc_fail(err, CMC_E_LIMIT, "out of memory");
    for (size_t i = 0; i < r->item_count; i++)
        item[i] = (struct verify_item){.data = r->item[i].data, .len = r->item[i].len};
    const struct verify_metadata_input in = {.trust = x->policy->trust,
                                             .item = item,
                                             .item_count = r->item_count,
                                             .own = x->policy->item,
                                             .own_count = x->policy->item_count,
                                             .digest = r->digest,
                                             .digest_count = r->digest_count};
    (void)!verify_metadata_load(&in, x->tree, top->containers, &m);
    x->metadata = &m;
    out->metadata = m.result;
    out->metadata_count = m.result_count;
    const int rc = judge_containers(x, top, out, err);
    x->metadata = NULL;
    verify_metadata_done(&m);
    return rc;
}

static int judge(struct verify_exact *x, const struct verify_item *nonce, const struct tops *top,
                 struct verify_result *out, struct cmc_err *err)
{
    CMC_CLEANUP(verify_quote_freep) struct verify_quote *q = check_quote(x, nonce, top->log);
    CMC_CLEANUP(verify_log_freep) struct verify_log *l = NULL;
    x->quote = q;
    if (q) {
        fill_key(x, out);
        l = check_log(x, top->log);
    }
    x->log = l;
    top->log->status = verify_claim_worst(top->log);
    return l ? with_metadata(x, top, out, err) : 0;
}

int verify_exact_report(const struct verify_item *report, const struct verify_item *nonce,
                        const struct verify_policy *policy, struct verify_tree *t,
                        struct verify_result *out, struct cmc_err *err)
{
    struct meta_exact r = {0};
    struct cmc_err why = {0};
    const struct tops top = add_tops(t);
    const int rc = meta_exact_decode(report->data, report->len, &r, &why);
    if (rc < 0) {
        top.log->status = verify_claim_result(t, top.log, "report.format", rc, &why, "the report");
        return 0;
    }
    struct verify_exact x = {.report = &r, .policy = policy, .tree = t};
    out->profile = "exact";
    const int done = judge(&x, nonce, &top, out, err);
    meta_exact_done(&r);
    return done;
}
