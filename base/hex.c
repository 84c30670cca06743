/* SPDX-License-Identifier: Apache-2.0 */
/* base/hex.c -- bytes as text. */
#include "base/hex.h"

#include "base/utf8.h"

static const char digits[] = "0123456789abcdef";

void cmc_hex(const uint8_t *data, size_t len, char *out)
{
    for (size_t i = 0; i < len; i++) {
        *out++ = digits[data[i] >> 4];
        *out++ = digits[data[i] & 15];
    }
    *out = '\0';
}

void cmc_put_hex(struct cmc_buf *b, const uint8_t *data, size_t len)
{
    for (size_t i = 0; i < len; i++) {
        const char two[2] = {digits[data[i] >> 4], digits[data[i] & 15]};
        cmc_put(b, two, 2);
    }
}

static int nibble(char c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    if (c >= 'a' && c <= 'f')
        return c - 'a' + 10;
    return c >= 'A' && c <= 'F' ? c - 'A' + 10 : -1;
}

int cmc_unhex(const char *text, size_t text_len, uint8_t *out, size_t len, struct cmc_err *err)
{
    if (text_len % 2 || text_len / 2 != len)
        return cmc_fail(err, CMC_E_FORMAT, "%zu hexadecimal digits, expected %zu", text_len,
                        2 * len);
    for (size_t i = 0; i < text_len; i++)
        if (nibble(text[i]) < 0)
            return cmc_fail(err, CMC_E_FORMAT, "digit %zu is not hexadecimal", i + 1);
    for (size_t i = 0; i < len; i++)
        out[i] = (uint8_t)(nibble(text[2 * i]) * 16 + nibble(text[2 * i + 1]));
    return 0;
}

void cmc_put_base64(struct cmc_buf *b, const uint8_t *data, size_t len)
{
    static const char table[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    for (size_t i = 0; i < len; i += 3) {
        size_t n = len - i < 3 ? len - i : 3;
        uint32_t v = (uint32_t)data[i] << 16;
        v |= n > 1 ? (uint32_t)data[i + 1] << 8 : 0;
        v |= n > 2 ? data[i + 2] : 0;
        const char four[4] = {table[v >> 18], table[v >> 12 & 63], table[v >> 6 & 63],
                              table[v & 63]};
        cmc_put(b, four, n + 1);
        cmc_put(b, "==", 3 - n);
    }
}

/* U+200B..U+202E and U+2060..U+206F are unseen, or turn the direction of what a reader sees. */
static bool is_invisible(const uint8_t *p)
{
    return p[0] == 0xe2 &&
           ((p[1] == 0x80 && p[2] >= 0x8b && p[2] <= 0xae) || (p[1] == 0x81 && p[2] >= 0xa0));
}

/* Bytes of the character above U+009F at p that may be shown, 0 when there is none. */
static size_t shown_len(const uint8_t *p, size_t left)
{
    size_t n = cmc_utf8_len(p, left);
    if (n < 2 || (n == 2 && p[0] == 0xc2 && p[1] < 0xa0) || (n == 3 && is_invisible(p)))
        return 0;
    return n;
}

void cmc_put_safe(struct cmc_buf *b, const void *text, size_t len, size_t max)
{
    const uint8_t *p = text;
    size_t n = len < max ? len : max;
    for (size_t i = 0; i < n;) {
        size_t wide = shown_len(p + i, n - i);
        if (wide) {
            cmc_put(b, p + i, wide);
            i += wide;
            continue;
        }
        if (p[i] >= 0x20 && p[i] < 0x7f && p[i] != '\\')
            cmc_put_u8(b, p[i]);
        else
            cmc_put_fmt(b, "\\x%02x", p[i]);
        i++;
    }
    if (n < len)
        cmc_put_text(b, "...");
}
