/* SPDX-License-Identifier: Apache-2.0 */
/* tools/cmc_measure_toml.c -- a flat, strict TOML reader: one KEY = VALUE per line. */
#include "tools/cmc_measure_toml.h"

#include <string.h>

#include "base/utf8.h"

void cmc_measure_toml_init(struct cmc_measure_toml *t, const char *text, size_t len)
{
    memset(t, 0, sizeof(*t));
    t->at = text;
    t->end = text + len;
}

static int fault(const struct cmc_measure_toml *t, const char *what, struct cmc_err *err)
{
    return cmc_fail(err, CMC_E_FORMAT, "line %u: %s", t->line, what);
}

/* The byte at the cursor; -1 at the end. */
static int peek(const struct cmc_measure_toml *t)
{
    return t->at < t->end ? (unsigned char)*t->at : -1;
}

static bool take(struct cmc_measure_toml *t, const char *word)
{
    size_t n = strlen(word);
    if ((size_t)(t->end - t->at) < n || memcmp(t->at, word, n) != 0)
        return false;
    t->at += n;
    return true;
}

static void skip_blanks(struct cmc_measure_toml *t)
{
    while (peek(t) == ' ' || peek(t) == '\t')
        t->at++;
}

static bool is_key_byte(int c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_' ||
           c == '-';
}

/* One character of text as it stands: well-formed UTF-8, no control character but the tab.
 * Returns its bytes, or 0. */
static size_t plain(const struct cmc_measure_toml *t)
{
    int c = peek(t);
    if (c < 0 || (c < 0x20 && c != '\t') || c == 0x7f)
        return 0;
    return cmc_utf8_len((const uint8_t *)t->at, (size_t)(t->end - t->at));
}

/* Blanks, a comment and the line's end behind a pair, or in place of one. */
static int end_line(struct cmc_measure_toml *t, struct cmc_err *err)
{
    skip_blanks(t);
    if (take(t, "#"))
        for (size_t n; (n = plain(t)) > 0;)
            t->at += n;
    (void)take(t, "\r");
    if (t->at < t->end && !take(t, "\n"))
        return fault(t, "expected the end of the line", err);
    t->ended++;
    return 0;
}

static int read_key(struct cmc_measure_toml *t, struct cmc_err *err)
{
    size_t n = 0;
    while (is_key_byte(peek(t)) && n < CMC_MEASURE_TOML_KEY_MAX)
        t->key[n++] = *t->at++;
    t->key[n] = '\0';
    if (n == 0 || is_key_byte(peek(t)))
        return fault(t, "expected KEY = VALUE, with a bare key of at most 64 letters", err);
    skip_blanks(t);
    if (!take(t, "="))
        return fault(t, "expected '=' behind the key", err);
    skip_blanks(t);
    return 0;
}

static int add(struct cmc_measure_toml *t, size_t *len, const char *bytes, size_t n,
               struct cmc_err *err)
{
    if (n > CMC_MEASURE_TOML_TEXT_MAX - *len)
        return cmc_fail(err, CMC_E_LIMIT, "line %u: a text of more than %d bytes", t->line,
                        CMC_MEASURE_TOML_TEXT_MAX);
    memcpy(t->text + *len, bytes, n);
    *len += n;
    return 0;
}

/* \uXXXX and \UXXXXXXXX: a Unicode scalar value, but not NUL. Returns 0 when it is none. */
static uint32_t code_point(struct cmc_measure_toml *t, unsigned digits)
{
    uint32_t cp = 0;
    for (unsigned i = 0; i < digits; i++, t->at++) {
        int c = peek(t);
        if (c >= '0' && c <= '9')
            cp = cp << 4 | (uint32_t)(c - '0');
        else if ((c | 0x20) >= 'a' && (c | 0x20) <= 'f')
            cp = cp << 4 | (uint32_t)((c | 0x20) - 'a' + 10);
        else
            return 0;
    }
    return cp > 0x10ffff || (cp >= 0xd800 && cp <= 0xdfff) ? 0 : cp;
}

static int escape(struct cmc_measure_toml *t, size_t *len, struct cmc_err *err)
{
    static const char from[] = "btnfr\"\\", to[] = "\b\t\n\f\r\"\\";
    char out[4];
    int c = peek(t);
    const char *hit = c > 0 ? strchr(from, c) : NULL;
    if (hit) {
        t->at++;
        return add(t, len, &to[hit - from], 1, err);
    }
    uint32_t cp = 0;
    if (c == 'u' || c == 'U') {
        t->at++;
        cp = code_point(t, c == 'u' ? 4 : 8);
    }
    if (cp == 0)
        return fault(t, "an escape that TOML does not have, or \\u0000", err);
    return add(t, len, out, cmc_utf8_put(cp, out), err);
}

/* Behind the opening quote. A literal text ('...') has no escapes. */
static int read_text(struct cmc_measure_toml *t, char quote, struct cmc_err *err)
{
    size_t len = 0;
    int rc = 0;
    t->kind = CMC_MEASURE_TOML_TEXT;
    while (rc == 0 && peek(t) != quote) {
        size_t n = plain(t);
        if (n == 0)
            return fault(t, "a text that is not closed on its line, or not UTF-8", err);
        const char *from = t->at;
        t->at += n;
        rc = quote == '"' && *from == '\\' ? escape(t, &len, err) : add(t, &len, from, n, err);
    }
    t->at += rc == 0;
    t->text[len] = '\0';
    return rc;
}

static int read_number(struct cmc_measure_toml *t, struct cmc_err *err)
{
    const bool minus = peek(t) == '-';
    t->at += minus || peek(t) == '+';
    const char *first = t->at;
    int64_t v = 0;
    for (; peek(t) >= '0' && peek(t) <= '9'; t->at++) {
        int64_t digit = *t->at - '0';
        if (__builtin_mul_overflow(v, 10, &v) ||
            __builtin_add_overflow(v, minus ? -digit : digit, &v))
            return fault(t, "an integer beyond 64 bits", err);
    }
    if (t->at == first || (*first == '0' && t->at - first > 1))
        return fault(t, "a value that is no text, true, false or decimal integer", err);
    t->kind = CMC_MEASURE_TOML_INT;
    t->number = v;
    return 0;
}

static int read_value(struct cmc_measure_toml *t, struct cmc_err *err)
{
    if (take(t, "\"\"\"") || take(t, "'''"))
        return fault(t, "texts over several lines are not read here", err);
    if (take(t, "\""))
        return read_text(t, '"', err);
    if (take(t, "'"))
        return read_text(t, '\'', err);
    const bool yes = take(t, "true");
    if (yes || take(t, "false")) {
        t->kind = CMC_MEASURE_TOML_BOOL;
        t->flag = yes;
        return 0;
    }
    return read_number(t, err);
}

int cmc_measure_toml_next(struct cmc_measure_toml *t, struct cmc_err *err)
{
    if (t->end - t->at > CMC_MEASURE_TOML_BYTES_MAX)
        return cmc_fail(err, CMC_E_LIMIT, "more than %d bytes", CMC_MEASURE_TOML_BYTES_MAX);
    for (;;) {
        t->line = t->ended + 1;
        skip_blanks(t);
        if (t->at == t->end)
            return 0;
        if (is_key_byte(peek(t)))
            break;
        if (!*t->at || !strchr("#\r\n", *t->at))
            return fault(t, "expected KEY = VALUE", err);
        if (end_line(t, err) < 0)
            return -(int)err->code;
    }
    if (read_key(t, err) < 0 || read_value(t, err) < 0 || end_line(t, err) < 0)
        return -(int)err->code;
    return 1;
}
