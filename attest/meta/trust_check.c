/* SPDX-License-Identifier: Apache-2.0 */
/* attest/meta/trust_check.c -- what a certificate must be, beyond the chain (RFC 5280). */
#include "attest/meta/trust_check.h"

#include <openssl/objects.h>
#include <openssl/x509v3.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

enum { OID_CAP = 80, TIME_CAP = 32 };

CMC_DEFINE_CLEANUP(usages_freep, EXTENDED_KEY_USAGE *, EXTENDED_KEY_USAGE_free)

static const struct {
    const char *name;
    const char *oid; /* NULL: none is asked */
    const char *oid_name;
} roles[] = {
    [META_ROLE_METADATA] = {"metadata", "1.3.6.1.5.5.7.3.36", "id-kp-documentSigning"},
    [META_ROLE_AK] = {"attestation keys", "2.23.133.8.3", "tcg-kp-AIKCertificate"},
    [META_ROLE_SOFTWARE_AK] = {"software attestation keys", "2.23.133.8.3",
                               "tcg-kp-AIKCertificate"},
    [META_ROLE_ANY] = {"any use", NULL, NULL},
};

const char *meta_check_role(enum meta_role role)
{
    return roles[role].name;
}

/* Fails with the certificate's name in front; NULL: the chain as a whole. */
static int CMC_PRINTF(3, 4) refuse(X509 *cert, struct cmc_err *err, const char *fmt, ...)
{
    char name[META_OSSL_NAME_CAP], what[256];
    va_list ap;
    va_start(ap, fmt);
    (void)vsnprintf(what, sizeof(what), fmt, ap);
    va_end(ap);
    if (!cert)
        return cmc_fail(err, CMC_E_VERIFY, "certificate chain %s", what);
    meta_ossl_name(X509_get_subject_name(cert), name);
    return cmc_fail(err, CMC_E_VERIFY, "certificate \"%s\" %s", name, what);
}

int meta_check_parse(const struct meta_der *der, X509 **out, struct cmc_err *err)
{
    const unsigned char *at = der->data;
    if (der->len > META_CERT_BYTES_MAX)
        return cmc_fail(err, CMC_E_LIMIT, "certificate of %zu bytes, at most %d", der->len,
                        META_CERT_BYTES_MAX);
    CMC_CLEANUP(meta_x509_freep) X509 *cert = d2i_X509(NULL, &at, (long)der->len);
    if (!cert)
        return meta_ossl_fail(err, CMC_E_FORMAT, "not a certificate in DER");
    if (at != der->data + der->len)
        return cmc_fail(err, CMC_E_FORMAT, "%zu bytes follow behind a certificate",
                        (size_t)(der->data + der->len - at));
    *out = CMC_TAKE_PTR(cert);
    return 0;
}

bool meta_check_strong(int nid)
{
    int digest = NID_undef;
    (void)OBJ_find_sigid_algs(nid, &digest, NULL);
    return digest == NID_sha256 || digest == NID_sha384 || digest == NID_sha512;
}

/* RSASSA-PSS names its digest in parameters, which X509_get_signature_info() knows how to read. The
 * root's signature over itself proves nothing, so its digest does not matter. */
int meta_check_digests(const STACK_OF(X509) * chain, struct cmc_err *err)
{
    for (int i = 0; i + 1 < sk_X509_num(chain); i++) {
        X509 *cert = sk_X509_value(chain, i);
        int digest = NID_undef;
        (void)X509_get_signature_info(cert, &digest, NULL, NULL, NULL);
        if (digest != NID_sha256 && digest != NID_sha384 && digest != NID_sha512)
            return refuse(cert, err,
                          "is signed over a weak digest (%s): need SHA-256, SHA-384 or SHA-512",
                          OBJ_nid2sn(X509_get_signature_nid(cert)));
    }
    return 0;
}

int meta_check_cert(X509 *cert, struct cmc_err *err)
{
    const EVP_PKEY *pkey = X509_get0_pubkey(cert);
    if (X509_get_version(cert) != X509_VERSION_3)
        return refuse(cert, err, "has version %ld: need 3, with extensions",
                      X509_get_version(cert) + 1);
    if (X509_get_extension_flags(cert) & (EXFLAG_INVALID | EXFLAG_INVALID_POLICY))
        return refuse(cert, err, "has extensions that are malformed or doubled");
    if (ASN1_STRING_type(X509_get0_serialNumber(cert)) & V_ASN1_NEG)
        return refuse(cert, err, "has a negative serial number");
    if (!pkey)
        return refuse(cert, err, "has a key that cannot be read");
    char name[META_OSSL_NAME_CAP];
    meta_ossl_name(X509_get_subject_name(cert), name);
    if (meta_key_strong(pkey, err) < 0)
        return cmc_wrap(err, "certificate \"%s\"", name);
    return 0;
}

/* Whether the extended key usage lists the role's; a CA's may list anyExtendedKeyUsage. */
static int allows(X509 *cert, enum meta_role role, bool leaf, struct cmc_err *err)
{
    int critical = 0;
    char oid[OID_CAP];
    CMC_CLEANUP(usages_freep)
    EXTENDED_KEY_USAGE *usage = X509_get_ext_d2i(cert, NID_ext_key_usage, &critical, NULL);
    if (!leaf && critical == -1)
        return 0; /* a CA without the extension is not constrained by it */
    for (int i = 0; i < sk_ASN1_OBJECT_num(usage); i++) {
        const ASN1_OBJECT *object = sk_ASN1_OBJECT_value(usage, i);
        if (!leaf && OBJ_obj2nid(object) == NID_anyExtendedKeyUsage)
            return 0;
        if (OBJ_obj2txt(oid, sizeof(oid), object, 1) > 0 && strcmp(oid, roles[role].oid) == 0)
            return 0;
    }
    return refuse(cert, err, "is not for %s: its extended key usage lacks %s (%s)",
                  roles[role].name, roles[role].oid_name, roles[role].oid);
}

