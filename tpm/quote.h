/* SPDX-License-Identifier: Apache-2.0 */
/* tpm/quote.h -- TPM2_Quote by the attestation key, and the PCR values beside it. */
#ifndef TPM_QUOTE_H
#define TPM_QUOTE_H
#include "base/hash.h"
#include "tpm/ak.h"
#include "tpm/pcr.h"

struct tpm_quote_ask {
    uint16_t bank; /* TPM_ALG_ID */
    uint32_t pcrs; /* bit i: PCR i */
    uint8_t nonce[CMC_SHA256_LEN];
};
struct tpm_quote {
    struct tpm_blob attest;         /* TPMS_ATTEST */
    struct tpm_blob signature;      /* TPMT_SIGNATURE */
    uint8_t digest[CMC_SHA256_LEN]; /* its pcrDigest; SHA-256, as the key signs */
    uint32_t reset_count;
    uint8_t value[TPM_PCRS][TPM_DIGEST_MAX]; /* of the bank, read right behind the quote */
};

/* Quotes, and reads the same PCRs. Others may extend in between: the values are a help, and
 * whether they give digest is the caller's to find out.
 * Errors: -CMC_E_TPM (also: a PCR is not allocated in the bank), -CMC_E_USAGE, -CMC_E_VERIFY. */
CMC_MUST_CHECK int tpm_quote(const char *tcti, const struct tpm_ak *ak,
                             const struct tpm_quote_ask *ask, struct tpm_quote *out,
                             struct cmc_err *err);
/* Reads the values of PCRs, without a quote: value[i] of PCR i, for each that is asked for.
 * Errors: -CMC_E_TPM (also: a PCR is not allocated in the bank), -CMC_E_USAGE. */
CMC_MUST_CHECK int tpm_quote_read(const char *tcti, uint16_t bank, uint32_t pcrs,
                                  uint8_t value[static TPM_PCRS][TPM_DIGEST_MAX],
                                  struct cmc_err *err);
#endif
