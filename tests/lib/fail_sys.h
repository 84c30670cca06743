/* SPDX-License-Identifier: Apache-2.0 */
/* tests/lib/fail_sys.h -- lets the nth system call of the code under test fail, for every n.
 * Programs with it are registered in tests/topics/faults.cmake. */
#ifndef TESTS_LIB_FAIL_SYS_H
#define TESTS_LIB_FAIL_SYS_H
#include "base/err.h"

/* One call of the code under test with its checks; what it gave is closed. Returns what it
 * returned. Its own system calls come before fail_sys_begin() and behind fail_sys_end(). */
typedef int fail_sys_call(struct cmc_err *err);
void fail_sys_begin(void);
void fail_sys_end(void);

/* Runs call with the 1st, 2nd, ... system call failing with EIO until it needs fewer; asserts that
 * a result below 0 comes with its code and message, that no descriptor is left open, and that the
 * last run, undisturbed, is good. A fault that costs nothing may be a good result. */
void fail_sys_each(fail_sys_call *call);
#endif
