/* SPDX-License-Identifier: Apache-2.0 */
/* tests/lib/shown.h -- what a result shows, against what the result of the unchanged report
 * showed: the same or less. */
#ifndef TESTS_LIB_SHOWN_H
#define TESTS_LIB_SHOWN_H
#include "attest/verify/verify.h"

bool shown_trust(const struct verify_result *r);
/* Trust comes with the same JSON, byte for byte. Without trust: each container is as it was, all of
 * them or none, none is good that was not; differences, names, items and claims that hold were
 * there before. Claims that do not hold may say why something was refused, but quote no event and
 * no detail. */
bool shown_fits(const struct verify_result *was, const struct verify_result *is);
bool shown_claims_fit(const struct verify_claim *was, const struct verify_claim *is);
/* Why the last of these said no. */
const char *shown_objection(void);
#endif
