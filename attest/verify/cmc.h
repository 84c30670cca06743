/* SPDX-License-Identifier: Apache-2.0 */
/* attest/verify/cmc.h -- reports of CMC 3.3.0 (docs/formats/cmc-verify.md). */
#ifndef ATTEST_VERIFY_CMC_H
#define ATTEST_VERIFY_CMC_H
#include "attest/verify/claims.h"

/* What verify_report() asks of a report of this profile: claims at the top of t, and the members
 * of *out, whose texts live in t; out->verdict, words and reason are the caller's to decide.
 * nonce was checked for its length. Whatever the report holds is a claim, never an error.
 * Errors: -CMC_E_LIMIT (memory). */
CMC_MUST_CHECK int verify_cmc_report(const struct verify_item *report,
                                     const struct verify_item *nonce,
                                     const struct verify_policy *policy, struct verify_tree *t,
                                     struct verify_result *out, struct cmc_err *err);
#endif
