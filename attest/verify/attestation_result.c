/* SPDX-License-Identifier: Apache-2.0 */
/* attest/verify/attestation_result.c -- a result as the AttestationResult 3.4.0 of CMC: tables of
 * its types, and what fills them. */
#include "attest/verify/attestation_result.h"

#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "attest/meta/codec.h"
#include "attest/verify/result_parts.h"

/* CMC's types. A status in CBOR has a text as its key. */
struct status {
    const char *details, *status;
};
struct signature {
    struct status verification, chain;
};
struct pair {
    struct meta_bytes config, rootfs;
};
struct digest {
    bool success, launched;
    const char *type, *name;
    int64_t index;
    struct meta_bytes value;
    const char *alg, *description;
    const struct pair *ctr; /* own */
    struct pair own;
    uint8_t name_of_pair[CMC_SHA256_LEN];
};
struct measurement {
    const char *type;
    struct status summary, freshness;
    struct signature signature;
    const struct digest *artifact;
    size_t artifact_count;
    const struct status *quote; /* of a TPM */
};
struct item {
    const char *type, *name, *version, *not_before, *not_after, *description;
    struct status summary, validity;
    struct signature own;
    const struct signature *signature; /* own */
    size_t signature_count;
    struct meta_bytes hash;
};
struct attestation {
    const char *version, *type;
    struct status summary;
    const char *hostname, *created;
    struct status freshness;
    int64_t cert_level;
    const struct measurement *measurement;
    size_t measurement_count;
    struct item *image, *company;
    const struct item *manifest, *unknown;
    size_t manifest_count, unknown_count;
    struct status compatibility;
};

#define OF(type, member)      .at = offsetof(struct type, member)
#define COUNTED(type, member) OF(type, member), .count_at = offsetof(struct type, member##_count)

static const struct meta_field status_fields[] = {
    {"details", 5, META_TEXT, META_MAY, OF(status, details)},
    {"status", META_TEXT_KEY, META_TEXT, META_MUST, OF(status, status)},
};
static const struct meta_record status_record = {
    .name = "a status", .size = sizeof(struct status), META_FIELDS(status_fields)};

static const struct meta_field signature_fields[] = {
    {"signatureVerification", 0, META_INSIDE, META_MUST, OF(signature, verification),
     .of = &status_record},
    {"certChainValidation", 1, META_INSIDE, META_MUST, OF(signature, chain), .of = &status_record},
};
static const struct meta_record signature_record = {
    .name = "a signature", .size = sizeof(struct signature), META_FIELDS(signature_fields)};

static const struct meta_field pair_fields[] = {
    {"configSha256", 0, META_HEX, META_MUST, OF(pair, config)},
    {"rootfsSha256", 1, META_HEX, META_MUST, OF(pair, rootfs)},
};
static const struct meta_record pair_record = {
    .name = "a container", .size = sizeof(struct pair), META_FIELDS(pair_fields)};

static const struct meta_field digest_fields[] = {
    {"success", 0, META_BOOL, META_MUST, OF(digest, success)},
    {"launched", 1, META_BOOL, META_MUST, OF(digest, launched)},
    {"type", 2, META_TEXT, META_MAY, OF(digest, type)},
    {"name", 3, META_TEXT, META_ALWAYS, OF(digest, name)},
    {"index", 4, META_INT, META_MUST, OF(digest, index)},
    {"digest", 5, META_HEX, META_MAY, OF(digest, value)},
    {"hashAlg", 6, META_TEXT, META_MAY, OF(digest, alg)},
    {"description", 8, META_TEXT, META_MAY, OF(digest, description)},
    {"ctrDetails", 10, META_RECORD, META_MAY, OF(digest, ctr), .of = &pair_record},
};
static const struct meta_record digest_record = {
    .name = "an artifact", .size = sizeof(struct digest), META_FIELDS(digest_fields)};

static const struct meta_field tpm_fields[] = {
    {"aggPcrQuoteMatch", 1, META_INSIDE, META_MUST, .of = &status_record},
};
static const struct meta_record tpm_record = {
    .name = "a TPM's result", .size = sizeof(struct status), META_FIELDS(tpm_fields)};

static const struct meta_field measurement_fields[] = {
    {"type", 0, META_TEXT, META_MUST, OF(measurement, type)},
    {"summary", 1, META_INSIDE, META_MUST, OF(measurement, summary), .of = &status_record},
    {"freshness", 2, META_INSIDE, META_MUST, OF(measurement, freshness), .of = &status_record},
    {"signature", 3, META_INSIDE, META_MUST, OF(measurement, signature), .of = &signature_record},
    {"artifacts", 4, META_LIST, META_ALWAYS, COUNTED(measurement, artifact), .of = &digest_record},
    {"tpmResult", 5, META_RECORD, META_MAY, OF(measurement, quote), .of = &tpm_record},
};
static const struct meta_record measurement_record = {
    .name = "a measurement", .size = sizeof(struct measurement), META_FIELDS(measurement_fields)};

