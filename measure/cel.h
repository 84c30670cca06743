/* SPDX-License-Identifier: Apache-2.0 */
/* measure/cel.h -- the log as a TCG Canonical Event Log in JSON or CBOR, and events as JSON
 * (docs/formats/eventlog.md, Exports). */
#ifndef MEASURE_CEL_H
#define MEASURE_CEL_H
#include "measure/replay.h"

enum measure_cel_format { MEASURE_CEL_JSON = 1, MEASURE_CEL_CBOR };

/* Appends one document with every record of the log, which must replay from one of starts.
 * Errors: of measure_replay(); -CMC_E_LIMIT (out is full); out->len unchanged then. */
CMC_MUST_CHECK int measure_cel_export(const uint8_t *log, size_t len,
                                      const struct measure_starts *starts,
                                      enum measure_cel_format format, struct cmc_buf *out,
                                      struct cmc_err *err);

/* "done", "recovered", "found", "twice", "lost"; of an open record (NULL) "open". */
const char *measure_mark_name(const struct measure_frame *mark);

/* Appends the members of a decoded event as JSON members, without braces: "type":...,"seq":...
 * Nothing but printable ASCII is written: other characters are \u escapes. */
void measure_cel_put_event(struct cmc_buf *b, const struct measure_event *ev);
/* Appends [{"hashAlg":"sha256","digest":"..."},...]. */
void measure_cel_put_banks(struct cmc_buf *b, const struct measure_banks *banks);
/* Appends a JSON string of printable ASCII; text is UTF-8 (what is not becomes U+FFFD). */
void measure_cel_put_text(struct cmc_buf *b, const char *text);
#endif
