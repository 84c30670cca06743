/* SPDX-License-Identifier: Apache-2.0 */
/* attest/verify/metadata_parts.h -- what attest/verify/metadata*.c share; for them alone. */
#ifndef ATTEST_VERIFY_METADATA_PARTS_H
#define ATTEST_VERIFY_METADATA_PARTS_H
#include "attest/verify/metadata.h"

struct verify_loaded { /* a signed item, and how far it is believed */
    const struct verify_item *bytes;
    uint8_t digest[CMC_SHA256_LEN];
    bool required; /* of the report, or listed by it; the others only help */
    bool genuine;  /* the signature holds: verified is set */
    bool good;     /* form and time hold too: item is set */
    bool older;    /* a newer one takes its place */
    struct meta_verified verified;
    struct meta_item item;
    int64_t version; /* seconds; INT64_MIN: none */
    struct verify_claim *claim;
};
struct verify_metadata_store {
    struct verify_loaded *item;
    size_t count;
    struct verify_manifest *manifest;
    struct verify_reference *reference;
};
struct verify_loading {
    const struct verify_metadata_input *in;
    struct verify_tree *t;
    struct verify_claim *up; /* "metadata" */
    struct verify_metadata_store *store;
};

/* metadata_items.c: which items there are, and that each listed one is there. False: memory. */
bool verify_metadata_collect(const struct verify_loading *l);
/* metadata_judge.c: signature, form, time of one item, as claims below its own. */
void verify_metadata_judge(const struct verify_loading *l, struct verify_loaded *item);
/* Of items that take one place, the newest stays. */
void verify_metadata_newest(const struct verify_loading *l);
/* metadata_layers.c: descriptions and layers; fills store->manifest and *out. False: memory. */
bool verify_metadata_order(const struct verify_loading *l, struct verify_metadata *out);
/* metadata_pool.c: references of all placed manifests. False: memory. */
bool verify_metadata_pool(const struct verify_loading *l, struct verify_metadata *out);
#endif
