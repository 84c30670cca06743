/* SPDX-License-Identifier: Apache-2.0 */
/* attest/prove/cmc_context.c -- artifacts, certificates and metadata as CMC names them. */
#include "attest/prove/cmc_context.h"

#include <stdlib.h>
#include <string.h>

#include <openssl/pem.h>

#include "attest/meta/ossl.h"
#include "base/hex.h"

enum { CONTEXT_MAX = 64 << 20 };

void prove_cmc_fixed_done(struct prove_cmc_fixed *f)
{
    prove_items_done(&f->items);
    free(f->hex);
    free(f->digest);
    free(f->named);
    cmc_buf_done(&f->spki);
    *f = (struct prove_cmc_fixed){0};
}

static int fix_items(const struct prove_request *q, struct prove_cmc_fixed *f, struct cmc_err *err)
{
    if (prove_items_of(q, &f->items, err) < 0)
        return -(int)err->code;
    const size_t room = f->items.count + 1;
    f->hex = calloc(room, sizeof(*f->hex));
    f->digest = calloc(room, sizeof(*f->digest));
    f->named = calloc(room, sizeof(*f->named));
    if (!f->hex || !f->digest || !f->named)
        return cmc_fail(err, CMC_E_LIMIT, "metadata: out of memory");
    for (size_t i = 0; i < f->items.count; i++) {
        const struct prove_listed *l = &f->items.at[i];
        cmc_hex(l->digest, sizeof(l->digest), f->hex[i]);
        f->digest[i] = f->hex[i];
        if (!l->cached)
            f->named[f->named_count++] =
                (struct meta_named_item){.digest = f->hex[i], .data = l->data};
    }
    return 0;
}

static int fix_key(const struct prove *p, struct prove_cmc_fixed *f, struct cmc_err *err)
{
    char *text = NULL;
    CMC_CLEANUP(meta_bio_freep) BIO *bio = BIO_new(BIO_s_mem());
    if (!bio || PEM_write_bio_PUBKEY(bio, p->key) != 1)
        return meta_ossl_fail(err, CMC_E_LIMIT, "software key");
    const long len = BIO_get_mem_data(bio, &text);
    f->spki = cmc_buf_of(META_CERT_BYTES_MAX);
    cmc_put(&f->spki, text, len > 0 ? (size_t)len : 0);
    return cmc_buf_check(&f->spki, "software key", err);
}

int prove_cmc_fix(const struct prove *p, const struct prove_request *q, struct prove_cmc_fixed *out,
                  struct cmc_err *err)
{
    struct prove_cmc_fixed f = {0};
    int rc = fix_items(q, &f, err);
    if (rc == 0 && p->driver->software)
        rc = fix_key(p, &f, err);
    if (rc < 0)
        prove_cmc_fixed_done(&f);
    else
        *out = f;
    return rc;
}

void prove_cmc_context_done(struct prove_cmc_context *c)
{
    cmc_buf_done(&c->bytes);
    *c = (struct prove_cmc_context){0};
}

/* What one context is made of. */
struct artifacts {
    struct prove_cmc_events events;
    uint8_t value[TPM_PCRS][TPM_DIGEST_MAX];
    struct meta_artifact at[TPM_PCRS];
    size_t count;
    struct meta_component summary[TPM_PCRS];
    struct meta_hash hash[TPM_PCRS];
};

static void artifacts_done(struct artifacts *a)
{
    prove_cmc_events_done(&a->events);
}

static void add_register(struct artifacts *a, const char *type)
{
    a->at[a->count++] = (struct meta_artifact){.type = type,
                                               .index = a->events.pcr,
                                               .event = a->events.event,
                                               .event_count = a->events.count};
}

/* The PCR's value, as one event without a name. */
static void add_summary(struct artifacts *a, unsigned pcr)
{
    a->hash[pcr] = (struct meta_hash){.alg = "SHA-256",
                                      .content = {.data = a->value[pcr], .len = CMC_SHA256_LEN}};
    a->summary[pcr] =
        (struct meta_component){.type = "", .name = "", .hash = &a->hash[pcr], .hash_count = 1};
    a->at[a->count++] = (struct meta_artifact){
        .type = "PCR Summary", .index = pcr, .event = &a->summary[pcr], .event_count = 1};
}

