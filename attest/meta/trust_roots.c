/* SPDX-License-Identifier: Apache-2.0 */
/* attest/meta/trust_roots.c -- roots and revocation lists: read whole, or not at all. */
#include "attest/meta/trust_roots.h"

#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>

#include "attest/meta/trust_check.h"

static int new_bio(const void *data, size_t len, const char *what, BIO **out, struct cmc_err *err)
{
    if (len > META_TRUST_BYTES_MAX)
        return cmc_fail(err, CMC_E_LIMIT, "file of %s has %zu bytes, at most %d", what, len,
                        META_TRUST_BYTES_MAX);
    *out = BIO_new_mem_buf(data, (int)len);
    return *out ? 0 : meta_ossl_fail(err, CMC_E_LIMIT, "out of memory for %s", what);
}

/* After a PEM reader gave nothing: whether that was the end of the file, or a fault in it. */
static int check_end(size_t found, const char *what, struct cmc_err *err)
{
    const bool end = ERR_GET_REASON(ERR_peek_last_error()) == PEM_R_NO_START_LINE;
    if (end && found) {
        ERR_clear_error();
        return 0;
    }
    if (end) {
        ERR_clear_error();
        return cmc_fail(err, CMC_E_FORMAT, "no %s in PEM", what);
    }
    return meta_ossl_fail(err, CMC_E_FORMAT, "%s %zu cannot be read", what, found + 1);
}

/* A root is the configuration's: what is wrong with it is no verdict on what it would vouch for. */
static int check_root(X509 *cert, struct cmc_err *err)
{
    char name[META_OSSL_NAME_CAP];
    meta_ossl_name(X509_get_subject_name(cert), name);
    if (meta_check_cert(cert, err) < 0) {
        err->code = CMC_E_FORMAT;
        return -CMC_E_FORMAT;
    }
    if (X509_check_ca(cert) != 1)
        return cmc_fail(err, CMC_E_FORMAT, "certificate \"%s\" is not a CA's: it cannot be a root",
                        name);
    if (X509_self_signed(cert, 1) != 1) /* its names, its identifiers, its signature */
        return cmc_fail(err, CMC_E_FORMAT,
                        "certificate \"%s\" is not signed by itself: give the root above it", name);
    return 0;
}

static int add_root(struct meta_trust *t, int role, X509 **cert, struct cmc_err *err)
{
    if (t->root_count == META_TRUST_ROOTS_MAX)
        return cmc_fail(err, CMC_E_LIMIT, "more than %d roots", META_TRUST_ROOTS_MAX);
    if (check_root(*cert, err) < 0)
        return -(int)err->code;
    t->root[t->root_count].role = role;
    t->root[t->root_count++].cert = CMC_TAKE_PTR(*cert);
    return 0;
}

static int add_roots(struct meta_trust *t, int role, BIO *bio, struct cmc_err *err)
{
    for (size_t n = 0;; n++) {
        CMC_CLEANUP(meta_x509_freep)
        X509 *cert = PEM_read_bio_X509(bio, NULL, meta_ossl_no_pass, NULL);
        if (!cert)
            return check_end(n, "certificate", err);
        if (add_root(t, role, &cert, err) < 0)
            return -(int)err->code;
    }
}

int meta_trust_add_roots(struct meta_trust *t, int role, const void *pem, size_t len,
                         struct cmc_err *err)
{
    CMC_CLEANUP(meta_bio_freep) BIO *bio = NULL;
    const size_t before = t->root_count;
    if (new_bio(pem, len, "roots", &bio, err) < 0)
        return -(int)err->code;
    const int rc = add_roots(t, role, bio, err);
    while (rc < 0 && t->root_count > before)
        X509_free(t->root[--t->root_count].cert);
    return rc;
}

static int add_list(struct meta_trust *t, X509_CRL **crl, struct cmc_err *err)
{
    char name[META_OSSL_NAME_CAP];
    meta_ossl_name(X509_CRL_get_issuer(*crl), name);
    if (t->crl_count == META_TRUST_CRLS_MAX)
        return cmc_fail(err, CMC_E_LIMIT, "more than %d revocation lists", META_TRUST_CRLS_MAX);
    /* RFC 5280 section 5.1.2.5: nextUpdate must be there. An old list would be good for ever. */
    if (!X509_CRL_get0_nextUpdate(*crl))
        return cmc_fail(err, CMC_E_FORMAT, "revocation list of \"%s\" has no end (nextUpdate)",
                        name);
    if (!meta_check_strong(X509_CRL_get_signature_nid(*crl)))
        return cmc_fail(err, CMC_E_FORMAT, "revocation list of \"%s\" is signed over a weak digest",
                        name);
    t->crl[t->crl_count++] = CMC_TAKE_PTR(*crl);
    return 0;
}

static int add_pem_lists(struct meta_trust *t, BIO *bio, struct cmc_err *err)
{
    for (size_t n = 0;; n++) {
        CMC_CLEANUP(meta_crl_freep)
        X509_CRL *crl = PEM_read_bio_X509_CRL(bio, NULL, meta_ossl_no_pass, NULL);
        if (!crl)
            return check_end(n, "revocation list", err);
        if (add_list(t, &crl, err) < 0)
            return -(int)err->code;
    }
}

static int add_der_list(struct meta_trust *t, const uint8_t *data, size_t len, struct cmc_err *err)
{
    const unsigned char *at = data;
    CMC_CLEANUP(meta_crl_freep) X509_CRL *crl = d2i_X509_CRL(NULL, &at, (long)len);
    if (!crl || at != data + len)
        return meta_ossl_fail(err, CMC_E_FORMAT, "not a revocation list in DER");
    return add_list(t, &crl, err);
}

int meta_trust_add_crl(struct meta_trust *t, const void *data, size_t len, struct cmc_err *err)
{
    CMC_CLEANUP(meta_bio_freep) BIO *bio = NULL;
    const size_t before = t->crl_count;
    if (new_bio(data, len, "revocation lists", &bio, err) < 0)
        return -(int)err->code;
    const bool der = len && *(const uint8_t *)data == 0x30; /* a SEQUENCE */
    const int rc = der ? add_der_list(t, data, len, err) : add_pem_lists(t, bio, err);
    while (rc < 0 && t->crl_count > before)
        X509_CRL_free(t->crl[--t->crl_count]);
    return rc;
}
