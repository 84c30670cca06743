/* SPDX-License-Identifier: Apache-2.0 */
/* measure/eventlog.h -- the log file: frames that hold CEL records and commit marks
 * (docs/formats/eventlog.md). Pure: bytes in, frames out. */
#ifndef MEASURE_EVENTLOG_H
#define MEASURE_EVENTLOG_H
#include "measure/event.h"

enum {
    MEASURE_FRAME_MAX = 32768,     /* bytes of a frame with its header */
    MEASURE_TORN_MAX = 256 << 10,  /* bytes of torn frames in one log: bounds the search */
    MEASURE_CEL_CONTENT_TYPE = 204 /* CEL-TLV content type of our events; not assigned by the TCG */
};

enum measure_frame_type {
    MEASURE_FRAME_INTENT = 1, /* one CEL record: recnum, PCR, digests, content */
    MEASURE_FRAME_MARK        /* the record before it is in the PCR; holds the value per bank */
};

enum measure_mark_how { /* how the extend of a record came to be known as done */
                        MEASURE_MARK_DONE = 1,  /* extended and read back by the writer */
                        MEASURE_MARK_RECOVERED, /* found open; extended by a later writer (V = L) */
                        MEASURE_MARK_FOUND,     /* found open; already extended (V = H(L, d)) */
                        MEASURE_MARK_TWICE,     /* found open; extended twice (V = H(H(L, d), d)) */
                        MEASURE_MARK_LOST /* found open; a discontinuity follows: not known to be in
                                             the PCR */
};

struct measure_frame {
    enum measure_frame_type type;
    uint64_t recnum;
    /* MEASURE_FRAME_INTENT */
    uint32_t pcr;
    struct measure_banks digests; /* none: the record is not extended (profile cmc) */
    const uint8_t *record;        /* the CEL-TLV record; borrowed from the input */
    size_t record_len;
    const uint8_t *content; /* event content bytes; borrowed from the input */
    size_t content_len;
    /* MEASURE_FRAME_MARK */
    enum measure_mark_how how;
    struct measure_banks values;
};

/* Appends one frame. Errors: -CMC_E_LIMIT, -CMC_E_USAGE. Of an intent: recnum, pcr, digests and
 * content are read; record is made. */
CMC_MUST_CHECK int measure_frame_encode(const struct measure_frame *f, struct cmc_buf *out,
                                        struct cmc_err *err);

/* Reads the frame at *at and moves *at behind it.
 * Returns 1 (a frame), 0 (the clean end), or < 0. A tail that a crash or a full disk tore (shorter
 * than it claims, or with a wrong checksum and no valid frame behind it) is -CMC_E_LIMIT with *at
 * left at its first byte; anything else that is no frame is -CMC_E_FORMAT. A torn tail in the
 * middle (a writer went on behind it) is skipped: *torn += bytes skipped. */
CMC_MUST_CHECK int measure_frame_next(const uint8_t *log, size_t len, size_t *at,
                                      struct measure_frame *out, size_t *torn, struct cmc_err *err);
#endif
