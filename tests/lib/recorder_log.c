/* SPDX-License-Identifier: Apache-2.0 */
/* tests/lib/recorder_log.c -- the log, replayed, beside the PCR. */
#include "tests/lib/recorder_log.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "record/firmware.h"
#include "tpm/pcr.h"

static int read_pcr(const struct record_config *cfg, struct measure_banks *out, struct cmc_err *err)
{
    struct tpm_pcr_ctx *tpm = NULL;
    struct tpm_banks b = {0};
    int rc = tpm_pcr_open(cfg->tcti, &tpm, err);
    if (rc == 0)
        rc = tpm_pcr_banks(tpm, cfg->pcr, &b, err);
    if (rc == 0)
        rc = tpm_pcr_read(tpm, cfg->pcr, &b, err);
    tpm_pcr_close(tpm);
    *out = (struct measure_banks){0};
    for (size_t i = 0; rc == 0 && i < b.count; i++) {
        if (!cmc_hash_size(b.bank[i].alg))
            continue;
        struct measure_bank *to = &out->bank[out->count++];
        to->alg = b.bank[i].alg;
        memcpy(to->value, b.bank[i].value, b.bank[i].len);
    }
    return rc;
}

static int count_event(void *ctx, const struct measure_frame *intent,
                       const struct measure_event *ev, const struct measure_frame *mark,
                       struct cmc_err *err)
{
    struct recorder_log *l = ctx;
    (void)intent;
    (void)err;
    l->starts += ev->type == MEASURE_RECORDER_START;
    l->discontinuities += ev->type == MEASURE_DISCONTINUITY;
    l->failed += ev->type == MEASURE_FAILED;
    if (mark)
        l->how[mark->how]++;
    if (ev->reason)
        (void)snprintf(l->reason, sizeof(l->reason), "%s", ev->reason);
    if (ev->type == MEASURE_RECORDER_START)
        (void)snprintf(l->ignored, sizeof(l->ignored), "%s",
                       ev->ignored_banks ? ev->ignored_banks : "");
    if (ev->type == MEASURE_FAILED || !ev->container || ev->container[0] != 'e' || !mark ||
        mark->how == MEASURE_MARK_LOST)
        return 0;
    const size_t n = strtoul(ev->container + 1, NULL, 10);
    l->events++;
    if (n < l->seen_max) {
        l->repeated += l->seen[n] != 0;
        l->seen[n] = ev->seq + 1;
    }
    return 0;
}

int recorder_log_read(const struct record_config *cfg, struct recorder_log *out,
                      struct cmc_err *err)
{
    struct measure_banks pcr;
    struct record_starts starts;
    struct stat st;
    char path[256];
    (void)snprintf(path, sizeof(path), "%s/log", cfg->runtime_dir);
    cmc_autofd int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0 || fstat(fd, &st) < 0)
        return cmc_fail(err, CMC_E_SYS, "open %s", path);
    cmc_autofree uint8_t *log = malloc((size_t)st.st_size + 1);
    if (!log || read(fd, log, (size_t)st.st_size) != st.st_size)
        return cmc_fail(err, CMC_E_SYS, "read %s", path);
    if (read_pcr(cfg, &pcr, err) < 0)
        return -(int)err->code;
    record_firmware_starts(cfg->firmware_log, cfg->pcr, &pcr, &starts);
    int rc = measure_replay(log, (size_t)st.st_size, &starts.values, count_event, out, &out->replay,
                            err);
    out->agrees = rc == 0 && !out->replay.open && measure_banks_equal(&out->replay.last, &pcr);
    return rc;
}
