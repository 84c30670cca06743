/* SPDX-License-Identifier: Apache-2.0 */
/* attest/verify/log_parts.h -- what attest/verify/log*.c share; for them alone. */
#ifndef ATTEST_VERIFY_LOG_PARTS_H
#define ATTEST_VERIFY_LOG_PARTS_H
#include "attest/verify/log.h"
#include "measure/replay.h"

/* value has the bank alg, with these bytes (NULL: false). */
bool verify_log_bank_is(const struct measure_banks *value, uint16_t alg, const uint8_t *bytes);
struct verify_log_quoted { /* a log, and what a quote says */
    const struct verify_log_input *in;
    const struct verify_quote *q;
    const struct verify_pcrs *pcrs;
    struct measure_begin begin; /* as the log begins; set by verify_log_register() */
};
/* Which register it is, whether it may be one, and whether the quote has it in all its banks. */
bool verify_log_register(struct verify_log_quoted *l, struct verify_tree *t,
                         struct verify_claim *up);
/* What the register may have begun with: zeros, or what a boot log says that itself gives the
 * quoted values of PCR 0 to 7. */
void verify_log_starts(const struct verify_log_quoted *l, struct measure_starts *out,
                       struct verify_tree *t, struct verify_claim *up);
#endif
