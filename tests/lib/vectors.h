/* SPDX-License-Identifier: Apache-2.0 */
/* tests/lib/vectors.h -- files below tests/vectors, and those that are not in the tree. */
#ifndef TESTS_LIB_VECTORS_H
#define TESTS_LIB_VECTORS_H
#include <stdbool.h>

#include "base/buf.h"

/* A file below tests/vectors; the test fails without it. */
struct cmc_buf vector_read(const char *name);
/* A file below $CMC_EXTRA_VECTORS; without it the test is skipped by name. */
struct cmc_buf vector_extra(const char *name);
/* Fails the test, naming the first byte that differs. */
void vector_equal(const char *what, const struct cmc_buf *have, const void *want, size_t len);
#endif
