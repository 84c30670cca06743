/* SPDX-License-Identifier: Apache-2.0 */
/* record/request.h -- what may be asked of cmc-recorder over its socket
 * (docs/formats/recorder-socket.md). */
#ifndef RECORD_REQUEST_H
#define RECORD_REQUEST_H
#include <stdbool.h>

#include "base/buf.h"
#include "base/hash.h"

enum {
    RECORD_PACKET_MAX = 1024,
    RECORD_NAME_MAX = 128,
    RECORD_WHY_MAX = 512,
    RECORD_PAUSE_MAX_MS = 1000
};

enum record_request_kind { RECORD_REQUEST_UNMEASURED = 1, RECORD_REQUEST_PAUSE };
enum { RECORD_CLAIMS = 3 }; /* config, rootfs, hash */

struct record_claim { /* a digest as somebody reported it */
    bool set;
    uint8_t sha256[CMC_SHA256_LEN];
};
struct record_request {
    enum record_request_kind kind;
    uint32_t number; /* unmeasured: pid; pause: ms */
    char name[RECORD_NAME_MAX + 1];
    struct record_claim claim[RECORD_CLAIMS];
};
struct record_answer {
    bool ok;
    bool has_seq;
    uint64_t seq;
    char why[RECORD_WHY_MAX + 1]; /* "": nothing to say */
};

/* Appends a packet. Errors: -CMC_E_USAGE (a number or a name out of bounds), -CMC_E_LIMIT. */
CMC_MUST_CHECK int record_request_encode(const struct record_request *r, struct cmc_buf *out,
                                         struct cmc_err *err);
/* Errors: -CMC_E_FORMAT, -CMC_E_LIMIT; *out untouched. */
CMC_MUST_CHECK int record_request_decode(const void *data, size_t len, struct record_request *out,
                                         struct cmc_err *err);
/* why is cut to what fits, at a whole character. Errors: -CMC_E_LIMIT. */
CMC_MUST_CHECK int record_answer_encode(const struct record_answer *a, struct cmc_buf *out,
                                        struct cmc_err *err);
CMC_MUST_CHECK int record_answer_decode(const void *data, size_t len, struct record_answer *out,
                                        struct cmc_err *err);
/* Appends the event's reason that a request for unmeasured makes. */
void record_request_reason(const struct record_request *r, struct cmc_buf *out);
#endif
