/* SPDX-License-Identifier: Apache-2.0 */
/* measure/config.h -- the exact OCI configuration digest (docs/formats/oci-config.md). */
#ifndef MEASURE_CONFIG_H
#define MEASURE_CONFIG_H
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/hash.h"

enum { MEASURE_KEY_ID_LEN = 8 };

struct measure_config_opts {
    const char *container_id;     /* as in the Create request; not "", ".", ".." */
    const char *bundle;           /* absolute bundle path; may be NULL */
    const uint8_t *redaction_key; /* 32 bytes, or NULL: the all-zero key */
};

struct measure_config {
    uint8_t digest[CMC_SHA256_LEN];
    uint8_t raw_digest[CMC_SHA256_LEN]; /* SHA-256 of the bytes as given; never repeats */
    bool terminal;                      /* process.terminal, which the event records */
    struct cmc_buf detail; /* owned: canonical JSON with environment values; recomputable */
};

/* Measures one config.json. out->detail: freed by measure_config_done().
 * Errors name the JSON path: -CMC_E_FORMAT, -CMC_E_VERIFY (a name that differs from a listed member
 * or from another one only by case, a listed member of another type), -CMC_E_LIMIT, -CMC_E_USAGE
 * (opts); *out untouched. */
CMC_MUST_CHECK int measure_config(const void *json, size_t len,
                                  const struct measure_config_opts *opts,
                                  struct measure_config *out, struct cmc_err *err);
void measure_config_done(struct measure_config *c);

/* Recomputes the digest from a stored detail, which may hold commitments instead of values.
 * Errors: -CMC_E_FORMAT (not a detail), -CMC_E_LIMIT; out untouched. */
CMC_MUST_CHECK int measure_config_detail_digest(const void *detail, size_t len,
                                                const uint8_t *redaction_key,
                                                uint8_t out[static CMC_SHA256_LEN],
                                                struct cmc_err *err);
/* Appends the detail with a commitment in place of each value: the canonical form, which has the
 * same digest. Errors: as above; out is spoiled then. */
CMC_MUST_CHECK int measure_config_detail_withhold(const void *detail, size_t len,
                                                  const uint8_t *redaction_key, struct cmc_buf *out,
                                                  struct cmc_err *err);
/* First 8 bytes of SHA-256("cmc-redaction-key-1" NUL key); all zero for NULL. */
void measure_config_key_id(const uint8_t *key, uint8_t out[static MEASURE_KEY_ID_LEN]);

/* Calls diff once per difference of two details (section 11 of docs/formats/oci-config.md).
 * path: "process.args[2]", "process.env VAL"; safe for a terminal. before, after: JSON text, or
 * words for a variable without a shown value or with a name that path cuts; NULL: absent;
 * untrusted (cmc_put_safe), and the values of variables are secrets.
 * Errors: -CMC_E_FORMAT (no detail; says which), -CMC_E_LIMIT. */
typedef void measure_config_diff_fn(void *ctx, const char *path, const char *before,
                                    const char *after);
CMC_MUST_CHECK int measure_config_diff(const struct cmc_buf *a, const struct cmc_buf *b,
                                       measure_config_diff_fn *diff, void *ctx,
                                       struct cmc_err *err);
#endif
