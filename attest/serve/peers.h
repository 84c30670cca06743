/* SPDX-License-Identifier: Apache-2.0 */
/* attest/serve/peers.h -- metadata that peers once sent, kept by peer: DIR/PEER/DIGEST, all in
 * lower-case hexadecimal SHA-256. */
#ifndef ATTEST_SERVE_PEERS_H
#define ATTEST_SERVE_PEERS_H
#include "attest/meta/trust.h"
#include "attest/meta/types.h"
#include "base/buf.h"

enum { SERVE_PEERS_MAX = 1024, SERVE_PEER_ITEMS_MAX = 512, SERVE_PEER_BYTES_MAX = 32 << 20 };

struct serve_kept {                             /* what is kept for one peer */
    struct cmc_buf bytes[SERVE_PEER_ITEMS_MAX]; /* owned */
    char digest[SERVE_PEER_ITEMS_MAX][2 * CMC_SHA256_LEN + 1];
    size_t count;
};

/* Whether peer is a name that is kept: 64 lower-case hexadecimal digits. */
bool serve_peers_is_name(const char *peer);
/* Reads what is kept; what does not have the digest of its name is passed over.
 * *out: free with serve_peers_free(). Errors: -CMC_E_SYS, -CMC_E_LIMIT, -CMC_E_USAGE (peer). */
CMC_MUST_CHECK int serve_peers_read(const char *dir, const char *peer, struct serve_kept **out,
                                    struct cmc_err *err);
void serve_peers_free(struct serve_kept *k);
/* Keeps the items of a report whose signatures hold under trust, instead of what was kept, but for
 * those that the report names and does not hold. Errors: -CMC_E_SYS, -CMC_E_LIMIT, -CMC_E_USAGE. */
CMC_MUST_CHECK int serve_peers_keep(const char *dir, const char *peer, const void *report,
                                    size_t len, const struct meta_trust *trust,
                                    struct cmc_err *err);
#endif
