/* SPDX-License-Identifier: Apache-2.0 */
/* measure/listing.c -- writes and reads the text listing of a root file system. */
#include "measure/listing.h"

#include <inttypes.h>
#include <string.h>

#include "base/hex.h"

static const char first_line[] = "cmc-rootfs-listing 1\n";

static bool plain(uint8_t c)
{
    return c > 0x20 && c < 0x7f && c != '\\';
}

static void put_escaped(struct cmc_buf *b, struct measure_bytes text)
{
    for (size_t from = 0, i = 0; i < text.len; from = i) {
        while (i < text.len && plain(text.p[i]))
            i++;
        if (i > from)
            cmc_put(b, text.p + from, i - from);
        else
            cmc_put_fmt(b, "\\x%02x", (unsigned)text.p[i++]);
    }
}

/* The words of a line are many, and a general formatter would take most of the time of it all. */
static void put_number(struct cmc_buf *b, char before, uint64_t v)
{
    char text[24], *p = text + sizeof(text);
    do
        *--p = (char)('0' + v % 10);
    while (v /= 10);
    *--p = before;
    cmc_put(b, p, (size_t)(text + sizeof(text) - p));
}

static void put_head(struct cmc_buf *b, const struct measure_entry *e)
{
    char text[6] = {e->type, ' '};
    for (size_t i = 0; i < 4; i++)
        text[2 + i] = (char)('0' + (e->mode >> (9 - 3 * i) & 7));
    cmc_put(b, text, sizeof(text));
    put_number(b, ' ', e->uid);
    put_number(b, ' ', e->gid);
    cmc_put_u8(b, ' ');
}

static void put_xattrs(struct cmc_buf *b, struct measure_bytes xattrs)
{
    struct cmc_reader r = cmc_reader_of(xattrs.p, xattrs.len);
    for (uint32_t left = cmc_read_be32(&r); left > 0 && !r.bad; left--) {
        size_t len = cmc_read_be16(&r);
        const struct measure_bytes name = {cmc_read_bytes(&r, len), len};
        len = cmc_read_be32(&r);
        const uint8_t *value = cmc_read_bytes(&r, len);
        if (r.bad)
            break;
        cmc_put_text(b, " xattr=");
        put_escaped(b, name);
        cmc_put_u8(b, ':');
        cmc_put_hex(b, value, len);
    }
}

static void put_body(struct cmc_buf *b, const struct measure_entry *e)
{
    if (e->type == 'f') {
        cmc_put_text(b, " size");
        put_number(b, '=', e->size);
        cmc_put_text(b, " verity=");
        cmc_put_hex(b, e->digest, CMC_SHA256_LEN);
    } else if (e->type == 'l') {
        cmc_put_text(b, " target=");
        put_escaped(b, e->target);
    } else if (e->type == 'c' || e->type == 'b') {
        cmc_put_fmt(b, " rdev=%" PRIu32 ":%" PRIu32, e->major, e->minor);
    }
}

void measure_listing_begin(struct cmc_buf *b)
{
    cmc_put_text(b, first_line);
}

void measure_listing_put(struct cmc_buf *b, const struct measure_entry *e,
                         struct measure_bytes path, struct measure_bytes link)
{
    put_head(b, e);
    put_escaped(b, path);
    put_body(b, e);
    if (link.len) {
        cmc_put_text(b, " link=");
        put_escaped(b, link);
    }
    put_xattrs(b, e->xattrs);
    cmc_put_u8(b, '\n');
}

int measure_path_cmp(struct measure_bytes a, struct measure_bytes b)
{
    size_t n = a.len < b.len ? a.len : b.len, i = 0;
    while (i < n && a.p[i] == b.p[i])
        i++;
    if (i == n)
        return (a.len > b.len) - (a.len < b.len);
    int x = a.p[i] == '/' ? -1 : a.p[i]; /* the end of a name comes before its extensions */
    int y = b.p[i] == '/' ? -1 : b.p[i];
    return x - y;
}

int measure_listing_open(struct measure_listing *l, const void *text, size_t len,
                         struct cmc_err *err)
{
    const size_t first = sizeof(first_line) - 1;
    if (len > MEASURE_LISTING_MAX)
        return cmc_fail(err, CMC_E_LIMIT, "listing: %zu bytes, at most %d", len,
                        MEASURE_LISTING_MAX);
    if (len < first || memcmp(text, first_line, first) != 0)
        return cmc_fail(err, CMC_E_FORMAT, "listing: the first line is not \"%.*s\"",
                        (int)first - 1, first_line);
    *l = (struct measure_listing){.p = (const char *)text + first,
                                  .end = (const char *)text + len,
                                  .line = 1,
                                  .path_buf = cmc_buf_of(len),
                                  .before_buf = cmc_buf_of(len),
                                  .link_buf = cmc_buf_of(len),
                                  .target_buf = cmc_buf_of(len),
                                  .xattr_buf = cmc_buf_of(len + 4)};
    return 0;
}

