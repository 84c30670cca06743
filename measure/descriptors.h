/* SPDX-License-Identifier: Apache-2.0 */
/* measure/descriptors.h -- room in this process's table of open files, and closing many of them. */
#ifndef MEASURE_DESCRIPTORS_H
#define MEASURE_DESCRIPTORS_H
#include <stddef.h>

enum { MEASURE_DESCRIPTORS_RESERVED = 1024 };

/* Makes the kernel's table as large as that many descriptors need, or as RLIMIT_NOFILE allows; none
 * is left open. To be called before there are other threads: while they share it, the kernel lets
 * whoever makes the table grow wait for an RCU grace period, 10 ms and more each time it doubles.
 * What cannot be had is no fault: it would cost time. */
void measure_descriptors_reserve(void);

/* Closes n open descriptors, each once, and sorts them: neighbours take one system call. */
void measure_descriptors_close(int fd[], size_t n);
#endif
