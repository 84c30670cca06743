/* SPDX-License-Identifier: Apache-2.0 */
/* tpm/ak_use.h -- a TPM on Esys for as long as one use takes; for tpm/ak*.c and tpm/quote.c. */
#ifndef TPM_AK_USE_H
#define TPM_AK_USE_H
#include <stdbool.h>

#include <tss2/tss2_esys.h>

#include "base/cleanup.h"
#include "tpm/ak.h"

struct tpm_esys {
    TSS2_TCTI_CONTEXT *tcti;
    ESYS_CONTEXT *esys;
};
/* Errors: -CMC_E_TPM, -CMC_E_USAGE (no TCTI). */
CMC_MUST_CHECK int tpm_esys_open(const char *tcti, struct tpm_esys *out, struct cmc_err *err);
void tpm_esys_close(struct tpm_esys *t);
/* Whether loaded keys are ours alone: a resource manager stands before the TPM. */
bool tpm_esys_managed(const char *tcti);
int tpm_esys_fail(struct cmc_err *err, TSS2_RC rc, const char *what);
/* A key whose slot was taken from us, or found no room: others use the TPM too. */
bool tpm_esys_is_passing(TSS2_RC rc);
static inline void tpm_esys_freep(void *p)
{
    Esys_Free(*(void **)p);
}

/* Opens the TPM, finds or loads the key, calls use, lets the key go (never a handle that is not
 * ours) and closes. All of it is done again, bounded, when the TPM says that others were in the
 * way. what: names the use in errors. Errors: -CMC_E_TPM, -CMC_E_USAGE, -CMC_E_VERIFY. */
typedef TSS2_RC tpm_ak_use_fn(ESYS_CONTEXT *esys, ESYS_TR key, void *arg);
CMC_MUST_CHECK int tpm_ak_use(const char *tcti, const struct tpm_ak *ak, const char *what,
                              tpm_ak_use_fn *use, void *arg, struct cmc_err *err);
#endif
