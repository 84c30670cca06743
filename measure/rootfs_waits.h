/* SPDX-License-Identifier: Apache-2.0 */
/* measure/rootfs_waits.h -- has a thread waited for a disk? */
#ifndef MEASURE_ROOTFS_WAITS_H
#define MEASURE_ROOTFS_WAITS_H
#include <stdbool.h>
#include <stddef.h>
#include <sys/resource.h>

struct measure_waits {
    long all, disk;
};

/* Of this thread, so far, but for those for other threads, which it has counted. */
static inline struct measure_waits measure_waits_now(long others)
{
    struct rusage use = {.ru_nvcsw = 0};
    (void)getrusage(RUSAGE_THREAD, &use);
    return (struct measure_waits){use.ru_nvcsw - others, use.ru_inblock};
}

/* How often it has waited meanwhile, if for a disk at all. Never below 0: whoever was about to wait
 * for another thread has counted that, and may not have had to. */
static inline long measure_waits_disk(const struct measure_waits *before,
                                      const struct measure_waits *now)
{
    const long times = now->all - before->all;
    return times > 0 && now->disk > before->disk ? times : 0;
}

/* Did n files take waiting for who keeps them elsewhere? FUSE has no blocks. */
static inline bool measure_waits_elsewhere(const struct measure_waits *before,
                                           const struct measure_waits *now, size_t n)
{
    return (now->all - before->all) * 2 > (long)n;
}
#endif
