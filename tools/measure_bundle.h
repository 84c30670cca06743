/* SPDX-License-Identifier: Apache-2.0 */
/* tools/measure_bundle.h -- reference values from an OCI bundle or image, step by step. */
#ifndef TOOLS_MEASURE_BUNDLE_H
#define TOOLS_MEASURE_BUNDLE_H
#include "measure/client.h"
#include "tools/cmc_measure_state.h"

/* What earlier programs of this name used; it should not occur in a configuration. */
#define MEASURE_BUNDLE_ID "mycontainer"

enum measure_bundle_exit {
    MEASURE_BUNDLE_DONE = 0,
    MEASURE_BUNDLE_REFUSED = 1, /* well-formed, and not to be measured so */
    MEASURE_BUNDLE_USAGE = 2,
    MEASURE_BUNDLE_FAULT = 3
};

struct measure_bundle_options { /* texts are borrowed from argv; NULL: not given */
    const char *bundle, *config, *rootfs, *id, *profile_name, *name, *listing, *redaction_key;
    enum measure_profile profile;
    uint64_t pcr, file_max;
    bool rootless, progress;
    const char *image, *as;                     /* instead of a bundle */
    const char *platform, *os, *arch, *variant; /* the last three are in parts, or NULL */
    char parts[64];
    struct measure_client_opts client;
};

/* Fills *out, which must stay where it is. Returns as cmc_options_parse(). Errors: -CMC_E_USAGE. */
CMC_MUST_CHECK int measure_bundle_options(int argc, char **argv, struct measure_bundle_options *out,
                                          struct cmc_err *err);

/* What the options name, opened and read. */
struct measure_bundle_inputs {
    struct cmc_buf json; /* config.json */
    struct cmc_measure_spec spec;
    int root; /* O_PATH, or -1 */
    bool rootless;
    bool has_key;
    uint8_t key[32];
    struct measure_bundle_image *image; /* NULL: a bundle */
};
/* progress, ctx: while an image's layers are read. Free with measure_bundle_inputs_done(), also
 * after an error. */
CMC_MUST_CHECK int
measure_bundle_inputs(const struct measure_bundle_options *o,
                      int (*progress)(void *ctx, uint64_t entries, uint64_t bytes), void *ctx,
                      struct measure_bundle_inputs *out, struct cmc_err *err);
void measure_bundle_inputs_done(struct measure_bundle_inputs *in);

/* An image, read from its layout: all layers. Free with measure_bundle_image_free(). */
struct measure_bundle_image;
CMC_MUST_CHECK int
measure_bundle_image_read(const struct measure_bundle_options *o,
                          int (*progress)(void *ctx, uint64_t entries, uint64_t bytes), void *ctx,
                          struct measure_bundle_image **out, struct cmc_err *err);
void measure_bundle_image_free(struct measure_bundle_image *i);
/* Appends the config.json that the client makes. */
CMC_MUST_CHECK int measure_bundle_image_config(const struct measure_bundle_options *o,
                                               struct measure_bundle_image *i, struct cmc_buf *out,
                                               struct cmc_err *err);
/* Once. listing: may be NULL. */
CMC_MUST_CHECK int measure_bundle_image_rootfs(const struct measure_bundle_options *o,
                                               struct measure_bundle_image *i,
                                               struct cmc_buf *listing, struct measure_rootfs *out,
                                               struct cmc_err *err);

enum measure_bundle_note {
    MEASURE_BUNDLE_PROGRESS,
    MEASURE_BUNDLE_SUMMARY,
    MEASURE_BUNDLE_WARNING
};

/* Measures, writes the listing when one is wanted, and appends the references to out, which is as
 * before after an error. note: gets lines for people. */
CMC_MUST_CHECK int measure_bundle_run(const struct measure_bundle_options *o, struct cmc_buf *out,
                                      void (*note)(enum measure_bundle_note kind, const char *line),
                                      struct cmc_err *err);
#endif
