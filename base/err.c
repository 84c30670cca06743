/* SPDX-License-Identifier: Apache-2.0 */
/* base/err.c -- fixed storage: reporting a fault cannot itself fail. */
#include "base/err.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

static void CMC_PRINTF(3, 0)
    compose(struct cmc_err *err, const char *tail, const char *fmt, va_list ap)
{
    int n = vsnprintf(err->msg, sizeof(err->msg), fmt, ap);
    if (tail && n >= 0 && (size_t)n < sizeof(err->msg))
        (void)snprintf(err->msg + n, sizeof(err->msg) - (size_t)n, ": %s", tail);
}

int cmc_fail(struct cmc_err *err, enum cmc_code code, const char *fmt, ...)
{
    int e = code == CMC_E_SYS ? errno : 0;
    va_list ap;
    *err = (struct cmc_err){.code = code, .sys_errno = e};
    va_start(ap, fmt);
    compose(err, e ? strerrordesc_np(e) : NULL, fmt, ap);
    va_end(ap);
    return -(int)code;
}

int cmc_wrap(struct cmc_err *err, const char *fmt, ...)
{
    char inner[sizeof(err->msg)];
    va_list ap;
    memcpy(inner, err->msg, sizeof(inner));
    va_start(ap, fmt);
    compose(err, inner, fmt, ap);
    va_end(ap);
    return -(int)err->code;
}
