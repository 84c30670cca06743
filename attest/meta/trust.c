/* SPDX-License-Identifier: Apache-2.0 */
/* attest/meta/trust.c -- chains up to the roots of a role (RFC 5280 section 6, by libcrypto). */
#include "attest/meta/trust.h"

#include <openssl/err.h>
#include <openssl/x509v3.h>
#include <string.h>

#include "attest/meta/trust_check.h"
#include "attest/meta/trust_roots.h"

CMC_DEFINE_CLEANUP(store_freep, X509_STORE *, X509_STORE_free)
CMC_DEFINE_CLEANUP(store_ctx_freep, X509_STORE_CTX *, X509_STORE_CTX_free)

static void certs_free(STACK_OF(X509) * certs)
{
    sk_X509_pop_free(certs, X509_free);
}
CMC_DEFINE_CLEANUP(certs_freep, STACK_OF(X509) *, certs_free)

int meta_trust_new(int64_t now, struct meta_trust **out, struct cmc_err *err)
{
    struct meta_trust *t = calloc(1, sizeof(*t));
    if (!t)
        return cmc_fail(err, CMC_E_LIMIT, "out of memory");
    t->now = now;
    *out = t;
    return 0;
}

void meta_trust_free(struct meta_trust *t)
{
    if (!t)
        return;
    for (size_t i = 0; i < t->root_count; i++)
        X509_free(t->root[i].cert);
    for (size_t i = 0; i < t->crl_count; i++)
        X509_CRL_free(t->crl[i]);
    free(t);
}

int64_t meta_trust_now(const struct meta_trust *t)
{
    return t->now;
}

static bool serves(int root_role, enum meta_role role)
{
    return root_role == 0 || root_role == (int)role ||
           (root_role == META_ROLE_AK && role == META_ROLE_SOFTWARE_AK);
}

static X509_STORE *store_of(const struct meta_trust *t, enum meta_role role)
{
    CMC_CLEANUP(store_freep) X509_STORE *store = X509_STORE_new();
    bool good = store != NULL;
    for (size_t i = 0; good && i < t->root_count; i++)
        good = !serves(t->root[i].role, role) || X509_STORE_add_cert(store, t->root[i].cert) == 1;
    for (size_t i = 0; good && i < t->crl_count; i++)
        good = X509_STORE_add_crl(store, t->crl[i]) == 1;
    return good ? CMC_TAKE_PTR(store) : NULL;
}

/* RFC 7515 section 4.1.6, RFC 9360 section 2: each certificate is followed by its issuer's. What is
 * not part of the chain has no business in it. */
static int check_order(const STACK_OF(X509) * certs, struct cmc_err *err)
{
    for (int i = 0; i + 1 < sk_X509_num(certs); i++)
        if (X509_NAME_cmp(X509_get_issuer_name(sk_X509_value(certs, i)),
                          X509_get_subject_name(sk_X509_value(certs, i + 1))) != 0)
            return cmc_fail(err, CMC_E_VERIFY,
                            "certificate %d of the chain was not issued by number %d", i + 1,
                            i + 2);
    return 0;
}

static int read_chain(const struct meta_der *chain, size_t count, STACK_OF(X509) * certs,
                      struct cmc_err *err)
{
    if (count == 0 || count > META_CERTS_MAX)
        return cmc_fail(err, count ? CMC_E_LIMIT : CMC_E_VERIFY,
                        "%zu certificates in the chain, need 1 to %d", count, META_CERTS_MAX);
    for (size_t i = 0; i < count; i++) {
        CMC_CLEANUP(meta_x509_freep) X509 *cert = NULL;
        if (meta_check_parse(&chain[i], &cert, err) < 0)
            return cmc_wrap(err, "certificate %zu of the chain", i + 1);
        if (meta_check_cert(cert, err) < 0)
            return -(int)err->code;
        if (sk_X509_push(certs, cert) <= 0)
            return cmc_fail(err, CMC_E_LIMIT, "out of memory");
        (void)CMC_TAKE_PTR(cert);
    }
    return check_order(certs, err);
}

