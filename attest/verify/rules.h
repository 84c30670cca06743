/* SPDX-License-Identifier: Apache-2.0 */
/* attest/verify/rules.h -- ociRules: in what a configuration may differ from its reference
 * (docs/formats/oci-rules.md). Pure. */
#ifndef ATTEST_VERIFY_RULES_H
#define ATTEST_VERIFY_RULES_H
#include "base/json.h"

enum {
    VERIFY_RULES_ENTRIES_MAX = 1024, /* of an array that a rule but equality is for */
    VERIFY_RULES_TEXT_MAX = 65536,   /* bytes of a rule */
    VERIFY_RULES_PATH = 256
};

/* Whether measured is what reference and rules allow. rules NULL: equal; else an object. A rule
 * that is absent, at any level, means equal. path: where the first violation is, safe for
 * terminals, "" when there is none; always set.
 * Errors: -CMC_E_VERIFY (a violation; says which rule, never a value), -CMC_E_FORMAT (the rules
 * themselves are wrong), -CMC_E_LIMIT. */
CMC_MUST_CHECK int verify_rules_check(const struct cmc_json *reference,
                                      const struct cmc_json *measured, const struct cmc_json *rules,
                                      char path[static VERIFY_RULES_PATH], struct cmc_err *err);
/* Whether rules can be read: what is wrong with them does not wait for a container.
 * Errors: -CMC_E_FORMAT, -CMC_E_LIMIT. */
CMC_MUST_CHECK int verify_rules_read(const struct cmc_json *rules, struct cmc_err *err);
#endif
