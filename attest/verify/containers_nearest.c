/* SPDX-License-Identifier: Apache-2.0 */
/* attest/verify/containers_nearest.c -- a container without a reference: the nearest one, and what
 * differs. */
#include <string.h>

#include "attest/verify/containers_parts.h"
#include "attest/verify/rules.h"
#include "base/json.h"

enum { COMPARED_MAX = 16, SHOWN_MAX = 8 };

struct nearest {
    const struct verify_wanted *w;
    struct verify_differences differences;
    bool compared; /* differences are known */
};

static bool same_text(const char *said, const char *name)
{
    return said && strcmp(said, name) == 0;
}

static bool same_key(const struct verify_candidate *c, const struct verify_wanted *w)
{
    return verify_same(c->ev->key_id, w->key_id, sizeof(w->key_id));
}

/* The same files or the same configuration count most, then the same name, then the same key. */
static int score(const struct verify_candidate *c, const struct verify_wanted *w)
{
    const struct measure_event *ev = c->ev;
    return (verify_same(ev->rootfs, w->rootfs, CMC_SHA256_LEN) ? 4 : 0) +
           (verify_same(ev->config, w->config, CMC_SHA256_LEN) ? 4 : 0) +
           (same_text(ev->image, w->name) || same_text(ev->name, w->name) ||
                    same_text(ev->container, w->name)
                ? 2
                : 0) +
           (same_key(c, w) ? 1 : 0);
}

static bool compare(const struct verify_candidate *c, const struct verify_wanted *w,
                    const struct meta_bytes *detail, struct verify_differences *out)
{
    cmc_autobuf struct cmc_buf spec = cmc_buf_of(CMC_JSON_BYTES_MAX);
    struct cmc_err err = {0};
    if (verify_detail_of_reference(c->x, w, &spec, &err) < 0)
        return false;
    const struct meta_bytes reference = {.data = spec.data, .len = spec.len};
    return verify_differences(c->x, &reference, detail, out, &err) == 0;
}

/* Of the references with the best score the one with the fewest differences; there is one. */
static struct nearest find(const struct verify_candidate *c,
                           const struct verify_wanted_list *wanted, const struct meta_bytes *detail)
{
    struct nearest n = {.w = &wanted->at[0]};
    int tried = 0;
    for (size_t i = 1; i < wanted->count; i++)
        if (score(c, &wanted->at[i]) > score(c, n.w))
            n.w = &wanted->at[i];
    const int best = score(c, n.w);
    for (size_t i = 0; detail && i < wanted->count && tried < COMPARED_MAX; i++) {
        const struct verify_wanted *w = &wanted->at[i];
        struct verify_differences d = {0};
        if (score(c, w) != best)
            continue;
        tried++;
        if (compare(c, w, detail, &d) && (!n.compared || d.count < n.differences.count))
            n = (struct nearest){.w = w, .differences = d, .compared = true};
    }
    return n;
}

/* The report's detail, or why there is none to show. A wrong one, where the key is known, is no
 * accident of a host that can't know better. */
static int get_detail(const struct verify_candidate *c, struct meta_bytes *out,
                      struct verify_claim *claim)
{
    struct cmc_err err = {0};
    struct verify_tree *t = c->x->tree;
    static const uint8_t no_key[8];
    const bool keyed = !verify_same(c->ev->key_id, no_key, sizeof(no_key));
    const int rc = verify_detail(c->x, c->ev, out, &err);
    if (rc == 0)
        (void)verify_claim_add(t, claim, VERIFY_NOTE, "container.detail",
                               "the report does not hold the configuration of %s", c->who);
    else if (rc < 0)
        (void)verify_claim_add(t, claim, keyed ? VERIFY_NOTE : VERIFY_BAD, "container.detail",
                               "the configuration that the report gives for %s is not shown: %s",
                               c->who, err.msg);
    return rc;
}

/* "process.env VAL: reference "HELLO", measured "EVIL"" */
static const char *difference_words(const struct verify_difference *d, struct verify_tree *t)
{
    if (!d->before && !d->after)
        return d->path;
    return verify_tree_fmt(t, "%s: reference %s, measured %s", d->path,
                           d->before ? d->before : "has none", d->after ? d->after : "has none");
}

static void add_differences(const struct verify_candidate *c, const struct nearest *n,
                            struct verify_claim *claim)
{
    struct verify_tree *t = c->x->tree;
    for (size_t i = 0; i < n->differences.count && i < SHOWN_MAX; i++)
        (void)verify_claim_add(t, claim, VERIFY_BAD, "container.config", "%s: %s", c->who,
                               difference_words(&n->differences.at[i], t));
    if (n->differences.count > SHOWN_MAX)
        (void)verify_claim_add(t, claim, VERIFY_BAD, "container.config", "and %zu more differences",
                               n->differences.count - SHOWN_MAX);
}

static const char *hex(const struct verify_candidate *c, const uint8_t *digest)
{
    return verify_tree_hex(c->x->tree, digest, CMC_SHA256_LEN);
}

