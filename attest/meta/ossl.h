/* SPDX-License-Identifier: Apache-2.0 */
/* attest/meta/ossl.h -- what all callers of libcrypto in this folder share. */
#ifndef ATTEST_META_OSSL_H
#define ATTEST_META_OSSL_H
#include <openssl/bio.h>
#include <openssl/evp.h>
#include <openssl/x509.h>

#include "base/cleanup.h"
#include "base/err.h"

CMC_DEFINE_CLEANUP(meta_bio_freep, BIO *, BIO_free_all)
CMC_DEFINE_CLEANUP(meta_pkey_freep, EVP_PKEY *, EVP_PKEY_free)
CMC_DEFINE_CLEANUP(meta_md_ctx_freep, EVP_MD_CTX *, EVP_MD_CTX_free)
CMC_DEFINE_CLEANUP(meta_x509_freep, X509 *, X509_free)
CMC_DEFINE_CLEANUP(meta_crl_freep, X509_CRL *, X509_CRL_free)

/* Fails with the reason that libcrypto gave, and empties its queue of errors, so that no later
 * call finds it. */
int meta_ossl_fail(struct cmc_err *err, enum cmc_code code, const char *fmt, ...) CMC_PRINTF(3, 4);
/* For PEM readers: never asks a person for a pass phrase. */
int meta_ossl_no_pass(char *buf, int size, int rwflag, void *ctx);
/* "name": the common name of a subject, else its last part; safe for terminals. */
enum { META_OSSL_NAME_CAP = 4 * 128 + 4 };
void meta_ossl_name(const X509_NAME *name, char out[static META_OSSL_NAME_CAP]);
/* An ASN.1 string as safe text. */
void meta_ossl_text(const ASN1_STRING *s, char out[static META_OSSL_NAME_CAP]);
#endif
