/* SPDX-License-Identifier: Apache-2.0 */
/* attest/serve/message.c -- which members each message has: the table of docs/formats/api.md. */
#include "attest/serve/message.h"

#include <string.h>

#include "attest/meta/codec.h"

#define AT(member) offsetof(struct serve_message, member)

/* The members, by key; each message has some of them. */
#define VERSION                                                                                    \
    {                                                                                              \
        .name = "version", .key = 0, .value = META_TEXT, .rule = META_MUST, .at = AT(version),     \
        .max = 64                                                                                  \
    }
#define DIGESTS(text, number, need)                                                                \
    {                                                                                              \
        .name = (text), .key = (number), .value = META_TEXTS, .rule = (need), .at = AT(cached),    \
        .max = SERVE_CACHED_MAX                                                                    \
    }
#define NONCE                                                                                      \
    {                                                                                              \
        .name = "nonce", .key = 1, .value = META_BYTES, .rule = META_MUST, .at = AT(nonce),        \
        .min = SERVE_NONCE_MIN, .max = SERVE_NONCE_MAX                                             \
    }
#define BYTES(member, number, need)                                                                \
    {                                                                                              \
        .name = #member, .key = (number), .value = META_BYTES, .rule = (need), .at = AT(member)    \
    }
#define SUCCESS                                                                                    \
    {                                                                                              \
        .name = "success", .key = 1, .value = META_BOOL, .rule = META_MUST, .at = AT(success)      \
    }

static const struct meta_field error[] = {
    VERSION, {.name = "msg", .key = 1, .value = META_TEXT, .rule = META_MUST, .at = AT(msg)}};
static const struct meta_field attest[] = {VERSION, NONCE, DIGESTS("cached", 2, META_MAY)};
static const struct meta_field attest_answer[] = {VERSION, BYTES(report, 1, META_MUST)};
static const struct meta_field verify[] = {
    VERSION,
    NONCE,
    BYTES(report, 2, META_MUST),
    {.name = "peer", .key = 6, .value = META_TEXT, .rule = META_MAY, .at = AT(peer), .max = 64},
    {.name = "peerAddr",
     .key = 7,
     .value = META_TEXT,
     .rule = META_MAY,
     .at = AT(peer_addr),
     .max = 1024},
    BYTES(policies, 8, META_MAY)};
static const struct meta_field verify_answer[] = {
    VERSION, {.name = "result", .key = 1, .value = META_RAW, .rule = META_MUST, .at = AT(result)}};
static const struct meta_field peer_cache[] = {
    VERSION,
    {.name = "peer", .key = 1, .value = META_TEXT, .rule = META_MUST, .at = AT(peer), .max = 64}};
static const struct meta_field peer_cache_answer[] = {VERSION, DIGESTS("cache", 1, META_ALWAYS)};
static const struct meta_field measure[] = {VERSION,
                                            {.name = "event",
                                             .key = 1,
                                             .value = META_INSIDE,
                                             .rule = META_MUST,
                                             .at = AT(event),
                                             .of = &meta_component_record}};
static const struct meta_field update[] = {VERSION};
static const struct meta_field done[] = {VERSION, SUCCESS};
static const struct meta_field detail[] = {VERSION,
                                           {.name = "kind",
                                            .key = 1,
                                            .value = META_TEXT,
                                            .rule = META_MUST,
                                            .at = AT(kind),
                                            .only = "config|tree"},
                                           {.name = "digest",
                                            .key = 2,
                                            .value = META_BYTES,
                                            .rule = META_MUST,
                                            .at = AT(digest),
                                            .min = CMC_SHA256_LEN,
                                            .max = CMC_SHA256_LEN}};
static const struct meta_field detail_answer[] = {VERSION, BYTES(data, 1, META_ALWAYS)};

#define REQUEST(text, fields)                                                                      \
    {                                                                                              \
        .name = "a request " text, .size = sizeof(struct serve_message), META_FIELDS(fields),      \
        .max = SERVE_REQUEST_MAX, .closed = true                                                   \
    }
#define ANSWER(text, fields)                                                                       \
    {                                                                                              \
        .name = "an answer " text, .size = sizeof(struct serve_message), META_FIELDS(fields),      \
        .max = SERVE_ANSWER_MAX, .closed = true                                                    \
    }

static const struct message {
    uint32_t type;
    struct meta_record record[2]; /* by enum serve_way */
} messages[] = {
    {SERVE_ERROR, {REQUEST("Error", error), ANSWER("Error", error)}},
    {SERVE_ATTEST, {REQUEST("Attest", attest), ANSWER("Attest", attest_answer)}},
    {SERVE_VERIFY, {REQUEST("Verify", verify), ANSWER("Verify", verify_answer)}},
    {SERVE_PEER_CACHE, {REQUEST("PeerCache", peer_cache), ANSWER("PeerCache", peer_cache_answer)}},
    {SERVE_MEASURE, {REQUEST("Measure", measure), ANSWER("Measure", done)}},
    {SERVE_UPDATE_METADATA, {REQUEST("UpdateMetadata", update), ANSWER("UpdateMetadata", done)}},
    {SERVE_DETAIL, {REQUEST("Detail", detail), ANSWER("Detail", detail_answer)}},
};

static const struct meta_record *record_of(uint32_t type, enum serve_way way)
{
    for (size_t i = 0; i < sizeof(messages) / sizeof(messages[0]); i++)
        if (messages[i].type == type)
            return &messages[i].record[way];
    return NULL;
}

int serve_message_decode(uint32_t type, enum serve_way way, const void *data, size_t len,
                         struct serve_message *out, struct cmc_err *err)
{
    const struct meta_record *record = record_of(type, way);
    enum meta_encoding encoding;
    struct serve_message m = {0};
    if (!record)
        return cmc_fail(err, CMC_E_FORMAT, "message type %u is unknown", type);
    if (meta_encoding_of(data, len, &encoding, err) < 0 ||
        meta_codec_decode(record, data, len, &m, &m.doc, err) < 0)
        return -(int)err->code;
    m.encoding = encoding;
    *out = m;
    return 0;
}

int serve_message_encode(uint32_t type, enum serve_way way, const struct serve_message *m,
                         enum meta_encoding encoding, struct cmc_buf *out, struct cmc_err *err)
{
    const struct meta_record *record = record_of(type, way);
    struct serve_message whole = *m;
    if (!record)
        return cmc_fail(err, CMC_E_FORMAT, "message type %u is unknown", type);
    if (!whole.version)
        whole.version = SERVE_VERSION;
    return meta_codec_encode(record, &whole, encoding, out, err);
}

int serve_message_frame(uint32_t type, enum serve_way way, const struct serve_message *m,
                        enum meta_encoding encoding, struct cmc_buf *out, struct cmc_err *err)
{
    static const uint8_t none[SERVE_HEAD_LEN];
    const size_t begin = out->len;
    cmc_put(out, none, sizeof(none));
    if (serve_message_encode(type, way, m, encoding, out, err) < 0 ||
        cmc_buf_check(out, serve_frame_name(type), err) < 0) {
        out->len = begin;
        out->bad = false;
        return -(int)err->code;
    }
    const size_t len = out->len - begin - SERVE_HEAD_LEN;
    serve_frame_put((struct serve_head){.len = (uint32_t)len, .type = type}, out->data + begin);
    return 0;
}

void serve_message_done(struct serve_message *m)
{
    meta_doc_free(m->doc);
    *m = (struct serve_message){0};
}
