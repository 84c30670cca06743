/* SPDX-License-Identifier: Apache-2.0 */
/* record/register.h -- the one PCR that we record in, in all banks that count. */
#ifndef RECORD_REGISTER_H
#define RECORD_REGISTER_H
#include "measure/event.h"
#include "record/recorder.h"
#include "tpm/pcr.h"

struct record_register {
    struct tpm_pcr_ctx *tpm; /* owned */
    unsigned pcr;
    struct measure_banks zero; /* the banks that count, with value zero */
    char ignored[128];         /* names of banks that are left out, "" when none */
    uint32_t tpm_us;           /* time spent in the TPM since it was last set to 0 */
};

/* Refuses registers that prove nothing: 16 and 23 (anyone can reset them) unless insecure, 17 to 22
 * (only a dynamic launch can extend them). Errors: -CMC_E_USAGE. */
CMC_MUST_CHECK int record_register_check(unsigned pcr, bool insecure, struct cmc_err *err);

/* Opens the TPM and finds the banks. A bank that we cannot compute is an error by name unless cfg
 * ignores it; one that we can compute is never left out. Errors: -CMC_E_TPM, -CMC_E_USAGE. */
CMC_MUST_CHECK int record_register_open(const struct record_config *cfg,
                                        struct record_register *out, struct cmc_err *err);
void record_register_close(struct record_register *reg);

CMC_MUST_CHECK int record_register_read(struct record_register *reg, struct measure_banks *out,
                                        struct cmc_err *err);
CMC_MUST_CHECK int record_register_extend(struct record_register *reg,
                                          const struct measure_banks *digests, struct cmc_err *err);
CMC_MUST_CHECK int record_register_clock(struct record_register *reg, struct tpm_clock *out,
                                         struct cmc_err *err);
#endif
