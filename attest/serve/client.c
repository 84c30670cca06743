/* SPDX-License-Identifier: Apache-2.0 */
/* attest/serve/client.c -- one request, one answer, one deadline. */
#include "attest/serve/client.h"

#include <errno.h>
#include <string.h>

#include "attest/serve/dial.h"
#include "attest/serve/message.h"
#include "base/hex.h"

enum { TIMEOUT_MS = 30000, SAID_MAX = 300 };

static int fail_said(const struct serve_message *m, struct cmc_err *err)
{
    cmc_autobuf struct cmc_buf b = cmc_buf_of(4 * SAID_MAX + 8);
    if (m->msg)
        cmc_put_safe(&b, m->msg, strlen(m->msg), SAID_MAX);
    cmc_put_u8(&b, '\0');
    return cmc_fail(err, CMC_E_VERIFY, "cmcd answers: %s",
                    b.bad ? "an error" : (const char *)b.data);
}

static int judge_head(struct serve_head head, uint32_t asked, struct cmc_err *err)
{
    if (head.type != asked && head.type != SERVE_ERROR)
        return cmc_fail(err, CMC_E_FORMAT, "the answer has type %u, expected %u: no cmcd there?",
                        head.type, asked);
    if (!head.len)
        return cmc_fail(err, CMC_E_FORMAT, "the answer is empty");
    if (head.len > SERVE_ANSWER_MAX)
        return cmc_fail(err, CMC_E_LIMIT, "the answer has %u bytes, at most %d", head.len,
                        SERVE_ANSWER_MAX);
    return 0;
}

/* Memory grows with what arrives, not with what is announced. */
static int receive_payload(int fd, uint32_t len, int64_t end_ms, struct cmc_buf *out,
                           struct cmc_err *err)
{
    uint8_t step[8192];
    while (len) {
        const uint32_t n = len < sizeof(step) ? len : (uint32_t)sizeof(step);
        if (serve_receive(fd, step, n, end_ms, err) < 0)
            return -(int)err->code;
        cmc_put(out, step, n);
        len -= n;
    }
    return cmc_buf_check(out, "answer", err);
}

static int receive_answer(int fd, uint32_t asked, int64_t end_ms, struct serve_message *out,
                          struct cmc_err *err)
{
    uint8_t bytes[SERVE_HEAD_LEN];
    cmc_autobuf struct cmc_buf payload = cmc_buf_of(SERVE_ANSWER_MAX);
    if (serve_receive(fd, bytes, sizeof(bytes), end_ms, err) < 0)
        return -(int)err->code;
    const struct serve_head head = serve_frame_head(bytes);
    if (judge_head(head, asked, err) < 0 ||
        receive_payload(fd, head.len, end_ms, &payload, err) < 0)
        return -(int)err->code;
    struct serve_message m = {0};
    if (serve_message_decode(head.type, SERVE_ANSWER, payload.data, payload.len, &m, err) < 0)
        return cmc_wrap(err, "answer");
    if (head.type == SERVE_ERROR) {
        (void)fail_said(&m, err);
        serve_message_done(&m);
        return -(int)err->code;
    }
    *out = m;
    return 0;
}

static int exchange(const struct serve_addr *addr, int64_t end_ms, uint32_t type,
                    const struct cmc_buf *request, struct serve_message *out, struct cmc_err *err)
{
    cmc_autofd int fd = serve_dial(addr, end_ms, err);
    if (fd < 0)
        return -(int)err->code;
    /* Who refuses a request early may close before all is sent: its answer is there to read. */
    if (serve_send(fd, request->data, request->len, end_ms, err) < 0 && err->sys_errno != EPIPE &&
        err->sys_errno != ECONNRESET)
        return -(int)err->code;
    return receive_answer(fd, type, end_ms, out, err);
}

static int ask(const struct serve_peer *peer, uint32_t type, const struct serve_message *m,
               struct serve_message *out, struct cmc_err *err)
{
    const int64_t end_ms = serve_now_ms() + (peer->timeout_ms ? peer->timeout_ms : TIMEOUT_MS);
    struct serve_addr addr;
    cmc_autobuf struct cmc_buf request = cmc_buf_of(SERVE_HEAD_LEN + SERVE_REQUEST_MAX);
    if (serve_addr_parse(peer->addr, &addr, err) < 0 ||
        serve_message_frame(type, SERVE_REQUEST, m, peer->json ? META_JSON : META_CBOR, &request,
                            err) < 0)
        return -(int)err->code;
    if (exchange(&addr, end_ms, type, &request, out, err) == 0)
        return 0;
    return cmc_wrap(err, "%.160s: %s", peer->addr, serve_frame_name(type));
}

int serve_attest(const struct serve_peer *peer, const void *nonce, size_t nonce_len,
                 const struct meta_texts *cached, struct cmc_buf *report, struct cmc_err *err)
{
    const struct serve_message m = {.nonce = {.data = nonce, .len = nonce_len},
                                    .cached = cached ? *cached : (struct meta_texts){0}};
    struct serve_message answer = {0};
    if (ask(peer, SERVE_ATTEST, &m, &answer, err) < 0)
        return -(int)err->code;
    cmc_put(report, answer.report.data, answer.report.len);
    serve_message_done(&answer);
    return cmc_buf_check(report, "report", err);
}

int serve_detail(const struct serve_peer *peer, const char *kind,
                 const uint8_t digest[static CMC_SHA256_LEN], struct cmc_buf *out,
                 struct cmc_err *err)
{
    const struct serve_message m = {.kind = kind,
                                    .digest = {.data = digest, .len = CMC_SHA256_LEN}};
    struct serve_message answer = {0};
    if (ask(peer, SERVE_DETAIL, &m, &answer, err) < 0)
        return -(int)err->code;
    const bool found = !answer.data.null;
    cmc_put(out, answer.data.data, answer.data.len);
    serve_message_done(&answer);
    return cmc_buf_check(out, "detail", err) < 0 ? -(int)err->code : found;
}

/* For requests that are answered by success alone. */
static int tell(const struct serve_peer *peer, uint32_t type, const struct serve_message *m,
                struct cmc_err *err)
{
    struct serve_message answer = {0};
    if (ask(peer, type, m, &answer, err) < 0)
        return -(int)err->code;
    const bool success = answer.success;
    serve_message_done(&answer);
    if (success)
        return 0;
    return cmc_fail(err, CMC_E_VERIFY, "%.160s: %s was refused; the log of cmcd says why",
                    peer->addr, serve_frame_name(type));
}

int serve_measure(const struct serve_peer *peer, const struct meta_component *event,
                  struct cmc_err *err)
{
    const struct serve_message m = {.event = *event};
    return tell(peer, SERVE_MEASURE, &m, err);
}

int serve_update(const struct serve_peer *peer, struct cmc_err *err)
{
    const struct serve_message m = {0};
    return tell(peer, SERVE_UPDATE_METADATA, &m, err);
}
