/* SPDX-License-Identifier: Apache-2.0 */
/* record/logfile.h -- the file "log": append only, durable, with space kept back. */
#ifndef RECORD_LOGFILE_H
#define RECORD_LOGFILE_H
#include <stddef.h>
#include <stdint.h>

#include "measure/eventlog.h"

enum {
    RECORD_LOG_MAX = 64 << 20, /* bytes */
    /* Kept free behind the end: an event and its mark always fit when the space is gone. */
    RECORD_LOG_RESERVE = 2 * MEASURE_FRAME_MAX
};

struct record_log {
    int fd; /* owned */
    uint64_t size;
};

/* Opens "log" in dirfd, and makes it 0640 with the directory's group when absent. Only under the
 * lock. Errors: -CMC_E_SYS, -CMC_E_VERIFY (kind, owner, mode), -CMC_E_LIMIT (larger than
 * RECORD_LOG_MAX). */
CMC_MUST_CHECK int record_log_open(int dirfd, struct record_log *out, struct cmc_err *err);
void record_log_close(struct record_log *log);

/* The whole content; *out is freed by the caller with cmc_buf_done(). */
CMC_MUST_CHECK int record_log_read(const struct record_log *log, struct cmc_buf *out,
                                   struct cmc_err *err);

enum record_log_use { RECORD_LOG_KEEP, RECORD_LOG_USE_RESERVE };
/* Makes sure that need bytes can be appended, and with RECORD_LOG_KEEP the reserve behind them too.
 * Where the file system cannot allocate ahead (ENOTSUP) nothing is promised.
 * Errors: -CMC_E_LIMIT (no space: neither file nor PCR was touched), -CMC_E_SYS. */
CMC_MUST_CHECK int record_log_room(const struct record_log *log, size_t need,
                                   enum record_log_use use, struct cmc_err *err);

/* Appends len bytes with one write and syncs them. A failure may leave a torn frame, which readers
 * skip; nothing is taken back. Errors: -CMC_E_SYS. */
CMC_MUST_CHECK int record_log_append(struct record_log *log, const void *data, size_t len,
                                     struct cmc_err *err);
#endif
