/* SPDX-License-Identifier: Apache-2.0 */
/* tools/oci_store_parts.h -- files of a layout, for the files that make up tools/oci_store.h. */
#ifndef TOOLS_OCI_STORE_PARTS_H
#define TOOLS_OCI_STORE_PARTS_H
#include "tools/oci_store.h"

enum { OCI_BLOB_NAME = 2 * CMC_SHA256_LEN + 16 };

struct oci_file { /* the part of fd that is still to be read */
    int fd;
    bool own; /* fd is closed with it */
    uint64_t at, left;
};
/* Errors: -CMC_E_SYS, -CMC_E_FORMAT. */
CMC_MUST_CHECK int oci_store_file(const struct oci_store *s, const char *name, struct oci_file *out,
                                  struct cmc_err *err);
void oci_file_close(struct oci_file *f);
/* Gives cap bytes, fewer at the end. Errors: -CMC_E_SYS. */
CMC_MUST_CHECK int oci_file_read(struct oci_file *f, void *to, size_t cap, size_t *got,
                                 struct cmc_err *err);
void oci_blob_name(const struct measure_oci_descriptor *d, char out[static OCI_BLOB_NAME]);
#endif
