/* SPDX-License-Identifier: Apache-2.0 */
/* measure/untar.c -- POSIX ustar and pax, GNU long names: what makers of images write. */
#include "measure/untar.h"

#include <string.h>

#include "base/hex.h"

enum { NAMED_MAX = 120, DECIMAL_MAX = 20 };

struct field {
    size_t at, len;
};

static const struct field NAME = {0, 100}, MODE = {100, 8}, UID = {108, 8}, GID = {116, 8},
                          SIZE = {124, 12}, CHECKSUM = {148, 8}, LINK = {157, 100},
                          MAGIC = {257, 6}, VERSION = {263, 2}, MAJOR = {329, 8}, MINOR = {337, 8},
                          PREFIX = {345, 155}, GNU_ATIME = {345, 12}, GNU_CTIME = {357, 12},
                          STAR_PREFIX = {345, 131}, STAR_MAGIC = {508, 4};
enum { TYPE_AT = 156 };

void measure_untar_init(struct measure_untar *t, const struct measure_source *source)
{
    *t = (struct measure_untar){
        .source = *source,
        .name = cmc_buf_of(MEASURE_UNTAR_RECORDS_MAX),
        .link = cmc_buf_of(MEASURE_UNTAR_RECORDS_MAX),
        .records = cmc_buf_of(MEASURE_UNTAR_RECORDS_MAX),
    };
}

void measure_untar_done(struct measure_untar *t)
{
    cmc_buf_done(&t->name);
    cmc_buf_done(&t->link);
    cmc_buf_done(&t->records);
}

static int pull(struct measure_untar *t, void *to, size_t want, size_t *got, struct cmc_err *err)
{
    if (t->source.read(t->source.from, to, want, got, err) < 0)
        return -(int)err->code;
    t->at += *got;
    return 0;
}

int measure_untar_read(struct measure_untar *t, void *to, size_t cap, size_t *got,
                       struct cmc_err *err)
{
    const size_t want = t->left < cap ? (size_t)t->left : cap;
    size_t n = 0;
    if (want && pull(t, to, want, &n, err) < 0)
        return -(int)err->code;
    if (n < want)
        return cmc_fail(err, CMC_E_FORMAT, "the archive ends inside a member");
    t->left -= n;
    *got = n;
    return 0;
}

/* Passes over what is left of a member and the zeros behind it. */
static int pass(struct measure_untar *t, struct cmc_err *err)
{
    uint8_t scrap[8192];
    size_t got = 0;
    do {
        if (measure_untar_read(t, scrap, sizeof(scrap), &got, err) < 0)
            return -(int)err->code;
    } while (got > 0);
    t->left = t->padding;
    t->padding = 0;
    return measure_untar_read(t, scrap, sizeof(scrap), &got, err);
}

static bool is_zero(const uint8_t *block)
{
    for (size_t i = 0; i < MEASURE_UNTAR_BLOCK; i++)
        if (block[i])
            return false;
    return true;
}

static bool holds(const struct measure_untar *t, struct field f, const char *text)
{
    return memcmp(t->block + f.at, text, f.len) == 0;
}

static struct measure_bytes text_of(const struct measure_untar *t, struct field f)
{
    const uint8_t *p = t->block + f.at;
    return (struct measure_bytes){p, strnlen((const char *)p, f.len)};
}

/* Octal digits, between spaces and NULs; what is behind a NUL does not count. */
static bool octal_of(struct measure_bytes s, uint64_t *out)
{
    uint64_t v = 0;
    while (s.len && (*s.p == ' ' || *s.p == 0))
        s = (struct measure_bytes){s.p + 1, s.len - 1};
    s.len = s.len ? strnlen((const char *)s.p, s.len) : 0;
    while (s.len && s.p[s.len - 1] == ' ')
        s.len--;
    for (size_t i = 0; i < s.len; i++) {
        if (s.p[i] < '0' || s.p[i] > '7' || v >> 60)
            return false;
        v = v << 3 | (uint64_t)(s.p[i] - '0');
    }
    *out = v;
    return true;
}

/* GNU: the top bit says that the rest is a binary number; negative ones have no meaning here. */
static bool number_of(const struct measure_untar *t, struct field f, uint64_t *out)
{
    const uint8_t *p = t->block + f.at;
    uint64_t v = p[0] & 0x7fU;
    if (!(p[0] & 0x80))
        return octal_of((struct measure_bytes){p, f.len}, out);
    for (size_t i = 1; i < f.len; i++) {
        if (v >> 55)
            return false;
        v = v << 8 | p[i];
    }
    *out = v;
    return true;
}

