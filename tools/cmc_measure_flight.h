/* SPDX-License-Identifier: Apache-2.0 */
/* tools/cmc_measure_flight.h -- one measuring of a layer set at a time: who comes meanwhile, or
 * soon after, takes its result (docs/formats/flights.md). */
#ifndef TOOLS_CMC_MEASURE_FLIGHT_H
#define TOOLS_CMC_MEASURE_FLIGHT_H
#include "tools/cmc_measure_link.h"
#include "tools/cmc_measure_rootfs.h"

enum { CMC_MEASURE_TAKE_OFF_MS = 1000 };

/* What a measuring gives, in either profile. */
struct cmc_measure_tree {
    uint8_t rootfs[CMC_SHA256_LEN];
    bool has_listing;
    uint8_t listing[CMC_SHA256_LEN];
};

/* As measure_rootfs_opts has it: a result below 0 ends the walk with an error. */
typedef int cmc_measure_progress(void *ctx, uint64_t entries, uint64_t bytes);
/* Measures the tree and stores its listing when one is kept. Called again when progress ended it,
 * or when layers were not enough. */
typedef int cmc_measure_walk(void *ctx, const struct cmc_measure_rootfs *from,
                             cmc_measure_progress *progress, void *progress_ctx,
                             struct cmc_measure_tree *out, struct cmc_err *err);

struct cmc_measure_flight { /* all borrowed */
    const char *runtime_dir;
    const char *form; /* "exact 1": digests of another form are not ours */
    const char *task; /* for log lines */
    int log;
    struct cmc_measure_link *link; /* may be NULL */
    const struct cmc_measure_mounts *mounts;
    struct cmc_measure_rootfs *from;        /* the tree, freshly opened; mounted when it must be */
    const struct measure_rootfs_opts *opts; /* of the walk: mappings and file_max */
    bool keep_listing;
    unsigned take_off_ms; /* CMC_MEASURE_TAKE_OFF_MS: what ends sooner is not shared */
    cmc_measure_walk *walk;
    void *ctx;
};

/* Measures, or joins another helper that does. Errors: those of walk; sharing adds none. */
CMC_MUST_CHECK int cmc_measure_flight_run(const struct cmc_measure_flight *f,
                                          struct cmc_measure_tree *out, struct cmc_err *err);
#endif
