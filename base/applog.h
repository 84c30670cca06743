/* SPDX-License-Identifier: Apache-2.0 */
/* base/applog.h -- log lines of programs; libraries never log. */
#ifndef BASE_APPLOG_H
#define BASE_APPLOG_H
#include "base/err.h"

enum cmc_level { CMC_LOG_ERROR, CMC_LOG_WARNING, CMC_LOG_INFO, CMC_LOG_DEBUG };

/* Writes `<level> msg="..." key="value" ...` and a newline in one write(2) to fd; pairs of
 * const char * key and value follow, ended by NULL. Values are escaped and cut at 256 bytes.
 * Never fails: a log that cannot be written must not change what a program does. */
void cmc_log(int fd, enum cmc_level level, const char *msg, ...) __attribute__((sentinel));
#endif
