/* SPDX-License-Identifier: Apache-2.0 */
/* attest/verify/attestation_result.h -- a result as the AttestationResult 3.4.0 of CMC
 * (docs/formats/attestation-result.md). */
#ifndef ATTEST_VERIFY_ATTESTATION_RESULT_H
#define ATTEST_VERIFY_ATTESTATION_RESULT_H
#include "attest/meta/sign.h"
#include "attest/verify/verify.h"

/* Appends it. Errors: -CMC_E_LIMIT. */
CMC_MUST_CHECK int verify_attestation_result_put(const struct verify_result *r,
                                                 enum meta_encoding encoding, struct cmc_buf *out,
                                                 struct cmc_err *err);
#endif
