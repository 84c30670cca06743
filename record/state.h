/* SPDX-License-Identifier: Apache-2.0 */
/* record/state.h -- what the log says, and what follows from it and the PCR: the table of
 * docs/recorder.md. */
#ifndef RECORD_STATE_H
#define RECORD_STATE_H
#include "measure/replay.h"
#include "record/logfile.h"
#include "tpm/pcr.h"

struct record_state {
    struct measure_replay log;
    bool has_start;     /* a recorder-start for log.reset_count is in the log (open counts) */
    bool open_is_start; /* the open intent is that one */
};

/* What the TPM and the kernel say now. */
struct record_seen {
    struct measure_starts starts; /* what the register may begin with: not what was found */
    const char *no_firmware;      /* why only zeros are; NULL: the firmware's log was read */
    struct measure_banks value;   /* V */
    struct tpm_clock clock;
    uint8_t boot_id[16];
};

enum record_open_intent {
    RECORD_OPEN_NONE,
    RECORD_OPEN_EXTEND, /* V = L: extend it now, if it is extended at all */
    RECORD_OPEN_FOUND,  /* V = H(L, d): only the mark is missing */
    RECORD_OPEN_TWICE,  /* V = H(H(L, d), d) */
    RECORD_OPEN_LOST    /* not known to be in the PCR */
};

struct record_verdict {
    enum record_open_intent open;
    struct measure_banks settled;  /* L once the open intent has its mark */
    const char *discontinuity;     /* why one is due, or NULL */
    struct measure_banks expected; /* what the discontinuity names */
    bool start;                    /* a recorder-start is due */
};

/* Nothing was recorded since the TPM's last reset: the register is due at a start value. */
bool record_state_is_fresh(const struct record_state *s, const struct record_seen *seen);
/* The table. Errors: -CMC_E_USAGE (banks that cannot be computed). */
CMC_MUST_CHECK int record_state_decide(const struct record_state *s, const struct record_seen *seen,
                                       struct record_verdict *out, struct cmc_err *err);

/* Takes the hint when it fits: same boot, reset and size, and the value that it names is the PCR's.
 * false: it does not, and *out is untouched. */
bool record_state_hint(int dirfd, const struct record_log *log, const struct record_seen *seen,
                       struct record_state *out);
/* Reads the log. Errors: those of measure_replay() and record_log_read(). */
CMC_MUST_CHECK int record_state_load(const struct record_log *log, const struct record_seen *seen,
                                     struct record_state *out, struct cmc_err *err);
#endif
