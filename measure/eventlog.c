/* SPDX-License-Identifier: Apache-2.0 */
/* measure/eventlog.c -- frames of the log file: header, checksum, CEL record or commit mark. */
#include "measure/eventlog.h"

#include <string.h>

/* 0xc3 'M': a text in an event is UTF-8, so no name can hold the start of a frame. */
static const uint8_t magic[4] = {0xc3, 'M', 'C', 'L'};
enum { HEADER = 16, VERSION = 1 };

/* TCG Canonical Event Log 1.0: types of top-level TLVs; the content's is ours. */
enum { TLV_RECNUM = 0, TLV_PCR = 1, TLV_DIGESTS = 3, TLV_CONTENT = MEASURE_CEL_CONTENT_TYPE };
enum { TLV_HEAD = 5 };

/* CRC-32C (RFC 3385), reflected, four bits at a time. */
static uint32_t crc32c(uint32_t crc, const uint8_t *data, size_t len)
{
    static const uint32_t table[16] = {0x00000000, 0x105ec76f, 0x20bd8ede, 0x30e349b1,
                                       0x417b1dbc, 0x5125dad3, 0x61c69362, 0x7198540d,
                                       0x82f63b78, 0x92a8fc17, 0xa24bb5a6, 0xb21572c9,
                                       0xc38d26c4, 0xd3d3e1ab, 0xe330a81a, 0xf36e6f75};
    crc = ~crc;
    for (size_t i = 0; i < len; i++) {
        crc ^= data[i];
        crc = crc >> 4 ^ table[crc & 15];
        crc = crc >> 4 ^ table[crc & 15];
    }
    return ~crc;
}

static void put_tlv_head(struct cmc_buf *b, uint8_t type, size_t len)
{
    cmc_put_u8(b, type);
    cmc_put_be32(b, (uint32_t)len);
}

static int check_banks(const struct measure_banks *banks, size_t least, struct cmc_err *err)
{
    if (banks->count < least || banks->count > MEASURE_BANKS_MAX)
        return cmc_fail(err, CMC_E_USAGE, "frame: %zu banks, expected %zu to %d", banks->count,
                        least, MEASURE_BANKS_MAX);
    for (size_t i = 0; i < banks->count; i++) {
        const uint16_t alg = banks->bank[i].alg;
        if (!cmc_hash_size(alg) || (i && alg <= banks->bank[i - 1].alg))
            return cmc_fail(err, CMC_E_USAGE, "frame: bank 0x%04x is unknown or out of order", alg);
    }
    return 0;
}

static int put_intent(struct cmc_buf *b, const struct measure_frame *f, struct cmc_err *err)
{
    if (f->pcr > UINT8_MAX || f->content_len > MEASURE_EVENT_MAX)
        return cmc_fail(err, CMC_E_LIMIT, "frame: PCR %u, %zu bytes of content, at most %d", f->pcr,
                        f->content_len, MEASURE_EVENT_MAX);
    size_t digests = 0;
    for (size_t i = 0; i < f->digests.count; i++)
        digests += TLV_HEAD + cmc_hash_size(f->digests.bank[i].alg);
    put_tlv_head(b, TLV_RECNUM, 8);
    cmc_put_be64(b, f->recnum);
    put_tlv_head(b, TLV_PCR, 1);
    cmc_put_u8(b, (uint8_t)f->pcr);
    put_tlv_head(b, TLV_DIGESTS, digests);
    for (size_t i = 0; i < f->digests.count; i++) {
        const struct measure_bank *bank = &f->digests.bank[i];
        put_tlv_head(b, (uint8_t)bank->alg, cmc_hash_size(bank->alg));
        cmc_put(b, bank->value, cmc_hash_size(bank->alg));
    }
    put_tlv_head(b, TLV_CONTENT, f->content_len);
    cmc_put(b, f->content, f->content_len);
    return 0;
}

