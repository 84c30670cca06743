/* SPDX-License-Identifier: Apache-2.0 */
/* shim/actions.h -- what containerd asks the program to do. */
#ifndef SHIM_ACTIONS_H
#define SHIM_ACTIONS_H
#include <stdbool.h>

#include "base/buf.h"
#include "base/site.h"

struct shim_args { /* borrowed from argv; never NULL */
    const char *ns, *id, *address, *publish_binary, *bundle;
    bool debug;
    const char *config; /* path of the site configuration */
    char *const *argv;  /* as it came */
};

/* Joins or creates the shim of this container's group; prints the answer on stdout. */
CMC_MUST_CHECK int shim_start(const struct shim_args *a, const struct cmc_site *site,
                              struct cmc_err *err);
/* Cleans up after a dead proxy and becomes the real shim's `delete`; of a container that the real
 * shim never heard of it answers itself and returns 0. */
CMC_MUST_CHECK int shim_delete(const struct shim_args *a, const struct cmc_site *site,
                               struct cmc_err *err);
/* Becomes the real shim's `-info`, with options that it can read. Returns only on failure. */
CMC_MUST_CHECK int shim_info(const struct shim_args *a, const struct cmc_site *site,
                             struct cmc_err *err);
#endif
