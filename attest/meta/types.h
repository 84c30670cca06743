/* SPDX-License-Identifier: Apache-2.0 */
/* attest/meta/types.h -- metadata, components, artifacts and reports of CMC 3.3.0: read strictly,
 * written byte for byte (docs/formats/metadata.md). */
#ifndef ATTEST_META_TYPES_H
#define ATTEST_META_TYPES_H
#include "attest/meta/sign.h"
#include "base/json.h"

/* Everything that a decoder gives lives in its document: texts, bytes, arrays, and trees. */
struct meta_doc;
void meta_doc_free(struct meta_doc *d);
/* Members that no table knows, kept: $.details.x, for people. NULL behind the last. */
const char *meta_doc_unknown(const struct meta_doc *d, size_t i);

struct meta_bytes {
    const uint8_t *data;
    size_t len;
    bool null; /* null instead of a string: written as such again */
};
struct meta_texts {
    const char *const *at;
    size_t count;
    bool null;
};

struct meta_hash {
    const char *alg; /* "SHA-256", ... */
    struct meta_bytes content;
};
struct meta_property {
    const char *name, *value;
};
struct meta_ctr { /* ctrData */
    struct meta_bytes config, rootfs;
    const struct cmc_json *oci_spec; /* NULL: absent */
};
struct meta_component { /* an event, or a reference */
    const char *type, *name;
    const struct meta_hash *hash;
    size_t hash_count;
    const char *version, *description, *purl; /* NULL: absent */
    bool optional;
    const struct meta_property *property;
    size_t property_count;
    const struct cmc_json *event_data, *intel; /* NULL: absent */
    const struct meta_ctr *ctr;
};
/* The value of a property, or NULL. */
const char *meta_component_property(const struct meta_component *c, const char *name);
/* The hash of an algorithm (without regard to case), or NULL. */
const struct meta_bytes *meta_component_hash(const struct meta_component *c, const char *alg);

struct meta_artifact {
    const char *type; /* "PCR Eventlog", "PCR Summary", "SW Eventlog", ... */
    int64_t index;
    const struct meta_component *event;
    size_t event_count;
};

enum meta_kind {
    META_MANIFEST = 1,
    META_IMAGE_DESCRIPTION,
    META_COMPANY_DESCRIPTION,
    META_OMSP_RESPONSE
};
struct meta_info {
    const char *type, *name, *version, *description; /* NULL: absent */
    const char *not_before, *not_after;              /* RFC 3339; NULL: no validity */
};
struct meta_manifest {
    const struct meta_component *component;
    size_t component_count;
    const char *spec_version, *developer, *omsp_server;
    struct meta_texts base_layers, ca_fingerprints;
    int64_t cert_level, sbom_version;
    const struct cmc_json *details;
    const struct cmc_json *snp_policy, *tdx_policy, *sgx_policy; /* kept; never evaluated here */
};
struct meta_description { /* of a manifest, in an image description */
    const char *type, *name, *description, *manifest;
    const struct cmc_json *oci_rules;
};
struct meta_item {
    enum meta_kind kind;
    struct meta_info info;
    struct meta_manifest manifest;              /* META_MANIFEST */
    const char *location;                       /* META_IMAGE_DESCRIPTION */
    const struct meta_description *description; /* META_IMAGE_DESCRIPTION */
    size_t description_count;
    struct meta_doc *doc; /* owned; owns the rest */
};
/* Decodes the payload of a signed item. Duplicate members, wrong types and limits are refused;
 * unknown members are kept (meta_doc_unknown). Errors: -CMC_E_FORMAT, -CMC_E_LIMIT. */
CMC_MUST_CHECK int meta_item_decode(const void *data, size_t len, struct meta_item *out,
                                    struct cmc_err *err);
CMC_MUST_CHECK int meta_item_encode(const struct meta_item *item, enum meta_encoding encoding,
                                    struct cmc_buf *out, struct cmc_err *err);
void meta_item_done(struct meta_item *item);
/* Seconds since 1970 of an RFC 3339 time. Errors: -CMC_E_FORMAT. */
CMC_MUST_CHECK int meta_time(const char *rfc3339, int64_t *out, struct cmc_err *err);

/* An array of components: a file of references, an SBOM's components, a log of events. */
struct meta_components {
    const struct meta_component *at;
    size_t count;
    struct meta_doc *doc; /* owned */
};
CMC_MUST_CHECK int meta_components_decode(const void *data, size_t len, struct meta_components *out,
                                          struct cmc_err *err);
CMC_MUST_CHECK int meta_components_encode(const struct meta_components *c,
                                          enum meta_encoding encoding, struct cmc_buf *out,
                                          struct cmc_err *err);
void meta_components_done(struct meta_components *c);

/* One artifact by itself: a container log file of the Go CMC. */
CMC_MUST_CHECK int meta_artifact_decode(const void *data, size_t len, struct meta_artifact *out,
                                        struct meta_doc **doc, struct cmc_err *err);
CMC_MUST_CHECK int meta_artifact_encode(const struct meta_artifact *a, enum meta_encoding encoding,
                                        struct cmc_buf *out, struct cmc_err *err);

/* Reports of CMC 3.3.0 (facts: docs/formats/cmc-report.md). */
struct meta_evidence {
    const char *type; /* "TPM Evidence", "SW Evidence", ... */
    struct meta_bytes evidence, add_data, signature;
};
struct meta_collateral {
    const char *type;
    const struct meta_bytes *cert; /* DER */
    size_t cert_count;
    struct meta_bytes key;
    const struct meta_artifact *artifact;
    size_t artifact_count;
};
struct meta_named_item { /* an entry of Context.metadata */
    const char *digest;  /* hex */
    struct meta_bytes data;
};
struct meta_context {
    const char *type, *alg;
    struct meta_bytes nonce;
    const struct meta_collateral *collateral;
    size_t collateral_count;
    struct meta_texts digests;
    const struct meta_named_item *item;
    size_t item_count;
    const struct meta_bytes *cert;
    size_t cert_count;
};
struct meta_report {
    const char *version, *type, *name, *encoding;
    const struct meta_evidence *evidence;
    size_t evidence_count;
    struct meta_context context;
    struct meta_bytes
        context_bytes;    /* as they are in the report: the evidence nonce is their hash */
    struct meta_doc *doc; /* owned */
};
CMC_MUST_CHECK int meta_report_decode(const void *data, size_t len, struct meta_report *out,
                                      struct cmc_err *err);
/* Appends the context as it is hashed: base64url text (JSON) or canonical CBOR. */
CMC_MUST_CHECK int meta_context_encode(const struct meta_context *c, enum meta_encoding encoding,
                                       struct cmc_buf *out, struct cmc_err *err);
/* context: what meta_context_encode() gave. */
CMC_MUST_CHECK int meta_report_encode(const struct meta_report *r, enum meta_encoding encoding,
                                      const void *context, size_t context_len, struct cmc_buf *out,
                                      struct cmc_err *err);
void meta_report_done(struct meta_report *r);
#endif
