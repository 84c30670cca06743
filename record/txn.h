/* SPDX-License-Identifier: Apache-2.0 */
/* record/txn.h -- what happens under the lock (docs/recorder.md, The protocol). */
#ifndef RECORD_TXN_H
#define RECORD_TXN_H
#include "record/firmware.h"
#include "record/recorder.h"
#include "record/register.h"
#include "record/state.h"

struct record_txn {
    const struct record_config *cfg;
    struct record_register *reg;
    int dirfd;
    struct record_log log;
    struct record_seen seen;
    struct record_starts starts; /* asked for only when it matters: values.count is 0 until then */
    struct record_state state;
    struct record_receipt receipt;
    bool whole;  /* the last frame was written whole, synced or not */
    bool logged; /* the next writer finds the caller's event, or that it is missing, in the log */
    struct cmc_err *err;
};

enum { RECORD_DONE = 0, RECORD_MOVED = 1 }; /* MOVED: somebody else extended meanwhile */

/* Opens the log and finds out where log and PCR stand. Errors: as record_event(). */
CMC_MUST_CHECK int record_txn_begin(struct record_txn *t);
/* Closes the log. settled: all went well, so a hint is left. */
void record_txn_end(struct record_txn *t, bool settled);

/* Brings log and PCR together: completes or gives up an open intent, then discontinuity, recorder-
 * start and the note of missing events where they are due. RECORD_DONE or an error. */
CMC_MUST_CHECK int record_txn_settle(struct record_txn *t);
/* One event: intent, sync, extend, read back, mark. Needs a settled transaction.
 * RECORD_DONE, RECORD_MOVED (settle again; the event is not known to be in the PCR) or an error. */
CMC_MUST_CHECK int record_txn_commit(struct record_txn *t, struct measure_event *ev,
                                     enum record_log_use use);
#endif
