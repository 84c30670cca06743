/* SPDX-License-Identifier: Apache-2.0 */
/* attest/serve/handle.h -- one request in, one answer out; in a process of its own. */
#ifndef ATTEST_SERVE_HANDLE_H
#define ATTEST_SERVE_HANDLE_H
#include "attest/serve/frame.h"
#include "attest/serve/store.h"
#include "attest/serve/who.h"

struct serve_task {
    uint32_t type;
    const uint8_t *payload;
    size_t len;
    struct serve_who who;
};

struct serve_context { /* borrowed */
    const struct serve_config *cfg;
    const struct serve_store *store;
    int64_t now; /* seconds since 1970 */
};

/* Appends the answer's frame: what was asked for, or an Error that says why not. A new set of
 * metadata (UpdateMetadata) is appended behind it. Returns 0, or -code when the answer is an Error
 * or says that it was refused, with the reason in err; the frame is there all the same. */
CMC_MUST_CHECK int serve_handle(const struct serve_context *c, const struct serve_task *t,
                                struct cmc_buf *out, struct cmc_err *err);
/* Appends the frame of an Error, in the serialisation that the payload seems to have; in CBOR
 * when there is none. */
void serve_handle_error(const void *payload, size_t len, const char *msg, struct cmc_buf *out);
/* What the prover is told: texts borrowed from cfg. */
struct prove_config serve_handle_prover(const struct serve_config *cfg);
#endif
