/* SPDX-License-Identifier: Apache-2.0 */
/* measure/go_sort.h -- the unstable sort of Go's sort.Slice, since Go 1.24
 * (docs/formats/cmc-config.md, section 6.1). */
#ifndef MEASURE_GO_SORT_H
#define MEASURE_GO_SORT_H
#include <stdbool.h>
#include <stddef.h>

typedef bool measure_go_less_fn(const void *a, const void *b);

/* Sorts n pointers. What compares equal ends in the order that Go leaves it in. */
void measure_go_sort(void **items, size_t n, measure_go_less_fn *less);
#endif