static const struct meta_field validity_fields[] = {
    {"notBefore", 0, META_TEXT, META_ALWAYS, OF(item, not_before)},
    {"notAfter", 1, META_TEXT, META_ALWAYS, OF(item, not_after)},
};
static const struct meta_record validity_record = {
    .name = "validity", .size = sizeof(struct item), META_FIELDS(validity_fields)};

static const struct meta_field item_fields[] = {
    {"type", 0, META_TEXT, META_ALWAYS, OF(item, type)},
    {"name", 1, META_TEXT, META_MAY, OF(item, name)},
    {"version", 2, META_TEXT, META_MAY, OF(item, version)},
    {"validity", 3, META_INSIDE, META_MAY, .of = &validity_record},
    {"description", 4, META_TEXT, META_MAY, OF(item, description)},
    {"summary", 40, META_INSIDE, META_MUST, OF(item, summary), .of = &status_record},
    {"validityCheck", 41, META_INSIDE, META_MUST, OF(item, validity), .of = &status_record},
    {"signatureValidation", 42, META_LIST, META_ALWAYS, COUNTED(item, signature),
     .of = &signature_record},
    {"manifestHash", 50, META_HEX, META_MAY, OF(item, hash)},
};
static const struct meta_record item_record = {
    .name = "an item", .size = sizeof(struct item), META_FIELDS(item_fields)};

static const struct meta_field compatibility_fields[] = {
    {"result", 0, META_INSIDE, META_MUST, OF(attestation, compatibility), .of = &status_record},
};
static const struct meta_record compatibility_record = {
    .name = "compatibility", .size = sizeof(struct attestation), META_FIELDS(compatibility_fields)};

static const struct meta_field metadata_fields[] = {
    {"imageDescriptionResult", 0, META_RECORD, META_MAY, OF(attestation, image),
     .of = &item_record},
    {"manifestResults", 1, META_LIST, META_MAY, COUNTED(attestation, manifest), .of = &item_record},
    {"companyDescriptionResult", 2, META_RECORD, META_MAY, OF(attestation, company),
     .of = &item_record},
    {"unknownResults", 3, META_LIST, META_MAY, COUNTED(attestation, unknown), .of = &item_record},
    {"compatibilityResult", 4, META_INSIDE, META_MUST, .of = &compatibility_record},
};
static const struct meta_record metadata_record = {
    .name = "metadata", .size = sizeof(struct attestation), META_FIELDS(metadata_fields)};

static const struct meta_field endpoint_fields[] = {
    {"hostname", 0, META_TEXT, META_MAY, OF(attestation, hostname)},
};
static const struct meta_record endpoint_record = {
    .name = "an endpoint", .size = sizeof(struct attestation), META_FIELDS(endpoint_fields)};

static const struct meta_field attestation_fields[] = {
    {"version", 0, META_TEXT, META_MUST, OF(attestation, version)},
    {"type", 1, META_TEXT, META_MUST, OF(attestation, type)},
    {"summary", 2, META_INSIDE, META_MUST, OF(attestation, summary), .of = &status_record},
    {"prover", 3, META_INSIDE, META_MUST, .of = &endpoint_record},
    {"created", 5, META_TEXT, META_MUST, OF(attestation, created)},
    {"freshness", 6, META_INSIDE, META_MUST, OF(attestation, freshness), .of = &status_record},
    {"certLevel", 7, META_INT, META_MUST, OF(attestation, cert_level)},
    {"measurements", 8, META_LIST, META_MUST, COUNTED(attestation, measurement),
     .of = &measurement_record},
    {"metadata", 9, META_INSIDE, META_MUST, .of = &metadata_record},
};
static const struct meta_record attestation_record = {.name = "an attestation result",
                                                      .size = sizeof(struct attestation),
                                                      .max = META_DOCUMENT_MAX,
                                                      META_FIELDS(attestation_fields)};

/* Everything that the tables point to. */
struct filled {
    struct attestation a;
    struct measurement measurement;
    struct status quote;
    struct digest *digest;           /* borrowed: one for each container */
    struct item *manifest, *unknown; /* borrowed: one for each item */
    struct item image, company;
    char created[sizeof("-2147481748-12-31T23:59:60Z")];
};

/* The first claim with this id, wherever it is. */
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

/* What was not shown has failed. */
static struct status of_claim(const struct verify_result *r, const char *id)
{
    const struct verify_claim *c = find(r->claim, id);
    return (struct status){.status = c && c->status == VERIFY_GOOD ? "success" : "fail"};
}

static struct status of(enum verify_status s)
{
    return (struct status){.status = s == VERIFY_GOOD   ? "success"
                                     : s == VERIFY_NOTE ? "warn"
                                                        : "fail"};
}

static struct status of_verdict(const struct verify_result *r)
{
    return (struct status){.status = r->verdict == VERIFY_TRUSTED           ? "success"
                                     : r->verdict == VERIFY_TRUSTED_IF_ROOT ? "warn"
                                                                            : "fail",
                           .details = r->reason};
}