/* No list for an issuer is fine as long as none was given for it. */
static int on_fault(int good, X509_STORE_CTX *ctx)
{
    const struct meta_trust *t = X509_STORE_CTX_get_app_data(ctx);
    const X509 *cert = X509_STORE_CTX_get_current_cert(ctx);
    if (good || X509_STORE_CTX_get_error(ctx) != X509_V_ERR_UNABLE_TO_GET_CRL)
        return good;
    for (size_t i = 0; i < t->crl_count; i++)
        if (X509_NAME_cmp(X509_CRL_get_issuer(t->crl[i]), X509_get_issuer_name(cert)) == 0)
            return 0;
    return 1;
}

static bool set_up(X509_STORE_CTX *ctx, const struct meta_trust *t)
{
    unsigned long flags = X509_V_FLAG_POLICY_CHECK;
    if (t->crl_count)
        flags |= X509_V_FLAG_CRL_CHECK | X509_V_FLAG_CRL_CHECK_ALL;
    X509_STORE_CTX_set_time(ctx, 0, (time_t)t->now);
    X509_STORE_CTX_set_flags(ctx, flags);
    X509_STORE_CTX_set_depth(ctx, META_CERTS_MAX);
    X509_STORE_CTX_set_verify_cb(ctx, on_fault);
    return X509_STORE_CTX_set_app_data(ctx, (void *)(uintptr_t)t) == 1;
}

/* A software key never passes for a TPM's, nor the other way round. */
static int check_tpm(const struct meta_key *k, enum meta_role role, struct cmc_err *err)
{
    const bool named = *k->manufacturer && *k->model;
    if (role == META_ROLE_AK && !named)
        return cmc_fail(err, CMC_E_VERIFY,
                        "certificate \"%s\" names no TPM: it is not for a TPM's attestation key",
                        k->subject);
    if (role == META_ROLE_SOFTWARE_AK && (*k->manufacturer || *k->model))
        return cmc_fail(err, CMC_E_VERIFY,
                        "certificate \"%s\" names a TPM: it is not for a software key", k->subject);
    return 0;
}

/* Everything that was given must have been used: a certificate that nobody looked at could be any.
 */
static int check_used(const STACK_OF(X509) * certs, const STACK_OF(X509) * path,
                      struct cmc_err *err)
{
    for (int i = 0; i < sk_X509_num(certs); i++)
        if (i >= sk_X509_num(path) ||
            X509_cmp(sk_X509_value(certs, i), sk_X509_value(path, i)) != 0)
            return cmc_fail(err, CMC_E_VERIFY,
                            "certificate %d of the chain is not on its path to a root", i + 1);
    return 0;
}

static int verify(X509_STORE_CTX *ctx, const struct meta_trust *t, enum meta_role role,
                  struct meta_key **out, struct cmc_err *err)
{
    if (!set_up(ctx, t))
        return meta_ossl_fail(err, CMC_E_LIMIT, "out of memory for a certificate chain");
    if (X509_verify_cert(ctx) != 1)
        return meta_check_fail(ctx, t->now, role, err);
    const STACK_OF(X509) *path = X509_STORE_CTX_get0_chain(ctx);
    CMC_CLEANUP(meta_key_freep) struct meta_key *k = NULL;
    if (check_used(X509_STORE_CTX_get0_untrusted(ctx), path, err) < 0 ||
        meta_check_digests(path, err) < 0 || meta_check_usage(path, role, err) < 0 ||
        meta_key_of_cert(sk_X509_value(path, 0), &k, err) < 0 || check_tpm(k, role, err) < 0)
        return -(int)err->code;
    *out = CMC_TAKE_PTR(k);
    return 0;
}

int meta_trust_verify(const struct meta_trust *t, enum meta_role role, const struct meta_der *chain,
                      size_t count, struct meta_key **out, struct cmc_err *err)
{
    CMC_CLEANUP(certs_freep) STACK_OF(X509) *certs = sk_X509_new_null();
    CMC_CLEANUP(store_freep) X509_STORE *store = store_of(t, role);
    CMC_CLEANUP(store_ctx_freep) X509_STORE_CTX *ctx = X509_STORE_CTX_new();
    if (!certs || !store || !ctx)
        return meta_ossl_fail(err, CMC_E_LIMIT, "out of memory for a certificate chain");
    if (read_chain(chain, count, certs, err) < 0)
        return -(int)err->code;
    if (X509_STORE_CTX_init(ctx, store, sk_X509_value(certs, 0), certs) != 1)
        return meta_ossl_fail(err, CMC_E_LIMIT, "certificate chain cannot be set up");
    const int rc = verify(ctx, t, role, out, err);
    ERR_clear_error();
    return rc;
}
