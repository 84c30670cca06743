/* SPDX-License-Identifier: Apache-2.0 */
/* measure/rootfs_tar.c -- POSIX ustar and pax headers, exactly as CMC's archive has them. */
#include "measure/rootfs_tar.h"

#include <stdio.h>
#include <string.h>

#define ID_FITS   UINT32_C(07777777)     /* seven octal digits */
#define SIZE_FITS UINT64_C(077777777777) /* eleven */

struct field {
    size_t at, len;
};

static const struct field NAME = {0, 100}, MODE = {100, 8}, UID = {108, 8}, GID = {116, 8},
                          SIZE = {124, 12}, TIME = {136, 12}, CHECKSUM = {148, 8}, TYPE = {156, 1},
                          LINK = {157, 100}, MAGIC = {257, 8}, MAJOR = {329, 8}, MINOR = {337, 8},
                          PREFIX = {345, 155};

struct block {
    uint8_t data[MEASURE_TAR_BLOCK];
};

static void put_text(struct block *b, const struct field *f, const void *text, size_t len)
{
    if (len)
        memcpy(b->data + f->at, text, len < f->len ? len : f->len);
}

/* Octal digits and a zero byte; 0 when it takes more digits, as a record says it then. */
static void put_number(struct block *b, const struct field *f, uint64_t v)
{
    const size_t digits = f->len - 1;
    uint8_t *to = b->data + f->at;
    if (v >> (3 * digits))
        v = 0;
    for (size_t i = digits; i-- > 0; v >>= 3)
        to[i] = (uint8_t)('0' + (v & 7));
}

static void put_values(struct block *b, char type, uint64_t size, const struct measure_tar_entry *e)
{
    put_number(b, &MODE, e->mode);
    put_number(b, &UID, e->uid);
    put_number(b, &GID, e->gid);
    put_number(b, &SIZE, size);
    put_number(b, &TIME, 0);
    put_text(b, &TYPE, &type, 1);
    put_text(b, &MAGIC,
             "ustar\0"
             "00",
             MAGIC.len);
}

static void put_block(struct block *b, struct cmc_buf *out)
{
    unsigned sum = 0;
    char text[16];
    memset(b->data + CHECKSUM.at, ' ', CHECKSUM.len);
    for (size_t i = 0; i < sizeof(b->data); i++)
        sum += b->data[i];
    (void)snprintf(text, sizeof(text), "%06o", sum);
    put_text(b, &CHECKSUM, text, 7); /* with its NUL; a space is there */
    cmc_put(out, b->data, sizeof(b->data));
}

static bool is_plain(const struct measure_bytes *s)
{
    for (size_t i = 0; i < s->len; i++)
        if (s->p[i] == 0 || s->p[i] >= 0x80)
            return false;
    return true;
}

static bool fits(const struct measure_bytes *s)
{
    return s->len <= NAME.len && is_plain(s);
}

/* Where a name that does not fit is cut into prefix and name: the place of a "/", or 0. */
static size_t split_at(const struct measure_bytes *s)
{
    size_t end = s->len;
    if (end > PREFIX.len + 1)
        end = PREFIX.len + 1;
    else if (s->p[end - 1] == '/')
        end--;
    const uint8_t *slash = memrchr(s->p, '/', end);
    if (!slash || slash == s->p || !is_plain(s))
        return 0;
    const size_t at = (size_t)(slash - s->p), rest = s->len - at - 1;
    return rest >= 1 && rest <= NAME.len ? at : 0;
}

static void put_record(struct cmc_buf *out, const char *key, const void *value, size_t len)
{
    const size_t rest = strlen(key) + len + 3; /* " ", "=", LF */
    size_t all = rest + 1;
    for (size_t ten = 10; all >= ten; ten *= 10) /* a digit more may need another one */
        all++;
    cmc_put_fmt(out, "%zu %s=", all, key);
    cmc_put(out, value, len);
    cmc_put_u8(out, '\n');
}

static void put_decimal(struct cmc_buf *out, const char *key, uint64_t v)
{
    char text[24];
    const int len = snprintf(text, sizeof(text), "%llu", (unsigned long long)v);
    put_record(out, key, text, (size_t)len);
}

static void put_records(const struct measure_tar_entry *e, struct cmc_buf *out)
{
    if (e->capability.len)
        put_record(out, "SCHILY.xattr.security.capability", e->capability.p, e->capability.len);
    if (e->gid > ID_FITS)
        put_decimal(out, "gid", e->gid);
    if (!fits(&e->link))
        put_record(out, "linkpath", e->link.p, e->link.len);
    if (!fits(&e->name))
        put_record(out, "path", e->name.p, e->name.len);
    if (e->size > SIZE_FITS)
        put_decimal(out, "size", e->size);
    if (e->uid > ID_FITS)
        put_decimal(out, "uid", e->uid);
}

/* Appends what is ASCII of a text to a field of which *used bytes are taken. */
static void put_ascii(struct block *b, const struct field *f, size_t *used, const void *text,
                      size_t len)
{
    const uint8_t *from = text;
    for (size_t i = 0; i < len; i++)
        if (from[i] < 0x80 && (*used)++ < f->len)
            b->data[f->at + *used - 1] = from[i];
}

