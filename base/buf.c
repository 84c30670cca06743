/* SPDX-License-Identifier: Apache-2.0 */
/* base/buf.c -- bounded reading and writing of bytes. */
#include "base/buf.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

struct cmc_reader cmc_reader_of(const void *data, size_t len)
{
    return (struct cmc_reader){.p = data, .left = len};
}

const uint8_t *cmc_read_bytes(struct cmc_reader *r, size_t n)
{
    if (r->bad || n > r->left) {
        r->bad = true;
        return NULL;
    }
    const uint8_t *at = r->p;
    r->left -= n;
    if (n)
        r->p += n;
    return at;
}

static uint64_t big_endian(struct cmc_reader *r, size_t n)
{
    const uint8_t *p = cmc_read_bytes(r, n);
    uint64_t v = 0;
    for (size_t i = 0; p && i < n; i++)
        v = v << 8 | p[i];
    return v;
}

uint8_t cmc_read_u8(struct cmc_reader *r)
{
    return (uint8_t)big_endian(r, 1);
}

uint16_t cmc_read_be16(struct cmc_reader *r)
{
    return (uint16_t)big_endian(r, 2);
}

uint32_t cmc_read_be32(struct cmc_reader *r)
{
    return (uint32_t)big_endian(r, 4);
}

uint64_t cmc_read_be64(struct cmc_reader *r)
{
    return big_endian(r, 8);
}

struct cmc_buf cmc_buf_of(size_t max)
{
    return (struct cmc_buf){.max = max};
}

void cmc_buf_done(struct cmc_buf *b)
{
    free(b->data);
    *b = (struct cmc_buf){.bad = true};
}

/* Room for len more bytes; doubles, so that n small writes cost O(n). */
static bool grow(struct cmc_buf *b, size_t len)
{
    if (b->bad || len > b->max - b->len)
        return false;
    if (len <= b->cap - b->len)
        return true;
    size_t cap = b->cap ? b->cap : 256;
    while (cap - b->len < len)
        cap = cap > b->max / 2 ? b->max : cap * 2;
    uint8_t *data = realloc(b->data, cap);
    if (!data)
        return false;
    b->data = data;
    b->cap = cap;
    return true;
}

void cmc_put(struct cmc_buf *b, const void *data, size_t len)
{
    if (len == 0)
        return;
    if (!grow(b, len)) {
        b->bad = true;
        return;
    }
    memcpy(b->data + b->len, data, len);
    b->len += len;
}

void cmc_put_text(struct cmc_buf *b, const char *text)
{
    cmc_put(b, text, strlen(text));
}

void cmc_put_u8(struct cmc_buf *b, uint8_t v)
{
    cmc_put(b, &v, 1);
}

void cmc_put_be16(struct cmc_buf *b, uint16_t v)
{
    const uint8_t raw[2] = {(uint8_t)(v >> 8), (uint8_t)v};
    cmc_put(b, raw, sizeof(raw));
}

void cmc_put_be32(struct cmc_buf *b, uint32_t v)
{
    cmc_put_be16(b, (uint16_t)(v >> 16));
    cmc_put_be16(b, (uint16_t)v);
}

void cmc_put_be64(struct cmc_buf *b, uint64_t v)
{
    cmc_put_be32(b, (uint32_t)(v >> 32));
    cmc_put_be32(b, (uint32_t)v);
}

void cmc_put_fmt(struct cmc_buf *b, const char *fmt, ...)
{
    va_list ap, again;
    va_start(ap, fmt);
    va_copy(again, ap);
    int n = vsnprintf(NULL, 0, fmt, ap);
    va_end(ap);
    if (n < 0 || !grow(b, (size_t)n + 1)) /* + 1: vsnprintf writes a NUL that we do not count */
        b->bad = true;
    else
        b->len += (size_t)vsnprintf((char *)b->data + b->len, (size_t)n + 1, fmt, again);
    va_end(again);
}

int cmc_buf_check(const struct cmc_buf *b, const char *what, struct cmc_err *err)
{
    if (b->bad)
        return cmc_fail(err, CMC_E_LIMIT, "%s: more than %zu bytes, or out of memory", what,
                        b->max);
    return 0;
}

int cmc_buf_read(struct cmc_buf *b, int fd, const char *what, struct cmc_err *err)
{
    uint8_t step[8192];
    for (;;) {
        const ssize_t n = read(fd, step, sizeof(step));
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0)
            return cmc_fail(err, CMC_E_SYS, "read %.300s", what);
        if (n > 0)
            cmc_put(b, step, (size_t)n);
        if (n == 0 || b->bad)
            return cmc_buf_check(b, what, err);
    }
}
