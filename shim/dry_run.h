/* SPDX-License-Identifier: Apache-2.0 */
/* shim/dry_run.h -- the last word on dry runs: they are never forwarded, whatever a helper did. */
#ifndef SHIM_DRY_RUN_H
#define SHIM_DRY_RUN_H
#include <stdbool.h>

#include "base/helper_msg.h"

/* True for a container that must not start: one whose id is that of dry runs, or which was not
 * measured (r NULL or not CMC_HELPER_RECORDED) and has the name of dry runs in its config.json.
 * bundle: O_PATH, or -1. */
bool shim_dry_run(const char *id, int bundle, const struct cmc_helper_result *r);
#endif
