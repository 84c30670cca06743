/* SPDX-License-Identifier: Apache-2.0 */
/* tpm/pcr.h -- PCR read and extend, and the clock, on tss2-sys with password sessions:
 * no libcrypto.so, no loaded object. The only file that names Tss2_Sys_PCR_*. */
#ifndef TPM_PCR_H
#define TPM_PCR_H
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"

enum { TPM_PCRS = 24, TPM_BANKS_MAX = 16, TPM_DIGEST_MAX = 64 }; /* PC Client PTP: PCR 0..23 */

struct tpm_bank {
    uint16_t alg; /* TPM_ALG_ID */
    uint8_t len;  /* bytes of value */
    uint8_t value[TPM_DIGEST_MAX];
};
struct tpm_banks { /* sorted by alg */
    size_t count;
    struct tpm_bank bank[TPM_BANKS_MAX];
};
struct tpm_clock { /* TPMS_CLOCK_INFO */
    uint64_t clock_ms;
    uint32_t reset_count, restart_count;
    uint8_t safe;
};

struct tpm_pcr_ctx;

/* Opens a TPM by TCTI configuration ("swtpm:path=...", "device:/dev/tpmrm0").
 * Errors: -CMC_E_TPM, -CMC_E_USAGE (empty or unknown TCTI). *out: free with tpm_pcr_close(). */
CMC_MUST_CHECK int tpm_pcr_open(const char *tcti, struct tpm_pcr_ctx **out, struct cmc_err *err);
void tpm_pcr_close(struct tpm_pcr_ctx *t);
/* Banks in which this very PCR is allocated (its bit in the bank's selection). */
CMC_MUST_CHECK int tpm_pcr_banks(struct tpm_pcr_ctx *t, unsigned pcr, struct tpm_banks *out,
                                 struct cmc_err *err);
/* Fills the values of the banks named in io. */
CMC_MUST_CHECK int tpm_pcr_read(struct tpm_pcr_ctx *t, unsigned pcr, struct tpm_banks *io,
                                struct cmc_err *err);
/* One TPM2_PCR_Extend with all digests: atomic over banks (TPM 2.0 Part 3, 22.2). */
CMC_MUST_CHECK int tpm_pcr_extend(struct tpm_pcr_ctx *t, unsigned pcr,
                                  const struct tpm_banks *digests, struct cmc_err *err);
CMC_MUST_CHECK int tpm_pcr_clock(struct tpm_pcr_ctx *t, struct tpm_clock *out, struct cmc_err *err);
#endif
