/* SPDX-License-Identifier: Apache-2.0 */
/* shim/ttrpc.c -- Request and Response of ttrpc, read and written. */
#include "shim/ttrpc.h"

#include <string.h>
#include <strings.h>

#include "base/hex.h"

enum { REQUEST_PAYLOAD = 3, REQUEST_TIMEOUT = 4, REQUEST_METADATA = 5 };
enum { NAMESPACE_SHOWN = 80, ERROR_TEXT_MAX = 1000, STATUS_CODE_MAX = 16 };

static int take_bytes(const struct cmc_pb_field *f, struct cmc_span *out, struct cmc_err *err)
{
    if (f->wire != CMC_PB_BYTES)
        return cmc_fail(err, CMC_E_FORMAT, "field %u has wire type %u", f->number,
                        (unsigned)f->wire);
    *out = f->bytes;
    return 0;
}

static int take_uint(const struct cmc_pb_field *f, uint64_t *out, struct cmc_err *err)
{
    if (f->wire != CMC_PB_VARINT)
        return cmc_fail(err, CMC_E_FORMAT, "field %u has wire type %u", f->number,
                        (unsigned)f->wire);
    *out = f->value;
    return 0;
}

static int request_field(const struct cmc_pb_field *f, struct shim_request *r, struct cmc_err *err)
{
    uint64_t v = 0;
    switch (f->number) {
    case 1:
        return take_bytes(f, &r->service, err);
    case 2:
        return take_bytes(f, &r->method, err);
    case REQUEST_PAYLOAD:
        return take_bytes(f, &r->payload, err);
    case REQUEST_TIMEOUT:
        if (take_uint(f, &v, err) < 0)
            return -(int)err->code;
        r->timeout_ns = (int64_t)v;
        return 0;
    default:
        return 0;
    }
}

int shim_ttrpc_request(const uint8_t *data, size_t len, struct shim_request *out,
                       struct cmc_err *err)
{
    struct cmc_reader in = cmc_reader_of(data, len);
    struct shim_request r = {.timeout_ns = 0};
    struct cmc_pb_field f;
    int more;
    while ((more = cmc_pb_next(&in, &f, err)) > 0)
        if (request_field(&f, &r, err) < 0)
            return cmc_wrap(err, "ttrpc request");
    if (more < 0)
        return cmc_wrap(err, "ttrpc request");
    *out = r;
    return 0;
}

static int status(const struct cmc_span *in, struct shim_response *r, struct cmc_err *err)
{
    struct cmc_reader at = cmc_reader_of(in->p, in->len);
    struct cmc_pb_field f;
    uint64_t code = 0;
    int more;
    while ((more = cmc_pb_next(&at, &f, err)) > 0)
        if ((f.number == 1 && take_uint(&f, &code, err) < 0) ||
            (f.number == 2 && take_bytes(&f, &r->message, err) < 0))
            return -(int)err->code;
    r->status = code > STATUS_CODE_MAX ? STATUS_CODE_MAX + 1 : (uint32_t)code;
    return more;
}

static int response_field(const struct cmc_pb_field *f, struct shim_response *r,
                          struct cmc_err *err)
{
    struct cmc_span inner = {NULL, 0};
    if (f->number == 2)
        return take_bytes(f, &r->payload, err);
    if (f->number != 1)
        return 0;
    return take_bytes(f, &inner, err) < 0 ? -(int)err->code : status(&inner, r, err);
}

int shim_ttrpc_response(const uint8_t *data, size_t len, struct shim_response *out,
                        struct cmc_err *err)
{
    struct cmc_reader in = cmc_reader_of(data, len);
    struct shim_response r = {.status = SHIM_STATUS_OK};
    struct cmc_pb_field f;
    int more;
    while ((more = cmc_pb_next(&in, &f, err)) > 0)
        if (response_field(&f, &r, err) < 0)
            return cmc_wrap(err, "ttrpc response");
    if (more < 0)
        return cmc_wrap(err, "ttrpc response");
    *out = r;
    return 0;
}

static bool equals(const struct cmc_span *s, const char *text)
{
    return s->p && s->len == strlen(text) && memcmp(s->p, text, s->len) == 0;
}

static int check_metadata(const struct cmc_span *entry, const char *ns, struct cmc_err *err)
{
    static const char name[] = "containerd-namespace-ttrpc";
    struct cmc_reader in = cmc_reader_of(entry->p, entry->len);
    struct cmc_span key = {NULL, 0}, value = {NULL, 0};
    cmc_autobuf struct cmc_buf shown = cmc_buf_of(4 * NAMESPACE_SHOWN + 16);
    struct cmc_pb_field f;
    int more;
    while ((more = cmc_pb_next(&in, &f, err)) > 0)
        if ((f.number == 1 && take_bytes(&f, &key, err) < 0) ||
            (f.number == 2 && take_bytes(&f, &value, err) < 0))
            return -(int)err->code;
    if (more < 0)
        return more;
    if (key.len != strlen(name) || strncasecmp((const char *)key.p, name, key.len) != 0 ||
        equals(&value, ns))
        return 0;
    cmc_put_safe(&shown, value.p ? (const char *)value.p : "", value.len, NAMESPACE_SHOWN);
    cmc_put_u8(&shown, '\0');
    return cmc_fail(err, CMC_E_VERIFY, "the request names namespace %s, this shim has %s",
                    shown.bad ? "(unreadable)" : (const char *)shown.data, ns);
}

