/* SPDX-License-Identifier: Apache-2.0 */
/* attest/verify/cmc_container.c -- one container of profile cmc: the reference that is equal, or
 * whose rules allow what differs. Its name is in no digest, so it is not shown. */
#include <string.h>

#include "attest/verify/cmc_parts.h"
#include "attest/verify/rules.h"

/* Whether the event's hash in this bank is the template of its ctrData, and the configuration that
 * comes along is that of its digest. */
static int check_template(const struct meta_component *event, uint16_t bank, struct cmc_err *err)
{
    const struct meta_ctr *ctr = event->ctr;
    const struct meta_bytes *hash = meta_component_hash(event, verify_cmc_alg_name(bank));
    cmc_autobuf struct cmc_buf form = cmc_buf_of(CMC_JSON_BYTES_MAX);
    uint8_t got[CMC_HASH_MAX];
    if (!hash || ctr->config.len != CMC_SHA256_LEN || ctr->rootfs.len != CMC_SHA256_LEN)
        return cmc_fail(err, CMC_E_FORMAT, "its digests are not there, or not whole");
    int rc = cmc_hash2(bank, ctr->config.data, CMC_SHA256_LEN, ctr->rootfs.data, CMC_SHA256_LEN,
                       got, err);
    if (rc < 0)
        return rc;
    if (hash->len != cmc_hash_size(bank) || memcmp(got, hash->data, hash->len) != 0)
        return cmc_fail(err, CMC_E_VERIFY, "its hash is not that of its two digests");
    if (!ctr->oci_spec)
        return 0;
    rc = verify_cmc_form(ctr->oci_spec, &form, err);
    if (rc < 0)
        return cmc_wrap(err, "its ociSpec");
    cmc_sha256(form.data, form.len, got);
    return memcmp(got, ctr->config.data, CMC_SHA256_LEN) == 0
               ? 0
               : cmc_fail(err, CMC_E_VERIFY, "its ociSpec is not the one that was measured");
}

bool verify_cmc_room(struct verify_cmc *v, size_t n)
{
    if (n > v->room - v->count) {
        const size_t room = v->count + n + v->room;
        struct verify_container *more = verify_tree_alloc(v->t, room, sizeof(*more));
        if (!more)
            return false;
        if (v->count)
            memcpy(more, v->container, v->count * sizeof(*more));
        v->container = more;
        v->room = room;
    }
    return true;
}

void verify_cmc_refer(const struct verify_cmc *v, const struct verify_cmc_wanted *w,
                      struct verify_container *row)
{
    row->reference = verify_tree_text(v->t, w->reference->component->name);
    row->manifest = verify_tree_text(v->t, w->reference->manifest->name);
    row->config_differs = memcmp(row->config, w->config, CMC_SHA256_LEN) != 0;
    row->rootfs_differs = memcmp(row->rootfs, w->rootfs, CMC_SHA256_LEN) != 0;
    memcpy(row->ref_config, w->config, CMC_SHA256_LEN);
    memcpy(row->ref_rootfs, w->rootfs, CMC_SHA256_LEN);
}

static void refer_equal(const struct verify_cmc *v, const struct verify_reference *r,
                        struct verify_container *row)
{
    const struct verify_cmc_wanted w = {.reference = r, .rootfs = row->rootfs};
    struct verify_cmc_wanted same = w;
    memcpy(same.config, row->config, CMC_SHA256_LEN);
    verify_cmc_refer(v, &same, row);
}

/* The first reference with the same root file system whose rules allow the configuration. */
static const struct verify_cmc_wanted *allowed(struct verify_cmc *v,
                                               const struct meta_component *event, int index)
{
    char path[VERIFY_RULES_PATH];
    struct cmc_err err = {0};
    for (size_t i = 0; event->ctr->oci_spec && i < v->wanted_count; i++) {
        const struct verify_cmc_wanted *w = &v->wanted[i];
        const struct cmc_json *spec = w->reference->component->ctr->oci_spec;
        if ((index >= 0 && w->reference->index != index) || !w->reference->rules || !spec ||
            memcmp(w->rootfs, event->ctr->rootfs.data, CMC_SHA256_LEN) != 0)
            continue;
        if (verify_rules_check(spec, event->ctr->oci_spec, w->reference->rules, path, &err) == 0) {
            v->seen[w->reference - v->metadata->reference] = true;
            return w;
        }
    }
    return NULL;
}

static void say_good(struct verify_cmc *v, const struct verify_container *row, int index,
                     bool by_rules)
{
    struct verify_claim *c = verify_claim_add(
        v->t, v->containers, VERIFY_GOOD, "container",
        "container %llu is reference \"%s\" of \"%s\"%s", (unsigned long long)row->seq,
        row->reference, row->manifest, by_rules ? ", as its rules allow" : "");
    (void)verify_claim_add(v->t, c, VERIFY_GOOD, "container.event",
                           index >= 0 ? "its digest is in PCR %d" : "its digest is in the fold%.0d",
                           index >= 0 ? index : 0);
    (void)verify_claim_add(
        v->t, c, VERIFY_GOOD, by_rules ? "container.rules" : "container.config",
        "configuration %s: %s", verify_tree_hex(v->t, row->config, CMC_SHA256_LEN),
        by_rules ? "differs from the reference's in what the rules allow" : "the reference's");
    (void)verify_claim_add(v->t, c, VERIFY_GOOD, "container.rootfs",
                           "root file system %s: the reference's",
                           verify_tree_hex(v->t, row->rootfs, CMC_SHA256_LEN));
}

static void judge(struct verify_cmc *v, const struct meta_component *event, int index,
                  uint16_t bank, struct verify_container *row)
{
    const struct meta_bytes *hash = meta_component_hash(event, verify_cmc_alg_name(bank));
    const struct verify_reference *equal = verify_cmc_find(v, index, hash);
    const struct verify_cmc_wanted *w = equal ? NULL : allowed(v, event, index);
    if (equal)
        refer_equal(v, equal, row);
    else if (w)
        verify_cmc_refer(v, w, row);
    row->status = equal || w ? VERIFY_GOOD : VERIFY_BAD;
    if (row->status == VERIFY_GOOD) {
        say_good(v, row, index, w != NULL);
        return;
    }
    struct verify_claim *c =
        verify_claim_add(v->t, v->containers, VERIFY_BAD, "container",
                         "container %llu is no reference's", (unsigned long long)row->seq);
    if (v->explained++ < VERIFY_CMC_EXPLAINED_MAX)
        verify_cmc_explain(v, event, index, row, c);
}

void verify_cmc_container(struct verify_cmc *v, const struct meta_component *event, int index,
                          uint16_t bank)
{
    struct cmc_err err = {0};
    if (!verify_cmc_room(v, 1) || !v->seen)
        return;
    struct verify_container *row = &v->container[v->count++];
    *row = (struct verify_container){.seq = v->count, .event = "container-create"};
    const int rc = check_template(event, bank, &err);
    if (rc < 0) {
        row->event = "unknown";
        row->status = verify_claim_result(v->t, v->containers, "container.event", rc, &err,
                                          "container %llu", (unsigned long long)row->seq);
        return;
    }
    row->measured = true;
    memcpy(row->config, event->ctr->config.data, CMC_SHA256_LEN);
    memcpy(row->rootfs, event->ctr->rootfs.data, CMC_SHA256_LEN);
    judge(v, event, index, bank, row);
}
