/* SPDX-License-Identifier: Apache-2.0 */
/* base/missed.c -- one line per event that was not recorded. */
#include "base/missed.h"

#include <sys/stat.h>
#include <unistd.h>

#include "base/buf.h"

enum { LINE_BYTES_MAX = 4096, TEXT_CUT = 800 };

/* Printable ASCII only: tab and newline part a line, and what is no UTF-8 can be no event, which
 * would keep all others from being recorded. */
static void put_text(struct cmc_buf *b, const char *text, const char *end)
{
    for (size_t i = 0; text && i < TEXT_CUT && text[i]; i++)
        cmc_put_u8(b, text[i] >= ' ' && text[i] <= '~' ? (uint8_t)text[i] : '?');
    cmc_put_text(b, end);
}

void cmc_missed_append(int fd, const char *ns, const char *container, const char *event,
                       const char *why)
{
    struct stat st;
    cmc_autobuf struct cmc_buf b = cmc_buf_of(LINE_BYTES_MAX);
    put_text(&b, ns, "\t");
    put_text(&b, container, "\t");
    put_text(&b, event, ": ");
    put_text(&b, why, "\n");
    if (fd < 0 || b.bad || fstat(fd, &st) < 0 || !S_ISREG(st.st_mode) ||
        st.st_size + (off_t)b.len > (off_t)CMC_MISSED_BYTES_MAX)
        return;
    (void)!write(fd, b.data, b.len);
}
