/* SPDX-License-Identifier: Apache-2.0 */
/* attest/prove/cmc_context.h -- what the evidence of a report of CMC is about, encoded: the nonce
 * of a quote is its hash. For this folder alone. */
#ifndef ATTEST_PROVE_CMC_CONTEXT_H
#define ATTEST_PROVE_CMC_CONTEXT_H
#include "attest/prove/cmc_events.h"

enum { PROVE_HEX = 2 * CMC_SHA256_LEN + 1 };

/* Metadata and key: the same from one try to the next. */
struct prove_cmc_fixed {
    struct prove_items items;
    char (*hex)[PROVE_HEX];        /* owned: digests */
    const char **digest;           /* owned */
    struct meta_named_item *named; /* owned: those that the asker does not have */
    size_t named_count;
    struct cmc_buf spki; /* owned; sw: the key, PEM */
};
CMC_MUST_CHECK int prove_cmc_fix(const struct prove *p, const struct prove_request *q,
                                 struct prove_cmc_fixed *out, struct cmc_err *err);
void prove_cmc_fixed_done(struct prove_cmc_fixed *f);

struct prove_cmc_context {
    struct cmc_buf bytes;           /* owned: encoded */
    uint8_t nonce[CMC_SHA256_LEN];  /* of the evidence: the hash of bytes */
    uint8_t digest[CMC_SHA256_LEN]; /* tpm: the pcrDigest of a quote that fits; sw: of the events */
};
/* Reads log and PCRs as they are now.
 * Errors: those of prove_cmc_events_of(); -CMC_E_TPM, -CMC_E_SYS, -CMC_E_LIMIT. */
CMC_MUST_CHECK int prove_cmc_context_of(struct prove *p, const struct prove_request *q,
                                        const struct prove_cmc_fixed *f,
                                        struct prove_cmc_context *out, struct cmc_err *err);
void prove_cmc_context_done(struct prove_cmc_context *c);
#endif