static bool checksum_holds(const struct measure_untar *t)
{
    uint64_t want;
    int64_t bytes = 0, chars = 0; /* old programs added signed ones */
    if (!octal_of((struct measure_bytes){t->block + CHECKSUM.at, CHECKSUM.len}, &want))
        return false;
    for (size_t i = 0; i < MEASURE_UNTAR_BLOCK; i++) {
        const bool own = i - CHECKSUM.at < CHECKSUM.len;
        bytes += own ? ' ' : t->block[i];
        chars += own ? ' ' : (int8_t)t->block[i];
    }
    return want <= INT64_MAX && ((int64_t)want == bytes || (int64_t)want == chars);
}

/* Returns 1, or 0 at the end: two blocks of zeros, one at the very end, or nothing at all. */
static int read_block(struct measure_untar *t, struct cmc_err *err)
{
    size_t got = 0;
    if (pass(t, err) < 0 || pull(t, t->block, sizeof(t->block), &got, err) < 0)
        return -(int)err->code;
    if (got == 0)
        return 0;
    if (got == sizeof(t->block) && is_zero(t->block)) {
        if (pull(t, t->block, sizeof(t->block), &got, err) < 0)
            return -(int)err->code;
        if (got == 0 || (got == sizeof(t->block) && is_zero(t->block)))
            return 0;
        return cmc_fail(err, CMC_E_FORMAT, "data behind the archive's end");
    }
    if (got < sizeof(t->block))
        return cmc_fail(err, CMC_E_FORMAT, "the archive ends inside a header");
    if (!checksum_holds(t))
        return cmc_fail(err, CMC_E_FORMAT, "no tar archive: the checksum of a header is wrong");
    return 1;
}

static void set_text(struct cmc_buf *b, struct measure_bytes text)
{
    b->len = 0;
    cmc_put(b, text.p, text.len);
}

static struct measure_bytes prefix_of(const struct measure_untar *t)
{
    static const char posix[] = "ustar", gnu[] = "ustar ", gnu_version[] = " ";
    uint64_t time;
    if (holds(t, MAGIC, posix))
        return text_of(t, holds(t, STAR_MAGIC, "tar") ? STAR_PREFIX : PREFIX);
    if (holds(t, MAGIC, gnu) && holds(t, VERSION, gnu_version) &&
        ((t->block[GNU_ATIME.at] && !number_of(t, GNU_ATIME, &time)) ||
         (t->block[GNU_CTIME.at] && !number_of(t, GNU_CTIME, &time))))
        return text_of(t, PREFIX); /* of Go before 1.9, which wrote the wrong magic */
    return (struct measure_bytes){NULL, 0};
}

static void read_name(struct measure_untar *t)
{
    const struct measure_bytes prefix = prefix_of(t), name = text_of(t, NAME);
    set_text(&t->name, prefix);
    if (prefix.len)
        cmc_put_u8(&t->name, '/');
    cmc_put(&t->name, name.p, name.len);
}

static int set_content(struct measure_untar *t, uint64_t size, struct cmc_err *err)
{
    if (size > INT64_MAX)
        return cmc_fail(err, CMC_E_FORMAT, "a size that no file has");
    t->left = size;
    t->padding = (size_t)(-size % MEASURE_UNTAR_BLOCK);
    return 0;
}

/* The content of an extended header or a long name, whole. */
static int read_special(struct measure_untar *t, struct cmc_buf *to, struct cmc_err *err)
{
    uint64_t size;
    if (!number_of(t, SIZE, &size) || size > MEASURE_UNTAR_RECORDS_MAX)
        return cmc_fail(err, CMC_E_LIMIT, "an extended header of more than %d bytes",
                        MEASURE_UNTAR_RECORDS_MAX);
    if (set_content(t, size, err) < 0)
        return -(int)err->code;
    to->len = 0;
    for (size_t got = 1; got > 0;) {
        uint8_t part[4096];
        if (measure_untar_read(t, part, sizeof(part), &got, err) < 0)
            return -(int)err->code;
        cmc_put(to, part, got);
    }
    return cmc_buf_check(to, "an extended header", err);
}

static bool decimal_of(struct measure_bytes s, uint64_t *out)
{
    uint64_t v = 0;
    if (s.len == 0 || s.len > DECIMAL_MAX)
        return false;
    for (size_t i = 0; i < s.len; i++)
        if (s.p[i] < '0' || s.p[i] > '9' || __builtin_mul_overflow(v, 10U, &v) ||
            __builtin_add_overflow(v, (uint64_t)(s.p[i] - '0'), &v))
            return false;
    *out = v;
    return true;
}

