/* SPDX-License-Identifier: Apache-2.0 */
/* Any bytes as a report of CMC 3.3.0: what is trusted answers one nonce, one host and one pair of
 * roots, and is refused for others. Then its events are appraised as if a quote vouched for them.
 */
#include <stdlib.h>
#include <string.h>

#include "attest/verify/cmc_parts.h"
#include "tests/lib/cmc_roots.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void must(bool ok)
{
    if (!ok)
        abort();
}

/* Made once; never freed, and never forgotten. */
static const struct meta_trust *trust(bool metadata, bool ak)
{
    static struct meta_trust *made[2][2];
    struct meta_trust *t = made[metadata][ak];
    if (t)
        return t;
    struct cmc_err err = {0};
    must(meta_trust_new(CMC_ROOTS_NOW, &t, &err) == 0);
    if (metadata)
        must(meta_trust_add_roots(t, META_ROLE_METADATA, metadata_root, strlen(metadata_root),
                                  &err) == 0);
    made[metadata][ak] = t;
    if (ak)
        must(meta_trust_add_roots(t, META_ROLE_AK, ak_root, strlen(ak_root), &err) == 0);
    return t;
}

static bool is_trusted(const struct verify_item *report, uint8_t nonce_byte, const char *host,
                       const struct meta_trust *t)
{
    const struct verify_policy policy = {.trust = t, .host = host, .software = true};
    struct verify_result *r = NULL;
    struct cmc_err err = {0};
    uint8_t nonce[CMC_ROOTS_NONCE];
    memset(nonce, nonce_byte, sizeof(nonce));
    must(verify_report(report->data, report->len, nonce, sizeof(nonce), &policy, &r, &err) == 0);
    const bool trusted = r->verdict == VERIFY_TRUSTED || r->verdict == VERIFY_TRUSTED_IF_ROOT;
    must(trusted == !r->reason || r->verdict == VERIFY_TRUSTED_IF_ROOT);
    for (size_t i = 0; i < r->container_count; i++)
        must(!trusted || r->container[i].status == VERIFY_GOOD);
    must(!trusted || (r->container_count > 0 && r->has_ak));
    verify_result_free(r);
    return trusted;
}

static void check_trusted(const struct verify_item *report, const struct meta_trust *all)
{
    must(!is_trusted(report, CMC_ROOTS_NONCE_BYTE + 1, NULL, all));
    must(!is_trusted(report, CMC_ROOTS_NONCE_BYTE, "other.example", all));
    must(!is_trusted(report, CMC_ROOTS_NONCE_BYTE, NULL, trust(true, false)));
    must(!is_trusted(report, CMC_ROOTS_NONCE_BYTE, NULL, trust(false, true)));
}

/* A row that matches names what it matches; its digests are there. */
static void check_rows(const struct verify_cmc *v)
{
    for (size_t i = 0; i < v->count; i++) {
        const struct verify_container *c = &v->container[i];
        must(c->seq == i + 1 && c->event);
        must(c->status != VERIFY_GOOD || (c->measured && c->reference && c->manifest));
        must(c->status != VERIFY_GOOD || !c->rootfs_differs);
        must(c->difference_count == 0 || c->difference);
    }
}

static void appraise(const struct meta_collateral *c, const struct verify_metadata *m,
                     const struct verify_policy *policy)
{
    struct verify_tree *t = verify_tree_new();
    struct verify_cmc v = {.policy = policy, .metadata = m, .t = t};
    struct verify_cmc_pcrs pcrs = {.bank = CMC_ALG_SHA256};
    must(t != NULL);
    v.containers = verify_claim_add(t, NULL, VERIFY_GOOD, "containers", "containers");
    v.host = verify_claim_add(t, NULL, VERIFY_GOOD, "host", "host");
    for (size_t i = 0; i < c->artifact_count; i++)
        if (c->artifact[i].index >= 0 && c->artifact[i].index < VERIFY_CMC_PCRS)
            pcrs.artifact[c->artifact[i].index] = &c->artifact[i];
    verify_cmc_index(&v, pcrs.bank, false);
    verify_cmc_appraise(&v, &pcrs);
    check_rows(&v);
    v.container = NULL;
    v.count = v.room = 0;
    verify_cmc_software_events(&v, c);
    check_rows(&v);
    verify_tree_free(t);
}

static void appraise_report(const struct verify_item *report, const struct meta_trust *all)
{
    struct meta_report r;
    struct cmc_err err = {0};
    struct verify_item item[8];
    struct verify_metadata m;
    const struct verify_policy policy = {.trust = all};
    size_t n = 0;
    if (meta_report_decode(report->data, report->len, &r, &err) < 0)
        return;
    for (; n < r.context.item_count && n < 8; n++)
        item[n] = (struct verify_item){r.context.item[n].data.data, r.context.item[n].data.len};
    struct verify_tree *t = verify_tree_new();
    must(t != NULL);
    const struct verify_metadata_input in = {.trust = all, .own = item, .own_count = n};
    const enum verify_status status = verify_metadata_load(&in, t, NULL, &m);
    must(status != VERIFY_GOOD || (m.manifest_count > 0 && m.reference_count > 0));
    for (size_t i = 0; i < r.context.collateral_count && i < 2; i++)
        appraise(&r.context.collateral[i], &m, &policy);
    verify_metadata_done(&m);
    verify_tree_free(t);
    meta_report_done(&r);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    const struct verify_item report = {data, size};
    if (size > 1 << 16)
        return 0;
    const struct meta_trust *all = trust(true, true);
    if (is_trusted(&report, CMC_ROOTS_NONCE_BYTE, NULL, all))
        check_trusted(&report, all);
    appraise_report(&report, all);
    return 0;
}
