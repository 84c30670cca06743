/* SPDX-License-Identifier: Apache-2.0 */
/* measure/rootfs_rest.c -- one idea of "at rest" for whole trees and for single files. */
#include "measure/rootfs_rest.h"

#include <time.h>

#define NS_PER_S UINT64_C(1000000000)
/* Far more than the clock of ctimes may stand, which is a tick of the slowest kernels (10 ms): the
 * rest is for clocks that are set back a little. And the unit of file systems that keep whole
 * seconds (or two, as a parity that rounds down). */
#define REST_NS       UINT64_C(100000000)
#define REST_WHOLE_NS UINT64_C(2000000000)

uint64_t measure_rest_clock(void)
{
    struct timespec now = {0};
    (void)clock_gettime(CLOCK_REALTIME_COARSE, &now);
    return (uint64_t)now.tv_sec * NS_PER_S + (uint64_t)now.tv_nsec;
}

uint64_t measure_rest_end(uint64_t seconds, uint32_t nanoseconds)
{
    const uint64_t rest = nanoseconds ? REST_NS : REST_WHOLE_NS;
    if (seconds > UINT64_MAX / NS_PER_S - 4) /* with nanoseconds and rest it would wrap */
        return UINT64_MAX;
    return seconds * NS_PER_S + nanoseconds + rest;
}
