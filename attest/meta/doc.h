/* SPDX-License-Identifier: Apache-2.0 */
/* attest/meta/doc.h -- the memory that a decoded document lives in; for attest/meta alone. */
#ifndef ATTEST_META_DOC_H
#define ATTEST_META_DOC_H
#include "attest/meta/codec.h"

/* NULL: out of memory. */
struct meta_doc *meta_doc_new(void);
static inline void meta_doc_freep(struct meta_doc **d)
{
    meta_doc_free(*d);
}
#define meta_autodoc CMC_CLEANUP(meta_doc_freep)

/* Zeroed room for count things of size bytes, never NULL for none. Errors: -CMC_E_LIMIT
 * (META_MEMORY_MAX, or out of memory). */
CMC_MUST_CHECK int meta_doc_alloc(struct meta_doc *d, size_t count, size_t size, void **out,
                                  struct cmc_err *err);
/* A copy of len bytes with a NUL behind them. Errors: as above. */
CMC_MUST_CHECK int meta_doc_copy(struct meta_doc *d, const void *data, size_t len, char **out,
                                 struct cmc_err *err);
/* *out: where a JSON document is put that is freed with d. Errors: as above. */
CMC_MUST_CHECK int meta_doc_own(struct meta_doc *d, struct cmc_json_doc ***out,
                                struct cmc_err *err);
/* Lists an unknown member; beyond META_UNKNOWN_MAX it is only said that there are more. */
CMC_MUST_CHECK int meta_doc_list(struct meta_doc *d, const char *path, struct cmc_err *err);
#endif
