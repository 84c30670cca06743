/* SPDX-License-Identifier: Apache-2.0 */
/* tests/lib/fake_tcti.h -- a TCTI in process. Link with --wrap=Tss2_TctiLdr_Initialize and
 * --wrap=Tss2_TctiLdr_Finalize: the configuration "fake" then leads here, any other to the real
 * one.
 */
#ifndef TESTS_LIB_FAKE_TCTI_H
#define TESTS_LIB_FAKE_TCTI_H
#include <stddef.h>
#include <stdint.h>

#include <tss2/tss2_common.h>

enum { FAKE_TCTI_BYTES = 4096 };

/* Answers one command. cmd: what was sent; rsp: at least FAKE_TCTI_BYTES. Returns the code of
 * receive(); *len is the answer's length. */
typedef TSS2_RC fake_tcti_fn(void *ctx, const uint8_t *cmd, size_t cmd_len, uint8_t *rsp,
                             size_t *len);

/* Who answers from now on. Commands in between are lost, as in a TPM that is gone. */
void fake_tcti_use(fake_tcti_fn *who, void *ctx);
#endif
