/* SPDX-License-Identifier: Apache-2.0 */
/* attest/verify/result_parts.h -- what attest/verify/result*.c share; for them alone. */
#ifndef ATTEST_VERIFY_RESULT_PARTS_H
#define ATTEST_VERIFY_RESULT_PARTS_H
#include "attest/verify/verify.h"

/* A member's name with its colon; a comma before it unless something opens right before. */
void verify_put_name(struct cmc_buf *b, const char *name);
/* "name":"text"; of NULL nothing. */
void verify_put_text(struct cmc_buf *b, const char *name, const char *text);
/* "name":"<hex>" */
void verify_put_digest(struct cmc_buf *b, const char *name, const uint8_t *sha256);
/* Members of AttestationResult, without braces (attestation_result.c). */
void verify_put_attestation(const struct verify_result *r, struct cmc_buf *b);
#endif