bool measure_untar_record(struct measure_bytes *records, struct measure_bytes *key,
                          struct measure_bytes *value)
{
    const uint8_t *p = records->p;
    const uint8_t *space = records->len ? memchr(p, ' ', records->len) : NULL;
    uint64_t len;
    if (!space || !decimal_of((struct measure_bytes){p, (size_t)(space - p)}, &len) ||
        len > records->len || len < (size_t)(space - p) + 4 || p[len - 1] != '\n')
        return false;
    const uint8_t *text = space + 1, *end = p + len - 1;
    const uint8_t *equals = memchr(text, '=', (size_t)(end - text));
    if (!equals || equals == text)
        return false;
    *key = (struct measure_bytes){text, (size_t)(equals - text)};
    *value = (struct measure_bytes){equals + 1, (size_t)(end - equals - 1)};
    *records = (struct measure_bytes){p + len, records->len - (size_t)len};
    return true;
}

static bool is(struct measure_bytes s, const char *text)
{
    return s.len == strlen(text) && memcmp(s.p, text, s.len) == 0;
}

static bool begins(struct measure_bytes s, const char *text)
{
    return s.len >= strlen(text) && memcmp(s.p, text, strlen(text)) == 0;
}

struct numbers { /* of a header, records having the last word */
    uint64_t mode, uid, gid, size, major, minor;
};

static bool take_text(struct measure_untar *t, bool name, struct measure_bytes v)
{
    if (!(name ? t->long_name : t->long_link))
        set_text(name ? &t->name : &t->link, v);
    return !memchr(v.p, 0, v.len);
}

/* False: a value that is none. */
static bool take_value(struct measure_untar *t, struct measure_bytes key, struct measure_bytes v,
                       struct numbers *n)
{
    if (is(key, "path") || is(key, "linkpath"))
        return take_text(t, is(key, "path"), v);
    if (is(key, "uid"))
        return decimal_of(v, &n->uid);
    if (is(key, "gid"))
        return decimal_of(v, &n->gid);
    return !is(key, "size") || decimal_of(v, &n->size);
}

static int take_record(struct measure_untar *t, struct measure_bytes key, struct measure_bytes v,
                       struct numbers *n, struct cmc_err *err)
{
    if (begins(key, "GNU.sparse."))
        return cmc_fail(err, CMC_E_FORMAT, "a sparse file; write the layer without --sparse");
    if (memchr(key.p, 0, key.len))
        return cmc_fail(err, CMC_E_FORMAT, "a zero byte in an extended header");
    if (v.len == 0 || take_value(t, key, v, n)) /* empty: the header's own value stays */
        return 0;
    return cmc_fail(err, CMC_E_FORMAT, "extended header: bad value of %.*s", (int)key.len,
                    (const char *)key.p);
}

static int take_records(struct measure_untar *t, struct numbers *n, struct cmc_err *err)
{
    struct measure_bytes rest = {t->records.data, t->records.len}, key, value;
    while (rest.len && measure_untar_record(&rest, &key, &value))
        if (take_record(t, key, value, n, err) < 0)
            return -(int)err->code;
    return rest.len ? cmc_fail(err, CMC_E_FORMAT, "an extended header that is none") : 0;
}

static int read_numbers(const struct measure_untar *t, struct numbers *n, struct cmc_err *err)
{
    const bool devices = holds(t, MAGIC, "ustar") || holds(t, MAGIC, "ustar ");
    *n = (struct numbers){0};
    if (!number_of(t, MODE, &n->mode) || !number_of(t, UID, &n->uid) ||
        !number_of(t, GID, &n->gid) || !number_of(t, SIZE, &n->size) ||
        (devices && (!number_of(t, MAJOR, &n->major) || !number_of(t, MINOR, &n->minor))))
        return cmc_fail(err, CMC_E_FORMAT, "a header with a number that is none");
    return 0;
}

static int check_numbers(const struct numbers *n, char type, struct cmc_err *err)
{
    if (n->uid >= UINT32_MAX || n->gid >= UINT32_MAX)
        return cmc_fail(err, CMC_E_FORMAT, "owner %llu:%llu, below 4294967295 only",
                        (unsigned long long)n->uid, (unsigned long long)n->gid);
    if ((type == '3' || type == '4') &&
        (n->major > MEASURE_UNTAR_MAJOR_MAX || n->minor > MEASURE_UNTAR_MINOR_MAX))
        return cmc_fail(err, CMC_E_FORMAT, "device %llu:%llu does not exist on Linux",
                        (unsigned long long)n->major, (unsigned long long)n->minor);
    return 0;
}

