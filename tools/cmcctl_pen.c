/* SPDX-License-Identifier: Apache-2.0 */
/* tools/cmcctl_pen.c -- writes for terminals of two kinds: with colour or not, UTF-8 or ASCII. */
#include "tools/cmcctl_pen.h"

#include <string.h>

#include "base/hex.h"

void cmcctl_pen_text(const struct ctl_pen *p, enum ctl_tone tone, const char *text)
{
    static const char *const code[] = {
        [CTL_PLAIN] = NULL,    [CTL_GOOD] = "1;32", [CTL_BAD] = "1;31",
        [CTL_UNSURE] = "1;33", [CTL_FAINT] = "2",   [CTL_HEADING] = "1",
    };
    const bool colored = p->color && code[tone];
    if (colored)
        cmc_put_fmt(p->out, "\x1b[%sm", code[tone]);
    cmc_put_text(p->out, text);
    if (colored)
        cmc_put_text(p->out, "\x1b[0m");
}

static size_t columns_of(const uint8_t *text, size_t len)
{
    size_t n = 0;
    for (size_t i = 0; i < len; i++)
        n += (text[i] & 0xc0) != 0x80;
    return n;
}

static void put_ascii(struct cmc_buf *out, const char *text, size_t len)
{
    for (size_t i = 0; i < len; i++)
        if (text[i] >= 0x20 && text[i] <= 0x7e)
            cmc_put_u8(out, (uint8_t)text[i]);
        else
            cmc_put_fmt(out, "\\x%02x", (unsigned char)text[i]);
}

size_t cmcctl_pen_safe(const struct ctl_pen *p, const char *text, size_t max)
{
    const size_t before = p->out->len;
    const size_t all = strlen(text);
    size_t len = all < max ? all : max;
    while (len < all && len && ((uint8_t)text[len] & 0xc0) == 0x80)
        len--; /* no half of a character */
    /* A backslash stays: most of what comes here was escaped before. */
    for (const char *end = text + len; text < end;) {
        const char *slash = memchr(text, '\\', (size_t)(end - text));
        const char *stop = slash ? slash : end;
        if (p->utf8)
            cmc_put_safe(p->out, text, (size_t)(stop - text), SIZE_MAX);
        else
            put_ascii(p->out, text, (size_t)(stop - text));
        if (slash)
            cmc_put_u8(p->out, '\\');
        text = slash ? slash + 1 : end;
    }
    if (len < all)
        cmc_put_text(p->out, "...");
    return p->out->data ? columns_of(p->out->data + before, p->out->len - before) : 0;
}

void cmcctl_pen_mark(const struct ctl_pen *p, enum verify_status status)
{
    static const struct {
        enum ctl_tone tone;
        const char *utf8, *ascii;
    } marks[] = {
        [VERIFY_GOOD] = {CTL_GOOD, "✓", "ok"},
        [VERIFY_BAD] = {CTL_BAD, "✗", "NO"},
        [VERIFY_UNCHECKED] = {CTL_UNSURE, "?", "??"},
        [VERIFY_NOTE] = {CTL_FAINT, "·", "--"},
    };
    cmcctl_pen_text(p, marks[status].tone, p->utf8 ? marks[status].utf8 : marks[status].ascii);
}
