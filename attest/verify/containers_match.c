/* SPDX-License-Identifier: Apache-2.0 */
/* attest/verify/containers_match.c -- one container: the reference that is equal, or whose rules
 * allow what differs. */
#include <string.h>

#include "attest/verify/containers_parts.h"
#include "attest/verify/rules.h"

bool verify_same(const uint8_t *a, const uint8_t *b, size_t len)
{
    return memcmp(a, b, len) == 0;
}

static bool same_key(const struct verify_candidate *c, const struct verify_wanted *w)
{
    return verify_same(c->ev->key_id, w->key_id, sizeof(w->key_id));
}

static bool same_rootfs(const struct verify_candidate *c, const struct verify_wanted *w)
{
    return verify_same(c->ev->rootfs, w->rootfs, CMC_SHA256_LEN);
}

void verify_container_refer(const struct verify_candidate *c, const struct verify_wanted *w)
{
    struct verify_container *row = c->row;
    row->reference = verify_tree_text(c->x->tree, w->name);
    row->manifest = verify_tree_text(c->x->tree, w->reference->manifest->name);
    row->config_differs = !verify_same(c->ev->config, w->config, CMC_SHA256_LEN);
    row->rootfs_differs = !same_rootfs(c, w);
    memcpy(row->ref_config, w->config, CMC_SHA256_LEN);
    memcpy(row->ref_rootfs, w->rootfs, CMC_SHA256_LEN);
}

static const char *hex(const struct verify_candidate *c, const uint8_t *digest)
{
    return verify_tree_hex(c->x->tree, digest, CMC_SHA256_LEN);
}

void verify_container_event(const struct verify_candidate *c, struct verify_claim *claim)
{
    (void)verify_claim_add(c->x->tree, claim, VERIFY_GOOD, "container.event",
                           "event %llu, whose bytes are in PCR %u", (unsigned long long)c->row->seq,
                           verify_log_pcr(c->x->log));
}

/* What a container that matches rests on. */
static void add_good(const struct verify_candidate *c, bool by_rules, struct verify_claim *up)
{
    struct verify_tree *t = c->x->tree;
    const struct verify_container *row = c->row;
    struct verify_claim *claim = verify_claim_add(
        t, up, VERIFY_GOOD, "container", "%s is reference \"%s\" of \"%s\"%s", c->who,
        row->reference, row->manifest, by_rules ? ", as its rules allow" : "");
    verify_container_event(c, claim);
    if (by_rules)
        (void)verify_claim_add(t, claim, VERIFY_GOOD, "container.rules",
                               "configuration %s: differs from the reference's in what the rules "
                               "allow",
                               hex(c, row->config));
    else
        (void)verify_claim_add(t, claim, VERIFY_GOOD, "container.config",
                               "configuration %s: the reference's", hex(c, row->config));
    (void)verify_claim_add(t, claim, VERIFY_GOOD, "container.rootfs",
                           "root file system %s: the reference's", hex(c, row->rootfs));
}

/* The references that are equal; all of them ran. */
static const struct verify_wanted *match_equal(const struct verify_candidate *c,
                                               const struct verify_wanted_list *wanted, bool *ran)
{
    const struct verify_wanted *first = NULL;
    for (size_t i = 0; i < wanted->count; i++) {
        const struct verify_wanted *w = &wanted->at[i];
        if (!same_key(c, w) || !same_rootfs(c, w) ||
            !verify_same(c->ev->config, w->config, CMC_SHA256_LEN))
            continue;
        ran[i] = true;
        first = first ? first : w;
    }
    return first;
}

/* The first reference with the same root file system whose rules allow the configuration. Why there
 * is none, verify_container_explain() says. */
static const struct verify_wanted *match_rules(const struct verify_candidate *c,
                                               const struct verify_wanted_list *wanted, bool *ran)
{
    struct meta_bytes detail = {0};
    struct cmc_err err = {0};
    char path[VERIFY_RULES_PATH];
    for (size_t i = 0; i < wanted->count; i++) {
        const struct verify_wanted *w = &wanted->at[i];
        if (!w->reference->rules || !same_key(c, w) || !same_rootfs(c, w))
            continue;
        if (!detail.data && verify_detail(c->x, c->ev, &detail, &err) <= 0)
            return NULL;
        if (c->effort->ruled++ >= VERIFY_RULED_MAX)
            return NULL;
        if (verify_allowed(c->x, w, &detail, path, &err) == 0) {
            ran[i] = true;
            return w;
        }
    }
    return NULL;
}

enum verify_status verify_container_judge(const struct verify_candidate *c,
                                          const struct verify_wanted_list *wanted, bool *ran,
                                          struct verify_claim *up)
{
    const struct verify_wanted *equal = match_equal(c, wanted, ran);
    const struct verify_wanted *w = equal ? equal : match_rules(c, wanted, ran);
    if (!w)
        return verify_container_explain(c, wanted, up);
    verify_container_refer(c, w);
    add_good(c, !equal, up);
    return VERIFY_GOOD;
}
