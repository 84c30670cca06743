/* SPDX-License-Identifier: Apache-2.0 */
/* record/lock.h -- one writer at a time. */
#ifndef RECORD_LOCK_H
#define RECORD_LOCK_H
#include "base/err.h"

/* Takes the lock file "lock" in dirfd (made 0600), waiting at most timeout_ms. The kernel gives it
 * free when its holder dies. Returns a fd that holds it; closing it lets go.
 * Errors: -CMC_E_LIMIT (timeout; names the process that took it last), -CMC_E_SYS, -CMC_E_VERIFY.
 */
CMC_MUST_CHECK int record_lock_take(int dirfd, unsigned timeout_ms, struct cmc_err *err);
#endif
