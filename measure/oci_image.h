/* SPDX-License-Identifier: Apache-2.0 */
/* measure/oci_image.h -- the JSON of OCI images: index, manifest, configuration (image-spec 1.1).
 * Pure. */
#ifndef MEASURE_OCI_IMAGE_H
#define MEASURE_OCI_IMAGE_H
#include "base/json.h"
#include "measure/image_tree.h"

enum { MEASURE_OCI_JSON_MAX = 4 << 20, MEASURE_OCI_MANIFESTS_MAX = 4096 };

enum measure_oci_kind { MEASURE_OCI_OTHER, MEASURE_OCI_INDEX, MEASURE_OCI_MANIFEST };

struct measure_oci_descriptor {
    enum measure_oci_kind kind;
    char hex[2 * CMC_SHA256_LEN + 1]; /* of its SHA-256 */
    uint8_t digest[CMC_SHA256_LEN];
    uint64_t size;
};

struct measure_oci_choice {
    const char *tag;                 /* NULL: the only one */
    const char *os, *arch, *variant; /* where an index has several; variant may be NULL */
    bool nested;                     /* within another index: tags count no more */
};

/* The manifest, or inner index, that an index has for a choice. Errors: -CMC_E_FORMAT, -CMC_E_USAGE
 * (none, or several; names what there is), -CMC_E_LIMIT; *out untouched. */
CMC_MUST_CHECK int measure_oci_choose(const char *index, size_t len,
                                      const struct measure_oci_choice *choice,
                                      struct measure_oci_descriptor *out, struct cmc_err *err);

struct measure_oci_manifest {
    struct measure_oci_descriptor config, layer[MEASURE_IMAGE_LAYERS_MAX]; /* the lowest first */
    size_t layers;
};
CMC_MUST_CHECK int measure_oci_manifest(const char *json, size_t len,
                                        struct measure_oci_manifest *out, struct cmc_err *err);

struct measure_oci_texts {        /* borrowed from the document */
    const struct cmc_json *array; /* of strings, or NULL: absent */
};
/* The texts of an array, in order: begin with NULL. NULL at the end. */
const struct cmc_json *measure_oci_next(const struct measure_oci_texts *t,
                                        const struct cmc_json *before);

struct measure_oci_config {
    struct cmc_json_doc *doc; /* owned */
    struct measure_oci_texts env, entrypoint, cmd;
    const char *cwd, *user; /* "" when absent */
    const char *os, *arch;  /* NULL: absent */
    uint8_t diff_id[MEASURE_IMAGE_LAYERS_MAX][CMC_SHA256_LEN];
    size_t layers;
};
/* Free with measure_oci_config_done(), also after an error. Errors: -CMC_E_FORMAT, -CMC_E_LIMIT,
 * -CMC_E_VERIFY (a name that only Go would take for one that counts). */
CMC_MUST_CHECK int measure_oci_config(const char *json, size_t len, struct measure_oci_config *out,
                                      struct cmc_err *err);
void measure_oci_config_done(struct measure_oci_config *c);
#endif
