/* SPDX-License-Identifier: Apache-2.0 */
/* attest/verify/verify.h -- bytes and a policy in, a verdict out: no TPM, clock or file inside. */
#ifndef ATTEST_VERIFY_VERIFY_H
#define ATTEST_VERIFY_VERIFY_H
#include <stdbool.h>

#include "attest/meta/trust.h"
#include "base/buf.h"

enum { VERIFY_REPORT_MAX = 64 << 20, VERIFY_NONCE_MIN = 8, VERIFY_NONCE_MAX = 64 };

struct verify_policy {              /* borrowed */
    const struct meta_trust *trust; /* roots, revocation lists, time */
    const char *host;               /* the AK certificate must name it; NULL: not asked */
    const uint8_t *ak;              /* SHA-256 of the AK's SubjectPublicKeyInfo; NULL: not asked */
    const uint8_t *redaction_key;   /* 32 bytes, or NULL */
    const char *const *secrets;     /* patterns of variables never shown; NULL: the default list */
    size_t secret_count;
    bool software;     /* software evidence may be trusted; it is still named as such */
    bool require_host; /* the recorder must be appraised too, else not trusted */
    /* Metadata and listings that the verifier has by itself. */
    const struct verify_item *item;
    size_t item_count;
};
struct verify_item { /* borrowed */
    const uint8_t *data;
    size_t len;
};

enum verify_status {
    VERIFY_GOOD,
    VERIFY_BAD,       /* refused: evidence against it */
    VERIFY_UNCHECKED, /* could not be checked */
    VERIFY_NOTE       /* said for people; decides nothing */
};

/* A claim and what it rests on. Texts are safe for terminals and hold no secret. */
struct verify_claim {
    enum verify_status status;
    const char *id; /* stable: "quote.signature", "container.config", ...; docs/formats/result.md */
    const char *text;                        /* one sentence, with the values */
    const struct verify_claim *child, *next; /* what it rests on; sibling */
};

struct verify_difference {
    const char *path;           /* "process.env VAL", "/usr/bin/sh" */
    const char *before, *after; /* reference's, measured; NULL: absent. Files: what differs */
};

struct verify_container { /* of an event that the quote vouches for; NULL: not said */
    uint64_t seq;
    const char *event; /* "container-create", "measurement-failed", ... */
    const char *id, *sandbox, *ns, *name, *image, *reason;
    const char *reference; /* name of the one that matches, or of the nearest; NULL */
    const char *manifest;  /* the manifest that holds it */
    const struct verify_difference *difference; /* of the configuration */
    size_t difference_count;
    enum verify_status status;
    bool measured;                       /* config and rootfs are set */
    bool config_differs, rootfs_differs; /* from the nearest reference */
    uint8_t config[CMC_SHA256_LEN], rootfs[CMC_SHA256_LEN];
    uint8_t ref_config[CMC_SHA256_LEN], ref_rootfs[CMC_SHA256_LEN]; /* with reference */
};

struct verify_metadata_result { /* of one signed item; NULL: not said, or not believed */
    const char *type, *name, *version, *not_before, *not_after, *description;
    uint8_t digest[CMC_SHA256_LEN];                 /* of the item's bytes */
    enum verify_status status, signature, validity; /* NOTE: left out, and not needed */
};

enum verify_verdict {
    VERIFY_TRUSTED,
    VERIFY_TRUSTED_IF_ROOT,
    VERIFY_NOT_TRUSTED,
    VERIFY_COULD_NOT
};

struct verify_result {
    enum verify_verdict verdict;
    const char *words;                /* "TRUSTED", "NOT TRUSTED", ... */
    const char *reason;               /* the first thing that decides; NULL when trusted */
    const struct verify_claim *claim; /* the three claims, and below them what they rest on */
    const struct verify_container *container;
    size_t container_count;
    const struct verify_metadata_result *metadata;
    size_t metadata_count;
    const char *host;     /* from the verified AK certificate; NULL */
    const char *key_kind; /* "TPM (manufacturer model)", "software TPM (swtpm)", "software key" */
    uint8_t ak[CMC_SHA256_LEN];
    bool has_ak;
    const char *profile; /* "exact", "cmc" */
    int cert_level;
    uint32_t pcr;    /* the log's register; 0: not known */
    int64_t created; /* seconds since 1970: the time of policy->trust */
};

/* Verifies a report of either profile, in JSON or CBOR. nonce: the one that was sent.
 * Whatever the report holds is a verdict, never an error: *out is set, free with
 * verify_result_free(). Errors: -CMC_E_USAGE (nonce, policy), -CMC_E_LIMIT (memory). */
CMC_MUST_CHECK int verify_report(const void *report, size_t len, const void *nonce,
                                 size_t nonce_len, const struct verify_policy *policy,
                                 struct verify_result **out, struct cmc_err *err);
void verify_result_free(struct verify_result *r);

/* Appends the result as one JSON object (docs/formats/result.md): CMC's AttestationResult with
 * members of ours, or, as verify_result_put_attestation(), without them. */
CMC_MUST_CHECK int verify_result_put_json(const struct verify_result *r, struct cmc_buf *out,
                                          struct cmc_err *err);
CMC_MUST_CHECK int verify_result_put_attestation(const struct verify_result *r, struct cmc_buf *out,
                                                 struct cmc_err *err);
#endif
