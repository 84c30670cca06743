/* SPDX-License-Identifier: Apache-2.0 */
/* tests/lib/fail_alloc.h -- lets the nth allocation of the code under test fail, for every n.
 * Programs with it are registered in tests/topics/faults.cmake. */
#ifndef TESTS_LIB_FAIL_ALLOC_H
#define TESTS_LIB_FAIL_ALLOC_H
#include <stdbool.h>
#include <stddef.h>

#include "base/err.h"

/* One call of the code under test with its checks: when it fails, outputs are as before; whatever
 * it gave is freed. Returns what the code returned. */
typedef int fail_alloc_call(struct cmc_err *err);

/* Runs call with the 1st, 2nd, ... allocation failing until it needs fewer; asserts that each of
 * these runs is -CMC_E_LIMIT, that there was one, and that the last run, undisturbed, is good. */
void fail_alloc_each(fail_alloc_call *call);
/* Whether the one of this run has failed by now: for code that can do without some. */
bool fail_alloc_happened(void);

/* The same in a process that the test drives: from here on only children of this one are counted.
 * Arms the nth allocation from now, in whichever child it is. */
void fail_alloc_in_children(size_t n);
/* Ends it; whether that allocation was reached. */
bool fail_alloc_reached(void);
#endif
