/* SPDX-License-Identifier: Apache-2.0 */
/* attest/verify/log.h -- from a log of profile exact to the events that quoted PCR values vouch
 * for (docs/formats/report.md, 3). The type is made here alone, by that replay. */
#ifndef ATTEST_VERIFY_LOG_H
#define ATTEST_VERIFY_LOG_H
#include "attest/verify/quote.h"
#include "measure/event.h"

struct verify_log_input { /* borrowed; nothing of it is believed */
    struct meta_bytes log;
    struct meta_bytes boot_log; /* of kind "tcg"; data NULL: none */
};

/* The events since the TPM's present reset that are in the quoted register. Borrows the log. */
struct verify_log;
/* Claims below parent. *out: NULL unless all of them hold; free with verify_log_free(). */
CMC_MUST_CHECK enum verify_status
verify_log_check(const struct verify_log_input *in, const struct verify_quote *q,
                 const struct verify_pcrs *pcrs, struct verify_tree *t, struct verify_claim *parent,
                 struct verify_log **out);
void verify_log_free(struct verify_log *l);
uint32_t verify_log_pcr(const struct verify_log *l);
/* What the register began with: zeros in all banks, so that it holds these events and no other; and
 * the SHA-256 bank of it (NULL: the log has none). */
bool verify_log_from_zeros(const struct verify_log *l);
const uint8_t *verify_log_start(const struct verify_log *l);

/* Calls each per event, in order; a result other than 0 ends it and is returned.
 * Errors: -CMC_E_LIMIT (memory). */
typedef int verify_log_fn(void *ctx, const struct measure_event *ev, struct cmc_err *err);
CMC_MUST_CHECK int verify_log_each(const struct verify_log *l, verify_log_fn *each, void *ctx,
                                   struct cmc_err *err);
#endif
