/* SPDX-License-Identifier: Apache-2.0 */
/* tools/oci_store.h -- an OCI image layout, a directory or a tar archive of one: its blobs, each
 * proved by its digest (docs/formats/image-references.md, "Layout"). */
#ifndef TOOLS_OCI_STORE_H
#define TOOLS_OCI_STORE_H
#include "measure/oci_image.h"
#include "measure/untar.h"

enum { OCI_STORE_MEMBERS_MAX = 1 << 16 };
#define OCI_STORE_LAYER_MAX (UINT64_C(1) << 40) /* bytes of a layer, unpacked */

struct oci_store;
/* Opens a layout. Errors: -CMC_E_SYS, -CMC_E_FORMAT (no layout), -CMC_E_LIMIT. */
CMC_MUST_CHECK int oci_store_open(const char *path, struct oci_store **out, struct cmc_err *err);
void oci_store_close(struct oci_store *s);
static inline void oci_store_closep(struct oci_store **s)
{
    oci_store_close(*s);
}

/* Appends index.json. Errors: -CMC_E_SYS, -CMC_E_LIMIT. */
CMC_MUST_CHECK int oci_store_index(const struct oci_store *s, struct cmc_buf *out,
                                   struct cmc_err *err);
/* Appends a blob of JSON. Errors: -CMC_E_SYS (absent), -CMC_E_VERIFY (size or digest differ),
 * -CMC_E_LIMIT. */
CMC_MUST_CHECK int oci_store_json(const struct oci_store *s, const struct measure_oci_descriptor *d,
                                  struct cmc_buf *out, struct cmc_err *err);

/* A layer as a tar archive: plain, gzip or zstd, as its first bytes say. */
struct oci_layer;
CMC_MUST_CHECK int oci_layer_open(const struct oci_store *s, const struct measure_oci_descriptor *d,
                                  struct oci_layer **out, struct cmc_err *err);
/* For measure_image_add(); valid until oci_layer_close(). */
struct measure_source oci_layer_source(struct oci_layer *l);
/* Reads to the end; digest and size of the blob and the digest of what it unpacks to must be as
 * said. Errors: -CMC_E_VERIFY, -CMC_E_SYS, -CMC_E_FORMAT. */
CMC_MUST_CHECK int oci_layer_finish(struct oci_layer *l,
                                    const uint8_t diff_id[static CMC_SHA256_LEN],
                                    struct cmc_err *err);
void oci_layer_close(struct oci_layer *l);
static inline void oci_layer_closep(struct oci_layer **l)
{
    oci_layer_close(*l);
}
#endif
