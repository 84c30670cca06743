/* SPDX-License-Identifier: Apache-2.0 */
/* attest/verify/result_cmc.c -- a result as CMC's AttestationResult 3.4.0. */
#include <string.h>
#include <time.h>

#include "attest/verify/result_parts.h"

static void open_object(struct cmc_buf *b, const char *name)
{
    verify_put_name(b, name);
    cmc_put_u8(b, '{');
}

static void close_object(struct cmc_buf *b)
{
    cmc_put_u8(b, '}');
}

static void put_status(struct cmc_buf *b, const char *name, const char *status)
{
    open_object(b, name);
    verify_put_text(b, "status", status);
    close_object(b);
}

/* The status of the first claim with this id, wherever it is: what was not shown has failed. */
static const struct verify_claim *find(const struct verify_claim *c, const char *id)
{
    for (; c; c = c->next) {
        if (strcmp(c->id, id) == 0)
            return c;
        const struct verify_claim *below = find(c->child, id);
        if (below)
            return below;
    }
    return NULL;
}

static const char *claim_status(const struct verify_result *r, const char *id)
{
    const struct verify_claim *c = find(r->claim, id);
    return c && c->status == VERIFY_GOOD ? "success" : "fail";
}

static const char *summary(const struct verify_result *r)
{
    return r->verdict == VERIFY_TRUSTED           ? "success"
           : r->verdict == VERIFY_TRUSTED_IF_ROOT ? "warn"
                                                  : "fail";
}

static void put_created(struct cmc_buf *b, int64_t created)
{
    char text[sizeof("-2147481748-12-31T23:59:60Z")] = "";
    const time_t when = (time_t)created;
    struct tm tm;
    if (gmtime_r(&when, &tm) && strftime(text, sizeof(text), "%Y-%m-%dT%H:%M:%SZ", &tm) > 0)
        verify_put_text(b, "created", text);
}

/* DigestResult: the digest is a name for the pair of digests (docs/formats/references.md, 2). */
static void put_container(struct cmc_buf *b, const struct verify_result *r,
                          const struct verify_container *c)
{
    const bool good = c->status == VERIFY_GOOD;
    open_object(b, NULL);
    verify_put_name(b, "success");
    cmc_put_text(b, good ? "true" : "false");
    verify_put_name(b, "launched");
    cmc_put_text(b, "true");
    verify_put_text(b, "type", good ? "Verified" : "Measurement");
    verify_put_text(b, "name", c->name ? c->name : c->id ? c->id : "");
    verify_put_name(b, "index");
    cmc_put_fmt(b, "%u", r->pcr);
    if (c->measured) {
        uint8_t both[2 * CMC_SHA256_LEN], digest[CMC_SHA256_LEN];
        memcpy(both, c->config, CMC_SHA256_LEN);
        memcpy(both + CMC_SHA256_LEN, c->rootfs, CMC_SHA256_LEN);
        cmc_sha256(both, sizeof(both), digest);
        verify_put_digest(b, "digest", digest);
        verify_put_text(b, "hashAlg", "SHA-256");
    }
    verify_put_text(b, "description", c->reason);
    if (c->measured) {
        open_object(b, "ctrDetails");
        verify_put_digest(b, "configSha256", c->config);
        verify_put_digest(b, "rootfsSha256", c->rootfs);
        close_object(b);
    }
    close_object(b);
}

static void put_measurement(struct cmc_buf *b, const struct verify_result *r)
{
    const bool tpm = r->key_kind && strcmp(r->key_kind, "software key") != 0;
    open_object(b, NULL);
    verify_put_text(b, "type", tpm ? "TPM Result" : "SW Result");
    put_status(b, "summary", claim_status(r, "log"));
    put_status(b, "freshness", claim_status(r, "quote.nonce"));
    open_object(b, "signature");
    put_status(b, "signatureVerification", claim_status(r, "quote.signature"));
    put_status(b, "certChainValidation", claim_status(r, "key.chain"));
    close_object(b);
    verify_put_name(b, "artifacts");
    cmc_put_u8(b, '[');
    for (size_t i = 0; i < r->container_count; i++)
        put_container(b, r, &r->container[i]);
    cmc_put_u8(b, ']');
    if (tpm) {
        open_object(b, "tpmResult");
        put_status(b, "aggPcrQuoteMatch", claim_status(r, "quote.values"));
        close_object(b);
    }
    close_object(b);
}

void verify_put_attestation(const struct verify_result *r, struct cmc_buf *b)
{
    verify_put_text(b, "version", "3.4.0");
    verify_put_text(b, "type", "Attestation Result");
    put_status(b, "summary", summary(r));
    open_object(b, "prover");
    verify_put_text(b, "hostname", r->host);
    close_object(b);
    put_created(b, r->created);
    put_status(b, "freshness", claim_status(r, "quote.nonce"));
    verify_put_name(b, "certLevel");
    cmc_put_fmt(b, "%d", r->cert_level);
    verify_put_name(b, "measurements");
    cmc_put_u8(b, '[');
    put_measurement(b, r);
    cmc_put_u8(b, ']');
    open_object(b, "metadata");
    open_object(b, "compatibilityResult");
    put_status(b, "result", claim_status(r, "metadata"));
    close_object(b);
    close_object(b);
}
