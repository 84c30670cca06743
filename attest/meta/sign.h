/* SPDX-License-Identifier: Apache-2.0 */
/* attest/meta/sign.h -- signed items: JWS (RFC 7515, JSON serialisation) and COSE_Sign (RFC 9052).
 */
#ifndef ATTEST_META_SIGN_H
#define ATTEST_META_SIGN_H
#include "attest/meta/trust.h"
#include "base/buf.h"

enum { META_ITEM_MAX = 8 << 20, META_SIGNATURES_MAX = 8 };
enum meta_encoding { META_JSON = 1, META_CBOR };

/* By the first bytes: a JSON object or array, else a CBOR map, array or tag. That the rest is in
 * order is for the decoder to say. Errors: -CMC_E_FORMAT (neither). */
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

/* Verifies an item whose headers hold no certificate (evidence of a software key) by a key that the
 * caller trusts. payload: receives it; empty with cmc_buf_done(). Errors: as above. */
CMC_MUST_CHECK int meta_verify_bare(const void *item, size_t len, const struct meta_key *key,
                                    struct cmc_buf *payload, struct cmc_err *err);

struct meta_signer { /* a private key (PEM, not encrypted) and its chain; paths */
    const char *key;
    const char *const *chain; /* PEM files, leaf first; 0 of them: a bare key, no certificate */
    size_t chain_count;
    const char *alg; /* "RS512", "PS256", ...; NULL: what fits the key (RSA: RS256) */
};
struct meta_signing {
    const struct meta_signer *signer; /* one gives a flattened JWS, several a general one */
    size_t count;
    enum meta_encoding encoding; /* JWS in JSON, COSE_Sign in CBOR */
    int64_t now;                 /* the certificates must be valid then */
};
/* Signs payload, and verifies the result before it is given out.
 * Errors: -CMC_E_SYS, -CMC_E_FORMAT (files), -CMC_E_VERIFY (key and certificate do not belong
 * together, a certificate that is not valid now, a chain in disorder), -CMC_E_USAGE (no
 * such algorithm for this key), -CMC_E_LIMIT. */
CMC_MUST_CHECK int meta_sign(const void *payload, size_t len, const struct meta_signing *how,
                             struct cmc_buf *out, struct cmc_err *err);
/* Whether verifiers would let this signer's certificates sign for the role: a warning in time.
 * Errors: as above; -CMC_E_VERIFY: they would not. */
CMC_MUST_CHECK int meta_signer_check(const struct meta_signer *signer, enum meta_role role,
                                     int64_t now, struct cmc_err *err);
#endif
