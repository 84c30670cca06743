/* SPDX-License-Identifier: Apache-2.0 */
/* shim/ttrpc.h -- the Request and Response messages inside ttrpc frames. */
#ifndef SHIM_TTRPC_H
#define SHIM_TTRPC_H
#include <stdbool.h>
#include <stdint.h>

#include "base/pb.h"
#include "shim/frame.h"

enum { SHIM_TTRPC_REQUEST = 1, SHIM_TTRPC_RESPONSE = 2, SHIM_TTRPC_DATA = 3 }; /* frame types */

enum shim_status { /* google.rpc.Code */
                   SHIM_STATUS_OK = 0,
                   SHIM_STATUS_CANCELLED = 1,
                   SHIM_STATUS_INVALID = 3,
                   SHIM_STATUS_DEADLINE = 4,
                   SHIM_STATUS_EXHAUSTED = 8,
                   SHIM_STATUS_REFUSED = 9, /* the one that reads the same in every containerd */
                   SHIM_STATUS_UNIMPLEMENTED = 12,
                   SHIM_STATUS_UNAVAILABLE = 14
};

struct shim_request { /* spans borrowed from the frame */
    struct cmc_span service, method, payload;
    int64_t timeout_ns; /* 0: none */
};

struct shim_response {
    uint32_t status;         /* 0: OK */
    struct cmc_span message; /* borrowed */
    struct cmc_span payload; /* borrowed */
};

/* Reads a Request. Errors: -CMC_E_FORMAT: a request that we cannot read could be a Create for
 * another reader, so the caller must not forward it. Source: ttrpc request.proto. */
CMC_MUST_CHECK int shim_ttrpc_request(const uint8_t *data, size_t len, struct shim_request *out,
                                      struct cmc_err *err);
CMC_MUST_CHECK int shim_ttrpc_response(const uint8_t *data, size_t len, struct shim_response *out,
                                       struct cmc_err *err);
/* Whether every containerd-namespace-ttrpc in the metadata of that Request says ns; none says it
 * too. Errors: -CMC_E_VERIFY: another one, -CMC_E_FORMAT: metadata that cannot be read. */
CMC_MUST_CHECK int shim_ttrpc_check_namespace(const struct shim_frame *frame, const char *ns,
                                              struct cmc_err *err);
/* True when the request calls method of containerd.task.v2.Task or v3.Task. */
bool shim_ttrpc_is_task(const struct shim_request *r, const char *method);
/* The last text field of that number in a message of the task API, or a span with p NULL. */
struct cmc_span shim_ttrpc_text(const struct cmc_span *message, uint32_t number);
/* The last varint field of that number, 0 when absent. */
uint64_t shim_ttrpc_uint(const struct cmc_span *message, uint32_t number);

/* Appends a whole Response frame with that status. text is cut at 1000 bytes. */
void shim_ttrpc_put_error(struct cmc_buf *b, uint32_t stream, enum shim_status code,
                          const char *text);
/* Appends a whole Response frame that says OK and holds an empty message. */
void shim_ttrpc_put_empty(struct cmc_buf *b, uint32_t stream);
/* Appends a whole Request frame. */
void shim_ttrpc_put_request(struct cmc_buf *b, uint32_t stream, const char *service,
                            const char *method, const struct cmc_span *payload);
/* Appends the frame of a Request again with another payload and timeout (0: as it was); every
 * other field byte for byte, same stream, same flags. Errors: -CMC_E_FORMAT, -CMC_E_LIMIT. */
CMC_MUST_CHECK int shim_ttrpc_rewrite(const struct shim_frame *frame,
                                      const struct cmc_span *payload, int64_t timeout_ns,
                                      struct cmc_buf *b, struct cmc_err *err);
#endif
