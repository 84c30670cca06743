/* SPDX-License-Identifier: Apache-2.0 */
/* attest/verify/exact.h -- reports of profile exact (docs/formats/report.md). */
#ifndef ATTEST_VERIFY_EXACT_H
#define ATTEST_VERIFY_EXACT_H
#include "attest/verify/claims.h"

/* What verify_report() asks of a report of this profile: the three claims at the top of t, and the
 * members of *out, whose texts live in t; verdict, words and reason are the caller's to decide.
 * Whatever the report holds is a claim, never an error. Errors: -CMC_E_LIMIT (memory). */
CMC_MUST_CHECK int verify_exact_report(const struct verify_item *report,
                                       const struct verify_item *nonce,
                                       const struct verify_policy *policy, struct verify_tree *t,
                                       struct verify_result *out, struct cmc_err *err);
#endif
