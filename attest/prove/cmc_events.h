/* SPDX-License-Identifier: Apache-2.0 */
/* attest/prove/cmc_events.h -- the containers of a log as events of CMC; for this folder alone. */
#ifndef ATTEST_PROVE_CMC_EVENTS_H
#define ATTEST_PROVE_CMC_EVENTS_H
#include "attest/prove/parts.h"

struct prove_cmc_events {
    struct meta_component *event; /* owned */
    size_t count;
    struct prove_cmc_parts *parts; /* owned: what they point at */
    char index[12];                /* the register, as text */
    uint32_t pcr;
    uint8_t start[CMC_SHA256_LEN]; /* of the register */
    uint8_t value[CMC_SHA256_LEN]; /* behind the last event */
};
/* The events of the log's last segment that were extended, with SHA-256. log: profile cmc; borrowed
 * until prove_cmc_events_done(). details: with configurations, but for those that tell secrets.
 * Errors: -CMC_E_VERIFY, -CMC_E_FORMAT (the log does not replay, or another register's),
 * -CMC_E_VERIFY (begins with a discontinuity, which a verifier of CMC cannot judge), -CMC_E_LIMIT.
 */
CMC_MUST_CHECK int prove_cmc_events_of(const struct prove *p, const struct prove_log *log,
                                       bool details, struct prove_cmc_events *out,
                                       struct cmc_err *err);
void prove_cmc_events_done(struct prove_cmc_events *e);
#endif
