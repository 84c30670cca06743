/* SPDX-License-Identifier: Apache-2.0 */
/* attest/verify/cmc_software.c -- software evidence: a key in a file signed the nonce and the fold
 * of the events. That is all it rests on, and it is never called anything else. */
#include <string.h>

#include "attest/verify/cmc_parts.h"
#include "base/cleanup.h"
#include "base/hex.h"

enum { PAYLOAD_MAX = 64 << 10 };

CMC_DEFINE_CLEANUP(meta_key_freep, struct meta_key *, meta_key_free)

static bool refuse(const struct verify_cmc *v, struct verify_claim *up, const char *id,
                   const char *text)
{
    (void)verify_claim_add(v->t, up, VERIFY_BAD, id, "%s", text);
    return false;
}

/* With certificates: a chain like a TPM's. Without: whoever pins the key vouches for it. */
static bool get_key(const struct verify_cmc *v, const struct meta_collateral *c,
                    struct verify_claim *up, struct meta_key **out)
{
    struct meta_der chain[META_CERTS_MAX];
    struct cmc_err err = {0};
    if (c->cert_count > META_CERTS_MAX)
        return refuse(v, up, "key.chain", "more certificates than a chain has");
    for (size_t i = 0; i < c->cert_count; i++)
        chain[i] = (struct meta_der){.data = c->cert[i].data, .len = c->cert[i].len};
    const int rc = c->cert_count ? meta_trust_verify(v->policy->trust, META_ROLE_SOFTWARE_AK, chain,
                                                     c->cert_count, out, &err)
                                 : meta_key_bare(c->key.data, c->key.len, out, &err);
    if (rc < 0) {
        (void)verify_claim_result(v->t, up, "key.chain", rc, &err, "the key");
        return false;
    }
    if (c->cert_count)
        (void)verify_claim_add(v->t, up, VERIFY_GOOD, "key.chain",
                               "certificate \"%s\" leads to a root for attestation keys",
                               meta_key_subject(*out));
    else
        (void)verify_claim_add(v->t, up, v->policy->ak ? VERIFY_NOTE : VERIFY_BAD, "key.chain",
                               "a bare key: no certificate says whose it is%s",
                               v->policy->ak ? "" : ", and it is not pinned");
    return true;
}

static void check_owner(const struct verify_cmc *v, const struct meta_key *k,
                        struct verify_claim *up)
{
    const struct verify_policy *p = v->policy;
    (void)verify_claim_add(v->t, up, p->software ? VERIFY_GOOD : VERIFY_BAD, "key.kind", "%s",
                           p->software ? "software key"
                                       : "a key in a file, and software evidence is not accepted");
    if (p->host && meta_key_names(k, p->host))
        (void)verify_claim_add(v->t, up, VERIFY_GOOD, "key.host", "the certificate names %s",
                               p->host);
    else if (p->host)
        (void)verify_claim_add(v->t, up, VERIFY_BAD, "key.host",
                               "genuine report of another host: the key names %s, expected %s",
                               meta_key_host(k, 0) ? meta_key_host(k, 0) : "no host", p->host);
    if (!p->ak)
        return;
    const bool same = memcmp(p->ak, meta_key_spki(k), CMC_SHA256_LEN) == 0;
    (void)verify_claim_add(v->t, up, same ? VERIFY_GOOD : VERIFY_BAD, "key.pinned",
                           same ? "the key is the expected one: SHA-256 %s"
                                : "genuine report of another key: SHA-256 %s",
                           verify_tree_hex(v->t, meta_key_spki(k), CMC_SHA256_LEN));
}

/* A member in base64 that is exactly these bytes. */
static bool member_is(const struct cmc_json *payload, const char *name, const uint8_t *want,
                      size_t len)
{
    cmc_autobuf struct cmc_buf b = cmc_buf_of((size_t)2 * CMC_HASH_MAX);
    const char *text = cmc_json_text(payload, name);
    cmc_put_base64(&b, want, len);
    return text && !b.bad && strlen(text) == b.len && memcmp(text, b.data, b.len) == 0;
}

