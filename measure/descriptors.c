/* SPDX-License-Identifier: Apache-2.0 */
/* measure/descriptors.c -- a descriptor with a high number, closed at once: tables never shrink. */
#include "measure/descriptors.h"

#include <fcntl.h>
#include <sys/resource.h>

#include "base/cleanup.h"

void measure_descriptors_reserve(void)
{
    struct rlimit files;
    cmc_autofd int low = open("/", O_PATH | O_CLOEXEC);
    if (low < 0 || getrlimit(RLIMIT_NOFILE, &files) < 0)
        return;
    const rlim_t end = files.rlim_cur < MEASURE_DESCRIPTORS_RESERVED ? files.rlim_cur
                                                                     : MEASURE_DESCRIPTORS_RESERVED;
    cmc_autofd int high = fcntl(low, F_DUPFD_CLOEXEC, (int)end - 1);
    (void)high;
}
