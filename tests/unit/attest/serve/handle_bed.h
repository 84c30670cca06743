/* SPDX-License-Identifier: Apache-2.0 */
/* tests/unit/attest/serve/handle_bed.h -- a host that can answer every request but Measure: its key
 * is certified, its log has a container, and it keeps what peers sent. */
#ifndef TESTS_SERVE_HANDLE_BED_H
#define TESTS_SERVE_HANDLE_BED_H
#include "attest/serve/handle.h"
#include "tests/unit/attest/prove/bed.h"

struct handle_bed {
    struct bed host;
    struct serve_config cfg;
    struct serve_store store; /* one item */
    uint8_t config[CMC_SHA256_LEN], kept[CMC_SHA256_LEN], tree[CMC_SHA256_LEN];
    char requests[1 << 17]; /* what handle_bed_requests() gave */
};

enum { HANDLE_BED_REQUESTS = 8 };
struct handle_bed_request {
    const char *name;
    uint32_t type;
    const char *in; /* JSON */
};

void handle_bed_open(struct handle_bed *b);
void handle_bed_done(struct handle_bed *b);
/* One of each kind that has an answer. */
void handle_bed_requests(struct handle_bed *b,
                         struct handle_bed_request out[static HANDLE_BED_REQUESTS]);
/* As root asks. */
int handle_bed_ask(const struct handle_bed *b, const struct handle_bed_request *r,
                   struct cmc_buf *out, struct cmc_err *err);
/* What was refused was answered by an Error or without success, or by nothing for lack of memory.
 */
void handle_bed_refused(const struct cmc_buf *out);
#endif
