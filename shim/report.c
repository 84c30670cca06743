/* SPDX-License-Identifier: Apache-2.0 */
/* shim/report.c -- one line per Create, loud when nothing was recorded. */
#include "shim/report.h"

#include <stdio.h>

#include "base/cleanup.h"
#include "shim/bundle.h"

void shim_report_line(int log, int bundle, enum cmc_level level, const char *msg, const char *task,
                      const char *why)
{
    cmc_autofd int fifo = shim_bundle_log(bundle);
    cmc_log(log, level, msg, "task", task, "why", why, NULL);
    if (fifo >= 0)
        cmc_log(fifo, level, msg, "task", task, "why", why, NULL);
}

#define UNRECORDED "NOT RECORDED: no event tells of this container"

static const struct {
    enum cmc_level level;
    const char *msg, *verdict;
} verdicts[] = {
    {CMC_LOG_ERROR, UNRECORDED, "not recorded"}, /* no result at all */
    [CMC_HELPER_RECORDED] = {CMC_LOG_INFO, "container measured", "recorded"},
    [CMC_HELPER_MEASURE_FAILED] = {CMC_LOG_ERROR, "measuring failed", "failure recorded"},
    [CMC_HELPER_NOT_RECORDED] = {CMC_LOG_ERROR, UNRECORDED, "not recorded"},
    [CMC_HELPER_REFUSED] = {CMC_LOG_WARNING, "container refused", "refused"},
};

void shim_report_create(int log, int bundle, const char *task, uint64_t held_us,
                        const struct cmc_helper_result *r, const char *text)
{
    static const struct cmc_helper_result nothing = {.text = ""};
    const struct cmc_helper_result *got = r ? r : &nothing;
    const size_t row = r ? (size_t)r->outcome : 0;
    const char *key = row == CMC_HELPER_RECORDED ? "digests" : "why";
    char seq[24], took[24], us[128];
    cmc_autofd int fifo = shim_bundle_log(bundle);
    (void)snprintf(seq, sizeof(seq), "%llu", (unsigned long long)got->seq);
    (void)snprintf(took, sizeof(took), "%llu", (unsigned long long)held_us / 1000);
    (void)snprintf(us, sizeof(us), "mount %u, digest %u, tpm %u, all %u, held %llu", got->mount_us,
                   got->digest_us, got->tpm_us, got->total_us, (unsigned long long)held_us);
    const int fds[] = {log, fifo};
    for (size_t i = 0; i < sizeof(fds) / sizeof(fds[0]); i++)
        if (fds[i] >= 0)
            cmc_log(fds[i], verdicts[row].level, verdicts[row].msg, "task", task, "event", seq,
                    "verdict", verdicts[row].verdict, key, text, "ms", took, "us", us, NULL);
}
