/* SPDX-License-Identifier: Apache-2.0 */
/* attest/verify/rules_text.h -- a text rule and what it does to arrays of entries; for rules*.c
 * alone. */
#ifndef ATTEST_VERIFY_RULES_TEXT_H
#define ATTEST_VERIFY_RULES_TEXT_H
#include "attest/verify/rules.h"

struct rules_span { /* of the rule's text, borrowed; at NULL: not there */
    const char *at;
    size_t len;
};
struct rules_text {
    bool modifiable, optional, subset;
    bool additional;           /* the clause is there */
    struct rules_span allowed; /* what is behind its colon */
    struct rules_span replace;
};

/* Reads a text rule. Errors: -CMC_E_FORMAT, -CMC_E_LIMIT. */
CMC_MUST_CHECK int rules_text_read(const char *text, size_t len, struct rules_text *out,
                                   struct cmc_err *err);
/* Whether the rule's clauses work on the elements of an array. */
bool rules_text_for_arrays(const struct rules_text *r);
/* 1: the measured array is allowed; 0: it is not. Errors: -CMC_E_LIMIT, -CMC_E_FORMAT (the clause
 * additional is no list of entries). */
CMC_MUST_CHECK int rules_text_array(const struct rules_text *r, const struct cmc_json *reference,
                                    const struct cmc_json *measured, struct cmc_err *err);
/* As above, for a member that only the measured configuration has. */
CMC_MUST_CHECK int rules_text_extra(const struct rules_text *r, const struct cmc_json *measured,
                                    struct cmc_err *err);
bool rules_text_equal(const struct cmc_json *a, const struct cmc_json *b);
#endif
