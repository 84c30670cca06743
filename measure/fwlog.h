/* SPDX-License-Identifier: Apache-2.0 */
/* measure/fwlog.h -- what the firmware's event log says that a PCR holds (docs/formats/fwlog.md;
 * TCG PC Client Platform Firmware Profile 1.05, section 10). Pure. */
#ifndef MEASURE_FWLOG_H
#define MEASURE_FWLOG_H
#include "measure/event.h"

enum { MEASURE_FWLOG_BYTES_MAX = 16 << 20, MEASURE_FWLOG_ALGS_MAX = 16 };

/* Replays the events of pcr in a log of format 2 (crypto-agile, begins with a Spec ID event) or 1
 * (SHA-1 only). like: the banks wanted; values are not read. *out: the banks of like, with their
 * values behind the last event, from zeros (PCR 0: from the locality of a StartupLocality event).
 * Events of type EV_NO_ACTION extend nothing. *events: how many extended.
 * Errors: -CMC_E_FORMAT (truncated, a size that does not fit, a bank of like that the log or an
 * event of pcr does not have), -CMC_E_LIMIT, -CMC_E_USAGE (no banks or unknown ones; a PCR of 17 to
 * 22 or above 23); outputs untouched. */
CMC_MUST_CHECK int measure_fwlog_replay(const uint8_t *log, size_t len, uint32_t pcr,
                                        const struct measure_banks *like, struct measure_banks *out,
                                        uint64_t *events, struct cmc_err *err);
#endif
