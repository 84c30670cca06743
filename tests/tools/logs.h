/* SPDX-License-Identifier: Apache-2.0 */
/* tests/tools/logs.h -- builds logs for tests: well-formed, or wrong on purpose. Faults abort. */
#ifndef TESTS_TOOLS_LOGS_H
#define TESTS_TOOLS_LOGS_H
#include "measure/replay.h"

enum { LOGS_RECORDS_MAX = 4096 };

struct logs { /* a log under construction and the register it belongs to */
    struct cmc_buf bytes;
    struct measure_banks start, pcr; /* what the register began with, and what it holds */
    struct measure_starts starts;    /* for measure_replay() */
    enum measure_profile profile;
    uint64_t seq;
    uint32_t reset_count;
};

struct logs_record { /* one frame, taken out of a log: content is owned */
    struct measure_frame frame;
    uint8_t content[MEASURE_EVENT_MAX];
};

/* banks: 1 SHA-256; 2 SHA-1, SHA-256; 4 all that we compute. Start value: zeros; profile exact. */
void logs_init(struct logs *l, size_t banks);
/* The firmware extended the register, and its log says so: start value with bytes from byte on. */
void logs_firmware(struct logs *l, uint8_t byte);
void logs_done(struct logs *l);
/* A valid event of the type, with every member that it may have. */
struct measure_event logs_event(enum measure_event_type type);
/* Only the members that the type must have. */
struct measure_event logs_least_event(enum measure_event_type type);

/* Appends the intent of ev with the number and, for recorder-start and discontinuity, the values
 * that fit; content may be NULL, else it is used instead of ev's encoding. */
void logs_intent(struct logs *l, struct measure_event *ev);
void logs_mark(struct logs *l, enum measure_mark_how how);
/* Both; the register follows. */
void logs_put(struct logs *l, enum measure_event_type type, enum measure_mark_how how);
/* A discontinuity that found the register at that value; at one of its own; a TPM reset. */
void logs_found(struct logs *l, const struct measure_banks *found);
void logs_break(struct logs *l);
void logs_reset(struct logs *l);
/* recorder-start, create, delete, failed, create: the log most tests begin with. */
void logs_usual(struct logs *l);

/* Takes a log apart and puts it together again. Returns the number of frames. */
size_t logs_split(const struct logs *l, struct logs_record *out, size_t max);
void logs_join(const struct logs_record *records, size_t count, struct cmc_buf *out);
/* Digests and marks of all records made right again, as a forger with the log file could; profile
 * exact. */
void logs_forge(struct logs_record *records, size_t count, const struct measure_banks *start);
#endif
