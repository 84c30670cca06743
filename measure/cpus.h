/* SPDX-License-Identifier: Apache-2.0 */
/* measure/cpus.h -- how many CPUs this process may keep busy. */
#ifndef MEASURE_CPUS_H
#define MEASURE_CPUS_H

/* What sched_getaffinity(2) allows, and no more than the cpu quota of our cgroup and those above it
 * (rounded up). At least 1; what cannot be read limits nothing. */
unsigned measure_cpus(void);

/* The quota alone, with root (a directory, borrowed) as "/": 0 for none. */
unsigned measure_cpus_quota(int root);
#endif