static bool fold(const struct verify_cmc *v, const struct meta_collateral *c,
                 struct verify_claim *up, uint8_t out[static CMC_SHA256_LEN])
{
    struct cmc_err err = {0};
    memset(out, 0, CMC_SHA256_LEN);
    for (size_t i = 0; i < c->artifact_count; i++) {
        const struct meta_artifact *a = &c->artifact[i];
        if (!a->type || strcmp(a->type, "SW Eventlog") != 0)
            return refuse(v, up, "log.replay", "an artifact that is no SW Eventlog");
        for (size_t k = 0; k < a->event_count; k++) {
            const struct meta_bytes *h = meta_component_hash(&a->event[k], "SHA-256");
            if (!h || h->len != CMC_SHA256_LEN)
                return refuse(v, up, "log.replay", "an event without a SHA-256 digest");
            if (cmc_hash2(CMC_ALG_SHA256, out, CMC_SHA256_LEN, h->data, h->len, out, &err) < 0)
                return refuse(v, up, "log.replay", err.msg);
        }
    }
    return true;
}

static bool check_payload(const struct verify_cmc *v, const struct cmc_buf *payload,
                          const struct meta_collateral *c, const struct meta_bytes *nonce,
                          struct verify_claim *up)
{
    cmc_autojson struct cmc_json_doc *doc = NULL;
    const struct cmc_json *root = NULL;
    uint8_t agg[CMC_SHA256_LEN];
    struct cmc_err err = {0};
    const int rc = cmc_json_parse((const char *)payload->data, payload->len, &doc, &root, &err);
    if (rc < 0) {
        (void)verify_claim_result(v->t, up, "quote.format", rc, &err, "the signed payload");
        return false;
    }
    if (!member_is(root, "nonce", nonce->data, nonce->len))
        return refuse(v, up, "quote.nonce",
                      "the signed nonce is not that of this request and its context");
    (void)verify_claim_add(v->t, up, VERIFY_GOOD, "quote.nonce",
                           "the signed nonce is made of the request and its context");
    if (!fold(v, c, up, agg))
        return false;
    if (!member_is(root, "sha256", agg, sizeof(agg)))
        return refuse(v, up, "log.replay", "the fold of the events is not the one that was signed");
    (void)verify_claim_add(v->t, up, VERIFY_GOOD, "log.replay",
                           "the events fold to the signed digest %s",
                           verify_tree_hex(v->t, agg, sizeof(agg)));
    return true;
}

static void describe(const struct verify_cmc *v, const struct meta_key *k,
                     struct verify_result *out)
{
    out->key_kind = "software key";
    out->host = verify_tree_text(v->t, meta_key_host(k, 0));
    memcpy(out->ak, meta_key_spki(k), sizeof(out->ak));
    out->has_ak = true;
}

bool verify_cmc_software(struct verify_cmc *v, const struct meta_evidence *e,
                         const struct meta_collateral *c, const struct meta_bytes *nonce,
                         struct verify_result *out)
{
    CMC_CLEANUP(meta_key_freep) struct meta_key *key = NULL;
    cmc_autobuf struct cmc_buf payload = cmc_buf_of(PAYLOAD_MAX);
    struct cmc_err err = {0};
    struct verify_claim *k = verify_claim_add(v->t, v->log, VERIFY_BAD, "key", "a key in a file");
    const bool certified = get_key(v, c, k, &key);
    if (certified)
        check_owner(v, key, k);
    k->status = verify_claim_worst(k);
    if (!certified)
        return false;
    describe(v, key, out);
    struct verify_claim *q =
        verify_claim_add(v->t, v->log, VERIFY_BAD, "quote", "a statement signed by this key");
    const int rc = meta_verify_bare(e->evidence.data, e->evidence.len, key, &payload, &err);
    const bool good = verify_claim_result(v->t, q, "quote.signature", rc, &err,
                                          "the signature by this key") == VERIFY_GOOD &&
                      check_payload(v, &payload, c, nonce, q);
    q->status = verify_claim_worst(q);
    return good;
}
