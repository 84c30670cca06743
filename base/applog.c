/* SPDX-License-Identifier: Apache-2.0 */
/* base/applog.c -- one line, one fault, one write. */
#include "base/applog.h"

#include <stdarg.h>
#include <string.h>

#include "base/hex.h"

enum { LINE_MAX_BYTES = 4096, VALUE_MAX = 256 };

static void quoted(struct cmc_buf *b, const char *text)
{
    cmc_put_u8(b, '"');
    for (const char *at = text, *end; *at; at = end) {
        end = at + strcspn(at, "\"");
        cmc_put_safe(b, at, (size_t)(end - at), VALUE_MAX);
        if (*end) {
            cmc_put_text(b, "\\x22");
            end++;
        }
    }
    cmc_put_u8(b, '"');
}

void cmc_log(int fd, enum cmc_level level, const char *msg, ...)
{
    static const char *const names[] = {"error", "warning", "info", "debug"};
    cmc_autobuf struct cmc_buf b = cmc_buf_of(LINE_MAX_BYTES);
    va_list ap;

    cmc_put_fmt(&b, "%s msg=", names[level]);
    quoted(&b, msg);
    va_start(ap, msg);
    for (const char *key; (key = va_arg(ap, const char *));) {
        const char *value = va_arg(ap, const char *);
        cmc_put_fmt(&b, " %s=", key);
        quoted(&b, value ? value : "");
    }
    va_end(ap);
    cmc_put_u8(&b, '\n');
    if (b.bad && b.len)
        b.data[b.len - 1] = '\n';
    if (b.len && write(fd, b.data, b.len) < 0)
        return; /* nowhere left to say it */
}
