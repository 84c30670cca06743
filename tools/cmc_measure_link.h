/* SPDX-License-Identifier: Apache-2.0 */
/* tools/cmc_measure_link.h -- the helper's end of the socket: one request, progress, one result
 * (docs/formats/helper.md). */
#ifndef TOOLS_CMC_MEASURE_LINK_H
#define TOOLS_CMC_MEASURE_LINK_H
#include "base/helper_msg.h"

enum {
    CMC_MEASURE_REQUEST_MS = 30000, /* for the whole request */
    CMC_MEASURE_BEAT_MS = 500,
    CMC_MEASURE_IDLE_MS = 60000 /* without a sign of work no more progress is told */
};

struct cmc_measure_link; /* one per process */

/* Reads the request from the stream socket fd (borrowed). frame: receives the bytes that *out
 * borrows. Errors: -CMC_E_SYS, -CMC_E_LIMIT, -CMC_E_FORMAT (end, silence, another frame, bytes
 * behind it). */
CMC_MUST_CHECK int cmc_measure_link_read(int fd, struct cmc_buf *frame,
                                         struct cmc_helper_request *out, struct cmc_err *err);
/* From now on a thread tells progress, for as long as cmc_measure_link_work() is called: who hangs
 * falls silent. A caller that went away changes nothing. Errors: -CMC_E_SYS. */
CMC_MUST_CHECK int cmc_measure_link_start(int fd, struct cmc_measure_link **out,
                                          struct cmc_err *err);
/* A sign of work. link may be NULL. */
void cmc_measure_link_work(struct cmc_measure_link *link, uint64_t entries, uint64_t bytes);
/* Ends progress and sends the result. Errors: -CMC_E_SYS (nobody listens), -CMC_E_LIMIT. */
CMC_MUST_CHECK int cmc_measure_link_finish(struct cmc_measure_link *link,
                                           const struct cmc_helper_result *result,
                                           struct cmc_err *err);
#endif
