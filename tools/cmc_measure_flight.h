/* SPDX-License-Identifier: Apache-2.0 */
/* tools/cmc_measure_flight.h -- a tree is measured once in a boot: who comes meanwhile, or later,
 * takes the result, when nothing was touched (docs/formats/cache.md). */
#ifndef TOOLS_CMC_MEASURE_FLIGHT_H
#define TOOLS_CMC_MEASURE_FLIGHT_H
#include "measure/rootfs_stamp.h"
#include "tools/cmc_measure_link.h"
#include "tools/cmc_measure_mounts.h"

/* What a measuring gives, in either profile. */
struct cmc_measure_tree {
    uint8_t rootfs[CMC_SHA256_LEN];
    bool has_listing;
    uint8_t listing[CMC_SHA256_LEN];
};

/* And what says how long it is true. */
struct cmc_measure_walked {
    struct cmc_measure_tree tree;
    bool leased; /* read from layers, and all files gave a lease */
    struct measure_rootfs_stamp stamp;
};

/* As measure_rootfs_opts has it: a result below 0 ends the walk with an error. */
typedef int cmc_measure_progress(void *ctx, uint64_t entries, uint64_t bytes);

struct cmc_measure_flight { /* all borrowed */
    const char *runtime_dir;
    const char *form; /* "exact 1": digests of another form are not ours */
    const char *task; /* for log lines */
    int log;
    struct cmc_measure_link *link;          /* may be NULL */
    const struct measure_rootfs_opts *opts; /* of the walk: mappings and file_max */
    bool keep_listing;
    enum cmc_measure_mounts_kind kind;
    const char *options;
    const int *layers;  /* open, topmost first, without an upper directory that is empty */
    size_t layer_count; /* 0: nothing is kept of this tree */
    /* Measures the tree and stores its listing when one is kept. */
    int (*walk)(void *ctx, cmc_measure_progress *progress, void *progress_ctx,
                struct cmc_measure_walked *out, struct cmc_err *err);
    /* The stamp of the tree as it is now. */
    int (*look)(void *ctx, cmc_measure_progress *progress, void *progress_ctx,
                struct measure_rootfs_stamp *out, struct cmc_err *err);
    /* Is the listing still stored? */
    bool (*has_listing)(void *ctx, const uint8_t digest[static CMC_SHA256_LEN]);
    void *ctx;
};

/* Where a result came from. */
enum cmc_measure_source {
    CMC_MEASURE_OWN,    /* measured now */
    CMC_MEASURE_JOINED, /* another helper was at it */
    CMC_MEASURE_KEPT    /* measured before */
};

/* Measures, joins another helper that does, or takes what was kept. Errors: those of walk; sharing
 * adds none. */
CMC_MUST_CHECK int cmc_measure_flight_run(const struct cmc_measure_flight *f,
                                          struct cmc_measure_tree *out,
                                          enum cmc_measure_source *source, struct cmc_err *err);
#endif
