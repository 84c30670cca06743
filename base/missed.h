/* SPDX-License-Identifier: Apache-2.0 */
/* base/missed.h -- a line of RUNTIME_DIR/missed: an event that is not in the log (docs/recorder.md,
 * Files). The recorder reads it; recorder and shim write it. */
#ifndef BASE_MISSED_H
#define BASE_MISSED_H

enum { CMC_MISSED_BYTES_MAX = 65536 };

/* Appends "NS TAB CONTAINER TAB EVENT: WHY" and a newline to the file that fd (or -1: nothing is
 * done) is open on, locked by the caller. Each text is cut and made printable; NULL is "". A line
 * that does not fit below CMC_MISSED_BYTES_MAX, or cannot be written, is lost: there is nobody
 * left to tell. */
void cmc_missed_append(int fd, const char *ns, const char *container, const char *event,
                       const char *why);
#endif
