/* SPDX-License-Identifier: Apache-2.0 */
/* measure/reference.h -- what a container is expected to be, as JSON (docs/formats/references.md).
 * Pure. */
#ifndef MEASURE_REFERENCE_H
#define MEASURE_REFERENCE_H
#include "measure/config.h"
#include "measure/event.h"

enum { MEASURE_REFERENCES_MAX = 64, MEASURE_REFERENCES_BYTES_MAX = 64 << 20 };

struct measure_reference { /* all borrowed */
    const char *name;      /* 1..MEASURE_TEXT_MAX bytes */
    const struct measure_config *config;
    const uint8_t *rootfs; /* CMC_SHA256_LEN bytes */
    const uint8_t
        *redaction_key; /* 32 bytes: values are withheld; NULL: none, and they are shown */
    enum measure_profile profile;
    uint32_t pcr; /* 0..23 */
};

/* Appends the whole document. Errors: -CMC_E_USAGE (profile, name, pcr, count; a redaction key in
 * profile cmc), -CMC_E_FORMAT (config->detail is none), -CMC_E_LIMIT; out->len unchanged then. */
CMC_MUST_CHECK int measure_references_put(struct cmc_buf *out, const struct measure_reference *list,
                                          size_t count, struct cmc_err *err);
/* Appends a normal form of profile cmc, len bytes of JSON, for readers of 64-bit integers: the
 * three that RFC 8785 rounds beyond 64 bits become others that it writes the same. */
void measure_reference_put_form(struct cmc_buf *out, const void *form, size_t len);
#endif
