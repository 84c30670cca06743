/* SPDX-License-Identifier: Apache-2.0 */
/* Any bytes as a frame of the API: a head, judged; a payload, as request and as answer. What is
 * accepted encodes again, in its own serialisation to what decodes to the same, and in the other.
 */
#include <stdlib.h>
#include <string.h>

#include "attest/serve/message.h"

enum { CAP = 1 << 16 };

static void check(bool ok)
{
    if (!ok)
        abort();
}

static bool same_text(const char *a, const char *b)
{
    return strcmp(a ? a : "", b ? b : "") == 0; /* some members are written empty when absent */
}

static bool same_bytes(const struct meta_bytes *a, const struct meta_bytes *b)
{
    return a->len == b->len && (a->len == 0 || memcmp(a->data, b->data, a->len) == 0);
}

static void check_same(const struct serve_message *a, const struct serve_message *b)
{
    check(same_text(a->version, b->version) && same_text(a->msg, b->msg));
    check(same_text(a->peer, b->peer) && same_text(a->peer_addr, b->peer_addr));
    check(same_text(a->kind, b->kind) && a->success == b->success);
    check(same_bytes(&a->nonce, &b->nonce) && same_bytes(&a->report, &b->report));
    check(same_bytes(&a->policies, &b->policies) && same_bytes(&a->result, &b->result));
    check(same_bytes(&a->digest, &b->digest) && same_bytes(&a->data, &b->data));
    check(a->cached.count == b->cached.count && same_text(a->event.name, b->event.name));
}

static void check_limits(uint32_t type, enum serve_way way, const struct serve_message *m)
{
    check(m->version != NULL && m->cached.count <= SERVE_CACHED_MAX);
    if (way == SERVE_REQUEST && (type == SERVE_ATTEST || type == SERVE_VERIFY))
        check(m->nonce.len >= SERVE_NONCE_MIN && m->nonce.len <= SERVE_NONCE_MAX);
    if (way == SERVE_REQUEST && type == SERVE_DETAIL)
        check(m->digest.len == CMC_SHA256_LEN && m->kind);
    if (way == SERVE_REQUEST && type == SERVE_PEER_CACHE)
        check(m->peer && strlen(m->peer) <= 64);
}

static void recode(uint32_t type, enum serve_way way, const struct serve_message *m,
                   enum meta_encoding encoding)
{
    struct serve_message again = {0};
    struct cmc_err err = {0};
    cmc_autobuf struct cmc_buf b = cmc_buf_of((size_t)8 * CAP);
    if (serve_message_frame(type, way, m, encoding, &b, &err) < 0) {
        check(err.code == CMC_E_LIMIT && b.len == 0);
        return;
    }
    const struct serve_head head = serve_frame_head(b.data);
    check(head.type == type && head.len == b.len - SERVE_HEAD_LEN);
    check(serve_message_decode(type, way, b.data + SERVE_HEAD_LEN, head.len, &again, &err) == 0);
    check(again.encoding == encoding);
    check_same(m, &again);
    serve_message_done(&again);
}

static void decode(uint32_t type, enum serve_way way, const uint8_t *data, size_t len)
{
    struct serve_message m = {.success = true};
    struct cmc_err err = {0};
    const int rc = serve_message_decode(type, way, data, len, &m, &err);
    check(rc <= 0 && (rc < 0) == (err.code != CMC_OK));
    if (rc < 0) {
        check(m.success && !m.doc && err.msg[0]);
        return;
    }
    check(m.encoding == META_JSON || m.encoding == META_CBOR);
    check_limits(type, way, &m);
    recode(type, way, &m, m.encoding);
    if (m.result.len == 0) /* a result is in one serialisation */
        recode(type, way, &m, m.encoding == META_JSON ? META_CBOR : META_JSON);
    serve_message_done(&m);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const uint32_t types[] = {SERVE_ERROR,   SERVE_ATTEST,          SERVE_VERIFY,
                                     SERVE_MEASURE, SERVE_UPDATE_METADATA, SERVE_PEER_CACHE,
                                     SERVE_DETAIL};
    uint8_t again[SERVE_HEAD_LEN];
    struct cmc_err err = {0};
    if (size < SERVE_HEAD_LEN || size > CAP)
        return 0;
    const struct serve_head head = serve_frame_head(data);
    serve_frame_put(head, again);
    check(memcmp(again, data, sizeof(again)) == 0);
    if (serve_frame_check(head, &err) == 0)
        check(head.len > 0 && head.len <= SERVE_REQUEST_MAX && serve_frame_name(head.type));
    else
        check(err.msg[0] != '\0');
    const uint32_t type = types[head.type % (sizeof(types) / sizeof(types[0]))];
    decode(type, head.len & 1 ? SERVE_ANSWER : SERVE_REQUEST, data + SERVE_HEAD_LEN,
           size - SERVE_HEAD_LEN);
    return 0;
}