void measure_listing_done(struct measure_listing *l)
{
    cmc_buf_done(&l->path_buf);
    cmc_buf_done(&l->before_buf);
    cmc_buf_done(&l->link_buf);
    cmc_buf_done(&l->target_buf);
    cmc_buf_done(&l->xattr_buf);
}

/* What is left of one line; a fault sticks, and nothing is taken after it. */
struct words {
    const char *p, *end;
    bool bad;
};

static bool accept(struct words *w, const char *text)
{
    size_t n = strlen(text);
    if (w->bad || (size_t)(w->end - w->p) < n || memcmp(w->p, text, n) != 0)
        return false;
    w->p += n;
    return true;
}

static void expect(struct words *w, const char *text)
{
    if (!accept(w, text))
        w->bad = true;
}

static uint64_t number(struct words *w, uint64_t max)
{
    uint64_t v = 0;
    const char *from = w->p;
    for (; !w->bad && w->p < w->end && *w->p >= '0' && *w->p <= '9'; w->p++) {
        const uint64_t digit = (uint64_t)(*w->p - '0');
        if (v > (max - digit) / 10 || (v == 0 && w->p > from)) {
            w->bad = true; /* too large, or a leading zero */
            return 0;
        }
        v = v * 10 + digit;
    }
    w->bad |= w->p == from;
    return v;
}

static uint16_t mode(struct words *w)
{
    unsigned v = 0;
    w->bad |= w->end - w->p < 4;
    for (int i = 0; i < 4 && !w->bad; i++, w->p++) {
        w->bad |= *w->p < '0' || *w->p > '7';
        v = v << 3 | ((unsigned)*w->p & 7);
    }
    return (uint16_t)v;
}

