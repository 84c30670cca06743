/* SPDX-License-Identifier: Apache-2.0 */
/* tests/lib/swtpm.h -- a software TPM of a test's own, in a directory of its own. */
#ifndef TESTS_LIB_SWTPM_H
#define TESTS_LIB_SWTPM_H
#include <stdbool.h>
#include <sys/types.h>

struct swtpm {
    pid_t pid; /* 0: not running */
    char dir[64], tcti[96];
};

/* Makes the directory and starts one. banks: as swtpm_setup's --pcr-banks, or NULL: all.
 * false: swtpm is not installed. Ends the program when it does not come up; it ends with the
 * program. */
bool swtpm_start(struct swtpm *s, const char *banks);
/* As a power cut does; the state stays. */
void swtpm_stop(struct swtpm *s);
/* Stops it, and starts it again: its PCRs and slots are empty. */
void swtpm_restart(struct swtpm *s);
#endif