/* NUL-terminated, and nothing behind the first NUL: of a GNU long name. */
static int finish_text(struct cmc_buf *b, struct cmc_err *err)
{
    const size_t len = b->len ? strnlen((const char *)b->data, b->len) : 0;
    b->len = len;
    cmc_put_u8(b, 0);
    if (cmc_buf_check(b, "a name", err) < 0)
        return -(int)err->code;
    b->len = len;
    return 0;
}

static int name_fault(const struct measure_untar *t, struct cmc_err *err)
{
    cmc_autobuf struct cmc_buf shown = cmc_buf_of((size_t)8 * NAMED_MAX);
    cmc_put_safe(&shown, t->name.data, t->name.len, NAMED_MAX);
    return shown.len ? cmc_wrap(err, "%.*s", (int)shown.len, (char *)shown.data) : -(int)err->code;
}

static char type_of(const struct measure_untar *t)
{
    const char type = (char)t->block[TYPE_AT];
    if (type) /* old programs wrote none, and a slash behind directories */
        return type;
    return t->name.len && t->name.data[t->name.len - 1] == '/' ? '5' : '0';
}

/* The header at hand is a member's own. */
static int take_member(struct measure_untar *t, struct measure_untar_member *out,
                       struct cmc_err *err)
{
    struct numbers n;
    if (!t->long_name)
        read_name(t);
    if (!t->long_link)
        set_text(&t->link, text_of(t, LINK));
    if (read_numbers(t, &n, err) < 0 || take_records(t, &n, err) < 0 ||
        finish_text(&t->name, err) < 0 || finish_text(&t->link, err) < 0)
        return -(int)err->code;
    const char type = type_of(t);
    if (type < '0' || type > '6')
        return cmc_fail(err, CMC_E_FORMAT, "type %d; containerd unpacks '0' to '6' only", type);
    if (check_numbers(&n, type, err) < 0 || set_content(t, type == '0' ? n.size : 0, err) < 0)
        return -(int)err->code;
    *out = (struct measure_untar_member){
        .type = type,
        .mode = n.mode & 07777,
        .uid = (uint32_t)n.uid,
        .gid = (uint32_t)n.gid,
        .major = type == '3' || type == '4' ? (uint32_t)n.major : 0,
        .minor = type == '3' || type == '4' ? (uint32_t)n.minor : 0,
        .size = t->left,
        .name = {t->name.data, t->name.len},
        .link = {t->link.data, t->link.len},
        .records = {t->records.data, t->records.len},
    };
    return 1;
}

/* What a header before the member's own says. */
static int take_special(struct measure_untar *t, struct cmc_err *err)
{
    cmc_autobuf struct cmc_buf unheeded = cmc_buf_of(MEASURE_UNTAR_RECORDS_MAX);
    switch (t->block[TYPE_AT]) {
    case 'x':
        return read_special(t, &t->records, err);
    case 'L':
        t->long_name = true;
        return read_special(t, &t->name, err);
    case 'K':
        t->long_link = true;
        return read_special(t, &t->link, err);
    default: /* 'g', of all members that follow: containerd does not heed it */
        return read_special(t, &unheeded, err);
    }
}

static bool is_special(char type)
{
    return type && strchr("xgLK", type);
}

/* One header: 2 when another one follows for the same member, 1, or 0 at the end. */
static int take_header(struct measure_untar *t, struct measure_untar_member *out,
                       struct cmc_err *err)
{
    const int r = read_block(t, err);
    if (r == 0 && (t->records.len || t->long_name || t->long_link))
        return cmc_fail(err, CMC_E_FORMAT, "the archive ends behind an extended header");
    if (r <= 0)
        return r;
    if (!is_special((char)t->block[TYPE_AT]))
        return take_member(t, out, err);
    return take_special(t, err) < 0 ? -(int)err->code : 2;
}

int measure_untar_next(struct measure_untar *t, struct measure_untar_member *out,
                       struct cmc_err *err)
{
    int r;
    t->name.len = t->link.len = t->records.len = 0;
    t->long_name = t->long_link = false;
    do {
        r = take_header(t, out, err);
    } while (r == 2);
    return r < 0 ? name_fault(t, err) : r;
}
