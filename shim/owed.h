/* SPDX-License-Identifier: Apache-2.0 */
/* shim/owed.h -- Creates that went on with no event of them: no helper could run, or none could
 * record. Recorded late, each, once the recorder works again. */
#ifndef SHIM_OWED_H
#define SHIM_OWED_H
#include "base/helper_msg.h"
#include "shim/proxy.h"

enum { SHIM_OWED_LAST_MS = 3000 }; /* tried for that long after the real shim's end */

/* Remembers that the container id is not recorded, and why. */
void shim_owed_note(struct shim_proxy *p, const char *id, const char *why);
/* Notes the same where the recorder keeps what is missing (docs/recorder.md, Files): whoever
 * records next says so, also when we die before. For a container of which no recorder has heard. */
void shim_owed_missed(const struct shim_proxy *p, const char *id, const char *why);
/* A helper has just given result, or NULL: when that one could record, another is to record what is
 * owed, in the background. */
void shim_owed_retry(struct shim_proxy *p, const struct cmc_helper_result *result);
/* Tries again after a while without such news; often when the real shim has ended, and with it
 * soon the memory of what is owed. Returns when to look again, or UINT64_MAX. */
uint64_t shim_owed_tick(struct shim_proxy *p, uint64_t now_ms);
#endif
