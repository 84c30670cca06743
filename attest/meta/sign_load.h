/* SPDX-License-Identifier: Apache-2.0 */
/* attest/meta/sign_load.h -- a signer's key and certificates; for this folder alone. */
#ifndef ATTEST_META_SIGN_LOAD_H
#define ATTEST_META_SIGN_LOAD_H
#include "attest/meta/alg.h"
#include "attest/meta/sign.h"

struct meta_loaded {
    EVP_PKEY *pkey;             /* owned; private */
    X509 *cert[META_CERTS_MAX]; /* owned; leaf first */
    size_t count;               /* 0: no certificate */
    const struct meta_alg *alg;
};

/* Reads the files of a signer. Errors: as meta_sign(); *out: empty with meta_loaded_done(). */
CMC_MUST_CHECK int meta_sign_load(const struct meta_signer *signer, int64_t now,
                                  struct meta_loaded *out, struct cmc_err *err);
void meta_loaded_done(struct meta_loaded *l);
#endif
