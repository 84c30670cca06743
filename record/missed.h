/* SPDX-License-Identifier: Apache-2.0 */
/* record/missed.h -- events that could not even be logged: noted in the file "missed", so that the
 * next recording says that they are missing. */
#ifndef RECORD_MISSED_H
#define RECORD_MISSED_H
#include "measure/event.h"

struct record_missed {
    uint64_t count; /* events noted; 0: none */
    uint64_t size;  /* bytes that they take, for record_missed_clear() */
    char ns[MEASURE_TEXT_MAX + 1], container[MEASURE_TEXT_MAX + 1]; /* of the first one */
    char what[MEASURE_TEXT_MAX + 1];                                /* its type and why */
};

/* Notes ev. Never fails: there is nowhere left to say so. */
void record_missed_note(int dirfd, const struct measure_event *ev, const struct cmc_err *why);
/* Reads what was noted; whatever is wrong with the file counts as nothing noted. */
void record_missed_read(int dirfd, struct record_missed *out);
/* Forgets what record_missed_read() gave, unless more was noted since. */
void record_missed_clear(int dirfd, const struct record_missed *m);
#endif