/* The digest is a name for the pair of digests (docs/formats/references.md, 2). */
static void fill_container(struct filled *f, const struct verify_result *r, size_t i)
{
    const struct verify_container *c = &r->container[i];
    uint8_t both[2 * CMC_SHA256_LEN];
    const bool good = c->status == VERIFY_GOOD;
    struct digest *d = &f->digest[i];
    *d = (struct digest){.success = good,
                         .launched = true,
                         .type = good ? "Verified" : "Measurement",
                         .name = c->name ? c->name
                                 : c->id ? c->id
                                         : "",
                         .index = r->pcr,
                         .description = c->reason};
    if (!c->measured)
        return;
    memcpy(both, c->config, CMC_SHA256_LEN);
    memcpy(both + CMC_SHA256_LEN, c->rootfs, CMC_SHA256_LEN);
    cmc_sha256(both, sizeof(both), d->name_of_pair);
    d->own = (struct pair){{.data = c->config, .len = CMC_SHA256_LEN},
                           {.data = c->rootfs, .len = CMC_SHA256_LEN}};
    d->value = (struct meta_bytes){.data = d->name_of_pair, .len = CMC_SHA256_LEN};
    d->alg = "SHA-256";
    d->ctr = &d->own;
}

static void fill_item(const struct verify_metadata_result *m, struct item *out)
{
    *out = (struct item){
        .type = m->type ? m->type : "",
        .name = m->name,
        .version = m->version,
        .not_before = m->not_before,
        .not_after = m->not_after,
        .description = m->description,
        .summary = of(m->status),
        .validity = of(m->validity),
        .own = {of(m->signature), of(m->signature)},
        .signature = &out->own,
        .signature_count = 1,
        .hash = {.data = m->digest, .len = CMC_SHA256_LEN},
    };
}

/* The place of an item: the first description of an image or a company stands alone. */
static struct item *place_of(struct filled *f, const struct verify_metadata_result *m)
{
    struct attestation *a = &f->a;
    const char *type = m->type ? m->type : "";
    if (strcmp(type, "Manifest") == 0)
        return &f->manifest[a->manifest_count++];
    if (strcmp(type, "Image Description") == 0 && !a->image)
        return a->image = &f->image;
    if (strcmp(type, "Company Description") == 0 && !a->company)
        return a->company = &f->company;
    return &f->unknown[a->unknown_count++];
}

static void fill_measurement(struct filled *f, const struct verify_result *r)
{
    const bool tpm = r->key_kind && strcmp(r->key_kind, "software key") != 0;
    f->quote = of_claim(r, "quote.values");
    f->measurement = (struct measurement){
        .type = tpm ? "TPM Result" : "SW Result",
        .summary = of_claim(r, "log"),
        .freshness = of_claim(r, "quote.nonce"),
        .signature = {of_claim(r, "quote.signature"), of_claim(r, "key.chain")},
        .artifact = f->digest,
        .artifact_count = r->container_count,
        .quote = tpm ? &f->quote : NULL,
    };
    for (size_t i = 0; i < r->container_count; i++)
        fill_container(f, r, i);
}

static void fill(struct filled *f, const struct verify_result *r)
{
    const time_t when = (time_t)r->created;
    struct tm tm;
    if (!gmtime_r(&when, &tm) ||
        strftime(f->created, sizeof(f->created), "%Y-%m-%dT%H:%M:%SZ", &tm) == 0)
        f->created[0] = 0;
    f->a = (struct attestation){.version = "3.4.0",
                                .type = "Attestation Result",
                                .summary = of_verdict(r),
                                .hostname = r->host,
                                .created = f->created,
                                .freshness = of_claim(r, "quote.nonce"),
                                .cert_level = r->cert_level,
                                .measurement = &f->measurement,
                                .measurement_count = 1,
                                .manifest = f->manifest,
                                .unknown = f->unknown,
                                .compatibility = of_claim(r, "metadata")};
    fill_measurement(f, r);
    for (size_t i = 0; i < r->metadata_count; i++)
        fill_item(&r->metadata[i], place_of(f, &r->metadata[i]));
}

int verify_attestation_result_put(const struct verify_result *r, enum meta_encoding encoding,
                                  struct cmc_buf *out, struct cmc_err *err)
{
    const size_t digests = r->container_count * sizeof(struct digest);
    cmc_autofree char *room =
        calloc(1, digests + (2 * r->metadata_count + 1) * sizeof(struct item));
    if (!room)
        return cmc_fail(err, CMC_E_LIMIT, "attestation result: out of memory");
    void *const first = room, *const second = room + digests;
    struct filled f = {.digest = first, .manifest = second};
    f.unknown = f.manifest + r->metadata_count;
    fill(&f, r);
    return meta_codec_encode(&attestation_record, &f.a, encoding, out, err);
}

void verify_put_attestation(const struct verify_result *r, struct cmc_buf *b)
{
    cmc_autobuf struct cmc_buf whole = cmc_buf_of(b->max);
    struct cmc_err err = {0};
    if (verify_attestation_result_put(r, META_JSON, &whole, &err) < 0)
        b->bad = true;
    else
        cmc_put(b, whole.data + 1, whole.len - 2); /* without its braces */
}
