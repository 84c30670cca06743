/* SPDX-License-Identifier: Apache-2.0 */
/* tests/fuzz/fuzz_tar_entry.c -- an entry of CMC's archive: what is written can be read back to the
 * same values by a reader of its own, and records are there only when something needs them. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "measure/rootfs_tar.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check(int holds)
{
    if (!holds)
        abort();
}

/* u8 type, u16 mode, u32 uid, gid, major, minor, u64 size, u16 bytes of name, u16 of link, u16 of
 * capability, each of which the rest is asked for. */
static struct measure_tar_entry entry_of(const uint8_t *data, size_t size)
{
    struct cmc_reader r = cmc_reader_of(data, size);
    struct measure_tar_entry e = {.type = (char)cmc_read_u8(&r), .mode = cmc_read_be16(&r)};
    struct measure_bytes *const texts[] = {&e.name, &e.link, &e.capability};
    size_t len[3];
    e.uid = cmc_read_be32(&r);
    e.gid = cmc_read_be32(&r);
    e.major = cmc_read_be32(&r);
    e.minor = cmc_read_be32(&r);
    e.size = cmc_read_be64(&r);
    for (size_t i = 0; i < 3; i++)
        len[i] = cmc_read_be16(&r);
    for (size_t i = 0; i < 3; i++) {
        const size_t n = len[i] < r.left ? len[i] : r.left;
        const uint8_t *p = cmc_read_bytes(&r, n);
        *texts[i] = (struct measure_bytes){p, p ? n : 0};
    }
    return e;
}

static bool is(const struct measure_bytes *a, const void *b, size_t len)
{
    return a->len == len && (len == 0 || memcmp(a->p, b, len) == 0);
}

static uint64_t number(const uint8_t *block, size_t at, size_t digits)
{
    uint64_t v = 0;
    for (size_t i = at; i < at + digits; i++) {
        check(block[i] >= '0' && block[i] <= '7');
        v = v * 8 + block[i] - '0';
    }
    return v;
}

static void check_block(const uint8_t *block)
{
    unsigned sum = 8 * ' ';
    for (size_t i = 0; i < 512; i++)
        sum += i >= 148 && i < 156 ? 0 : block[i];
    check(number(block, 148, 6) == sum && block[154] == 0 && block[155] == ' ');
    check(memcmp(block + 257,
                 "ustar\0"
                 "00",
                 8) == 0);
    for (size_t i = 265; i < 329; i++)
        check(block[i] == 0);
}

struct seen {
    bool capability, gid, linkpath, path, size, uid;
};

static uint64_t decimal(const uint8_t *p, size_t len)
{
    char text[32] = "";
    check(len < sizeof(text));
    memcpy(text, p, len);
    return strtoull(text, NULL, 10);
}

static void take_record(const struct measure_tar_entry *e, const uint8_t *key, size_t key_len,
                        struct measure_bytes value, struct seen *s)
{
    const struct measure_bytes k = {key, key_len};
    if (is(&k, "SCHILY.xattr.security.capability", 32))
        s->capability = is(&e->capability, value.p, value.len);
    else if (is(&k, "gid", 3))
        s->gid = decimal(value.p, value.len) == e->gid;
    else if (is(&k, "linkpath", 8))
        s->linkpath = is(&e->link, value.p, value.len);
    else if (is(&k, "path", 4))
        s->path = is(&e->name, value.p, value.len);
    else if (is(&k, "size", 4))
        s->size = decimal(value.p, value.len) == e->size;
    else if (is(&k, "uid", 3))
        s->uid = decimal(value.p, value.len) == e->uid;
    else
        abort();
}

