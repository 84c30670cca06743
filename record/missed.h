/* SPDX-License-Identifier: Apache-2.0 */
/* record/missed.h -- events that could not even be logged: noted in the file "missed", so that the
 * next recording says that they are missing. */
#ifndef RECORD_MISSED_H
#define RECORD_MISSED_H
#include <stdbool.h>

#include "base/buf.h"
#include "measure/event.h"

struct record_missed {
    uint64_t count;      /* events noted; 0: none */
    struct cmc_buf text; /* owned: the lines, for record_missed_next() and record_missed_clear() */
    size_t at;           /* bytes of text that were given */
    char ns[MEASURE_TEXT_MAX + 1], container[MEASURE_TEXT_MAX + 1]; /* of the one given last */
    char what[MEASURE_TEXT_MAX + 1];                                /* its type and why */
};

/* Notes ev. Never fails: there is nowhere left to say so. */
void record_missed_note(int dirfd, const struct measure_event *ev, const struct cmc_err *why);
/* Reads what was noted; whatever is wrong with the file counts as nothing noted.
 * out: emptied by record_missed_done(). */
void record_missed_read(int dirfd, struct record_missed *out);
/* Gives the next one; false: no more. */
bool record_missed_next(struct record_missed *m);
/* Forgets all that record_missed_read() gave, unless more was noted since. */
void record_missed_clear(int dirfd, const struct record_missed *m);
void record_missed_done(struct record_missed *m);
#endif
