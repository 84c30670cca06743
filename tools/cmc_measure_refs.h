/* SPDX-License-Identifier: Apache-2.0 */
/* tools/cmc_measure_refs.h -- where dry runs leave reference values
 * (docs/formats/references.md, section 5). */
#ifndef TOOLS_CMC_MEASURE_REFS_H
#define TOOLS_CMC_MEASURE_REFS_H
#include "base/buf.h"

#define CMC_MEASURE_REFS_TOP  "/tmp"
#define CMC_MEASURE_REFS_DIR  "measure"
#define CMC_MEASURE_REFS_FILE "container-refs"
#define CMC_MEASURE_REFS_PATH CMC_MEASURE_REFS_DIR "/" CMC_MEASURE_REFS_FILE

/* Replaces measure/container-refs below top, an absolute path, by data; makes the directory where
 * there is none. All of it must be the caller's alone (root's).
 * Errors: -CMC_E_VERIFY (a place that is, or was, another's: says which and what to do),
 * -CMC_E_SYS; the old file is untouched then. */
CMC_MUST_CHECK int cmc_measure_refs_write(const char *top, const struct cmc_buf *data,
                                          struct cmc_err *err);
#endif
