/* SPDX-License-Identifier: Apache-2.0 */
/* record/firmware.c -- reads the firmware's event log and asks it what the register began with. */
#include "record/firmware.h"

#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "measure/fwlog.h"
#include "record/dir.h"

static int open_log(const char *path, struct cmc_err *err)
{
    struct stat st;
    cmc_autofd int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
    if (fd < 0 || fstat(fd, &st) < 0)
        return cmc_fail(err, CMC_E_SYS, "open %.100s", path);
    if (!S_ISREG(st.st_mode) || (st.st_uid != 0 && st.st_uid != geteuid()) ||
        (st.st_mode & (S_IWGRP | S_IWOTH)))
        return cmc_fail(err, CMC_E_VERIFY, "%.100s: need a file that only root can write", path);
    return cmc_take_fd(&fd);
}

static int replay(const char *path, uint32_t pcr, struct measure_banks *value, uint64_t *events,
                  struct cmc_err *err)
{
    const struct measure_banks like = *value;
    cmc_autobuf struct cmc_buf log = cmc_buf_of(0);
    cmc_autofd int fd = open_log(path, err);
    if (fd < 0)
        return -(int)err->code;
    if (record_dir_read(fd, MEASURE_FWLOG_BYTES_MAX, "firmware log", &log, err) < 0)
        return -(int)err->code;
    if (measure_fwlog_replay(log.data, log.len, pcr, &like, value, events, err) < 0)
        return cmc_wrap(err, "%.100s", path);
    return 0;
}

void record_firmware_starts(const char *path, uint32_t pcr, const struct measure_banks *like,
                            struct record_starts *out)
{
    struct cmc_err why = {0};
    uint64_t events = 0;
    *out = (struct record_starts){.values = measure_starts_zero(like)};
    struct measure_banks value = out->values.value[0];
    if (!path)
        return;
    out->unread = replay(path, pcr, &value, &events, &why) < 0;
    if (out->unread)
        (void)snprintf(out->note, sizeof(out->note), "the firmware log does not help: %.500s",
                       why.msg);
    else
        (void)snprintf(out->note, sizeof(out->note),
                       "the firmware log has %llu event(s) for PCR %u", (unsigned long long)events,
                       pcr);
    if (!out->unread && !measure_starts_have(&out->values, &value))
        out->values.value[out->values.count++] = value;
}
