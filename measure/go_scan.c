/* SPDX-License-Identifier: Apache-2.0 */
/* measure/go_scan.c -- tokens of a JSON text: bad UTF-8 and lone surrogates become U+FFFD. */
#include "measure/go_scan.h"

#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include "base/utf8.h"

enum { REPLACEMENT = 0xfffd };

int measure_go_scan_fail(const struct measure_go_scan *s, enum cmc_code code, const char *fmt, ...)
{
    char what[256];
    size_t line = 1;
    va_list ap;

    va_start(ap, fmt);
    (void)vsnprintf(what, sizeof(what), fmt, ap);
    va_end(ap);
    for (size_t i = 0; i < s->at && i < s->len; i++)
        line += s->text[i] == '\n';
    return cmc_fail(s->err, code, "line %zu: %s", line, what);
}

int measure_go_scan_peek(struct measure_go_scan *s)
{
    for (; s->at < s->len; s->at++) {
        uint8_t c = s->text[s->at];
        if (c != ' ' && c != '\t' && c != '\n' && c != '\r')
            return c;
    }
    return -1;
}

/* What \uXXXX at s->at stands for; of two escapes, when they are a pair of surrogates. */
static int32_t unicode(struct measure_go_scan *s)
{
    int32_t v = cmc_utf8_escape(s->text + s->at, s->len - s->at);
    if (v < 0)
        return v;
    s->at += 6;
    if (v < 0xd800 || v > 0xdfff)
        return v;
    int32_t low = cmc_utf8_escape(s->text + s->at, s->len - s->at);
    if (v > 0xdbff || low < 0xdc00 || low > 0xdfff)
        return REPLACEMENT; /* what follows is read on its own */
    s->at += 6;
    return 0x10000 + ((v - 0xd800) << 10) + (low - 0xdc00);
}

/* Writes what the escape at s->at stands for; returns its bytes. */
static int escape(struct measure_go_scan *s, char *out)
{
    static const char from[] = "\"\\/bfnrt", to[] = "\"\\/\b\f\n\r\t";
    uint8_t c = s->len - s->at > 1 ? s->text[s->at + 1] : 0;
    const char *hit = c ? strchr(from, c) : NULL;
    if (c == 'u') {
        int32_t v = unicode(s);
        return v < 0 ? measure_go_scan_fail(s, CMC_E_FORMAT, "\\u needs four hexadecimal digits")
                     : (int)cmc_utf8_put((uint32_t)v, out);
    }
    if (!hit)
        return measure_go_scan_fail(s, CMC_E_FORMAT, "unknown escape in a string");
    *out = to[hit - from];
    s->at += 2;
    return 1;
}

static int literal(struct measure_go_scan *s, char *out)
{
    size_t n = cmc_utf8_len(s->text + s->at, s->len - s->at);
    if (s->text[s->at] < 0x20)
        return measure_go_scan_fail(s, CMC_E_FORMAT, "control character 0x%02x in a string",
                                    s->text[s->at]);
    if (n == 0) {
        s->at++;
        return (int)cmc_utf8_put(REPLACEMENT, out);
    }
    memcpy(out, s->text + s->at, n);
    s->at += n;
    return (int)n;
}

int measure_go_scan_string(struct measure_go_scan *s, char *out, size_t *out_len)
{
    size_t used = 0;
    s->at++;
    while (s->at < s->len && s->text[s->at] != '"') {
        int n = s->text[s->at] == '\\' ? escape(s, out + used) : literal(s, out + used);
        if (n < 0)
            return n;
        used += (size_t)n;
    }
    if (s->at == s->len)
        return measure_go_scan_fail(s, CMC_E_FORMAT, "the text ends inside a string");
    s->at++;
    out[used] = '\0';
    *out_len = used;
    return 0;
}

static bool any_of(struct measure_go_scan *s, const char *set)
{
    if (s->at == s->len || !s->text[s->at] || !strchr(set, s->text[s->at]))
        return false;
    s->at++;
    return true;
}

/* Skips digits; false if there is none. */
static bool digits(struct measure_go_scan *s)
{
    size_t start = s->at;
    while (s->at < s->len && s->text[s->at] >= '0' && s->text[s->at] <= '9')
        s->at++;
    return s->at > start;
}

int measure_go_scan_number(struct measure_go_scan *s)
{
    (void)any_of(s, "-");
    bool good = any_of(s, "0") || digits(s); /* nothing follows a leading zero */
    if (good && any_of(s, "."))
        good = digits(s);
    if (good && any_of(s, "eE")) {
        (void)any_of(s, "+-");
        good = digits(s);
    }
    return good ? 0 : measure_go_scan_fail(s, CMC_E_FORMAT, "no number of JSON");
}

int measure_go_scan_word(struct measure_go_scan *s, char *first)
{
    static const char *const words[] = {"null", "true", "false"};
    for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++) {
        size_t n = strlen(words[i]);
        if (s->len - s->at < n || memcmp(s->text + s->at, words[i], n) != 0)
            continue;
        s->at += n;
        *first = words[i][0];
        return 0;
    }
    return measure_go_scan_fail(s, CMC_E_FORMAT, "no JSON value begins here");
}
