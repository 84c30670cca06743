/* SPDX-License-Identifier: Apache-2.0 */
/* attest/verify/quote.h -- from a TPM's evidence to PCR values that a key vouches for. Both types
 * are made here alone, and only when every check before them held. */
#ifndef ATTEST_VERIFY_QUOTE_H
#define ATTEST_VERIFY_QUOTE_H
#include "attest/meta/exact.h"
#include "attest/verify/claims.h"

enum { VERIFY_ATTEST_MAX = 2048, VERIFY_SIGNATURE_MAX = 2048, VERIFY_SELECTION_MAX = 16 };

struct verify_evidence {           /* borrowed; nothing of it is believed */
    struct meta_bytes attest;      /* TPMS_ATTEST (TPM 2.0 Part 2, 10.12.12) */
    struct meta_bytes signature;   /* TPMT_SIGNATURE (11.3.4) */
    const struct meta_bytes *cert; /* of the attestation key, leaf first, DER */
    size_t cert_count;
    enum meta_role role;  /* what the chain must be for */
    const uint8_t *extra; /* what extraData must be */
    size_t extra_len;
};

/* What a certified key signed: a quote for this request. */
struct verify_quote;
struct verify_selected { /* one bank of the selection */
    uint16_t alg;
    uint32_t mask; /* bit i: PCR i */
};
/* Checks chain, key, algorithm, signature, magic, type, extraData and selection, in this order and
 * up to the first that fails, as claims "key" and "quote" below parent. Of the host that was
 * asked for and of the pinned key it says what it finds, and goes on.
 * *out: NULL unless all but these held; free with verify_quote_free(). Returns the worst. */
CMC_MUST_CHECK enum verify_status
verify_quote_check(const struct verify_evidence *e, const struct verify_policy *policy,
                   struct verify_tree *t, struct verify_claim *parent, struct verify_quote **out);
void verify_quote_free(struct verify_quote *q);
const struct meta_key *verify_quote_key(const struct verify_quote *q);
uint32_t verify_quote_reset_count(const struct verify_quote *q);
/* The banks, in the order of the selection; NULL behind the last. */
const struct verify_selected *verify_quote_bank(const struct verify_quote *q, size_t i);

enum verify_key_kind { VERIFY_KEY_TPM = 1, VERIFY_KEY_SOFTWARE_TPM, VERIFY_KEY_SOFTWARE };
/* What the certificate says that the key is in. */
enum verify_key_kind verify_key_kind(const struct meta_key *k);
/* "TPM (IFX SLB9670)", "software TPM (swtpm)", "software key"; lives in t. */
const char *verify_key_words(const struct meta_key *k, struct verify_tree *t);

/* PCR values that the quote vouches for. */
struct verify_pcrs;
/* pcr: one for each bit of the selection, in its order: not one more, less, or elsewhere. Claims
 * "quote.selection" and "quote.values" below parent. *out: lives in t; NULL unless both hold. */
CMC_MUST_CHECK enum verify_status verify_quote_values(const struct verify_quote *q,
                                                      const struct meta_exact_pcr *pcr,
                                                      size_t count, struct verify_tree *t,
                                                      struct verify_claim *parent,
                                                      const struct verify_pcrs **out);
/* cmc_hash_size(bank) bytes, or NULL: not quoted. */
const uint8_t *verify_pcrs_value(const struct verify_pcrs *p, uint16_t bank, uint32_t index);
#endif
