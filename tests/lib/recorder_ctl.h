/* SPDX-License-Identifier: Apache-2.0 */
/* tests/lib/recorder_ctl.h -- cmcctl log over a recorder's log, details and model TPM; also checks
 * what it prints. */
#ifndef TESTS_LIB_RECORDER_CTL_H
#define TESTS_LIB_RECORDER_CTL_H
#include "base/buf.h"
#include "tests/lib/recorder_bed.h"

extern struct bed ctl_bed;
extern char ctl_log_path[128], ctl_details[128];
extern char ctl_out[1 << 20]; /* what the last run printed */

int ctl_setup(void **state);
int ctl_teardown(void **state);

/* Runs cmcctl log on the bed with more arguments, NULL at the end; stdout and stderr to ctl_out. */
int ctl_run(const char *first, ...);
/* The last run's output has the text, or has it not; else the test fails. */
void ctl_says(const char *text);
void ctl_does_not_say(const char *text);

/* A container-create with digests of zeros. */
struct measure_event ctl_event(const char *container);
void ctl_record(struct measure_event ev);
void ctl_put_details(const char *kind, const uint8_t *digest, const struct cmc_buf *data);
#endif