int meta_check_usage(const STACK_OF(X509) * chain, enum meta_role role, struct cmc_err *err)
{
    X509 *leaf = sk_X509_value(chain, 0);
    if (X509_get_extension_flags(leaf) & EXFLAG_CA)
        return refuse(leaf, err, "is a CA's: it signs certificates, not %s", roles[role].name);
    if (!(X509_get_key_usage(leaf) & KU_DIGITAL_SIGNATURE)) /* all bits when it is absent */
        return refuse(leaf, err, "has a key usage without digitalSignature");
    for (int i = 0; i < sk_X509_num(chain); i++) {
        X509 *cert = sk_X509_value(chain, i);
        if (i > 0 && X509_check_ca(cert) != 1)
            return refuse(cert, err, "is not a CA's, and signed another one");
        if (roles[role].oid && allows(cert, role, i == 0, err) < 0)
            return -(int)err->code;
    }
    return 0;
}

static void put_time(const ASN1_TIME *t, char out[static TIME_CAP])
{
    struct tm tm;
    if (ASN1_TIME_to_tm(t, &tm) != 1 || strftime(out, TIME_CAP, "%Y-%m-%dT%H:%M:%SZ", &tm) == 0)
        (void)snprintf(out, TIME_CAP, "a time that cannot be read");
}

int meta_check_time(X509 *cert, int64_t now, struct cmc_err *err)
{
    time_t at = (time_t)now;
    char when[TIME_CAP];
    if (X509_cmp_time(X509_get0_notAfter(cert), &at) <= 0) { /* 0: it cannot be read */
        put_time(X509_get0_notAfter(cert), when);
        return refuse(cert, err, "has expired: it was valid until %s", when);
    }
    if (X509_cmp_time(X509_get0_notBefore(cert), &at) >= 0) {
        put_time(X509_get0_notBefore(cert), when);
        return refuse(cert, err, "is not yet valid: only from %s", when);
    }
    return 0;
}

static const struct {
    int fault;
    const char *text;
} faults[] = {
    {X509_V_ERR_CERT_SIGNATURE_FAILURE,
     "has a signature that does not hold under its issuer's key"},
    {X509_V_ERR_CERT_REVOKED, "is revoked"},
    {X509_V_ERR_INVALID_CA, "is not a CA's, and signed another one"},
    {X509_V_ERR_PATH_LENGTH_EXCEEDED, "allows fewer CAs below it than there are (path length)"},
    {X509_V_ERR_KEYUSAGE_NO_CERTSIGN,
     "has a key usage without keyCertSign, and signed another one"},
    {X509_V_ERR_KEYUSAGE_NO_CRL_SIGN, "has an issuer whose key usage lacks cRLSign"},
    {X509_V_ERR_UNABLE_TO_GET_CRL, "has no revocation list that is its issuer's"},
    {X509_V_ERR_CRL_HAS_EXPIRED,
     "has an issuer whose revocation list has expired: fetch a new one"},
    {X509_V_ERR_CRL_NOT_YET_VALID, "has an issuer whose revocation list is not yet valid"},
    {X509_V_ERR_CRL_SIGNATURE_FAILURE, "has a revocation list that its issuer did not sign"},
    {X509_V_ERR_UNHANDLED_CRITICAL_CRL_EXTENSION,
     "has a revocation list with an unknown critical extension"},
    {X509_V_ERR_DIFFERENT_CRL_SCOPE, "has no revocation list whose scope covers it"},
    {X509_V_ERR_UNHANDLED_CRITICAL_EXTENSION, "has an unknown critical extension"},
    {X509_V_ERR_PERMITTED_VIOLATION,
     "has a name outside what a CA above may name (name constraints)"},
    {X509_V_ERR_EXCLUDED_VIOLATION, "has a name that a CA above must not name (name constraints)"},
    {X509_V_ERR_NO_EXPLICIT_POLICY, "lacks a certificate policy that a CA above requires"},
};

int meta_check_fail(X509_STORE_CTX *ctx, int64_t now, enum meta_role role, struct cmc_err *err)
{
    const int fault = X509_STORE_CTX_get_error(ctx);
    X509 *cert = X509_STORE_CTX_get_current_cert(ctx);
    for (size_t i = 0; i < sizeof(faults) / sizeof(faults[0]); i++)
        if (faults[i].fault == fault)
            return refuse(cert, err, "%s", faults[i].text);
    if (!cert)
        return refuse(cert, err, "is refused: %s", X509_verify_cert_error_string(fault));
    if ((fault == X509_V_ERR_CERT_HAS_EXPIRED || fault == X509_V_ERR_CERT_NOT_YET_VALID) &&
        meta_check_time(cert, now, err) < 0)
        return -(int)err->code;
    char issuer[META_OSSL_NAME_CAP];
    meta_ossl_name(X509_get_issuer_name(cert), issuer);
    if (fault == X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT_LOCALLY)
        return refuse(cert, err,
                      "has the issuer \"%s\", which is neither in the chain nor a root for %s",
                      issuer, meta_check_role(role));
    if (fault == X509_V_ERR_SELF_SIGNED_CERT_IN_CHAIN ||
        fault == X509_V_ERR_DEPTH_ZERO_SELF_SIGNED_CERT)
        return refuse(cert, err, "is no root that is trusted for %s", meta_check_role(role));
    return refuse(cert, err, "is refused: %s", X509_verify_cert_error_string(fault));
}
