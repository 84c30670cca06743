/* SPDX-License-Identifier: Apache-2.0 */
/* measure/descriptors.h -- room in this process's table of open files. */
#ifndef MEASURE_DESCRIPTORS_H
#define MEASURE_DESCRIPTORS_H

enum { MEASURE_DESCRIPTORS_RESERVED = 1024 };

/* Makes the kernel's table as large as that many descriptors need, or as RLIMIT_NOFILE allows; none
 * is left open. To be called before there are other threads: while they share it, the kernel lets
 * whoever makes the table grow wait for an RCU grace period, 10 ms and more each time it doubles.
 * What cannot be had is no fault: it would cost time. */
void measure_descriptors_reserve(void);
#endif
