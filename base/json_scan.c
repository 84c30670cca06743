/* SPDX-License-Identifier: Apache-2.0 */
/* base/json_scan.c -- tokens of a JSON text: strings, integers, white space (RFC 8259). */
#include "base/json_scan.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "base/utf8.h"

enum { PATH_MAX_BYTES = 160 };

int cmc_json_scan_fail(const struct cmc_json_scan *s, enum cmc_code code, const char *fmt, ...)
{
    char what[256], path[PATH_MAX_BYTES];
    size_t line = 1, column = 1;
    va_list ap;

    va_start(ap, fmt);
    (void)vsnprintf(what, sizeof(what), fmt, ap);
    va_end(ap);
    for (size_t i = 0; i < s->at; i++) {
        column = s->text[i] == '\n' ? 1 : column + 1;
        line += s->text[i] == '\n';
    }
    cmc_json_path(s->node, path, sizeof(path));
    return cmc_fail(s->err, code, "line %zu, column %zu, %s: %s", line, column, path, what);
}

int cmc_json_scan_peek(struct cmc_json_scan *s)
{
    for (; s->at < s->len; s->at++) {
        uint8_t c = s->text[s->at];
        if (c != ' ' && c != '\t' && c != '\n' && c != '\r')
            return c;
    }
    return -1;
}

/* Go's decoder turns a lone surrogate into U+FFFD, so two texts would mean one: refused. */
static int unicode(struct cmc_json_scan *s, char *out)
{
    int32_t high = cmc_utf8_escape(s->text + s->at, s->len - s->at);
    if (high < 0)
        return cmc_json_scan_fail(s, CMC_E_FORMAT, "\\u needs four hexadecimal digits");
    if (high == 0)
        return cmc_json_scan_fail(s, CMC_E_FORMAT, "\\u0000 in a string: no text may hold NUL");
    if (high >= 0xd800 && high <= 0xdfff) {
        const int32_t low = cmc_utf8_escape(s->text + s->at + 6, s->len - s->at - 6);
        if (high >= 0xdc00 || low < 0xdc00 || low > 0xdfff)
            return cmc_json_scan_fail(s, CMC_E_FORMAT, "lone surrogate \\u%04x", (unsigned)high);
        high = 0x10000 + ((high - 0xd800) << 10) + (low - 0xdc00);
        s->at += 6;
    }
    s->at += 6;
    return (int)cmc_utf8_put((uint32_t)high, out);
}

static int escape(struct cmc_json_scan *s, char *out)
{
    static const char from[] = "\"\\/bfnrt", to[] = "\"\\/\b\f\n\r\t";
    uint8_t c = s->len - s->at > 1 ? s->text[s->at + 1] : 0;
    if (c == 'u')
        return unicode(s, out);
    const char *hit = c ? strchr(from, c) : NULL;
    if (!hit)
        return cmc_json_scan_fail(s, CMC_E_FORMAT, "unknown escape in a string");
    *out = to[hit - from];
    s->at += 2;
    return 1;
}

static int literal(struct cmc_json_scan *s, char *out)
{
    uint8_t c = s->text[s->at];
    if (c < 0x20)
        return cmc_json_scan_fail(s, CMC_E_FORMAT,
                                  "control character 0x%02x in a string: write \\u%04x", c, c);
    size_t n = cmc_utf8_len(s->text + s->at, s->len - s->at);
    if (n == 0)
        return cmc_json_scan_fail(s, CMC_E_FORMAT, "byte 0x%02x begins no UTF-8 character", c);
    memcpy(out, s->text + s->at, n);
    s->at += n;
    return (int)n;
}

int cmc_json_scan_string(struct cmc_json_scan *s, char *out, size_t *out_len)
{
    size_t used = 0;
    while (s->at < s->len && s->text[s->at] != '"') {
        int n = s->text[s->at] == '\\' ? escape(s, out + used) : literal(s, out + used);
        if (n < 0)
            return n;
        used += (size_t)n;
    }
    if (s->at == s->len)
        return cmc_json_scan_fail(s, CMC_E_FORMAT, "the text ends inside a string");
    s->at++;
    out[used] = '\0';
    *out_len = used;
    return 0;
}

static bool digit(const struct cmc_json_scan *s)
{
    return s->at < s->len && s->text[s->at] >= '0' && s->text[s->at] <= '9';
}

static bool any_of(const struct cmc_json_scan *s, const char *set)
{
    return s->at < s->len && s->text[s->at] && strchr(set, s->text[s->at]);
}

/* A double would make 2^53 and 2^53 + 1 equal: only integers that 64 bits hold exactly. */
int cmc_json_scan_int(struct cmc_json_scan *s, struct cmc_json *node)
{
    struct cmc_json_scan start = *s;
    uint64_t v = 0;
    bool minus = s->text[s->at] == '-', over = false;

    s->at += minus;
    if (!digit(s))
        return cmc_json_scan_fail(&start, CMC_E_FORMAT, "no JSON value begins here");
    bool zero = s->text[s->at] == '0';
    for (; digit(s); s->at++)
        over |= __builtin_mul_overflow(v, (uint64_t)10, &v) ||
                __builtin_add_overflow(v, (uint64_t)s->text[s->at] - '0', &v);
    if (any_of(s, ".eE"))
        return cmc_json_scan_fail(&start, CMC_E_FORMAT,
                                  "fraction or exponent: only integers are accepted");
    if (zero && s->at - start.at > 1)
        return cmc_json_scan_fail(&start, CMC_E_FORMAT, "-0, or an integer with a leading zero");
    if (over || (minus && v > (uint64_t)INT64_MAX + 1))
        return cmc_json_scan_fail(&start, CMC_E_FORMAT,
                                  "integer outside -9223372036854775808..18446744073709551615");
    node->type = CMC_JSON_INT;
    node->negative = minus;
    node->magnitude = v;
    return 0;
}
