/* SPDX-License-Identifier: Apache-2.0 */
/* shim/report.h -- lines about containers, for our log and for the journal of containerd. */
#ifndef SHIM_REPORT_H
#define SHIM_REPORT_H
#include "base/applog.h"
#include "base/helper_msg.h"

/* To log, and to the FIFO of the bundle (O_PATH, -1: none), when somebody reads it. */
void shim_report_line(int log, int bundle, enum cmc_level level, const char *msg, const char *task,
                      const char *why);
/* The one line of a Create that operators look for. held_us: since it came. r: NULL when there was
 * no result; text: the helper's, or why there was none. */
void shim_report_create(int log, int bundle, const char *task, uint64_t held_us,
                        const struct cmc_helper_result *r, const char *text);
#endif
