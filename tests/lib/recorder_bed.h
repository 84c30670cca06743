/* SPDX-License-Identifier: Apache-2.0 */
/* tests/lib/recorder_bed.h -- a recorder's directory below /tmp and the model TPM. */
#ifndef TESTS_LIB_RECORDER_BED_H
#define TESTS_LIB_RECORDER_BED_H
#include "tests/lib/fake_tpm.h"
#include "tests/lib/recorder_log.h"
#include "tests/lib/recorder_table.h"

struct bed {
    struct recorder_bed table; /* cfg is in here */
    struct fake_tpm tpm;
    char dir[32], runtime[64], firmware_log[64];
    void (*opened)(struct bed *b); /* called when the recorder is open, before the first event */
};

/* banks: 1 (SHA-256), 2 (SHA-1 too) or 4. Directory and TPM are new; nothing is recorded. */
void bed_init(struct bed *b, size_t banks);
void bed_done(struct bed *b);
/* From now on the firmware extends the register by byte before the recorder runs, and its log says
 * so. The TPM is reset. */
void bed_firmware(struct bed *b, uint8_t byte);
/* Records events of containers "e<first>" and on; 0 or the first error. They are container-delete,
 * and in profile cmc, unless table.quiet is set, container-create, which is extended there. */
CMC_MUST_CHECK int bed_record(struct bed *b, unsigned first, unsigned count,
                              struct record_receipt *last, struct cmc_err *err);
struct measure_event bed_event(const char *container);
/* Reads log and PCR, and fails the test when they do not agree. */
void bed_check(struct bed *b, struct recorder_log *out);
#endif
