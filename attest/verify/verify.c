/* SPDX-License-Identifier: Apache-2.0 */
/* attest/verify/verify.c -- finds out what kind of report it is, and puts the verdict into words.
 */
#include "attest/verify/verify.h"

#include <string.h>

#include "attest/meta/exact.h"
#include "attest/verify/cmc.h"
#include "attest/verify/exact.h"

struct holder { /* what a caller has, and what its texts live in */
    struct verify_result result;
    struct verify_tree *tree;
};

void verify_result_free(struct verify_result *r)
{
    if (r)
        verify_tree_free(((struct holder *)r)->tree);
    free(r);
}
CMC_DEFINE_CLEANUP(verify_result_freep, struct verify_result *, verify_result_free)

static const struct verify_claim *top_claim(const struct verify_result *r, const char *id)
{
    const struct verify_claim *c = r->claim;
    while (c && strcmp(c->id, id) != 0)
        c = c->next;
    return c;
}

static bool has(const struct verify_result *r, enum verify_status status)
{
    for (const struct verify_claim *c = r->claim; c; c = c->next)
        if (c->status == status)
            return true;
    return false;
}

static enum verify_status status_of(const struct verify_claim *c)
{
    return c ? c->status : VERIFY_UNCHECKED;
}

/* The third claim alone may be missing: then all rests on the honesty of the host's root. What
 * speaks against a claim, whichever, speaks against the report. */
static enum verify_verdict decide(const struct verify_result *r, const struct verify_policy *policy)
{
    if (has(r, VERIFY_BAD))
        return VERIFY_NOT_TRUSTED;
    if (status_of(top_claim(r, "log")) != VERIFY_GOOD ||
        status_of(top_claim(r, "containers")) != VERIFY_GOOD)
        return VERIFY_COULD_NOT;
    if (status_of(top_claim(r, "host")) == VERIFY_GOOD)
        return VERIFY_TRUSTED;
    return policy->require_host ? VERIFY_NOT_TRUSTED : VERIFY_TRUSTED_IF_ROOT;
}

static const char *words_of(const struct verify_result *r, struct verify_tree *t)
{
    static const char *const words[] = {[VERIFY_TRUSTED] = "TRUSTED",
                                        [VERIFY_TRUSTED_IF_ROOT] =
                                            "TRUSTED if the host's root is honest",
                                        [VERIFY_NOT_TRUSTED] = "NOT TRUSTED",
                                        [VERIFY_COULD_NOT] = "COULD NOT BE CHECKED"};
    const bool trusted = r->verdict == VERIFY_TRUSTED || r->verdict == VERIFY_TRUSTED_IF_ROOT;
    /* Software never gets the words that hardware gets. */
    return trusted && r->key_kind && strncmp(r->key_kind, "software", 8) == 0
               ? verify_tree_fmt(t, "%s, on the word of a %s", words[r->verdict], r->key_kind)
               : words[r->verdict];
}

static const char *reason_of(const struct verify_result *r)
{
    const struct verify_claim *c = verify_claim_first(r->claim, VERIFY_BAD);
    if (!c && r->verdict != VERIFY_TRUSTED)
        c = verify_claim_first(r->claim, VERIFY_UNCHECKED);
    return c ? c->text : NULL;
}

static int check_arguments(size_t nonce_len, const struct verify_policy *policy,
                           struct cmc_err *err)
{
    if (nonce_len < VERIFY_NONCE_MIN || nonce_len > VERIFY_NONCE_MAX)
        return cmc_fail(err, CMC_E_USAGE, "a nonce of %zu bytes: %d to %d are taken", nonce_len,
                        VERIFY_NONCE_MIN, VERIFY_NONCE_MAX);
    if (!policy->trust)
        return cmc_fail(err, CMC_E_USAGE, "a policy without roots: nothing can be trusted");
    return 0;
}

static int judge(const struct verify_item *report, const struct verify_item *nonce,
                 const struct verify_policy *policy, struct holder *h, struct cmc_err *err)
{
    if (report->len > VERIFY_REPORT_MAX) {
        (void)verify_claim_add(h->tree, NULL, VERIFY_BAD, "report.format",
                               "the report has %zu bytes, at most %d are read", report->len,
                               VERIFY_REPORT_MAX);
        return 0;
    }
    return meta_exact_is(report->data, report->len)
               ? verify_exact_report(report, nonce, policy, h->tree, &h->result, err)
               : verify_cmc_report(report, nonce, policy, h->tree, &h->result, err);
}

static struct holder *new_holder(void)
{
    struct holder *h = calloc(1, sizeof(*h));
    if (h)
        h->tree = verify_tree_new();
    if (h && h->tree)
        return h;
    free(h);
    return NULL;
}

/* NOLINTNEXTLINE(readability-function-size): two strings of bytes have a length each */
int verify_report(const void *report, size_t len, const void *nonce, size_t nonce_len,
                  const struct verify_policy *policy, struct verify_result **out,
                  struct cmc_err *err)
{
    const struct verify_item what = {.data = report, .len = len};
    const struct verify_item asked = {.data = nonce, .len = nonce_len};
    int rc = check_arguments(nonce_len, policy, err);
    if (rc < 0)
        return rc;
    struct holder *h = new_holder();
    CMC_CLEANUP(verify_result_freep) struct verify_result *r = h ? &h->result : NULL;
    if (!h)
        return cmc_fail(err, CMC_E_LIMIT, "out of memory");
    rc = judge(&what, &asked, policy, h, err);
    if (rc < 0)
        return rc;
    r->claim = verify_claim_top(h->tree);
    r->created = meta_trust_now(policy->trust);
    r->verdict = decide(r, policy);
    r->words = words_of(r, h->tree);
    r->reason = reason_of(r);
    rc = verify_tree_check(h->tree, err);
    if (rc == 0)
        *out = CMC_TAKE_PTR(r);
    return rc; /* NOLINT(clang-analyzer-unix.Malloc): r has a cleanup */
}
