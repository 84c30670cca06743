/* SPDX-License-Identifier: Apache-2.0 */
/* attest/verify/cmc_nearest.c -- a container of profile cmc without a reference: the nearest one,
 * and what differs by member. */
#include <string.h>

#include "attest/verify/cmc_parts.h"
#include "attest/verify/exact_parts.h"
#include "attest/verify/rules.h"
#include "measure/config_cmc.h"

enum { COMPARED_MAX = 16, SHOWN_MAX = 8 };

struct nearest {
    const struct verify_cmc_wanted *w;
    struct verify_differences differences;
    bool compared;
};

static int score(const struct verify_cmc_wanted *w, const struct verify_container *row)
{
    return (memcmp(w->rootfs, row->rootfs, CMC_SHA256_LEN) == 0 ? 2 : 0) +
           (memcmp(w->config, row->config, CMC_SHA256_LEN) == 0 ? 1 : 0);
}

static bool compare(const struct verify_cmc *v, const struct cmc_json *reference,
                    const struct cmc_json *measured, struct verify_differences *out)
{
    cmc_autobuf struct cmc_buf a = cmc_buf_of(CMC_JSON_BYTES_MAX);
    cmc_autobuf struct cmc_buf b = cmc_buf_of(CMC_JSON_BYTES_MAX);
    struct cmc_err err = {0};
    return reference && measured && verify_cmc_form(reference, &a, &err) == 0 &&
           verify_cmc_form(measured, &b, &err) == 0 &&
           verify_differences_between(
               &(struct verify_compared){v->policy, v->t, &a, &b, measure_config_cmc_diff}, out,
               &err) == 0;
}

static bool in_place(const struct verify_cmc_wanted *w, int index)
{
    return index < 0 || w->reference->index == index;
}

static int best_score(const struct verify_cmc *v, int index, const struct verify_container *row)
{
    int best = -1;
    for (size_t i = 0; i < v->wanted_count; i++)
        if (in_place(&v->wanted[i], index) && score(&v->wanted[i], row) > best)
            best = score(&v->wanted[i], row);
    return best;
}

/* Of the references with the best score the one with the fewest differences. */
static struct nearest find(const struct verify_cmc *v, const struct meta_component *event,
                           int index, const struct verify_container *row)
{
    const int best = best_score(v, index, row);
    struct nearest n = {0};
    int tried = 0;
    for (size_t i = 0; i < v->wanted_count && tried < COMPARED_MAX; i++) {
        const struct verify_cmc_wanted *w = &v->wanted[i];
        struct verify_differences d = {0};
        if (!in_place(w, index) || score(w, row) != best)
            continue;
        tried++;
        const bool compared =
            compare(v, w->reference->component->ctr->oci_spec, event->ctr->oci_spec, &d);
        if (!n.w || (compared && (!n.compared || d.count < n.differences.count)))
            n = (struct nearest){w, d, compared};
    }
    return n;
}

static struct verify_claim *say_digest(const struct verify_cmc *v, struct verify_claim *claim,
                                       const char *id, const uint8_t *got, const uint8_t *want)
{
    const char *what = strcmp(id, "container.config") == 0 ? "configuration" : "root file system";
    const char *hex = verify_tree_hex(v->t, got, CMC_SHA256_LEN);
    if (memcmp(got, want, CMC_SHA256_LEN) == 0)
        return verify_claim_add(v->t, claim, VERIFY_GOOD, id, "%s %s: the reference's", what, hex);
    return verify_claim_add(v->t, claim, VERIFY_BAD, id, "%s %s, the reference has %s", what, hex,
                            verify_tree_hex(v->t, want, CMC_SHA256_LEN));
}

static void say_differences(const struct verify_cmc *v, const struct nearest *n,
                            struct verify_claim *claim)
{
    for (size_t i = 0; i < n->differences.count && i < SHOWN_MAX; i++) {
        const struct verify_difference *d = &n->differences.at[i];
        if (d->before || d->after)
            (void)verify_claim_add(
                v->t, claim, VERIFY_BAD, "container.config", "%s: reference %s, measured %s",
                d->path, d->before ? d->before : "has none", d->after ? d->after : "has none");
        else
            (void)verify_claim_add(v->t, claim, VERIFY_BAD, "container.config", "%s", d->path);
    }
    if (n->differences.count > SHOWN_MAX)
        (void)verify_claim_add(v->t, claim, VERIFY_BAD, "container.config",
                               "and %zu more differences", n->differences.count - SHOWN_MAX);
}

/* Where the rules of the nearest reference end. */
static void say_rules(const struct verify_cmc *v, const struct nearest *n,
                      const struct meta_component *event, const struct verify_container *row,
                      struct verify_claim *claim)
{
    const struct cmc_json *spec = n->w->reference->component->ctr->oci_spec;
    char path[VERIFY_RULES_PATH];
    struct cmc_err err = {0};
    if (!n->w->reference->rules || row->rootfs_differs)
        return;
    if (!event->ctr->oci_spec || !spec)
        (void)verify_claim_add(v->t, claim, VERIFY_UNCHECKED, "container.rules",
                               "without both configurations the rules of \"%s\" cannot be applied",
                               row->manifest);
    else if (verify_rules_check(spec, event->ctr->oci_spec, n->w->reference->rules, path, &err) < 0)
        (void)verify_claim_add(v->t, claim, VERIFY_BAD, "container.rules",
                               "the rules of \"%s\" do not allow it: %s", row->manifest, err.msg);
}

void verify_cmc_explain(struct verify_cmc *v, const struct meta_component *event, int index,
                        struct verify_container *row, struct verify_claim *claim)
{
    const struct nearest n = find(v, event, index, row);
    if (!n.w) {
        (void)verify_claim_add(v->t, claim, VERIFY_BAD, "container.reference",
                               "there is no reference for containers in its place");
        return;
    }
    verify_cmc_refer(v, n.w, row);
    row->difference = n.differences.at;
    row->difference_count = n.differences.count;
    claim->text = verify_tree_fmt(
        v->t, "container %llu is not allowed; the nearest reference is \"%s\" of \"%s\"",
        (unsigned long long)row->seq, row->reference, row->manifest);
    say_differences(v, &n, say_digest(v, claim, "container.config", row->config, row->ref_config));
    (void)say_digest(v, claim, "container.rootfs", row->rootfs, row->ref_rootfs);
    say_rules(v, &n, event, row, claim);
}
