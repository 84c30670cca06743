/* SPDX-License-Identifier: Apache-2.0 */
/* attest/meta/sign.h -- signed items: JWS (RFC 7515, JSON serialisation) and COSE_Sign (RFC 9052).
 */
#ifndef ATTEST_META_SIGN_H
#define ATTEST_META_SIGN_H
#include "attest/meta/trust.h"
#include "base/buf.h"

enum { META_ITEM_MAX = 8 << 20, META_SIGNATURES_MAX = 8 };
enum meta_encoding { META_JSON = 1, META_CBOR };

/* JSON text, else well-formed CBOR. Errors: -CMC_E_FORMAT (neither). */
CMC_MUST_CHECK int meta_encoding_of(const void *data, size_t len, enum meta_encoding *out,
                                    struct cmc_err *err);

struct meta_verified {                            /* what a signature was verified over */
    struct cmc_buf payload;                       /* owned */
    struct meta_key *signer[META_SIGNATURES_MAX]; /* owned */
    size_t count;
};
/* Verifies every signature of an item and every chain for the role; a payload is given out only
 * when all hold. Errors: -CMC_E_VERIFY (refused; one message per fault), -CMC_E_FORMAT,
 * -CMC_E_LIMIT. *out: empty with meta_verified_done(). */
CMC_MUST_CHECK int meta_verify(const void *item, size_t len, const struct meta_trust *trust,
                               enum meta_role role, struct meta_verified *out, struct cmc_err *err);
void meta_verified_done(struct meta_verified *v);

struct meta_signer { /* a private key (PEM) and its chain (PEM files, leaf first) */
    const char *key;
    const char *const *chain;
    size_t chain_count;
};
/* Signs payload: one signer gives a flattened JWS, several a general one; COSE_Sign in CBOR.
 * Errors: -CMC_E_SYS, -CMC_E_FORMAT, -CMC_E_USAGE (key does not fit its certificate, or no
 * algorithm), -CMC_E_LIMIT. */
CMC_MUST_CHECK int meta_sign(const void *payload, size_t len, enum meta_encoding encoding,
                             const struct meta_signer *signer, size_t count, struct cmc_buf *out,
                             struct cmc_err *err);
#endif
