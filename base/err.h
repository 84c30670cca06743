/* SPDX-License-Identifier: Apache-2.0 */
/* base/err.h -- one error object, filled by the callee, read by whoever decides. */
#ifndef BASE_ERR_H
#define BASE_ERR_H
#include <stdint.h>

#define CMC_MUST_CHECK   __attribute__((warn_unused_result))
#define CMC_PRINTF(f, a) __attribute__((format(printf, f, a)))

/* Few codes: one per decision a caller can take. The text is for people. */
enum cmc_code {
    CMC_OK,
    CMC_E_SYS,
    CMC_E_FORMAT,
    CMC_E_LIMIT,
    CMC_E_TPM,
    CMC_E_VERIFY,
    CMC_E_USAGE
};

struct cmc_err {
    enum cmc_code code;
    int sys_errno;   /* with CMC_E_SYS: errno at the time of cmc_fail() */
    uint32_t tpm_rc; /* with CMC_E_TPM: the TSS2_RC */
    char msg[512];   /* outermost context first; cut at the tail when long */
};

/* Both return -code, so a failing path is one line: return cmc_fail(...). */
int cmc_fail(struct cmc_err *err, enum cmc_code code, const char *fmt, ...) CMC_PRINTF(3, 4);
int cmc_wrap(struct cmc_err *err, const char *fmt, ...) CMC_PRINTF(2, 3);
#endif
