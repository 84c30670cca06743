/* SPDX-License-Identifier: Apache-2.0 */
/* shim/owed.h -- Creates that went on with no event of them anywhere, because no helper could run:
 * recorded late, by the next helper that can. */
#ifndef SHIM_OWED_H
#define SHIM_OWED_H
#include "shim/proxy.h"

/* Remembers that the container id is not recorded, and why. */
void shim_owed_note(struct shim_proxy *p, const char *id, const char *why);
/* A helper has just given a result: lets one record what is owed, in the background. */
void shim_owed_retry(struct shim_proxy *p);
#endif
