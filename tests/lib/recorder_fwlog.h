/* SPDX-License-Identifier: Apache-2.0 */
/* tests/lib/recorder_fwlog.h -- a firmware event log that explains what a register begins with. */
#ifndef TESTS_LIB_RECORDER_FWLOG_H
#define TESTS_LIB_RECORDER_FWLOG_H
#include "measure/event.h"

/* Writes to path (0600) a crypto-agile log (docs/formats/fwlog.md) with one event of pcr, whose
 * digests are made of byte, in the banks of like. Faults abort. */
void recorder_fwlog_write(const char *path, uint32_t pcr, const struct measure_banks *like,
                          uint8_t byte);
#endif
