/* SPDX-License-Identifier: Apache-2.0 */
/* attest/serve/message.h -- the payloads of the API, in JSON and CBOR (docs/formats/api.md). */
#ifndef ATTEST_SERVE_MESSAGE_H
#define ATTEST_SERVE_MESSAGE_H
#include "attest/meta/types.h"
#include "attest/serve/frame.h"

#define SERVE_VERSION "1.4.0"

enum { SERVE_CACHED_MAX = 4096, SERVE_NONCE_MIN = 8, SERVE_NONCE_MAX = 64 };
enum serve_way { SERVE_REQUEST, SERVE_ANSWER };

/* The members of all messages; those of the others stay zero. Texts are NULL when absent. */
struct serve_message {
    const char *version; /* to encode: NULL says SERVE_VERSION */
    struct meta_bytes nonce, report, policies, digest, data;
    struct meta_bytes result; /* as it is encoded: JSON, or an item of CBOR */
    struct meta_texts cached; /* of PeerCache's answer: cache */
    const char *peer, *peer_addr, *msg, *kind;
    struct meta_component event;
    bool success;
    enum meta_encoding encoding; /* decoded: what it was; not read by encode */
    struct meta_doc *doc;        /* owned, free with serve_message_done(); NULL of one to encode */
};

/* Decodes the payload of a request, or of an answer, of a type. Errors: -CMC_E_FORMAT,
 * -CMC_E_LIMIT; *out untouched. */
CMC_MUST_CHECK int serve_message_decode(uint32_t type, enum serve_way way, const void *data,
                                        size_t len, struct serve_message *out, struct cmc_err *err);
/* Appends the payload. Errors: -CMC_E_LIMIT, -CMC_E_FORMAT (text that is not UTF-8). */
CMC_MUST_CHECK int serve_message_encode(uint32_t type, enum serve_way way,
                                        const struct serve_message *m, enum meta_encoding encoding,
                                        struct cmc_buf *out, struct cmc_err *err);
/* Appends a whole frame; out is as before when it fails. */
CMC_MUST_CHECK int serve_message_frame(uint32_t type, enum serve_way way,
                                       const struct serve_message *m, enum meta_encoding encoding,
                                       struct cmc_buf *out, struct cmc_err *err);
void serve_message_done(struct serve_message *m);
#endif