static void put_shortened(struct block *b, const struct field *f, const struct measure_bytes *s)
{
    size_t used = 0;
    uint8_t *to = b->data + f->at;
    put_ascii(b, f, &used, s->p, s->len);
    if (used <= f->len || to[f->len - 1] != '/')
        return;
    size_t end = f->len - 1;
    while (end > 0 && to[end - 1] == '/')
        end--;
    to[end] = 0;
}

static void put_extended_name(struct block *b, const struct measure_bytes *name)
{
    static const char folder[] = "PaxHeaders.0";
    const uint8_t *slash = memrchr(name->p, '/', name->len);
    const size_t dir = slash ? (size_t)(slash - name->p) + 1 : 0;
    size_t used = 0;
    put_ascii(b, &NAME, &used, name->p, dir);
    put_ascii(b, &NAME, &used, folder, sizeof(folder) - 1);
    if (dir < name->len)
        put_ascii(b, &NAME, &used, "/", 1);
    put_ascii(b, &NAME, &used, name->p + dir, name->len - dir);
    for (size_t end = used < NAME.len ? used : NAME.len; end > 0 && b->data[end - 1] == '/'; end--)
        b->data[end - 1] = 0;
}

static void put_extended(const struct measure_tar_entry *e, struct cmc_buf *out)
{
    static const struct measure_tar_entry nobody;
    static const uint8_t zeros[MEASURE_TAR_BLOCK];
    CMC_CLEANUP(cmc_buf_done) struct cmc_buf records = cmc_buf_of(MEASURE_TAR_HEADERS_MAX);
    struct block b = {{0}};
    put_records(e, &records);
    put_extended_name(&b, &e->name);
    put_values(&b, 'x', records.len, &nobody);
    put_block(&b, out);
    cmc_put(out, records.data, records.len);
    cmc_put(out, zeros, measure_tar_padding(records.len));
    out->bad |= records.bad;
}

static void put_header(const struct measure_tar_entry *e, struct cmc_buf *out)
{
    const size_t cut = fits(&e->name) ? 0 : split_at(&e->name);
    struct block b = {{0}};
    const bool extended = (!cut && !fits(&e->name)) || !fits(&e->link) || e->capability.len ||
                          e->uid > ID_FITS || e->gid > ID_FITS || e->size > SIZE_FITS;
    if (extended) {
        put_extended(e, out);
        put_shortened(&b, &NAME, &e->name);
        put_shortened(&b, &LINK, &e->link);
    } else {
        const size_t from = cut ? cut + 1 : 0;
        put_text(&b, &PREFIX, e->name.p, cut);
        put_text(&b, &NAME, e->name.p + from, e->name.len - from);
        put_text(&b, &LINK, e->link.p, e->link.len);
    }
    put_values(&b, e->type, e->size, e);
    put_number(&b, &MAJOR, e->major);
    put_number(&b, &MINOR, e->minor);
    put_block(&b, out);
}

static int check_text(const struct measure_bytes *s, const char *what, struct cmc_err *err)
{
    if (s->len > MEASURE_TAR_TEXT_MAX)
        return cmc_fail(err, CMC_E_LIMIT, "a %s of %zu bytes, at most %d", what, s->len,
                        MEASURE_TAR_TEXT_MAX);
    if (s->len && memchr(s->p, 0, s->len))
        return cmc_fail(err, CMC_E_FORMAT, "a zero byte in a %s", what);
    return 0;
}

static int check(const struct measure_tar_entry *e, struct cmc_err *err)
{
    if (check_text(&e->name, "name", err) < 0 || check_text(&e->link, "link name", err) < 0)
        return -(int)err->code;
    if (e->capability.len > MEASURE_TAR_CAPABILITY_MAX)
        return cmc_fail(err, CMC_E_LIMIT, "a capability of %zu bytes, at most %d",
                        e->capability.len, MEASURE_TAR_CAPABILITY_MAX);
    if (e->mode > 07777 || e->major > ID_FITS || e->minor > ID_FITS)
        return cmc_fail(err, CMC_E_LIMIT, "mode %o, device %u:%u: more than the form holds",
                        e->mode, e->major, e->minor);
    if (e->type < '0' || e->type > '6' || (e->size > 0 && e->type != '0') ||
        (e->link.len > 0) != (e->type == '1' || e->type == '2'))
        return cmc_fail(err, CMC_E_FORMAT, "type %d with size %llu and a link name of %zu bytes",
                        e->type, (unsigned long long)e->size, e->link.len);
    if (!e->name.len || (e->name.p[e->name.len - 1] == '/') != (e->type == '5'))
        return cmc_fail(err, CMC_E_FORMAT, "a name that ends otherwise than type %c does", e->type);
    return 0;
}

int measure_tar_header(const struct measure_tar_entry *e, struct cmc_buf *out, struct cmc_err *err)
{
    const size_t was = out->len;
    if (check(e, err) < 0)
        return -(int)err->code;
    put_header(e, out);
    if (cmc_buf_check(out, "a header", err) == 0)
        return 0;
    out->len = was;
    return -(int)err->code;
}

size_t measure_tar_padding(uint64_t size)
{
    return (size_t)(-size % MEASURE_TAR_BLOCK);
}
