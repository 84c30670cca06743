/* SPDX-License-Identifier: Apache-2.0 */
/* attest/verify/quote_parts.h -- what attest/verify/quote*.c share; for them alone. */
#ifndef ATTEST_VERIFY_QUOTE_PARTS_H
#define ATTEST_VERIFY_QUOTE_PARTS_H
#include "attest/verify/quote.h"

struct verify_quote {
    struct meta_key *key; /* owned */
    uint16_t hash;        /* of the signature, and so of the digest (Part 3, 18.4) */
    uint32_t reset_count;
    struct verify_selected bank[VERIFY_SELECTION_MAX];
    size_t count;
    uint8_t digest[CMC_HASH_MAX];
    size_t digest_len;
};

/* Chain, kind, host and pin of the key. False: nothing that it signed counts. */
bool verify_quote_key_check(const struct verify_evidence *e, const struct verify_policy *policy,
                            struct verify_quote *q, struct verify_tree *t, struct verify_claim *up);
/* The signature over the bytes of attest, by q->key; sets q->hash. */
bool verify_quote_signature(const struct verify_evidence *e, struct verify_quote *q,
                            struct verify_tree *t, struct verify_claim *up);
#endif
