/* SPDX-License-Identifier: Apache-2.0 */
/* attest/serve/frame.h -- the head of each frame of the API, and what it may announce
 * (docs/formats/api.md, Frames). */
#ifndef ATTEST_SERVE_FRAME_H
#define ATTEST_SERVE_FRAME_H
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"

enum {
    SERVE_HEAD_LEN = 8,
    SERVE_REQUEST_MAX = 10 << 20,
    SERVE_EVENT_MAX = 8 << 20,  /* Attest, Measure */
    SERVE_SMALL_MAX = 64 << 10, /* PeerCache, UpdateMetadata, Detail */
    SERVE_ANSWER_MAX = 128 << 20
};

enum serve_type {
    SERVE_ERROR = 0,
    SERVE_ATTEST = 1,
    SERVE_VERIFY = 2,
    SERVE_PEER_CACHE = 6,
    SERVE_MEASURE = 7,
    SERVE_UPDATE_METADATA = 9,
    SERVE_DETAIL = 16 /* ours */
};

struct serve_head {
    uint32_t len, type;
};

void serve_frame_put(struct serve_head head, uint8_t out[static SERVE_HEAD_LEN]);
struct serve_head serve_frame_head(const uint8_t in[static SERVE_HEAD_LEN]);
/* "Attest", or NULL for a type that the API does not know. */
const char *serve_frame_name(uint32_t type);
/* Judges the head of a request. Errors: -CMC_E_USAGE (a type that is not offered, or unknown),
 * -CMC_E_LIMIT (length), -CMC_E_FORMAT (empty). */
CMC_MUST_CHECK int serve_frame_check(struct serve_head head, struct cmc_err *err);
#endif
