/* SPDX-License-Identifier: Apache-2.0 */
/* record/hint.h -- where the log stood after the last settled event, so that not every writer
 * replays it all. Only root can write it, as the log itself. It decides nothing: who uses it checks
 * that boot, TPM reset and PCR value are the ones it names, and else reads the log. */
#ifndef RECORD_HINT_H
#define RECORD_HINT_H
#include "record/state.h"

/* Leaves a hint for a log of size bytes. Never fails: without one the log is read. */
void record_hint_put(int dirfd, uint64_t size, const struct record_state *s);
/* The hint for a log of exactly size bytes; false: none, and *out is untouched. */
bool record_hint_get(int dirfd, uint64_t size, struct record_state *out);
#endif
