/* SPDX-License-Identifier: Apache-2.0 */
/* attest/meta/trust_roots.h -- what a struct meta_trust holds; for trust*.c alone. */
#ifndef ATTEST_META_TRUST_ROOTS_H
#define ATTEST_META_TRUST_ROOTS_H
#include "attest/meta/ossl.h"
#include "attest/meta/trust.h"

struct meta_trust {
    int64_t now;
    struct {
        X509 *cert; /* owned */
        int role;   /* 0: every role */
    } root[META_TRUST_ROOTS_MAX];
    size_t root_count;
    X509_CRL *crl[META_TRUST_CRLS_MAX]; /* owned */
    size_t crl_count;
};
#endif
