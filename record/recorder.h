/* SPDX-License-Identifier: Apache-2.0 */
/* record/recorder.h -- log and PCR as one transaction (docs/recorder.md). */
#ifndef RECORD_RECORDER_H
#define RECORD_RECORDER_H
#include "measure/replay.h"

struct record_config {       /* what it points at stays valid until record_close() */
    const char *runtime_dir; /* holds lock and log; made 0750 root:cmc when absent */
    const char *tcti;
    unsigned pcr;
    bool insecure_pcr; /* allows 16 and 23 */
    enum measure_profile profile;
    const char *firmware_log;     /* says what the register may begin with; NULL: zeros alone */
    const uint16_t *ignore_banks; /* TPM_ALG_IDs that we can't compute and may leave out */
    size_t ignore_count;
    const struct measure_program *programs; /* for recorder-start; borrowed */
    size_t program_count;
    unsigned lock_timeout_ms; /* waiting for another writer; 0: 30 s */
};

struct record_receipt {
    uint64_t seq;
    struct measure_banks pcr;         /* after the event, which profile cmc may not have extended */
    bool started;                     /* a recorder-start was written first */
    bool discontinuity;               /* a discontinuity was written first */
    bool recovered;                   /* an open event of a dead writer was completed first */
    uint32_t lock_us, log_us, tpm_us; /* where the time went */
};

struct record;

/* Opens the runtime directory. No lock is held afterwards, and the TPM is opened by the first
 * recording, so that an event that meets no TPM is noted as missing.
 * Errors: -CMC_E_SYS, -CMC_E_VERIFY (directory of a wrong kind, owner or mode), -CMC_E_USAGE (PCR,
 * profile). */
CMC_MUST_CHECK int record_open(const struct record_config *cfg, struct record **out,
                               struct cmc_err *err);
void record_close(struct record *r);

/* Takes the lock, recovers what a dead writer left, writes recorder-start on the boot's first use
 * and after a TPM reset, then: intent, sync, extend, read back, mark. Sets ev->seq.
 * Success means: durable in the log and in the PCR. Where an error comes before the intent is in
 * the log, the event is noted, and the next recording says that it is missing; behind it, the next
 * writer completes the event (docs/recorder.md).
 * Errors: -CMC_E_SYS, -CMC_E_TPM, -CMC_E_VERIFY (a file of a wrong kind, owner or mode; a damaged
 * log; another profile or register than this boot began with), -CMC_E_LIMIT (no space: the reserve
 * then holds a measurement-failed; lock not free; ev too long), -CMC_E_USAGE and -CMC_E_FORMAT
 * (ev; a bank that cannot be computed). */
CMC_MUST_CHECK int record_event(struct record *r, struct measure_event *ev,
                                struct record_receipt *out, struct cmc_err *err);
/* The same without an event of its own: recovery and, where due, recorder-start. */
CMC_MUST_CHECK int record_init(struct record *r, struct record_receipt *out, struct cmc_err *err);
#endif
