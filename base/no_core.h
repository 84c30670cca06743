/* SPDX-License-Identifier: Apache-2.0 */
/* base/no_core.h -- what a process knows ends with it. */
#ifndef BASE_NO_CORE_H
#define BASE_NO_CORE_H

/* No core file, no core for a collector that the kernel pipes it to (which RLIMIT_CORE 0 alone
 * does not stop), and no debugger of the same user. First of all in main(), before secrets are
 * read; undone by execve(2). */
void cmc_no_core(void);
#endif