static void read_records(const struct measure_tar_entry *e, const uint8_t *p, size_t len,
                         struct seen *s)
{
    const uint8_t *last = NULL;
    size_t last_len = 0;
    while (len > 0) {
        const uint8_t *space = memchr(p, ' ', len), *equals = memchr(p, '=', len);
        check(space && equals && space < equals);
        const size_t all = (size_t)decimal(p, (size_t)(space - p));
        check(all <= len && all > (size_t)(equals - p) + 1 && p[all - 1] == '\n' && *p != '0');
        const size_t key_len = (size_t)(equals - space - 1);
        if (last) {
            const int order = memcmp(last, space + 1, last_len < key_len ? last_len : key_len);
            check(order < 0 || (order == 0 && last_len < key_len));
        }
        take_record(e, space + 1, key_len,
                    (struct measure_bytes){equals + 1, (size_t)(p + all - 1 - (equals + 1))}, s);
        last = space + 1;
        last_len = key_len;
        p += all;
        len -= all;
    }
}

/* The field's text without what a reader ignores: everything from the first zero byte on. */
static size_t text_len(const uint8_t *field, size_t cap)
{
    const uint8_t *nul = memchr(field, 0, cap);
    return nul ? (size_t)(nul - field) : cap;
}

static void check_name(const struct measure_tar_entry *e, const uint8_t *b)
{
    char joined[300];
    const size_t prefix = text_len(b + 345, 155), name = text_len(b, 100);
    const int n = snprintf(joined, sizeof(joined), "%.*s%s%.*s", (int)prefix, (const char *)b + 345,
                           prefix ? "/" : "", (int)name, (const char *)b);
    check(is(&e->name, joined, (size_t)n));
    check(!prefix || e->name.len > 100);
}

static void check_header(const struct measure_tar_entry *e, const uint8_t *b, const struct seen *s)
{
    check_block(b);
    check(b[156] == (uint8_t)e->type && number(b, 100, 7) == e->mode && number(b, 136, 11) == 0);
    check(number(b, 108, 7) == (s->uid ? 0 : e->uid) && number(b, 116, 7) == (s->gid ? 0 : e->gid));
    check(number(b, 124, 11) == (s->size ? 0 : e->size));
    check(number(b, 329, 7) == e->major && number(b, 337, 7) == e->minor);
    if (!s->path)
        check_name(e, b);
    if (!s->linkpath)
        check(is(&e->link, b + 157, text_len(b + 157, 100)));
    for (size_t i = 0; (s->path || s->linkpath) && i < 100; i++)
        check(b[i] < 0x80 && b[157 + i] < 0x80);
    for (size_t i = 345; s->path && i < 512; i++)
        check(b[i] == 0);
}

static void check_archive(const struct measure_tar_entry *e, const struct cmc_buf *out)
{
    struct seen seen = {0};
    const uint8_t *at = out->data;
    if (out->len > 512) {
        check_block(at);
        const size_t len = (size_t)number(at, 124, 11), padded = len + measure_tar_padding(len);
        check(at[156] == 'x' && len > 0 && out->len == 1024 + padded);
        for (size_t i = 329; i < 345; i++)
            check(at[i] == 0);
        read_records(e, at + 512, len, &seen);
        for (size_t i = len; i < padded; i++)
            check(at[512 + i] == 0);
        at += 512 + padded;
        check(seen.capability || seen.gid || seen.linkpath || seen.path || seen.size || seen.uid);
    }
    check(seen.capability == (e->capability.len > 0) && seen.uid == (e->uid > 2097151));
    check(seen.gid == (e->gid > 2097151) && seen.size == (e->size > 8589934591));
    check_header(e, at, &seen);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size > 65536)
        return 0;
    CMC_CLEANUP(cmc_buf_done) struct cmc_buf out = cmc_buf_of(MEASURE_TAR_HEADERS_MAX);
    const struct measure_tar_entry e = entry_of(data, size);
    struct cmc_err err = {0};
    const int r = measure_tar_header(&e, &out, &err);
    check(r <= 0 && r == -(int)err.code);
    check((r < 0) == (out.len == 0) && out.len % 512 == 0);
    if (r == 0)
        check_archive(&e, &out);
    return 0;
}
