/* SPDX-License-Identifier: Apache-2.0 */
/* tests/lib/fake_tpm.h -- a model of the part of a TPM that the recorder uses: PCR banks, extend,
 * read, clock; with faults at the n-th command. What it does is checked against swtpm by running
 * the same tests there (tests/integration/recorder). */
#ifndef TESTS_LIB_FAKE_TPM_H
#define TESTS_LIB_FAKE_TPM_H
#include <stdbool.h>

#include "tests/lib/fake_tcti.h"
#include "tpm/pcr.h"

enum { FAKE_BANKS_MAX = 5 };

enum fake_fault {
    FAKE_FAULT_BEFORE = 1, /* the command is lost: an I/O error and no effect */
    FAKE_FAULT_AFTER,      /* the answer is lost: an I/O error, the effect is there */
    FAKE_FAULT_REFUSED     /* the TPM answers with TPM_RC_FAILURE, no effect */
};

struct fake_tpm {
    struct tpm_banks bank;           /* allocated banks with the values of every PCR alike */
    uint16_t listed[FAKE_BANKS_MAX]; /* banks that are listed with an empty selection */
    size_t listed_count;
    uint8_t (*value)[FAKE_BANKS_MAX][TPM_DIGEST_MAX]; /* [TPM_PCRS], the one model's */
    uint32_t reset_count, restart_count, update_counter;
    unsigned commands, extends; /* seen so far */
    unsigned fault_at;          /* command number from 1 that fails; 0: none */
    enum fake_fault fault;
    bool gone;           /* every command fails */
    uint8_t firmware;    /* at each reset the firmware extends PCR 13 by this; 0: nothing */
    size_t read_at_most; /* values per PCR_Read; 0: 8 */
    /* Called before command number n is executed: a place for others to act. NULL: nobody. */
    void (*meanwhile)(struct fake_tpm *t, unsigned n);
};

/* A TPM with these banks, PCRs zero; fake_tcti leads to it from now on. */
void fake_tpm_start(struct fake_tpm *t, const uint16_t *algs, size_t count);
/* Power cycle: PCRs zero, resetCount one up. */
void fake_tpm_reset(struct fake_tpm *t);
/* Somebody else's extend, in all banks. */
void fake_tpm_foreign(struct fake_tpm *t, unsigned pcr, uint8_t byte);
#endif
