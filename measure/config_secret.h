/* SPDX-License-Identifier: Apache-2.0 */
/* measure/config_secret.h -- variables whose values are nobody else's business, by their names. */
#ifndef MEASURE_CONFIG_SECRET_H
#define MEASURE_CONFIG_SECRET_H
#include <stdbool.h>

#include "measure/config.h"

struct measure_names {          /* borrowed */
    const char *const *pattern; /* "*" is any text; ASCII letters match in either case */
    size_t count;               /* pattern NULL: the default list of docs/formats/report.md */
};

bool measure_names_match(const struct measure_names *n, const char *name, size_t len);

/* Appends the detail with commitments for the values of variables whose names match, or, with a
 * redaction key, of all. It has the same digest. Returns 1, or 0: nothing can be shown, because
 * a hook has a variable whose name matches, and those have no commitments.
 * Errors: -CMC_E_FORMAT (not a detail), -CMC_E_LIMIT; out is spoiled then. */
CMC_MUST_CHECK int measure_config_detail_withhold_names(const void *detail, size_t len,
                                                        const uint8_t *redaction_key,
                                                        const struct measure_names *names,
                                                        struct cmc_buf *out, struct cmc_err *err);
/* Whether a configuration holds such a variable as text NAME=VALUE: in process.env or in a hook.
 * Profile cmc has no commitments: whatever holds one is shown as a whole or not at all.
 * Returns 1, 0, or < 0: -CMC_E_FORMAT (no JSON object that the strict reader takes), -CMC_E_LIMIT.
 */
CMC_MUST_CHECK int measure_config_has_secret(const void *json, size_t len,
                                             const struct measure_names *names,
                                             struct cmc_err *err);
#endif
