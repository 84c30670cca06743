/* SPDX-License-Identifier: Apache-2.0 */
/* measure/config_cmc.h -- the configuration digest of profile cmc: SHA-256 over CMC's normal form
 * (docs/formats/cmc-config.md). */
#ifndef MEASURE_CONFIG_CMC_H
#define MEASURE_CONFIG_CMC_H
#include "measure/config.h"

/* Resolves every symbolic link of path (a hook's program on this host) into out, PATH_MAX bytes.
 * Errors: -CMC_E_SYS. */
typedef int measure_resolve_fn(void *ctx, const char *path, char *out, struct cmc_err *err);

struct measure_config_cmc_opts {
    const char *container_id;    /* not "" */
    measure_resolve_fn *resolve; /* NULL: a config with prestart hooks is an error */
    void *ctx;
};

/* Fills out as measure_config() does; out->detail is the normal form itself, whose SHA-256 is
 * out->digest. Free with measure_config_done().
 * Errors: -CMC_E_FORMAT, -CMC_E_LIMIT, -CMC_E_SYS (resolve), -CMC_E_USAGE; *out untouched. */
CMC_MUST_CHECK int measure_config_cmc(const void *json, size_t len,
                                      const struct measure_config_cmc_opts *opts,
                                      struct measure_config *out, struct cmc_err *err);

/* Appends any JSON value as RFC 8785 writes it: of the ociSpec of an event or a reference, the
 * bytes whose SHA-256 is the configuration's digest. Errors: -CMC_E_FORMAT, -CMC_E_LIMIT. */
CMC_MUST_CHECK int measure_config_cmc_form(const void *json, size_t len, struct cmc_buf *form,
                                           struct cmc_err *err);

/* measure_config_diff() for two normal forms (section 10 of the page).
 * Errors: -CMC_E_FORMAT (no normal form; one with U+0000; different in nothing that can be shown),
 * -CMC_E_LIMIT. */
CMC_MUST_CHECK int measure_config_cmc_diff(const struct cmc_buf *a, const struct cmc_buf *b,
                                           measure_config_diff_fn *diff, void *ctx,
                                           struct cmc_err *err);
#endif
