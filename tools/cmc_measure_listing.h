/* SPDX-License-Identifier: Apache-2.0 */
/* tools/cmc_measure_listing.h -- the listing of a Create's tree: digested and stored piece by
 * piece, so that it is never in memory beside the tree. */
#ifndef TOOLS_CMC_MEASURE_LISTING_H
#define TOOLS_CMC_MEASURE_LISTING_H
#include "measure/rootfs.h"
#include "tools/cmc_measure_job.h"

struct cmc_measure_listing {
    const struct cmc_measure_job *job;
    uint8_t digest[CMC_SHA256_LEN]; /* out */
};

/* list of struct measure_rootfs_opts; ctx: a struct cmc_measure_listing. The tree may be measured
 * again, with another listing: the last counts. That it cannot be stored is said, no more.
 * Errors: -CMC_E_LIMIT (more than CMC_MEASURE_LISTING_MAX bytes, memory). */
CMC_MUST_CHECK int cmc_measure_listing_keep(void *ctx, const struct measure_nodes *tree,
                                            struct cmc_err *err);
#endif