/* One artifact for each PCR that is quoted, ascending. The register's value is what the log
 * says: a quote of another one does not fit. */
static int take_pcrs(const struct prove *p, struct artifacts *a, uint8_t digest[CMC_SHA256_LEN],
                     struct cmc_err *err)
{
    const uint32_t pcrs = prove_selection(p);
    struct cmc_sha256_ctx c;
    if (tpm_quote_read(p->cfg.tcti, CMC_ALG_SHA256, pcrs, a->value, err) < 0)
        return -(int)err->code;
    memcpy(a->value[p->cfg.pcr], a->events.value, CMC_SHA256_LEN);
    cmc_sha256_init(&c);
    for (unsigned i = 0; i < TPM_PCRS; i++) {
        if (!(pcrs & 1u << i))
            continue;
        cmc_sha256_add(&c, a->value[i], CMC_SHA256_LEN);
        if (i == p->cfg.pcr)
            add_register(a, "PCR Eventlog");
        else
            add_summary(a, i);
    }
    cmc_sha256_end(&c, digest);
    return 0;
}

/* What a register would hold that begins with zeros. */
static int fold(struct artifacts *a, uint8_t out[static CMC_SHA256_LEN], struct cmc_err *err)
{
    memset(out, 0, CMC_SHA256_LEN);
    for (size_t i = 0; i < a->events.count; i++) {
        const struct meta_bytes *h = &a->events.event[i].hash[0].content;
        if (cmc_hash2(CMC_ALG_SHA256, out, CMC_SHA256_LEN, h->data, h->len, out, err) < 0)
            return -(int)err->code;
    }
    add_register(a, "SW Eventlog");
    return 0;
}

static int encode(const struct prove *p, const struct prove_request *q,
                  const struct prove_cmc_fixed *f, const struct artifacts *a, struct cmc_buf *out,
                  struct cmc_err *err)
{
    const struct meta_collateral collateral = {
        .type = p->driver->software ? "SW Evidence" : "TPM Evidence",
        .cert = p->chain.cert,
        .cert_count = p->chain.count,
        .key = {.data = f->spki.data, .len = f->spki.len},
        .artifact = a->at,
        .artifact_count = a->count,
    };
    const struct meta_context context = {
        .type = "Context",
        .alg = "SHA-256",
        .nonce = {.data = q->nonce, .len = q->nonce_len},
        .collateral = &collateral,
        .collateral_count = 1,
        .digests = {.at = f->digest, .count = f->items.count},
        .item = f->named,
        .item_count = f->named_count,
    };
    return meta_context_encode(&context, q->json ? META_JSON : META_CBOR, out, err);
}

static int fill(struct prove *p, const struct prove_request *q, const struct prove_cmc_fixed *f,
                struct prove_cmc_context *c, struct cmc_err *err)
{
    CMC_CLEANUP(prove_log_done) struct prove_log log = {0};
    CMC_CLEANUP(artifacts_done) struct artifacts a = {0};
    int rc = prove_log_read(p->cfg.runtime_dir, CMC_ALG_SHA256, &log, err);
    if (rc == 0)
        rc = prove_cmc_events_of(p, &log, q->details, &a.events, err);
    if (rc == 0)
        rc = p->driver->software ? fold(&a, c->digest, err) : take_pcrs(p, &a, c->digest, err);
    if (rc == 0)
        rc = encode(p, q, f, &a, &c->bytes, err);
    if (rc == 0)
        cmc_sha256(c->bytes.data, c->bytes.len, c->nonce);
    return rc;
}

int prove_cmc_context_of(struct prove *p, const struct prove_request *q,
                         const struct prove_cmc_fixed *f, struct prove_cmc_context *out,
                         struct cmc_err *err)
{
    struct prove_cmc_context c = {.bytes = cmc_buf_of(CONTEXT_MAX)};
    int rc = fill(p, q, f, &c, err);
    if (rc < 0)
        prove_cmc_context_done(&c);
    else
        *out = c;
    return rc;
}
