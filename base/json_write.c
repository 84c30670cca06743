/* SPDX-License-Identifier: Apache-2.0 */
/* base/json_write.c -- one way to write each JSON value. */
#include <inttypes.h>
#include <string.h>

#include "base/json.h"
#include "base/utf8.h"

/* RFC 8259 section 7: what must be escaped, in its shortest form. */
static void put_escaped(struct cmc_buf *b, uint8_t c)
{
    static const char from[] = "\b\f\n\r\t\"\\", to[] = "bfnrt\"\\";
    const char *hit = c ? strchr(from, c) : NULL;
    if (hit)
        cmc_put_fmt(b, "\\%c", to[hit - from]);
    else
        cmc_put_fmt(b, "\\u%04x", c);
}

static bool needs_escape(uint8_t c)
{
    return c < 0x20 || c == '"' || c == '\\';
}

void cmc_put_json_text(struct cmc_buf *b, const char *text, size_t len)
{
    const uint8_t *p = (const uint8_t *)text;
    cmc_put_u8(b, '"');
    for (size_t i = 0, run; i < len; i += run) {
        for (run = 0; i + run < len && !needs_escape(p[i + run]);) {
            size_t n = cmc_utf8_len(p + i + run, len - i - run);
            if (n == 0)
                break;
            run += n;
        }
        cmc_put(b, p + i, run);
        if (run > 0)
            continue;
        if (needs_escape(p[i]))
            put_escaped(b, p[i]);
        else
            cmc_put_text(b, "\xef\xbf\xbd"); /* U+FFFD */
        run = 1;
    }
    cmc_put_u8(b, '"');
}

static void put_array(struct cmc_buf *b, const struct cmc_json *node)
{
    cmc_put_u8(b, '[');
    for (const struct cmc_json *c = node->child; c; c = c->next) {
        cmc_put_json(b, c);
        if (c->next)
            cmc_put_u8(b, ',');
    }
    cmc_put_u8(b, ']');
}

static void put_object(struct cmc_buf *b, const struct cmc_json *node)
{
    cmc_put_u8(b, '{');
    for (size_t i = 0; i < node->count; i++) {
        if (i)
            cmc_put_u8(b, ',');
        cmc_put_json_text(b, node->sorted[i]->key, node->sorted[i]->key_len);
        cmc_put_u8(b, ':');
        cmc_put_json(b, node->sorted[i]);
    }
    cmc_put_u8(b, '}');
}

void cmc_put_json(struct cmc_buf *b, const struct cmc_json *node)
{
    switch (node->type) {
    case CMC_JSON_NULL:
        cmc_put_text(b, "null");
        return;
    case CMC_JSON_FALSE:
        cmc_put_text(b, "false");
        return;
    case CMC_JSON_TRUE:
        cmc_put_text(b, "true");
        return;
    case CMC_JSON_INT:
        cmc_put_fmt(b, "%s%" PRIu64, node->negative ? "-" : "", node->magnitude);
        return;
    case CMC_JSON_STRING:
        cmc_put_json_text(b, node->text, node->text_len);
        return;
    case CMC_JSON_ARRAY:
        put_array(b, node);
        return;
    case CMC_JSON_OBJECT:
        put_object(b, node);
        return;
    }
}
