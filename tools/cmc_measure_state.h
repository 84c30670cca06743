/* SPDX-License-Identifier: Apache-2.0 */
/* tools/cmc_measure_state.h -- digests of a configuration and of a root file system, by profile:
 * for containers that start, for dry runs and for bundles the one way. */
#ifndef TOOLS_CMC_MEASURE_STATE_H
#define TOOLS_CMC_MEASURE_STATE_H
#include "measure/config.h"
#include "measure/event.h"
#include "tools/cmc_measure_rootfs.h"
#include "tools/cmc_measure_spec.h"

enum { CMC_MEASURE_LISTING_MAX = 64 << 20 };

struct cmc_measure_how { /* all borrowed */
    enum measure_profile profile;
    const char *id;                     /* container id */
    const char *bundle;                 /* its absolute path, or NULL: unknown */
    const uint8_t *redaction_key;       /* 32 bytes, or NULL; profile exact only */
    uint64_t file_max;                  /* bytes of the largest file; 0: no limit */
    bool rootless;                      /* the tree was unpacked by an ordinary user */
    struct measure_rootfs_stamp *stamp; /* NULL, or receives that of the tree; asks for leases */
    const struct measure_known *known;  /* NULL, or who knows files of layers; asks for leases */
    int (*progress)(void *ctx, uint64_t entries, uint64_t bytes); /* as of measure_rootfs() */
    void *ctx;
    /* as of measure_rootfs(): NULL in profile cmc */
    int (*list)(void *ctx, const struct measure_nodes *tree, struct cmc_err *err);
    void *list_ctx;
};

/* A profile by its name; NULL is "exact". Errors: -CMC_E_USAGE. */
CMC_MUST_CHECK int cmc_measure_state_profile(const char *name, enum measure_profile *out,
                                             struct cmc_err *err);
/* Errors: those of the profile's measure_config(), naming config.json, and -CMC_E_USAGE (a
 * redaction key in profile cmc); *out untouched. Free with measure_config_done(). */
CMC_MUST_CHECK int cmc_measure_state_config(const struct cmc_measure_how *how,
                                            const struct cmc_buf *json, struct measure_config *out,
                                            struct cmc_err *err);
/* Measures a tree. listing: NULL, or what receives the listing, which
 * is that of profile exact in any profile. Errors: those of the profile's measure_rootfs(), with
 * "root file system" in front; *out untouched. */
CMC_MUST_CHECK int cmc_measure_state_rootfs(const struct cmc_measure_how *how,
                                            const struct cmc_measure_spec *spec,
                                            const struct cmc_measure_rootfs *from,
                                            struct cmc_buf *listing, struct measure_rootfs *out,
                                            struct cmc_err *err);
#endif
