/* SPDX-License-Identifier: Apache-2.0 */
/* record/firmware.h -- the start values that the register may have: zeros, and what the firmware's
 * event log gives. */
#ifndef RECORD_FIRMWARE_H
#define RECORD_FIRMWARE_H
#include "measure/replay.h"

struct record_starts {
    struct measure_starts values;
    bool unread;    /* there is no firmware log, or it says nothing that can be used */
    char note[600]; /* what the firmware log says, in words; "" when it was not asked for */
};

/* Zeros in the banks of like, and what the firmware log at path gives for pcr when that is another
 * value. path: NULL: zeros alone. The file must belong to root or to us and be writable by its
 * owner only; at most MEASURE_FWLOG_BYTES_MAX bytes are read. Never fails: a log that cannot be
 * used leaves zeros alone, and note says why. */
void record_firmware_starts(const char *path, uint32_t pcr, const struct measure_banks *like,
                            struct record_starts *out);
#endif
