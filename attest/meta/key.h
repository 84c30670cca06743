/* SPDX-License-Identifier: Apache-2.0 */
/* attest/meta/key.h -- public keys; for this folder alone. */
#ifndef ATTEST_META_KEY_H
#define ATTEST_META_KEY_H
#include "attest/meta/ossl.h"
#include "attest/meta/trust.h"

/* The TPM_ALG_ID of signature schemes (TCG Algorithm Registry). */
enum { META_RSASSA = 0x0014, META_RSAPSS = 0x0016, META_ECDSA = 0x0018 };

struct meta_key {
    EVP_PKEY *pkey; /* owned */
    uint8_t spki[CMC_SHA256_LEN];
    char *host[META_KEY_HOSTS_MAX + 1]; /* owned; NULL at the end */
    char subject[META_OSSL_NAME_CAP];
    char manufacturer[META_OSSL_NAME_CAP], model[META_OSSL_NAME_CAP]; /* empty: not named */
};

/* The key and the names of a certificate, whoever signed it. Errors: -CMC_E_VERIFY (a name that no
 * host can have, the TPM named twice), -CMC_E_LIMIT. */
CMC_MUST_CHECK int meta_key_of_cert(X509 *cert, struct meta_key **out, struct cmc_err *err);
/* RSA of 2048 to 8192 bits, P-256, P-384 or P-521, by name. Errors: -CMC_E_VERIFY. */
CMC_MUST_CHECK int meta_key_strong(const EVP_PKEY *pkey, struct cmc_err *err);
/* Bytes of r and of s; 0: not an elliptic curve. */
size_t meta_key_curve_bytes(const EVP_PKEY *pkey);
/* SHA-256, SHA-384 or SHA-512 by its TPM_ALG_ID; NULL: another one. */
const EVP_MD *meta_key_digest(uint16_t hash);
CMC_DEFINE_CLEANUP(meta_key_freep, struct meta_key *, meta_key_free)
#endif
