/* SPDX-License-Identifier: Apache-2.0 */
/* attest/verify/cmc_index.c -- references of profile cmc, found by register and digest; and those
 * that had to occur. */
#include <stdlib.h>
#include <string.h>

#include "attest/verify/cmc_parts.h"
#include "measure/config_cmc.h"

enum { SAID_MAX = 32 };

/* Of profile exact, or a program's, which this profile's events do not name. */
static bool is_exact(const struct verify_reference *r)
{
    const char *profile = meta_component_property(r->component, "cmc.profile");
    return (profile && strcmp(profile, "exact") == 0) ||
           meta_component_property(r->component, "cmc.program");
}

static bool applies(const struct verify_reference *r, bool software)
{
    return !is_exact(r) && (software ? r->sw : r->tpm);
}

int verify_cmc_form(const struct cmc_json *spec, struct cmc_buf *form, struct cmc_err *err)
{
    cmc_autobuf struct cmc_buf text = cmc_buf_of(CMC_JSON_BYTES_MAX);
    cmc_put_json(&text, spec);
    int rc = cmc_buf_check(&text, "ociSpec", err);
    return rc < 0 ? rc : measure_config_cmc_form(text.data, text.len, form, err);
}

/* The digest that the reference gives, else that of the configuration that it holds. */
static bool config_of(const struct meta_ctr *ctr, uint8_t out[static CMC_SHA256_LEN])
{
    cmc_autobuf struct cmc_buf form = cmc_buf_of(CMC_JSON_BYTES_MAX);
    struct cmc_err err = {0};
    if (ctr->config.len == CMC_SHA256_LEN)
        memcpy(out, ctr->config.data, CMC_SHA256_LEN);
    else if (ctr->oci_spec && verify_cmc_form(ctr->oci_spec, &form, &err) == 0)
        cmc_sha256(form.data, form.len, out);
    else
        return false;
    return true;
}

/* The Go CMC's references for software evidence have the root file system's digest as their hash.
 */
static const uint8_t *rootfs_of(const struct meta_component *c)
{
    const struct meta_bytes *hash = meta_component_hash(c, "SHA-256");
    if (c->ctr->rootfs.len == CMC_SHA256_LEN)
        return c->ctr->rootfs.data;
    return hash && hash->len == CMC_SHA256_LEN ? hash->data : NULL;
}

static size_t want(struct verify_cmc *v, bool software)
{
    const struct verify_metadata *m = v->metadata;
    struct verify_cmc_wanted *w = verify_tree_alloc(v->t, m->reference_count, sizeof(*w));
    size_t n = 0;
    for (size_t i = 0; w && i < m->reference_count; i++) {
        const struct verify_reference *r = &m->reference[i];
        if (!r->component->ctr || !applies(r, software))
            continue;
        w[n].reference = r;
        w[n].rootfs = rootfs_of(r->component);
        n += w[n].rootfs && config_of(r->component->ctr, w[n].config);
    }
    v->wanted = w;
    return n;
}

static int by_digest(const void *a, const void *b)
{
    const struct verify_cmc_key *x = a, *y = b;
    if (x->index != y->index)
        return x->index < y->index ? -1 : 1;
    if (x->len != y->len)
        return x->len < y->len ? -1 : 1;
    return memcmp(x->digest, y->digest, x->len);
}

static size_t place(const struct verify_cmc *v, const struct verify_reference *r)
{
    return (size_t)(r - v->metadata->reference);
}

void verify_cmc_index(struct verify_cmc *v, uint16_t bank, bool software)
{
    const struct verify_metadata *m = v->metadata;
    const size_t size = cmc_hash_size(bank);
    struct cmc_err err = {0};
    v->wanted_count = want(v, software);
    v->seen = verify_tree_alloc(v->t, m->reference_count, sizeof(*v->seen));
    struct verify_cmc_key *key =
        verify_tree_alloc(v->t, m->reference_count + v->wanted_count, sizeof(*key));
    uint8_t *templates = verify_tree_alloc(v->t, v->wanted_count, size);
    if (!key || !v->seen || (v->wanted_count && !templates)) {
        v->wanted_count = v->key_count = 0;
        return;
    }
    size_t n = 0;
    for (size_t i = 0; i < m->reference_count; i++) {
        const struct verify_reference *r = &m->reference[i];
        const struct meta_bytes *h = meta_component_hash(r->component, verify_cmc_alg_name(bank));
        if (!software && applies(r, software) && h && h->len == size)
            key[n++] = (struct verify_cmc_key){r->index, h->data, size, i};
    }
    for (size_t i = 0; i < v->wanted_count; i++) {
        const struct verify_cmc_wanted *w = &v->wanted[i];
        uint8_t *template = templates + i * size;
        if (cmc_hash2(bank, w->config, CMC_SHA256_LEN, w->rootfs, CMC_SHA256_LEN, template, &err) ==
            0)
            key[n++] = (struct verify_cmc_key){software ? -1 : w->reference->index, template, size,
                                               place(v, w->reference)};
    }
    qsort(key, n, sizeof(*key), by_digest);
    v->key = key;
    v->key_count = n;
}

const struct verify_reference *verify_cmc_find(struct verify_cmc *v, int index,
                                               const struct meta_bytes *digest)
{
    const struct verify_cmc_key want = {index, digest->data, digest->len, 0};
    const struct verify_cmc_key *k =
        v->key_count ? bsearch(&want, v->key, v->key_count, sizeof(*k), by_digest) : NULL;
    if (!k)
        return NULL;
    while (k > v->key && by_digest(&k[-1], k) == 0)
        k--;
    const struct verify_reference *first = &v->metadata->reference[k->reference];
    if (v->seen[k->reference]) /* so are all others with this digest */
        return first;
    for (const struct verify_cmc_key *end = v->key + v->key_count;
         k < end && by_digest(k, &want) == 0; k++)
        v->seen[k->reference] = true;
    return first;
}

bool verify_cmc_is_register(const struct verify_cmc *v, int index)
{
    for (size_t i = 0; i < v->wanted_count; i++)
        if (v->wanted[i].reference->index == index)
            return true;
    return false;
}

static const char *name_of(const struct verify_reference *r)
{
    return r->component->name ? r->component->name : "";
}

/* Why a reference is a fault; NULL: it is none. */
static const char *absence(const struct verify_cmc *v, const struct verify_reference *r,
                           const struct verify_cmc_pcrs *pcrs)
{
    if (is_exact(r))
        return r->must_run && r->component->ctr ? "must run, but is for profile exact" : NULL;
    if (!applies(r, !pcrs))
        return NULL;
    if (pcrs && !pcrs->artifact[r->index])
        return "is for a register that is not quoted";
    if (r->must_run && !v->seen[place(v, r)])
        return r->component->ctr ? "must run, and no container matches it"
                                 : "must occur, and no event matches it";
    return NULL;
}

void verify_cmc_missing(struct verify_cmc *v, const struct verify_cmc_pcrs *pcrs)
{
    size_t said[2] = {0};
    for (size_t i = 0; v->seen && i < v->metadata->reference_count; i++) {
        const struct verify_reference *r = &v->metadata->reference[i];
        const char *why = absence(v, r, pcrs);
        const bool container = r->component->ctr;
        if (!why || said[container]++ >= SAID_MAX)
            continue;
        (void)verify_claim_add(v->t, container ? v->containers : v->host, VERIFY_BAD,
                               "reference.absent", "reference \"%s\" of \"%s\" %s", name_of(r),
                               r->manifest->name, why);
    }
}
