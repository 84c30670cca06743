/* SPDX-License-Identifier: Apache-2.0 */
/* attest/meta/trust_check.h -- what a certificate must be, beyond the chain; for trust*.c alone. */
#ifndef ATTEST_META_TRUST_CHECK_H
#define ATTEST_META_TRUST_CHECK_H
#include "attest/meta/key.h"

/* A certificate from DER, all of it. Errors: -CMC_E_FORMAT, -CMC_E_LIMIT. */
CMC_MUST_CHECK int meta_check_parse(const struct meta_der *der, X509 **out, struct cmc_err *err);
/* Version, extensions, serial number and key. Errors: -CMC_E_VERIFY. */
CMC_MUST_CHECK int meta_check_cert(X509 *cert, struct cmc_err *err);
/* The digests that issuers signed, in a verified chain. Errors: -CMC_E_VERIFY. */
CMC_MUST_CHECK int meta_check_digests(const STACK_OF(X509) * chain, struct cmc_err *err);
/* Key usage, extended key usage and CA flags of a verified chain, leaf first, root last.
 * Errors: -CMC_E_VERIFY. */
CMC_MUST_CHECK int meta_check_usage(const STACK_OF(X509) * chain, enum meta_role role,
                                    struct cmc_err *err);
/* Valid at that time. Errors: -CMC_E_VERIFY. */
CMC_MUST_CHECK int meta_check_time(X509 *cert, int64_t now, struct cmc_err *err);
/* Fails with the fault that X509_verify_cert() found. */
int meta_check_fail(X509_STORE_CTX *ctx, int64_t now, enum meta_role role, struct cmc_err *err);
/* "metadata", "attestation keys", ... */
const char *meta_check_role(enum meta_role role);
/* A signature algorithm (NID) that hashes with SHA-256, SHA-384 or SHA-512. */
bool meta_check_strong(int nid);
#endif
