/* SPDX-License-Identifier: Apache-2.0 */
/* base/dry_run.h -- the name that asks for reference values instead of a container. Shim and helper
 * must agree on it: a container of that name is never started, whatever else fails. */
#ifndef BASE_DRY_RUN_H
#define BASE_DRY_RUN_H
#include <stdbool.h>
#include <stddef.h>

#define CMC_DRY_RUN "CMC_GENERATE_APP_MANIFEST"

/* The container id, or the name in a pod (NULL: none), is that name. */
bool cmc_dry_run_is_named(const char *id, const char *name);
/* A config.json that was not, or could not be, parsed gives that name to the container, in the
 * bytes that containerd's CRI writes. */
bool cmc_dry_run_is_written(const void *json, size_t len);
#endif