static int hex_digit(char c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

static bool hex_byte(struct words *w, uint8_t *out)
{
    int hi = !w->bad && w->end - w->p >= 2 ? hex_digit(w->p[0]) : -1;
    int lo = hi >= 0 ? hex_digit(w->p[1]) : -1;
    if (lo < 0)
        return false;
    *out = (uint8_t)(hi << 4 | lo);
    w->p += 2;
    return true;
}

/* Text up to a space, the end, or (at: not NULL) that place. Only the one way to write it passes.
 */
static struct measure_bytes text(struct words *w, const char *at, struct cmc_buf *out)
{
    size_t from = out->len;
    while (w->p < w->end && w->p != at && *w->p != ' ' && !w->bad) {
        uint8_t c = (uint8_t)*w->p++;
        if (c == '\\')
            w->bad |= !accept(w, "x") || !hex_byte(w, &c) || plain(c) || c == 0;
        else
            w->bad |= !plain(c);
        cmc_put_u8(out, c);
    }
    w->bad |= out->bad || out->len == from;
    return (struct measure_bytes){out->data ? out->data + from : NULL, out->len - from};
}

static bool name_ok(const uint8_t *name, size_t len)
{
    return len > 0 && len <= MEASURE_NAME_MAX && !(len == 1 && name[0] == '.') &&
           !(len == 2 && memcmp(name, "..", 2) == 0);
}

static struct measure_bytes path(struct words *w, struct cmc_buf *out)
{
    out->len = 0;
    const struct measure_bytes got = text(w, NULL, out);
    if (w->bad || !got.p || got.p[0] != '/') {
        w->bad = true;
        return got;
    }
    for (size_t at = 1, i = 1; i <= got.len; i++) {
        if (i < got.len && got.p[i] != '/')
            continue;
        w->bad |= !name_ok(got.p + at, i - at);
        at = i + 1;
    }
    return got;
}

static struct measure_bytes last_name(struct measure_bytes p)
{
    const uint8_t *slash = memrchr(p.p, '/', p.len);
    size_t skip = slash ? (size_t)(slash - p.p) + 1 : 0;
    return (struct measure_bytes){p.p + skip, p.len - skip};
}

static void body(struct words *w, struct measure_listing *l)
{
    if (l->e.type == 'f') {
        expect(w, " size=");
        l->e.size = number(w, INT64_MAX);
        expect(w, " verity=");
        for (size_t i = 0; i < CMC_SHA256_LEN; i++)
            w->bad |= !hex_byte(w, &l->digest[i]);
        l->e.digest = l->digest;
    } else if (l->e.type == 'l') {
        expect(w, " target=");
        w->bad |= l->e.mode != 0777;
        l->target_buf.len = 0;
        l->e.target = text(w, NULL, &l->target_buf);
    } else if (l->e.type == 'c' || l->e.type == 'b') {
        expect(w, " rdev=");
        l->e.major = (uint32_t)number(w, UINT32_MAX);
        expect(w, ":");
        l->e.minor = (uint32_t)number(w, UINT32_MAX);
    }
}

static int bytes_cmp(struct measure_bytes a, struct measure_bytes b)
{
    int c = memcmp(a.p, b.p, a.len < b.len ? a.len : b.len);
    return c ? c : (a.len > b.len) - (a.len < b.len);
}

/* One attribute, appended to out; at: where the one before it stands in out, 0 for none. */
static void xattr(struct words *w, size_t *at, struct cmc_buf *out)
{
    const char *space = memchr(w->p, ' ', (size_t)(w->end - w->p));
    const char *colon = memrchr(w->p, ':', (size_t)((space ? space : w->end) - w->p));
    const size_t here = out->len;
    cmc_put_be16(out, 0);
    const struct measure_bytes name = text(w, colon ? colon : w->p, out);
    w->bad |= name.len > MEASURE_XATTR_NAME_MAX;
    if (w->bad || !measure_entry_covers((const char *)name.p, name.len)) {
        w->bad = true;
        return;
    }
    out->data[here] = (uint8_t)(name.len >> 8);
    out->data[here + 1] = (uint8_t)name.len;
    if (*at) {
        const size_t len = (size_t)out->data[*at] << 8 | out->data[*at + 1];
        w->bad |= bytes_cmp((struct measure_bytes){out->data + *at + 2, len}, name) >= 0;
    }
    *at = here;
    expect(w, ":");
    const size_t digits = (size_t)((space ? space : w->end) - w->p);
    w->bad |= digits % 2 != 0 || digits / 2 > MEASURE_XATTR_VALUE_MAX;
    cmc_put_be32(out, (uint32_t)(digits / 2));
    for (uint8_t c = 0; !w->bad && (space ? w->p < space : w->p < w->end); cmc_put_u8(out, c))
        w->bad |= !hex_byte(w, &c);
}

static void xattrs(struct words *w, struct measure_listing *l)
{
    struct cmc_buf *out = &l->xattr_buf;
    uint32_t count = 0;
    size_t before = 0;
    out->len = 0;
    cmc_put_be32(out, 0);
    for (; !w->bad && accept(w, " xattr="); count++)
        xattr(w, &before, out);
    w->bad |= out->bad;
    for (size_t i = 0; i < 4 && !w->bad; i++)
        out->data[i] = (uint8_t)(count >> (24 - 8 * i));
    l->e.xattrs = (struct measure_bytes){out->data, out->len};
}

static void head(struct words *w, struct measure_listing *l)
{
    l->e = (struct measure_entry){.type = 0};
    w->bad |= w->p == w->end || *w->p == 0 || !strchr("fdlcbps", *w->p);
    if (!w->bad)
        l->e.type = *w->p++;
    expect(w, " ");
    l->e.mode = mode(w);
    expect(w, " ");
    l->e.uid = (uint32_t)number(w, UINT32_MAX);
    expect(w, " ");
    l->e.gid = (uint32_t)number(w, UINT32_MAX);
    expect(w, " ");
}

static bool read_line(struct words *w, struct measure_listing *l)
{
    head(w, l);
    if (l->line == 2) { /* the root */
        l->path_buf.len = 0;
        expect(w, "/");
        cmc_put_u8(&l->path_buf, '/');
        l->path = (struct measure_bytes){l->path_buf.data, l->path_buf.len};
        w->bad |= l->e.type != 'd' || l->path_buf.bad;
    } else {
        l->path = path(w, &l->path_buf);
    }
    if (w->bad)
        return false;
    l->e.name = last_name(l->path);
    body(w, l);
    l->link = (struct measure_bytes){NULL, 0};
    if (l->e.type != 'd' && !w->bad && accept(w, " link="))
        l->link = path(w, &l->link_buf);
    xattrs(w, l);
    return !w->bad && w->p == w->end;
}

int measure_listing_next(struct measure_listing *l, struct cmc_err *err)
{
    if (l->p == l->end)
        return l->line > 1 ? 0 : cmc_fail(err, CMC_E_FORMAT, "listing: no line for the root");
    const char *lf = memchr(l->p, '\n', (size_t)(l->end - l->p));
    l->line++;
    if (!lf)
        return cmc_fail(err, CMC_E_FORMAT, "listing line %zu: not ended, the listing is cut",
                        l->line);
    const struct cmc_buf before = l->path_buf;
    l->path_buf = l->before_buf;
    l->before_buf = before;

    struct words w = {l->p, lf, false};
    const bool good = read_line(&w, l);
    if (l->path_buf.bad || l->link_buf.bad || l->target_buf.bad || l->xattr_buf.bad)
        return cmc_fail(err, CMC_E_LIMIT, "listing line %zu: out of memory", l->line);
    if (!good)
        return cmc_fail(err, CMC_E_FORMAT, "listing line %zu: not an entry, at column %td", l->line,
                        w.p - l->p + 1);
    if (l->line > 2 &&
        measure_path_cmp((struct measure_bytes){before.data, before.len}, l->path) >= 0)
        return cmc_fail(err, CMC_E_FORMAT, "listing line %zu: not in walk order", l->line);
    l->p = lf + 1;
    return 1;
}
