/* SPDX-License-Identifier: Apache-2.0 */
/* attest/serve/client.h -- asks a cmcd: one request, one answer (docs/formats/api.md). */
#ifndef ATTEST_SERVE_CLIENT_H
#define ATTEST_SERVE_CLIENT_H
#include "attest/meta/types.h"

struct serve_peer {      /* borrowed */
    const char *addr;    /* "unix:///run/cmcd/cmcd.sock", "/path", "tcp://host:port", "host:port" */
    unsigned timeout_ms; /* for the whole exchange; 0: 30 s */
    bool json;           /* serialisation of the request; else CBOR */
};
/* Errors of all: -CMC_E_SYS (not reached, timed out, closed), -CMC_E_FORMAT (an answer that is
 * none), -CMC_E_LIMIT, -CMC_E_VERIFY (cmcd answered with an error: its words, cleaned). */
/* Appends the report that the peer gives for nonce. cached: digests in hex, or NULL. */
CMC_MUST_CHECK int serve_attest(const struct serve_peer *peer, const void *nonce, size_t nonce_len,
                                const struct meta_texts *cached, struct cmc_buf *report,
                                struct cmc_err *err);
/* Appends a detail: kind "config" or "tree". Returns 1, 0 (the peer has none or may not give it).
 */
CMC_MUST_CHECK int serve_detail(const struct serve_peer *peer, const char *kind,
                                const uint8_t digest[static CMC_SHA256_LEN], struct cmc_buf *out,
                                struct cmc_err *err);
/* Reports an event that somebody else measured (Measure). */
CMC_MUST_CHECK int serve_measure(const struct serve_peer *peer, const struct meta_component *event,
                                 struct cmc_err *err);
/* Reads the metadata anew (UpdateMetadata). */
CMC_MUST_CHECK int serve_update(const struct serve_peer *peer, struct cmc_err *err);
#endif
