/* SPDX-License-Identifier: Apache-2.0 */
/* attest/meta/alg.h -- the signature algorithms of items; for this folder alone. */
#ifndef ATTEST_META_ALG_H
#define ATTEST_META_ALG_H
#include "attest/meta/key.h"

struct meta_alg {
    const char *name; /* RFC 7518 section 3.1 */
    int64_t cose;     /* RFC 9053 section 2.1, RFC 8230 section 2, RFC 8812 section 2 */
    uint16_t scheme, hash;
    size_t curve_bytes; /* of r and of s; 0: RSA */
};

/* Errors: -CMC_E_VERIFY: none, symmetric, or not one of ours, each by its own text. */
CMC_MUST_CHECK int meta_alg_by_name(const char *name, const struct meta_alg **out,
                                    struct cmc_err *err);
CMC_MUST_CHECK int meta_alg_by_cose(int64_t id, const struct meta_alg **out, struct cmc_err *err);
/* What a key signs with unless told otherwise, or NULL. */
const struct meta_alg *meta_alg_of_key(const EVP_PKEY *pkey);
/* RFC 7518 section 3.4: each curve has its algorithm. Errors: -CMC_E_VERIFY. */
CMC_MUST_CHECK int meta_alg_fits(const struct meta_alg *alg, const EVP_PKEY *pkey,
                                 struct cmc_err *err);
#endif
