/* SPDX-License-Identifier: Apache-2.0 */
/* shim/bundle.h -- bundle directories: opened once, judged, then never named again. */
#ifndef SHIM_BUNDLE_H
#define SHIM_BUNDLE_H
#include "base/err.h"

/* Opens the bundle that a Create names: an absolute path without "." or ".." and without any
 * symlink, a directory of root that only root writes. Returns an O_PATH fd, or -CMC_E_SYS,
 * -CMC_E_VERIFY. */
CMC_MUST_CHECK int shim_bundle_open(const char *path, struct cmc_err *err);
/* Opens the bundle's log FIFO for writing, which containerd copies to its own stderr. Returns a
 * non-blocking fd; -1 when nobody reads it, when it is no FIFO, or when bundle is -1. */
int shim_bundle_log(int bundle);
/* Writes <bundle>/name at once and whole, mode 0644. Errors: -CMC_E_SYS. */
CMC_MUST_CHECK int shim_bundle_write(int bundle, const char *name, const char *text,
                                     struct cmc_err *err);
#endif
