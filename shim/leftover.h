/* SPDX-License-Identifier: Apache-2.0 */
/* shim/leftover.h -- what a killed proxy may leave behind: a socket's name and the real shim. */
#ifndef SHIM_LEFTOVER_H
#define SHIM_LEFTOVER_H
#include <sys/types.h>

#include "base/err.h"

/* Notes in the bundle (an open directory) which process is the real shim. */
CMC_MUST_CHECK int shim_leftover_note(int bundle, pid_t server, struct cmc_err *err);
/* Where the bundle's proxy no longer answers: removes its socket and kills the real shim that was
 * noted, if that very process still runs. Never fails: `delete` must go on. */
void shim_leftover_clean(int bundle);
/* Removes names of sockets in dir (locked by the caller) that nobody listens on any more: of
 * proxies that were killed while containerd was not there to run `delete`. */
void shim_leftover_sweep(const char *dir);
#endif
