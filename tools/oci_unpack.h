/* SPDX-License-Identifier: Apache-2.0 */
/* tools/oci_unpack.h -- a layer's blob as it was before it was packed: gzip (RFC 1952), zstd
 * (RFC 8878) or neither, as its first bytes say; the formats that containerd unpacks. */
#ifndef TOOLS_OCI_UNPACK_H
#define TOOLS_OCI_UNPACK_H
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"

struct oci_unpack;

/* Gives the next packed bytes, borrowed until it is called again; none at their end. */
typedef int oci_unpack_more(void *ctx, const uint8_t **packed, size_t *len, struct cmc_err *err);

/* Errors: -CMC_E_LIMIT (memory), those of more, which is asked for the first bytes: four of them
 * tell the format. */
CMC_MUST_CHECK int oci_unpack_new(oci_unpack_more *more, void *ctx, struct oci_unpack **out,
                                  struct cmc_err *err);
/* Gives want bytes, fewer at the end; by then all packed ones have been asked for.
 * Errors: -CMC_E_FORMAT (damaged, cut off, followed by something else), those of more. */
CMC_MUST_CHECK int oci_unpack_read(struct oci_unpack *u, void *to, size_t want, size_t *got,
                                   struct cmc_err *err);
void oci_unpack_free(struct oci_unpack *u);
#endif