static int put_mark(struct cmc_buf *b, const struct measure_frame *f, struct cmc_err *err)
{
    if (f->how < MEASURE_MARK_DONE || f->how > MEASURE_MARK_LOST)
        return cmc_fail(err, CMC_E_USAGE, "frame: mark %u is unknown", (unsigned)f->how);
    cmc_put_be64(b, f->recnum);
    cmc_put_u8(b, (uint8_t)f->how);
    cmc_put_u8(b, (uint8_t)f->values.count);
    for (size_t i = 0; i < f->values.count; i++) {
        const struct measure_bank *bank = &f->values.bank[i];
        cmc_put_be16(b, bank->alg);
        cmc_put(b, bank->value, cmc_hash_size(bank->alg));
    }
    return 0;
}

static int put_body(struct cmc_buf *b, const struct measure_frame *f, struct cmc_err *err)
{
    const bool intent = f->type == MEASURE_FRAME_INTENT;
    if (!intent && f->type != MEASURE_FRAME_MARK)
        return cmc_fail(err, CMC_E_USAGE, "frame: type %u is unknown", (unsigned)f->type);
    int rc = intent ? check_banks(&f->digests, 0, err) : check_banks(&f->values, 1, err);
    if (rc == 0)
        rc = intent ? put_intent(b, f, err) : put_mark(b, f, err);
    return rc < 0 ? rc : cmc_buf_check(b, "frame", err);
}

static uint32_t checksum(const uint8_t *header, const uint8_t *body, size_t len)
{
    return crc32c(crc32c(0, header, HEADER - 4), body, len);
}

int measure_frame_encode(const struct measure_frame *f, struct cmc_buf *out, struct cmc_err *err)
{
    cmc_autobuf struct cmc_buf body = cmc_buf_of(MEASURE_FRAME_MAX - HEADER);
    const int rc = put_body(&body, f, err);
    if (rc < 0)
        return rc;
    uint8_t header[HEADER - 4] = {magic[0], magic[1], magic[2],
                                  magic[3], VERSION,  (uint8_t)f->type};
    for (size_t i = 0; i < 4; i++)
        header[8 + i] = (uint8_t)(body.len >> (24 - 8 * i));
    const size_t before = out->len;
    cmc_put(out, header, sizeof(header));
    cmc_put_be32(out, checksum(header, body.data, body.len));
    cmc_put(out, body.data, body.len);
    if (cmc_buf_check(out, "frame", err) == 0)
        return 0;
    out->len = before;
    return cmc_wrap(err, "record %llu", (unsigned long long)f->recnum);
}

/* The body of a whole frame with a right checksum at the start of p, or NULL. */
static const uint8_t *whole_frame(const uint8_t *p, size_t left, uint8_t *type, size_t *body_len)
{
    struct cmc_reader r = cmc_reader_of(p, left);
    const uint8_t *m = cmc_read_bytes(&r, sizeof(magic));
    if (!m || memcmp(m, magic, sizeof(magic)) != 0)
        return NULL;
    const uint8_t version = cmc_read_u8(&r);
    *type = cmc_read_u8(&r);
    const uint16_t reserved = cmc_read_be16(&r);
    const uint32_t len = cmc_read_be32(&r);
    const uint32_t crc = cmc_read_be32(&r);
    if (version != VERSION || reserved || len > MEASURE_FRAME_MAX - HEADER)
        return NULL;
    const uint8_t *body = cmc_read_bytes(&r, len);
    if (r.bad || crc != checksum(p, body, len))
        return NULL;
    *body_len = len;
    return body;
}

static void read_value(struct cmc_reader *r, struct measure_banks *banks, uint16_t alg, size_t len)
{
    const size_t i = banks->count;
    if (i == MEASURE_BANKS_MAX || !cmc_hash_size(alg) || cmc_hash_size(alg) != len ||
        (i && alg <= banks->bank[i - 1].alg)) {
        r->bad = true;
        return;
    }
    const uint8_t *value = cmc_read_bytes(r, len);
    if (!value)
        return;
    banks->bank[i].alg = alg;
    memcpy(banks->bank[i].value, value, len);
    banks->count++;
}

/* The value of the next TLV, which must be of the type. */
static struct cmc_reader read_tlv(struct cmc_reader *r, uint8_t type)
{
    if (cmc_read_u8(r) != type)
        r->bad = true;
    const uint32_t len = cmc_read_be32(r);
    const uint8_t *value = cmc_read_bytes(r, len);
    return value ? cmc_reader_of(value, len) : (struct cmc_reader){.bad = true};
}

