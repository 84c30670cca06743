/* SPDX-License-Identifier: Apache-2.0 */
/* base/hex.c -- bytes as text. */
#include "base/hex.h"

#include <string.h>

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
    char text[2 * 32 + 1];
    for (size_t n; len > 0; data += n, len -= n) {
        n = len < 32 ? len : 32;
        cmc_hex(data, n, text);
        cmc_put(b, text, 2 * n);
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

/* one row for each enum cmc_base64 */
static const char base64[2][65] = {
    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/",
    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_",
};

static void put_base64(struct cmc_buf *b, const char *table, const char *padding,
                       const uint8_t *data, size_t len)
{
    for (size_t i = 0; i < len; i += 3) {
        size_t n = len - i < 3 ? len - i : 3;
        uint32_t v = (uint32_t)data[i] << 16;
        v |= n > 1 ? (uint32_t)data[i + 1] << 8 : 0;
        v |= n > 2 ? data[i + 2] : 0;
        const char four[4] = {table[v >> 18], table[v >> 12 & 63], table[v >> 6 & 63],
                              table[v & 63]};
        cmc_put(b, four, n + 1);
        if (n < 3)
            cmc_put_text(b, padding + n - 1);
    }
}

void cmc_put_base64(struct cmc_buf *b, const uint8_t *data, size_t len)
{
    put_base64(b, base64[CMC_BASE64], "==", data, len);
}

void cmc_put_base64url(struct cmc_buf *b, const uint8_t *data, size_t len)
{
    put_base64(b, base64[CMC_BASE64URL], "\0", data, len);
}

/* Digits in front of the padding; SIZE_MAX: the length cannot be. */
static size_t base64_digits(const char *text, size_t len, enum cmc_base64 form)
{
    size_t pad = 0;
    if (form == CMC_BASE64) {
        while (pad < 2 && pad < len && text[len - 1 - pad] == '=')
            pad++;
        if (len % 4)
            return SIZE_MAX;
    }
    return (len - pad) % 4 == 1 ? SIZE_MAX : len - pad;
}

int cmc_unbase64(const char *text, size_t text_len, enum cmc_base64 form, uint8_t *out,
                 size_t *out_len, struct cmc_err *err)
{
    const char *name = form == CMC_BASE64 ? "base64" : "base64url without padding";
    const size_t n = base64_digits(text, text_len, form);
    size_t len = 0;
    uint32_t bits = 0;
    unsigned have = 0;
    if (n == SIZE_MAX)
        return cmc_fail(err, CMC_E_FORMAT, "%zu characters are not %s", text_len, name);
    for (size_t i = 0; i < n; i++) {
        const char *digit = text[i] ? strchr(base64[form], text[i]) : NULL;
        if (!digit)
            return cmc_fail(err, CMC_E_FORMAT, "character %zu is not %s", i + 1, name);
        bits = (bits & 0x3f) << 6 | (uint32_t)(digit - base64[form]);
        have += 6;
        if (have >= 8) {
            have -= 8;
            out[len++] = (uint8_t)(bits >> have);
        }
    }
    if (bits & ((1U << have) - 1))
        return cmc_fail(err, CMC_E_FORMAT, "the last character sets bits that belong to no byte");
    *out_len = len;
    return 0;
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
