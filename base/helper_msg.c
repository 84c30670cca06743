/* SPDX-License-Identifier: Apache-2.0 */
/* base/helper_msg.c -- frames between shim and cmc-measure, as docs/formats/helper.md says. */
#include "base/helper_msg.h"

#include <string.h>

enum { LENGTH_BYTES = 4, FRAME_MIN = LENGTH_BYTES + 1 };

/* A frame's length is known last: its place is kept, and filled by end_frame(). */
static size_t begin_frame(struct cmc_buf *b, enum cmc_helper_type type)
{
    size_t at = b->len;
    cmc_put_be32(b, 0);
    cmc_put_u8(b, (uint8_t)type);
    cmc_put_be16(b, CMC_HELPER_VERSION);
    return at;
}

static int end_frame(struct cmc_buf *b, size_t at, struct cmc_err *err)
{
    if (cmc_buf_check(b, "helper message", err) < 0)
        return -(int)err->code;
    size_t len = b->len - at - LENGTH_BYTES;
    if (len > CMC_HELPER_MSG_MAX)
        return cmc_fail(err, CMC_E_LIMIT, "helper message: %zu bytes, at most %d", len,
                        CMC_HELPER_MSG_MAX);
    for (unsigned i = 0; i < LENGTH_BYTES; i++)
        b->data[at + i] = (uint8_t)(len >> (8 * (LENGTH_BYTES - 1 - i)));
    return 0;
}

static void put_blob(struct cmc_buf *b, const void *data, size_t len)
{
    if (len > CMC_HELPER_MSG_MAX) {
        b->bad = true;
        return;
    }
    cmc_put_be32(b, (uint32_t)len);
    cmc_put(b, data, len);
}

/* The NUL travels, so that the reader can borrow the text as a C string. */
static void put_text(struct cmc_buf *b, const char *text)
{
    const char *t = text ? text : "";
    size_t len = strlen(t);
    if (len > CMC_HELPER_TEXT_MAX)
        b->bad = true;
    else
        put_blob(b, t, len + 1);
}

static const uint8_t *get_blob(struct cmc_reader *r, size_t *len)
{
    uint32_t n = cmc_read_be32(r);
    const uint8_t *p = cmc_read_bytes(r, n);
    *len = p ? n : 0;
    return p;
}

static const char *get_text(struct cmc_reader *r)
{
    size_t len;
    const uint8_t *p = get_blob(r, &len);
    if (len == 0 || len > CMC_HELPER_TEXT_MAX + 1 || memchr(p, '\0', len) != p + len - 1) {
        r->bad = true;
        return "";
    }
    return (const char *)p;
}

static int check_version(struct cmc_reader *r, struct cmc_err *err)
{
    unsigned version = cmc_read_be16(r);
    if (!r->bad && version != CMC_HELPER_VERSION)
        return cmc_fail(err, CMC_E_FORMAT,
                        "helper message of version %u, this program speaks %d: install shim and "
                        "cmc-measure of one release",
                        version, CMC_HELPER_VERSION);
    return 0;
}

static int check_end(const struct cmc_reader *r, const char *what, struct cmc_err *err)
{
    if (r->bad)
        return cmc_fail(err, CMC_E_FORMAT, "helper %s: truncated, or a bad text", what);
    if (r->left)
        return cmc_fail(err, CMC_E_FORMAT, "helper %s: %zu bytes too many", what, r->left);
    return 0;
}

int cmc_helper_request_put(struct cmc_buf *b, const struct cmc_helper_request *r,
                           struct cmc_err *err)
{
    size_t at = begin_frame(b, CMC_HELPER_REQUEST);
    cmc_put_u8(b, (uint8_t)r->job);
    put_text(b, r->ns);
    put_text(b, r->id);
    put_text(b, r->group);
    put_text(b, r->bundle);
    put_text(b, r->inner_shim);
    put_text(b, r->reason);
    cmc_put_be32(b, r->exit_status);
    put_blob(b, r->create, r->create_len);
    return end_frame(b, at, err);
}

int cmc_helper_progress_put(struct cmc_buf *b, const struct cmc_helper_progress *p,
                            struct cmc_err *err)
{
    size_t at = begin_frame(b, CMC_HELPER_PROGRESS);
    cmc_put_be64(b, p->entries);
    cmc_put_be64(b, p->bytes);
    return end_frame(b, at, err);
}