static int read_intent(struct cmc_reader r, struct measure_frame *f, struct cmc_err *err)
{
    f->record = r.p;
    f->record_len = r.left;
    struct cmc_reader recnum = read_tlv(&r, TLV_RECNUM);
    f->recnum = cmc_read_be64(&recnum);
    struct cmc_reader pcr = read_tlv(&r, TLV_PCR);
    f->pcr = cmc_read_u8(&pcr);
    struct cmc_reader digests = read_tlv(&r, TLV_DIGESTS);
    while (!digests.bad && digests.left) {
        const uint8_t alg = cmc_read_u8(&digests);
        read_value(&digests, &f->digests, alg, cmc_read_be32(&digests));
    }
    struct cmc_reader content = read_tlv(&r, TLV_CONTENT);
    f->content = content.p;
    f->content_len = content.left;
    if (recnum.bad || recnum.left || pcr.bad || pcr.left || digests.bad || content.bad ||
        content.left > MEASURE_EVENT_MAX || r.bad || r.left)
        return cmc_fail(err, CMC_E_FORMAT, "not a CEL record of this log");
    return 1;
}

static int read_mark(struct cmc_reader r, struct measure_frame *f, struct cmc_err *err)
{
    f->recnum = cmc_read_be64(&r);
    const uint8_t how = cmc_read_u8(&r);
    const uint8_t count = cmc_read_u8(&r);
    for (uint8_t i = 0; i < count && !r.bad; i++) {
        const uint16_t alg = cmc_read_be16(&r);
        read_value(&r, &f->values, alg, cmc_hash_size(alg));
    }
    if (r.bad || r.left || !count || how < MEASURE_MARK_DONE || how > MEASURE_MARK_LOST)
        return cmc_fail(err, CMC_E_FORMAT, "not a commit mark");
    f->how = (enum measure_mark_how)how;
    return 1;
}

/* Moves *at over a torn frame to the next whole one. */
static int skip_torn(const uint8_t *log, size_t len, size_t *at, size_t *torn, struct cmc_err *err)
{
    const uint8_t *start = log + *at;
    const size_t left = len - *at;
    const size_t limit = *torn < MEASURE_TORN_MAX ? MEASURE_TORN_MAX - *torn : 0;
    uint8_t type;
    size_t body_len;
    if (start[0] != magic[0]) /* not more: the next frame may begin behind the first byte */
        return cmc_fail(err, CMC_E_FORMAT, "log: no frame at byte %zu", *at);
    for (size_t skip = 1; skip < left; skip++) {
        if (skip > limit)
            return cmc_fail(err, CMC_E_FORMAT, "log: more than %d bytes of torn frames at byte %zu",
                            MEASURE_TORN_MAX, *at);
        if (!whole_frame(start + skip, left - skip, &type, &body_len))
            continue;
        *at += skip;
        *torn += skip;
        return 0;
    }
    return cmc_fail(err, CMC_E_LIMIT, "log: the last %zu bytes are a torn frame", left);
}

int measure_frame_next(const uint8_t *log, size_t len, size_t *at, struct measure_frame *out,
                       size_t *torn, struct cmc_err *err)
{
    uint8_t type = 0;
    size_t body_len = 0, pos = *at, skipped = *torn;
    if (pos == len)
        return 0;
    const uint8_t *body = whole_frame(log + pos, len - pos, &type, &body_len);
    if (!body) {
        const int rc = skip_torn(log, len, &pos, &skipped, err);
        if (rc < 0)
            return rc;
        body = whole_frame(log + pos, len - pos, &type, &body_len);
    }
    struct measure_frame f = {.type = (enum measure_frame_type)type};
    const struct cmc_reader r = cmc_reader_of(body, body_len);
    int rc;
    if (type == MEASURE_FRAME_INTENT)
        rc = read_intent(r, &f, err);
    else if (type == MEASURE_FRAME_MARK)
        rc = read_mark(r, &f, err);
    else
        rc = cmc_fail(err, CMC_E_FORMAT, "frame type %u is unknown", type);
    if (rc < 0)
        return cmc_wrap(err, "log: byte %zu", pos);
    *out = f;
    *at = pos + HEADER + body_len;
    *torn = skipped;
    return 1;
}