int shim_ttrpc_check_namespace(const struct shim_frame *frame, const char *ns, struct cmc_err *err)
{
    struct cmc_reader in = cmc_reader_of(frame->data, frame->data_len);
    struct cmc_span entry = {NULL, 0};
    struct cmc_pb_field f;
    int more;
    while ((more = cmc_pb_next(&in, &f, err)) > 0)
        if (f.number == REQUEST_METADATA &&
            (take_bytes(&f, &entry, err) < 0 || check_metadata(&entry, ns, err) < 0))
            return cmc_wrap(err, "ttrpc metadata");
    return more < 0 ? cmc_wrap(err, "ttrpc request") : 0;
}

bool shim_ttrpc_is_task(const struct shim_request *r, const char *method)
{
    return (equals(&r->service, "containerd.task.v2.Task") ||
            equals(&r->service, "containerd.task.v3.Task")) &&
           equals(&r->method, method);
}

struct cmc_span shim_ttrpc_text(const struct cmc_span *message, uint32_t number)
{
    struct cmc_reader in = cmc_reader_of(message->p, message->len);
    struct cmc_span found = {NULL, 0};
    struct cmc_pb_field f;
    struct cmc_err ignored;
    while (cmc_pb_next(&in, &f, &ignored) > 0)
        if (f.number == number && f.wire == CMC_PB_BYTES && cmc_pb_is_text(&f.bytes))
            found = f.bytes;
    return found;
}

uint64_t shim_ttrpc_uint(const struct cmc_span *message, uint32_t number)
{
    struct cmc_reader in = cmc_reader_of(message->p, message->len);
    struct cmc_pb_field f;
    struct cmc_err ignored;
    uint64_t found = 0;
    while (cmc_pb_next(&in, &f, &ignored) > 0)
        if (f.number == number && f.wire == CMC_PB_VARINT)
            found = f.value;
    return found;
}

static void put_frame(struct cmc_buf *b, uint32_t stream, uint8_t type, uint8_t flags,
                      const struct cmc_buf *data)
{
    b->bad |= data->bad;
    cmc_put_be32(b, (uint32_t)data->len);
    cmc_put_be32(b, stream);
    cmc_put_u8(b, type);
    cmc_put_u8(b, flags);
    cmc_put(b, data->data, data->len);
}

/* Cut between characters: Go refuses a message that is not UTF-8, and the caller then hangs. */
static size_t cut(const char *text)
{
    size_t len = strlen(text);
    if (len <= ERROR_TEXT_MAX)
        return len;
    len = ERROR_TEXT_MAX;
    while (len > 0 && ((unsigned char)text[len] & 0xc0) == 0x80)
        len--;
    return len;
}

void shim_ttrpc_put_error(struct cmc_buf *b, uint32_t stream, enum shim_status code,
                          const char *text)
{
    cmc_autobuf struct cmc_buf inner = cmc_buf_of(2048), data = cmc_buf_of(4096);
    cmc_pb_put_uint(&inner, 1, (uint64_t)code);
    cmc_pb_put_bytes(&inner, 2, text, cut(text));
    cmc_pb_put_bytes(&data, 1, inner.data, inner.len);
    put_frame(b, stream, SHIM_TTRPC_RESPONSE, 0, &data);
}

void shim_ttrpc_put_empty(struct cmc_buf *b, uint32_t stream)
{
    const struct cmc_buf nothing = {.data = NULL};
    put_frame(b, stream, SHIM_TTRPC_RESPONSE, 0, &nothing);
}

void shim_ttrpc_put_request(struct cmc_buf *b, uint32_t stream, const char *service,
                            const char *method, const struct cmc_span *payload)
{
    cmc_autobuf struct cmc_buf data = cmc_buf_of(SHIM_FRAME_DATA_MAX);
    cmc_pb_put_bytes(&data, 1, service, strlen(service));
    cmc_pb_put_bytes(&data, 2, method, strlen(method));
    cmc_pb_put_bytes(&data, REQUEST_PAYLOAD, payload->p, payload->len);
    put_frame(b, stream, SHIM_TTRPC_REQUEST, 0, &data);
}

int shim_ttrpc_rewrite(const struct shim_frame *frame, const struct cmc_span *payload,
                       int64_t timeout_ns, struct cmc_buf *b, struct cmc_err *err)
{
    cmc_autobuf struct cmc_buf data = cmc_buf_of(SHIM_FRAME_DATA_MAX);
    struct cmc_reader in = cmc_reader_of(frame->data, frame->data_len);
    struct cmc_pb_field f;
    bool written = false;
    int more;
    while ((more = cmc_pb_next(&in, &f, err)) > 0) {
        if (f.number == REQUEST_TIMEOUT && timeout_ns > 0) {
            cmc_pb_put_uint(&data, REQUEST_TIMEOUT, (uint64_t)timeout_ns);
        } else if (f.number != REQUEST_PAYLOAD) {
            cmc_put(&data, f.whole.p, f.whole.len);
        } else if (!written) { /* a second payload would win over the one that we judged */
            cmc_pb_put_bytes(&data, REQUEST_PAYLOAD, payload->p, payload->len);
            written = true;
        }
    }
    if (more < 0 || cmc_buf_check(&data, "ttrpc request", err) < 0)
        return -(int)err->code;
    put_frame(b, frame->stream, frame->type, frame->flags, &data);
    return cmc_buf_check(b, "ttrpc frame", err);
}
