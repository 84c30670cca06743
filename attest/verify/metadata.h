/* SPDX-License-Identifier: Apache-2.0 */
/* attest/verify/metadata.h -- from signed items to references: what signatures, time and order
 * allow to be believed (docs/formats/cmc-verify.md, 2). */
#ifndef ATTEST_VERIFY_METADATA_H
#define ATTEST_VERIFY_METADATA_H
#include "attest/meta/types.h"
#include "attest/verify/claims.h"

enum {
    VERIFY_ITEMS_MAX = 8192,         /* of the report and the verifier's own, together */
    VERIFY_REFERENCES_MAX = 1 << 17, /* of all manifests */
    VERIFY_DIGESTS_MAX = 4096        /* that a report lists */
};

struct verify_metadata_input { /* borrowed until verify_metadata_done() */
    const struct meta_trust *trust;
    const struct verify_item *item; /* of the report */
    size_t item_count;
    const struct verify_item *own; /* policy->item; what is no JSON object and no COSE_Sign (a
                                      listing) is passed over */
    size_t own_count;
    const struct meta_bytes *digest; /* that the report lists: each needs an item, and each item of
                                        the report must be listed */
    size_t digest_count;
    uint16_t alg; /* of the digests; 0: SHA-256 */
};

struct verify_manifest {
    const struct meta_item *item;               /* META_MANIFEST */
    const struct meta_description *description; /* that names it; NULL: none (an error) */
    const char *name, *signer;                  /* for people */
    uint8_t digest[CMC_SHA256_LEN];             /* of the signed item */
    bool root, placed;
};

struct verify_reference {
    const struct meta_component *component;
    const struct verify_manifest *manifest;
    const struct cmc_json *rules; /* ociRules of the manifest's description; NULL: equal */
    bool tpm, sw;                 /* cmc.ta */
    int index;                    /* cmc.index; -1: none */
    bool must_run; /* it must occur; else it only allows. Profile exact: cmc.mustRun is "true";
                      else: not `optional`, as the Go CMC has it */
};

/* Only what signatures, time and order vouch for. */
struct verify_metadata {
    const struct verify_manifest *manifest; /* root first, then by layers */
    size_t manifest_count;
    const struct verify_reference *reference; /* by manifest, then as written */
    size_t reference_count;
    const struct verify_metadata_result *result; /* of each item; in the tree */
    size_t result_count;
    int cert_level;                      /* the lowest of the manifests; 0 without any */
    struct verify_metadata_store *store; /* owned; owns what the items hold */
};

/* Reads and judges items: adds the claim "metadata" below parent with a claim for each item and
 * each rule, which says what failed; fills *out with the references that hold. The status is that
 * of the claim: VERIFY_GOOD only when there is a manifest, every item holds and every rule does.
 * *out is always set: empty with verify_metadata_done(), after the result was made (texts of the
 * claims live in t). */
CMC_MUST_CHECK enum verify_status verify_metadata_load(const struct verify_metadata_input *in,
                                                       struct verify_tree *t,
                                                       struct verify_claim *parent,
                                                       struct verify_metadata *out);
void verify_metadata_done(struct verify_metadata *m);

/* Adds the claim "metadata.level" below parent: a level above 1 needs evidence of hardware. */
enum verify_status verify_metadata_level(const struct verify_metadata *m, bool hardware,
                                         struct verify_tree *t, struct verify_claim *parent);
#endif