int cmc_helper_result_put(struct cmc_buf *b, const struct cmc_helper_result *r, struct cmc_err *err)
{
    size_t at = begin_frame(b, CMC_HELPER_RESULT);
    cmc_put_u8(b, (uint8_t)r->outcome);
    cmc_put_u8(b, (uint8_t)r->options);
    put_blob(b, r->options_any, r->options_len);
    put_text(b, r->text);
    cmc_put_be64(b, r->seq);
    cmc_put_be32(b, r->mount_us);
    cmc_put_be32(b, r->digest_us);
    cmc_put_be32(b, r->tpm_us);
    cmc_put_be32(b, r->total_us);
    return end_frame(b, at, err);
}

int cmc_helper_frame(const uint8_t *data, size_t len, enum cmc_helper_type *type,
                     struct cmc_reader *body, struct cmc_err *err)
{
    if (len < FRAME_MIN)
        return 0;
    struct cmc_reader r = cmc_reader_of(data, len);
    size_t body_len = cmc_read_be32(&r);
    uint8_t kind = cmc_read_u8(&r);
    /* Judge length and type before waiting for bytes that a liar has announced. */
    if (body_len < 1 || body_len > CMC_HELPER_MSG_MAX)
        return cmc_fail(err, CMC_E_LIMIT, "helper message: %zu bytes, at least 1, at most %d",
                        body_len, CMC_HELPER_MSG_MAX);
    if (kind != CMC_HELPER_REQUEST && kind != CMC_HELPER_PROGRESS && kind != CMC_HELPER_RESULT)
        return cmc_fail(err, CMC_E_FORMAT, "helper message of unknown type 0x%02x", kind);
    if (len - LENGTH_BYTES < body_len)
        return 0;
    *type = (enum cmc_helper_type)kind;
    *body = cmc_reader_of(r.p, body_len - 1);
    return (int)(LENGTH_BYTES + body_len);
}

int cmc_helper_request_get(struct cmc_reader *body, struct cmc_helper_request *out,
                           struct cmc_err *err)
{
    if (check_version(body, err) < 0)
        return -(int)err->code;
    unsigned job = cmc_read_u8(body);
    struct cmc_helper_request r = {.job = (enum cmc_helper_job)job};
    const char **const texts[] = {&r.ns, &r.id, &r.group, &r.bundle, &r.inner_shim, &r.reason};
    for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++)
        *texts[i] = get_text(body);
    r.exit_status = cmc_read_be32(body);
    r.create = get_blob(body, &r.create_len);
    if (check_end(body, "request", err) < 0)
        return -(int)err->code;
    if (job < CMC_HELPER_CREATE || job > CMC_HELPER_FAILED)
        return cmc_fail(err, CMC_E_FORMAT, "helper request: unknown job %u", job);
    *out = r;
    return 0;
}

int cmc_helper_progress_get(struct cmc_reader *body, struct cmc_helper_progress *out,
                            struct cmc_err *err)
{
    if (check_version(body, err) < 0)
        return -(int)err->code;
    struct cmc_helper_progress p = {.entries = cmc_read_be64(body)};
    p.bytes = cmc_read_be64(body);
    if (check_end(body, "progress", err) < 0)
        return -(int)err->code;
    *out = p;
    return 0;
}

static int check_result(unsigned outcome, unsigned options, size_t any_len, struct cmc_err *err)
{
    if (outcome < CMC_HELPER_RECORDED || outcome > CMC_HELPER_REFUSED)
        return cmc_fail(err, CMC_E_FORMAT, "helper result: unknown outcome %u", outcome);
    if (options > CMC_HELPER_OPTIONS_REPLACE)
        return cmc_fail(err, CMC_E_FORMAT, "helper result: unknown options action %u", options);
    if (any_len && options != CMC_HELPER_OPTIONS_REPLACE)
        return cmc_fail(err, CMC_E_FORMAT, "helper result: options that replace nothing");
    return 0;
}

int cmc_helper_result_get(struct cmc_reader *body, struct cmc_helper_result *out,
                          struct cmc_err *err)
{
    if (check_version(body, err) < 0)
        return -(int)err->code;
    unsigned outcome = cmc_read_u8(body), options = cmc_read_u8(body);
    struct cmc_helper_result r = {.outcome = (enum cmc_helper_outcome)outcome,
                                  .options = (enum cmc_helper_options)options};
    r.options_any = get_blob(body, &r.options_len);
    r.text = get_text(body);
    r.seq = cmc_read_be64(body);
    r.mount_us = cmc_read_be32(body);
    r.digest_us = cmc_read_be32(body);
    r.tpm_us = cmc_read_be32(body);
    r.total_us = cmc_read_be32(body);
    if (check_end(body, "result", err) < 0 ||
        check_result(outcome, options, r.options_len, err) < 0)
        return -(int)err->code;
    *out = r;
    return 0;
}