static void add_digests(const struct verify_candidate *c, const struct nearest *n,
                        struct verify_claim *claim)
{
    struct verify_tree *t = c->x->tree;
    const struct verify_container *row = c->row;
    if (row->config_differs) {
        struct verify_claim *config = verify_claim_add(
            t, claim, VERIFY_BAD, "container.config", "%s: configuration %s, the reference has %s",
            c->who, hex(c, row->config), hex(c, row->ref_config));
        add_differences(c, n, config);
    } else if (same_key(c, n->w)) {
        (void)verify_claim_add(t, claim, VERIFY_GOOD, "container.config",
                               "configuration %s: the reference's", hex(c, row->config));
    }
    (void)verify_claim_add(t, claim, row->rootfs_differs ? VERIFY_BAD : VERIFY_GOOD,
                           "container.rootfs",
                           row->rootfs_differs ? "%s: root file system %s, the reference has %s"
                                               : "%s: root file system %s: the reference's",
                           c->who, hex(c, row->rootfs), hex(c, row->ref_rootfs));
}

/* Where the rules of the nearest reference end. */
static void add_rules(const struct verify_candidate *c, const struct nearest *n,
                      const struct meta_bytes *detail, struct verify_claim *claim)
{
    char path[VERIFY_RULES_PATH] = "";
    struct cmc_err err = {0};
    if (!detail || !n->w->reference->rules || c->row->rootfs_differs || !c->row->config_differs)
        return;
    if (verify_allowed(c->x, n->w, detail, path, &err) < 0)
        (void)verify_claim_add(c->x->tree, claim, VERIFY_BAD, "container.rules",
                               "%s: the rules of \"%s\" do not allow %s: %s", c->who,
                               c->row->manifest, *path ? path : "it", err.msg);
}

/* Another redaction key makes other digests of equal configurations: no mismatch is shown. */
static void add_other_key(const struct verify_candidate *c, const struct verify_wanted *w,
                          struct verify_claim *claim)
{
    struct verify_tree *t = c->x->tree;
    (void)verify_claim_add(t, claim, VERIFY_UNCHECKED, "container.key",
                           "%s could not be compared: measured with redaction key %s, reference "
                           "\"%s\" is made with %s",
                           c->who, verify_tree_hex(t, c->ev->key_id, sizeof(c->ev->key_id)),
                           c->row->reference, verify_tree_hex(t, w->key_id, sizeof(w->key_id)));
}

static void add_no_detail(const struct verify_candidate *c, struct verify_claim *claim)
{
    if (c->effort->ruled > VERIFY_RULED_MAX)
        (void)verify_claim_add(c->x->tree, claim, VERIFY_UNCHECKED, "container.rules",
                               "%s: the rules of \"%s\" are not applied after %d comparisons",
                               c->who, c->row->manifest, VERIFY_RULED_MAX);
    else
        (void)verify_claim_add(
            c->x->tree, claim, VERIFY_UNCHECKED, "container.rules",
            "%s: without its configuration the rules of \"%s\" cannot be applied", c->who,
            c->row->manifest);
}

/* A reference for the same files that could allow the container, if more were known: one of
 * another key, or one with rules while the configuration is not there. */
static const struct verify_wanted *undecided(const struct verify_candidate *c,
                                             const struct verify_wanted_list *wanted, bool detail)
{
    for (size_t i = 0; i < wanted->count; i++) {
        const struct verify_wanted *w = &wanted->at[i];
        if (verify_same(c->ev->rootfs, w->rootfs, CMC_SHA256_LEN) &&
            (!same_key(c, w) || (!detail && w->reference->rules)))
            return w;
    }
    return NULL;
}

static void add_undecided(const struct verify_candidate *c, const struct verify_wanted *w,
                          struct verify_claim *claim)
{
    verify_container_refer(c, w);
    c->row->config_differs = false; /* not known */
    if (same_key(c, w))
        add_no_detail(c, claim);
    else
        add_other_key(c, w, claim);
}

static void add_nearest(const struct verify_candidate *c, const struct verify_wanted_list *wanted,
                        const struct meta_bytes *detail, struct verify_claim *claim)
{
    const struct nearest n = find(c, wanted, detail);
    verify_container_refer(c, n.w);
    c->row->config_differs &= same_key(c, n.w); /* of another key: not known */
    c->row->difference = n.differences.at;
    c->row->difference_count = n.differences.count;
    claim->text =
        verify_tree_fmt(c->x->tree, "%s is not allowed; the nearest reference is \"%s\" of \"%s\"",
                        c->who, c->row->reference, c->row->manifest);
    add_digests(c, &n, claim);
    add_rules(c, &n, detail, claim);
}

enum verify_status verify_container_explain(const struct verify_candidate *c,
                                            const struct verify_wanted_list *wanted,
                                            struct verify_claim *up)
{
    struct verify_tree *t = c->x->tree;
    struct meta_bytes bytes = {0};
    struct verify_claim *claim =
        verify_claim_add(t, up, VERIFY_BAD, "container", "%s is not allowed", c->who);
    verify_container_event(c, claim);
    const int rc = get_detail(c, &bytes, claim);
    const bool ruled = rc != 0 && c->effort->ruled <= VERIFY_RULED_MAX;
    const bool explain = rc > 0 && c->effort->explained < VERIFY_EXPLAINED_MAX;
    const struct verify_wanted *w = undecided(c, wanted, ruled);
    if (!wanted->count)
        (void)verify_claim_add(t, claim, VERIFY_BAD, "container.reference",
                               "%s: there is no reference for containers of PCR %u", c->who,
                               verify_log_pcr(c->x->log));
    else if (w)
        add_undecided(c, w, claim);
    else
        add_nearest(c, wanted, explain ? &bytes : NULL, claim);
    c->effort->explained += explain;
    claim->status = verify_claim_worst(claim);
    return claim->status;
}
