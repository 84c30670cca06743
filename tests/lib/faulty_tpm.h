/* SPDX-License-Identifier: Apache-2.0 */
/* tests/lib/faulty_tpm.h -- a software TPM behind a line that fails on purpose. Link as
 * tests/lib/fake_tcti.h says; the configuration is "fake". */
#ifndef TESTS_LIB_FAULTY_TPM_H
#define TESTS_LIB_FAULTY_TPM_H
#include <stddef.h>
#include <stdint.h>

#include "tests/lib/swtpm.h"

struct faulty_tpm {
    struct swtpm tpm;
    uint32_t code;       /* the command (TPM2_CC) that is meant; 0: each */
    unsigned skip, hits; /* of those: so many pass, then so many are answered with rc */
    uint32_t rc;
    void (*edit)(uint8_t *answer, size_t *len); /* changes the answers; NULL: none */
    unsigned seen;                              /* commands that were meant, since they were */
};

/* From now on "fake" is this TPM. */
void faulty_tpm_use(struct faulty_tpm *f);
/* From now on, of the commands with this code: skip pass, and hits are answered with rc. */
void faulty_tpm_fail(struct faulty_tpm *f, uint32_t code, unsigned skip, unsigned hits,
                     uint32_t rc);
/* From now on the answers to this command are changed. */
void faulty_tpm_edit(struct faulty_tpm *f, uint32_t code,
                     void (*edit)(uint8_t *answer, size_t *len));
/* No faults any more. */
void faulty_tpm_heal(struct faulty_tpm *f);
#endif
