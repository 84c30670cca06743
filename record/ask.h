/* SPDX-License-Identifier: Apache-2.0 */
/* record/ask.h -- asks cmc-recorder over its socket, on behalf of who is not root. */
#ifndef RECORD_ASK_H
#define RECORD_ASK_H
#include "record/request.h"

#define RECORD_SOCKET "/run/cmc-recorder.sock"

/* Both give up after timeout_ms. Errors: -CMC_E_SYS (not reached, no answer in time), -CMC_E_FORMAT
 * (an answer that is none), -CMC_E_VERIFY (refused, with the service's words), -CMC_E_USAGE. */

/* Has an unmeasured event recorded. *seq: its number. */
CMC_MUST_CHECK int record_ask_unmeasured(const char *path, const struct record_request *r,
                                         unsigned timeout_ms, uint64_t *seq, struct cmc_err *err);
/* Nobody records from now until the returned fd is closed, or until ms have passed. */
CMC_MUST_CHECK int record_ask_pause(const char *path, unsigned ms, unsigned timeout_ms,
                                    struct cmc_err *err);
#endif
