/* SPDX-License-Identifier: Apache-2.0 */
/* tests/lib/recorder_log.h -- reads a recorder's log as a stranger would, and compares with the
 * PCR. */
#ifndef TESTS_LIB_RECORDER_LOG_H
#define TESTS_LIB_RECORDER_LOG_H
#include <stdbool.h>

#include "record/recorder.h"

struct recorder_log {
    struct measure_replay replay;
    unsigned starts, discontinuities, failed, how[MEASURE_MARK_LOST + 1];
    /* Set by the caller: seen[n] becomes seq + 1 of the event of container "eN" that is in the PCR.
     */
    uint64_t *seen;
    size_t seen_max;
    unsigned events;   /* of containers "eN", in the PCR */
    unsigned repeated; /* of them, those that are there twice */
    char reason[1025]; /* of the last measurement-failed or discontinuity */
    char ignored[128]; /* of the last recorder-start */
    bool agrees;       /* no record is open, and the PCR has the log's value in all banks */
};

/* Errors: -CMC_E_VERIFY, -CMC_E_FORMAT (the log does not replay), -CMC_E_SYS, -CMC_E_TPM. */
CMC_MUST_CHECK int recorder_log_read(const struct record_config *cfg, struct recorder_log *out,
                                     struct cmc_err *err);
#endif
