/* SPDX-License-Identifier: Apache-2.0 */
/* measure/descriptors.c -- room by a descriptor with a high number, closed at once: tables never
 * shrink. */
#include "measure/descriptors.h"

#include <fcntl.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <unistd.h>

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

static int by_number(const void *a, const void *b)
{
    const int x = *(const int *)a, y = *(const int *)b;
    return (x > y) - (x < y);
}

void measure_descriptors_close(int fd[], size_t n)
{
    qsort(fd, n, sizeof(*fd), by_number);
    for (size_t i = 0, end; i < n; i = end) {
        for (end = i + 1; end < n && fd[end] == fd[end - 1] + 1;)
            end++;
        if (close_range((unsigned)fd[i], (unsigned)fd[end - 1], 0) == 0)
            continue;
        for (; i < end; i++) /* a kernel, or a filter, that does not know it */
            cmc_closep(&fd[i]);
    }
}
