/* SPDX-License-Identifier: Apache-2.0 */
/* measure/config_parts.h -- what measure/config*.c share; for them alone. */
#ifndef MEASURE_CONFIG_PARTS_H
#define MEASURE_CONFIG_PARTS_H
#include "base/json.h"
#include "measure/config.h"
#include "measure/spec_table.h"

/* The member of type called name, or NULL. */
const struct spec_member *measure_config_listed(const struct spec_type *type, const char *name);
/* Two names without regard to case, as Go's decoder compares them (section 3). */
int measure_config_compare_folded(const char *a, const char *b);
/* Names and types of a whole configuration (section 3 of docs/formats/oci-config.md).
 * Errors: -CMC_E_VERIFY with the path, -CMC_E_LIMIT (memory). */
CMC_MUST_CHECK int measure_config_check(const struct cmc_json *config, struct cmc_err *err);
/* Writes the detail of a checked configuration (sections 5 and 6). opts->bundle is absolute. */
void measure_config_detail_put(struct cmc_buf *out, const struct cmc_json *config,
                               const struct measure_config_opts *opts);

/* An entry of process.env in a detail. */
struct measure_config_entry { /* borrowed from the document; all NULL: null */
    const char *name;
    const char *value;      /* shown */
    const char *commitment; /* withheld; both NULL: the entry had no "=" */
    size_t name_len, value_len;
};
/* Errors: -CMC_E_FORMAT (none of the shapes of section 7). */
CMC_MUST_CHECK int measure_config_entry(const struct cmc_json *node,
                                        struct measure_config_entry *out, struct cmc_err *err);
/* The entries of a detail, an array, or NULL when there are none; checks what leads there.
 * Errors: -CMC_E_FORMAT. */
CMC_MUST_CHECK int measure_config_env(const struct cmc_json *detail, const struct cmc_json **env,
                                      struct cmc_err *err);

/* A difference on its way to the caller: texts without NUL; before or after empty: absent. */
struct measure_config_change {
    struct cmc_buf path, before, after;
    measure_config_diff_fn *diff;
    void *ctx;
};
/* Reports path, before and after, and empties the latter two. */
void measure_config_report(struct measure_config_change *c);
/* The differences of two arrays of entries (NULL: none), by name; c->path names the array.
 * Errors: -CMC_E_FORMAT (an entry), -CMC_E_LIMIT (memory). */
CMC_MUST_CHECK int measure_config_env_diff(struct measure_config_change *c,
                                           const struct cmc_json *a, const struct cmc_json *b,
                                           struct cmc_err *err);
#endif
