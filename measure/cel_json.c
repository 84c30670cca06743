/* SPDX-License-Identifier: Apache-2.0 */
/* measure/cel_json.c -- events, banks and texts as JSON that is safe on a terminal. */
#include <string.h>

#include "base/hex.h"
#include "base/utf8.h"
#include "measure/cel.h"
#include "measure/event_members.h"

/* The character at p and its length; U+FFFD for a byte that begins none. */
static uint32_t character(const uint8_t *p, size_t left, size_t *len)
{
    const size_t n = cmc_utf8_len(p, left);
    uint32_t c = n == 1 ? p[0] : p[0] & (0x7fU >> n);
    *len = n ? n : 1;
    for (size_t i = 1; i < n; i++)
        c = c << 6 | (p[i] & 0x3f);
    return n ? c : 0xfffd;
}

void measure_cel_put_text(struct cmc_buf *b, const char *text)
{
    const uint8_t *p = (const uint8_t *)text;
    size_t len;
    cmc_put_u8(b, '"');
    for (size_t left = strlen(text); left; p += len, left -= len) {
        const uint32_t c = character(p, left, &len);
        if (c == '"' || c == '\\')
            cmc_put_fmt(b, "\\%c", (char)c);
        else if (c >= 0x20 && c < 0x7f)
            cmc_put_u8(b, (uint8_t)c);
        else if (c < 0x10000)
            cmc_put_fmt(b, "\\u%04x", c);
        else
            cmc_put_fmt(b, "\\u%04x\\u%04x", 0xd800 + ((c - 0x10000) >> 10),
                        0xdc00 + ((c - 0x10000) & 0x3ff));
    }
    cmc_put_u8(b, '"');
}

static void put_hex(struct cmc_buf *b, const uint8_t *data, size_t len)
{
    cmc_put_u8(b, '"');
    cmc_put_hex(b, data, len);
    cmc_put_u8(b, '"');
}

void measure_cel_put_banks(struct cmc_buf *b, const struct measure_banks *banks)
{
    cmc_put_u8(b, '[');
    for (size_t i = 0; i < banks->count; i++) {
        const struct measure_bank *bank = &banks->bank[i];
        cmc_put_fmt(b, "%s{\"hashAlg\":\"%s\",\"digest\":", i ? "," : "", cmc_hash_name(bank->alg));
        put_hex(b, bank->value, cmc_hash_size(bank->alg));
        cmc_put_u8(b, '}');
    }
    cmc_put_u8(b, ']');
}

static void put_programs(struct cmc_buf *b, const struct measure_event *ev)
{
    cmc_put_u8(b, '[');
    for (size_t i = 0; i < ev->program_count; i++) {
        cmc_put_text(b, i ? ",{\"role\":" : "{\"role\":");
        measure_cel_put_text(b, ev->programs[i].role);
        cmc_put_text(b, ",\"path\":");
        measure_cel_put_text(b, ev->programs[i].path);
        cmc_put_text(b, ",\"sha256\":");
        put_hex(b, ev->programs[i].sha256, sizeof(ev->programs[i].sha256));
        cmc_put_u8(b, '}');
    }
    cmc_put_u8(b, ']');
}

static void put_value(struct cmc_buf *b, const struct measure_member *m,
                      const struct measure_event *ev)
{
    const uint8_t *at = (const uint8_t *)ev + m->at;
    uint32_t number;
    switch (m->kind) {
    case MEASURE_MEMBER_TEXT:
        measure_cel_put_text(b, *(const char *const *)(const void *)at);
        break;
    case MEASURE_MEMBER_BYTES:
        put_hex(b, at, m->size);
        break;
    case MEASURE_MEMBER_BOOL:
        cmc_put_text(b, *at ? "true" : "false");
        break;
    case MEASURE_MEMBER_U32:
        memcpy(&number, at, sizeof(number));
        cmc_put_fmt(b, "%u", number);
        break;
    case MEASURE_MEMBER_PROGRAMS:
        put_programs(b, ev);
        break;
    case MEASURE_MEMBER_BANKS:
        measure_cel_put_banks(b, (const struct measure_banks *)(const void *)at);
        break;
    }
}

void measure_cel_put_event(struct cmc_buf *b, const struct measure_event *ev)
{
    cmc_put_text(b, "\"type\":");
    measure_cel_put_text(b, ev->type_name);
    cmc_put_fmt(b, ",\"seq\":%llu", (unsigned long long)ev->seq);
    for (size_t i = 0; !ev->opaque && i < measure_member_count; i++) {
        const struct measure_member *m = &measure_members[i];
        if (!measure_member_is_there(m, ev))
            continue;
        cmc_put_fmt(b, ",\"%s\":", m->name);
        put_value(b, m, ev);
    }
}
