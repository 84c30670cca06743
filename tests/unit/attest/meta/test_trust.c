/* SPDX-License-Identifier: Apache-2.0 */
/* tests/unit/attest/meta/test_trust.c -- chains of certificates: one that holds, and each way in
 * which one does not. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "attest/meta/trust.h"
#include <openssl/pem.h>

#include "tests/lib/pki.h"
#include "tests/lib/rows.h"

#define DAY INT64_C(86400)

struct row {
    const char *name;
    const char *want;   /* NULL: it holds */
    const char *crl_of; /* "root", "ca": which list is given; NULL: none */
    struct pki_crl crl;
    struct pki_spec root, ca, leaf;
    int role;    /* 0: META_ROLE_METADATA */
    bool revoke; /* what the list's issuer issued */
};

static struct row rows[] = {
    {.name = "root, CA and leaf"},
    {.name = "RSA all the way",
     .root = {.key = "RSA-2048#r"},
     .ca = {.key = "RSA-2048#c"},
     .leaf = {.key = "RSA-2048#l"}},
    {.name = "CA with the usage", .ca = {.ext = PKI_CA "extendedKeyUsage=1.3.6.1.5.5.7.3.36\n"}},
    {.name = "CA with any usage", .ca = {.ext = PKI_CA "extendedKeyUsage=2.5.29.37.0\n"}},
    {.name = "an AK of a TPM", .role = META_ROLE_AK, .leaf = {.ext = PKI_TPM_AK("h.example", "m")}},
    {.name = "an AK in software",
     .role = META_ROLE_SOFTWARE_AK,
     .leaf = {.ext = PKI_AK "subjectAltName=DNS:h.example\n"}},
    {.name = "any role", .role = META_ROLE_ANY, .leaf = {.ext = PKI_LEAF}},
    {.name = "path length that suffices",
     .root = {.ext = PKI_CA "[x]\n"},
     .ca = {.ext = "[ext]\nbasicConstraints=critical,CA:TRUE,pathlen:0\n"
                   "keyUsage=critical,keyCertSign\n"}},
    {.name = "empty revocation list", .crl_of = "ca"},
    {.name = "list of the root only", .crl_of = "root"},
    {.name = "root over a weak digest of its own", .root = {.digest = "SHA1"}},

    /* who may do what */
    {.name = "leaf without usage",
     .leaf = {.ext = PKI_LEAF},
     .want = "\"leaf\" is not for metadata"},
    {.name = "leaf for TLS",
     .leaf = {.ext = PKI_LEAF "extendedKeyUsage=serverAuth\n"},
     .want = "\"leaf\" is not for metadata"},
    {.name = "leaf for anything",
     .leaf = {.ext = PKI_LEAF "extendedKeyUsage=2.5.29.37.0\n"},
     .want = "\"leaf\" is not for metadata"},
    {.name = "metadata key as AK",
     .role = META_ROLE_AK,
     .want = "\"leaf\" is not for attestation keys"},
    {.name = "CA for TLS",
     .ca = {.ext = PKI_CA "extendedKeyUsage=serverAuth\n"},
     .want = "\"ca\" is not for metadata"},
    {.name = "root for TLS",
     .root = {.ext = PKI_CA "extendedKeyUsage=serverAuth\n"},
     .want = "\"root\" is not for metadata"},
    {.name = "AK of no TPM",
     .role = META_ROLE_AK,
     .leaf = {.ext = PKI_AK},
     .want = "\"leaf\" names no TPM"},
    {.name = "AK of a TPM without model",
     .role = META_ROLE_AK,
     .leaf = {.ext = PKI_AK "subjectAltName=dirName:t\n[t]\na.2.23.133.2.1=id:00001014\n"},
     .want = "\"leaf\" names no TPM"},
    {.name = "AK of a TPM without manufacturer",
     .role = META_ROLE_AK,
     .leaf = {.ext = PKI_AK "subjectAltName=dirName:t\n[t]\na.2.23.133.2.2=m\n"},
     .want = "\"leaf\" names no TPM"},
    {.name = "TPM as software key",
     .role = META_ROLE_SOFTWARE_AK,
     .leaf = {.ext = PKI_TPM_AK("h.example", "m")},
     .want = "\"leaf\" names a TPM"},
    {.name = "leaf for encryption only",
     .leaf = {.ext =
                  "[ext]\nbasicConstraints=critical,CA:FALSE\nkeyUsage=critical,keyEncipherment\n"
                  "extendedKeyUsage=1.3.6.1.5.5.7.3.36\n"},
     .want = "\"leaf\" has a key usage without digitalSignature"},
    {.name = "a CA signs metadata",
     .leaf = {.ext = "[ext]\nbasicConstraints=critical,CA:TRUE\nkeyUsage=critical,keyCertSign,"
                     "digitalSignature\n"
                     "extendedKeyUsage=1.3.6.1.5.5.7.3.36\n"},
     .want = "\"leaf\" is a CA's: it signs certificates, not metadata"},

    /* who may issue */
    {.name = "leaf as CA", .ca = {.ext = PKI_METADATA}, .want = "\"ca\" is not a CA's"},
    {.name = "CA without basicConstraints",
     .ca = {.ext = "[ext]\nkeyUsage=critical,keyCertSign\n"},
     .want = "\"ca\" is not a CA's"},
    {.name = "CA without keyCertSign",
     .ca = {.ext =
                "[ext]\nbasicConstraints=critical,CA:TRUE\nkeyUsage=critical,digitalSignature\n"},
     .want = "\"ca\""},
    {.name = "path length",
     .root = {.ext = "[ext]\nbasicConstraints=critical,CA:TRUE,pathlen:0\nkeyUsage=critical,"
                     "keyCertSign,cRLSign\n"},
     .want = "allows fewer CAs below it than there are (path length)"},
    {.name = "name outside of what is permitted",
     .ca = {.ext = PKI_CA "nameConstraints=critical,permitted;DNS:.good.example\n"},
     .leaf = {.ext = PKI_METADATA "subjectAltName=DNS:host.evil.example\n"},
     .want = "\"leaf\" has a name outside what a CA above may name"},
    {.name = "name that is excluded",
     .ca = {.ext = PKI_CA "nameConstraints=critical,excluded;DNS:.evil.example\n"},
     .leaf = {.ext = PKI_METADATA "subjectAltName=DNS:host.evil.example\n"},
     .want = "\"leaf\" has a name that a CA above must not name"},
    {.name = "policy that is required",
     .ca = {.ext = PKI_CA "policyConstraints=critical,requireExplicitPolicy:0\n"
                          "certificatePolicies=1.2.3.4\n"}, /* without, OpenSSL 3.0.19 leaks */
     .want = "lacks a certificate policy that a CA above requires"},

    /* keys, digests, forms */
    {.name = "weak RSA leaf",
     .leaf = {.key = "RSA-1024"},
     .want = "\"leaf\": weak or oversized key: RSA of 1024 bits"},
    {.name = "weak RSA CA", .ca = {.key = "RSA-1024"}, .want = "\"ca\": weak or oversized key"},
    {.name = "weak curve", .leaf = {.key = "P-224"}, .want = "\"leaf\": weak key: curve secp224r1"},
    {.name = "curve by parameters",
     .leaf = {.key = "explicit"},
     .want = "\"leaf\": its curve is given by parameters"},
    {.name = "Edwards curve",
     .leaf = {.key = "ED25519"},
     .want = "\"leaf\": a key of kind ED25519"},
    {.name = "SHA-1", .leaf = {.digest = "SHA1"}, .want = "\"leaf\" is signed over a weak digest"},
    {.name = "MD5 by an RSA CA",
     .ca = {.key = "RSA-2048#c"},
     .leaf = {.digest = "MD5"},
     .want = "\"leaf\" is signed over a weak digest"},
    {.name = "SHA-1 over the CA",
     .ca = {.digest = "SHA1"},
     .want = "\"ca\" is signed over a weak digest"},
    {.name = "SHA-224",
     .leaf = {.digest = "SHA224"},
     .want = "\"leaf\" is signed over a weak digest"},
    {.name = "negative serial number",
     .leaf = {.serial = -5},
     .want = "\"leaf\" has a negative serial number"},
    {.name = "version 1", .leaf = {.version = 1, .ext = ""}, .want = "\"leaf\" has version 1"},
    {.name = "unknown critical extension",
     .leaf = {.ext = PKI_METADATA "1.2.3.4=critical,ASN1:UTF8String:x\n"},
     .want = "\"leaf\" has an unknown critical extension"},
    {.name = "unknown critical extension of a CA",
     .ca = {.ext = PKI_CA "1.2.3.4=critical,ASN1:UTF8String:x\n"},
     .want = "\"ca\" has an unknown critical extension"},
    {.name = "malformed basicConstraints",
     .leaf = {.ext = "[ext]\nbasicConstraints=critical,DER:0500\nextendedKeyUsage=1.3.6.1."
                     "5.5.7.3.36\n"},
     .want = "\"leaf\" has extensions that are malformed"},

    {.name = "doubled extension",
     .leaf = {.ext = PKI_METADATA "2.5.29.19=critical,DER:3000\n"},
     .want = "\"leaf\" has extensions that are malformed or doubled"},

    /* time */
    {.name = "expired leaf",
     .leaf = {.from = -2 * DAY, .to = -DAY},
     .want = "\"leaf\" has expired: it was valid until 2027-01-14T08:00:00Z"},
    {.name = "valid to the second", .leaf = {.from = -DAY, .to = 1}},
    {.name = "leaf of tomorrow",
     .leaf = {.from = DAY, .to = 2 * DAY},
     .want = "\"leaf\" is not yet valid: only from 2027-01-16T08:00:00Z"},
    {.name = "expired CA", .ca = {.from = -2 * DAY, .to = -DAY}, .want = "\"ca\" has expired"},
    {.name = "expired root",
     .root = {.from = -2 * DAY, .to = -DAY},
     .want = "\"root\" has expired"},

    /* revocation */
    {.name = "revoked leaf", .crl_of = "ca", .revoke = true, .want = "\"leaf\" is revoked"},
    {.name = "revoked CA", .crl_of = "root", .revoke = true, .want = "\"ca\" is revoked"},
    {.name = "expired list",
     .crl_of = "ca",
     .crl = {.from = -2 * DAY, .to = -DAY},
     .want = "\"leaf\" has an issuer whose revocation list has expired"},
    {.name = "list of tomorrow",
     .crl_of = "ca",
     .crl = {.from = DAY, .to = 2 * DAY},
     .want = "\"leaf\" has an issuer whose revocation list is not yet valid"},
    {.name = "list that another one signed", .crl_of = "impostor", .want = "\"leaf\""},
    {.name = "list with a critical extension",
     .crl_of = "ca",
     .crl = {.ext = "[ext]\n1.2.3.4=critical,ASN1:UTF8String:x\n"},
     .want = "revocation list with an unknown critical extension"},
    {.name = "CA that may not sign lists",
     .ca = {.ext = "[ext]\nbasicConstraints=critical,CA:TRUE\nkeyUsage=critical,keyCertSign\n"},
     .crl_of = "ca",
     .want = "\"leaf\" has an issuer whose key usage lacks cRLSign"},
};

struct chain {
    struct pki_cert root, ca, leaf, impostor;
    struct meta_trust *trust;
};

static struct pki_spec with(struct pki_spec s, const char *name, const char *key, const char *ext)
{
    s.name = name;
    s.key = s.key ? s.key : key;
    s.ext = s.ext ? s.ext : ext;
    if (s.ext[0] == '\0')
        s.ext = NULL;
    return s;
}

static void add_list(struct chain *c, const struct row *t)
{
    struct cmc_err err = {0};
    struct pki_crl crl = t->crl;
    const bool root = strcmp(t->crl_of, "root") == 0;
    crl.issuer = root ? &c->root : strcmp(t->crl_of, "ca") == 0 ? &c->ca : &c->impostor;
    if (crl.from == 0 && crl.to == 0) {
        crl.from = -DAY;
        crl.to = DAY;
    }
    crl.revoked =
        t->revoke ? ASN1_INTEGER_get(X509_get0_serialNumber(root ? c->ca.cert : c->leaf.cert)) : 0;
    char *pem = pki_crl_pem(&crl);
    assert_int_equal(meta_trust_add_crl(c->trust, pem, strlen(pem), &err), 0);
    free(pem);
}

static void set_up(struct chain *c, const struct row *t)
{
    struct cmc_err err = {0};
    const struct pki_spec root = with(t->root, "root", "P-384", PKI_CA);
    const struct pki_spec ca = with(t->ca, "ca", "P-256#ca", PKI_CA);
    const struct pki_spec leaf = with(t->leaf, "leaf", "P-256#leaf", PKI_METADATA);
    const struct pki_spec impostor = {.name = "ca", .key = "P-256#other", .ext = PKI_CA};
    pki_make(&c->root, &root, NULL);
    pki_make(&c->ca, &ca, &c->root);
    pki_make(&c->leaf, &leaf, &c->ca);
    pki_make(&c->impostor, &impostor, NULL);
    assert_int_equal(meta_trust_new(PKI_NOW, &c->trust, &err), 0);
    char *pem = pki_pem(&c->root);
    assert_int_equal(meta_trust_add_roots(c->trust, 0, pem, strlen(pem), &err), 0);
    free(pem);
    if (t->crl_of)
        add_list(c, t);
}

static void tear_down(struct chain *c)
{
    meta_trust_free(c->trust);
    pki_done(&c->root);
    pki_done(&c->ca);
    pki_done(&c->leaf);
    pki_done(&c->impostor);
}

static struct meta_der der(const struct pki_cert *c)
{
    return (struct meta_der){c->der, c->len};
}

static void check_refused(int rc, const struct cmc_err *err, const char *want)
{
    if (!strstr(err->msg, want))
        fail_msg("said \"%s\", expected \"%s\"", err->msg, want);
    assert_int_equal(rc, -CMC_E_VERIFY);
}

static void run_row(void **state)
{
    const struct row *t = *state;
    static int poison;
    struct meta_key *key = (struct meta_key *)&poison;
    struct cmc_err err = {0};
    struct chain c;
    set_up(&c, t);
    const enum meta_role role = t->role ? (enum meta_role)t->role : META_ROLE_METADATA;
    const struct meta_der chain[] = {der(&c.leaf), der(&c.ca), der(&c.root)};
    /* with and without the root in the chain */
    for (size_t count = 2; count <= 3; count++) {
        const int rc = meta_trust_verify(c.trust, role, chain, count, &key, &err);
        if (t->want) {
            check_refused(rc, &err, t->want);
            assert_ptr_equal(key, &poison);
            continue;
        }
        if (rc < 0)
            fail_msg("refused: %s", err.msg);
        assert_string_equal(meta_key_subject(key), "leaf");
        meta_key_free(key);
        key = (struct meta_key *)&poison;
    }
    tear_down(&c);
}

static void wrong_root(void **state)
{
    (void)state;
    static const struct row plain = {.name = ""};
    struct cmc_err err = {0};
    struct chain c, other;
    struct meta_key *key;
    set_up(&c, &plain);
    const struct pki_spec root = {.name = "root", .key = "P-384#other", .ext = PKI_CA};
    const struct pki_spec stranger = {.name = "stranger", .key = "P-384#other", .ext = PKI_CA};
    pki_make(&other.root, &root, NULL);
    pki_make(&other.ca, &stranger, NULL);
    struct meta_der chain[] = {der(&c.leaf), der(&c.ca), der(&other.root)};

    /* the same name, another key */
    check_refused(meta_trust_verify(c.trust, META_ROLE_METADATA, chain, 3, &key, &err), &err,
                  "certificate 3 of the chain is not on its path to a root");
    /* no root at all */
    struct meta_trust *empty;
    assert_int_equal(meta_trust_new(PKI_NOW, &empty, &err), 0);
    check_refused(meta_trust_verify(empty, META_ROLE_METADATA, chain, 2, &key, &err), &err,
                  "neither in the chain nor a root for metadata");
    chain[2] = der(&c.root);
    check_refused(meta_trust_verify(empty, META_ROLE_METADATA, chain, 3, &key, &err), &err,
                  "\"root\" is no root that is trusted for metadata");
    /* the root twice: its issuer is its own, but nothing is above it */
    const struct meta_der twice[] = {der(&c.leaf), der(&c.ca), der(&c.root), der(&c.root)};
    check_refused(meta_trust_verify(c.trust, META_ROLE_METADATA, twice, 4, &key, &err), &err,
                  "certificate 4 of the chain is not on its path to a root");
    /* another root with the name */
    char *pem = pki_pem(&other.root);
    assert_int_equal(meta_trust_add_roots(empty, 0, pem, strlen(pem), &err), 0);
    free(pem);
    check_refused(meta_trust_verify(empty, META_ROLE_METADATA, chain, 2, &key, &err), &err,
                  "signature");
    /* disorder, a stranger between, a gap */
    chain[0] = der(&c.ca);
    chain[1] = der(&c.leaf);
    check_refused(meta_trust_verify(c.trust, META_ROLE_METADATA, chain, 2, &key, &err), &err,
                  "certificate 1 of the chain was not issued by number 2");
    chain[0] = der(&c.leaf);
    chain[1] = der(&other.ca);
    check_refused(meta_trust_verify(c.trust, META_ROLE_METADATA, chain, 2, &key, &err), &err,
                  "certificate 1 of the chain was not issued by number 2");
    check_refused(meta_trust_verify(c.trust, META_ROLE_METADATA, chain, 1, &key, &err), &err,
                  "\"leaf\" has the issuer \"ca\"");
    chain[0] = der(&other.ca);
    check_refused(meta_trust_verify(c.trust, META_ROLE_METADATA, chain, 1, &key, &err), &err,
                  "\"stranger\" is no root");
    meta_trust_free(empty);
    pki_done(&other.root);
    pki_done(&other.ca);
    tear_down(&c);
}

/* A CA with another key and the right name: only the signature tells. */
static void forged_issuer(void **state)
{
    (void)state;
    static const struct row plain = {.name = ""};
    struct cmc_err err = {0};
    struct chain c;
    struct meta_key *key;
    struct pki_cert leaf;
    set_up(&c, &plain);
    const struct pki_spec spec = {.name = "leaf", .ext = PKI_METADATA};
    pki_make(&leaf, &spec, &c.impostor);
    const struct meta_der chain[] = {der(&leaf), der(&c.ca)};
    check_refused(meta_trust_verify(c.trust, META_ROLE_METADATA, chain, 2, &key, &err), &err,
                  "\"leaf\" has a signature that does not hold");
    pki_done(&leaf);
    tear_down(&c);
}

static void roots_per_role(void **state)
{
    (void)state;
    static const struct row plain = {.name = ""};
    struct cmc_err err = {0};
    struct chain c;
    struct meta_key *key;
    struct pki_cert soft;
    struct meta_trust *ak;
    set_up(&c, &plain);
    const struct pki_spec spec = {.name = "soft", .ext = PKI_AK};
    pki_make(&soft, &spec, &c.ca);
    assert_int_equal(meta_trust_new(PKI_NOW, &ak, &err), 0);
    assert_int_equal(meta_trust_now(ak), PKI_NOW);
    char *pem = pki_pem(&c.root);
    assert_int_equal(meta_trust_add_roots(ak, META_ROLE_AK, pem, strlen(pem), &err), 0);
    free(pem);
    struct meta_der chain[] = {der(&c.leaf), der(&c.ca)};
    check_refused(meta_trust_verify(ak, META_ROLE_METADATA, chain, 2, &key, &err), &err,
                  "nor a root for metadata");
    check_refused(meta_trust_verify(ak, META_ROLE_ANY, chain, 2, &key, &err), &err, "nor a root");
    chain[0] = der(&soft);
    assert_int_equal(meta_trust_verify(ak, META_ROLE_SOFTWARE_AK, chain, 2, &key, &err), 0);
    meta_key_free(key);
    meta_trust_free(ak);
    pki_done(&soft);
    tear_down(&c);
}

static void bad_bytes(void **state)
{
    (void)state;
    static const struct row plain = {.name = ""};
    static uint8_t large[META_CERT_BYTES_MAX + 1];
    struct cmc_err err = {0};
    struct chain c;
    struct meta_key *key;
    set_up(&c, &plain);
    struct meta_der chain[META_CERTS_MAX + 1] = {der(&c.leaf), der(&c.ca)};
    check_refused(meta_trust_verify(c.trust, META_ROLE_METADATA, chain, 0, &key, &err), &err,
                  "0 certificates in the chain, need 1 to 8");
    assert_int_equal(
        meta_trust_verify(c.trust, META_ROLE_METADATA, chain, META_CERTS_MAX + 1, &key, &err),
        -CMC_E_LIMIT);
    chain[0].len--; /* cut */
    assert_int_equal(meta_trust_verify(c.trust, META_ROLE_METADATA, chain, 2, &key, &err),
                     -CMC_E_FORMAT);
    uint8_t *longer = calloc(1, c.leaf.len + 1); /* more behind it */
    memcpy(longer, c.leaf.der, c.leaf.len);
    chain[0] = (struct meta_der){longer, c.leaf.len + 1};
    assert_int_equal(meta_trust_verify(c.trust, META_ROLE_METADATA, chain, 2, &key, &err),
                     -CMC_E_FORMAT);
    assert_string_equal(err.msg, "certificate 1 of the chain: 1 bytes follow behind a certificate");
    free(longer);
    chain[0] = (struct meta_der){large, sizeof(large)};
    assert_int_equal(meta_trust_verify(c.trust, META_ROLE_METADATA, chain, 2, &key, &err),
                     -CMC_E_LIMIT);
    /* any byte of the leaf that changes: no chain */
    for (size_t i = 0; i < c.leaf.len; i += 7) {
        c.leaf.der[i] ^= 0x40;
        chain[0] = der(&c.leaf);
        assert_true(meta_trust_verify(c.trust, META_ROLE_METADATA, chain, 2, &key, &err) < 0);
        c.leaf.der[i] ^= 0x40;
    }
    tear_down(&c);
}

/* Named as its own issuer, signed by another; and files of more bytes than are read. */
static void roots_that_are_none(struct meta_trust *trust, const struct pki_cert *root)
{
    static uint8_t large[META_TRUST_BYTES_MAX + 1];
    const struct pki_spec spec = {.name = "root", .key = "P-256#other", .ext = PKI_CA};
    struct pki_cert forged;
    struct cmc_err err = {0};
    pki_make(&forged, &spec, root);
    char *pem = pki_pem(&forged);
    assert_int_equal(meta_trust_add_roots(trust, 0, pem, strlen(pem), &err), -CMC_E_FORMAT);
    assert_non_null(strstr(err.msg, "\"root\" is not signed by itself"));
    assert_int_equal(meta_trust_add_roots(trust, 0, large, sizeof(large), &err), -CMC_E_LIMIT);
    assert_int_equal(meta_trust_add_crl(trust, large, sizeof(large), &err), -CMC_E_LIMIT);
    assert_int_equal(meta_trust_add_crl(trust, "0", 0, &err), -CMC_E_FORMAT);
    assert_string_equal(err.msg, "no revocation list in PEM"); /* 0x30 is behind the end */
    free(pem);
    pki_done(&forged);
}

static void too_many_lists(struct meta_trust *trust, const struct pki_cert *issuer)
{
    const struct pki_crl spec = {.issuer = issuer, .from = -DAY, .to = DAY};
    struct cmc_err err = {0};
    char *pem = pki_crl_pem(&spec);
    for (size_t i = 0; i < META_TRUST_CRLS_MAX; i++)
        assert_int_equal(meta_trust_add_crl(trust, pem, strlen(pem), &err), 0);
    assert_int_equal(meta_trust_add_crl(trust, pem, strlen(pem), &err), -CMC_E_LIMIT);
    assert_string_equal(err.msg, "more than 64 revocation lists");
    free(pem);
}

static void roots_and_lists(void **state)
{
    (void)state;
    static const struct row plain = {.name = ""};
    struct cmc_err err = {0};
    struct chain c;
    set_up(&c, &plain);
    const struct pki_spec weak = {.name = "weak", .key = "RSA-1024", .ext = PKI_CA};
    struct pki_cert w;
    pki_make(&w, &weak, NULL);
    char *root = pki_pem(&c.root), *leaf = pki_pem(&c.leaf), *ca = pki_pem(&c.ca),
         *small = pki_pem(&w);
    char both[8192];
    const struct {
        const char *text, *want;
    } bad[] = {
        {"", "no certificate in PEM"},
        {"junk", "no certificate in PEM"},
        {"-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n",
         "certificate 1 cannot be read"},
        {leaf, "\"leaf\" is not a CA's: it cannot be a root"},
        {ca, "\"ca\" is not signed by itself: give the root above it"},
        {small, "\"weak\": weak or oversized key"},
    };
    for (size_t i = 0; i < ROWS(bad); i++) {
        /* the good root in front is not added either */
        (void)snprintf(both, sizeof(both), "%s%s", *bad[i].text == 'j' || !*bad[i].text ? "" : root,
                       bad[i].text);
        assert_int_equal(meta_trust_add_roots(c.trust, META_ROLE_AK, both, strlen(both), &err),
                         -CMC_E_FORMAT);
        if (!strstr(err.msg, bad[i].want) && i != 2)
            fail_msg("said \"%s\", expected \"%s\"", err.msg, bad[i].want);
    }
    roots_that_are_none(c.trust, &c.root);
    struct pki_crl spec = {.issuer = &c.ca, .from = -DAY};
    char *endless = pki_crl_pem(&spec);
    assert_int_equal(meta_trust_add_crl(c.trust, endless, strlen(endless), &err), -CMC_E_FORMAT);
    assert_string_equal(err.msg, "revocation list of \"ca\" has no end (nextUpdate)");
    spec = (struct pki_crl){.issuer = &c.ca, .from = -DAY, .to = DAY, .digest = "SHA1"};
    char *sha1 = pki_crl_pem(&spec);
    assert_int_equal(meta_trust_add_crl(c.trust, sha1, strlen(sha1), &err), -CMC_E_FORMAT);
    assert_string_equal(err.msg, "revocation list of \"ca\" is signed over a weak digest");
    assert_int_equal(meta_trust_add_crl(c.trust, root, strlen(root), &err), -CMC_E_FORMAT);
    assert_int_equal(meta_trust_add_crl(c.trust, c.ca.der, c.ca.len, &err), -CMC_E_FORMAT);
    for (size_t i = 1; i < META_TRUST_ROOTS_MAX; i++)
        assert_int_equal(meta_trust_add_roots(c.trust, META_ROLE_AK, root, strlen(root), &err), 0);
    assert_int_equal(meta_trust_add_roots(c.trust, META_ROLE_AK, root, strlen(root), &err),
                     -CMC_E_LIMIT);
    too_many_lists(c.trust, &c.ca);
    free(root);
    free(leaf);
    free(ca);
    free(small);
    free(endless);
    free(sha1);
    pki_done(&w);
    tear_down(&c);
}

static void list_in_der(void **state)
{
    (void)state;
    static const struct row revoked = {.name = "", .crl_of = "ca", .revoke = true};
    struct cmc_err err = {0};
    struct chain c;
    struct meta_trust *t;
    struct meta_key *key;
    set_up(&c, &revoked);
    assert_int_equal(meta_trust_new(PKI_NOW, &t, &err), 0);
    char *root = pki_pem(&c.root);
    assert_int_equal(meta_trust_add_roots(t, 0, root, strlen(root), &err), 0);
    struct pki_crl spec = {.issuer = &c.ca, .from = -DAY, .to = DAY};
    spec.revoked = ASN1_INTEGER_get(X509_get0_serialNumber(c.leaf.cert));
    char *pem = pki_crl_pem(&spec);
    BIO *bio = BIO_new_mem_buf(pem, -1);
    X509_CRL *crl = PEM_read_bio_X509_CRL(bio, NULL, NULL, NULL);
    unsigned char *bytes = NULL;
    const int n = i2d_X509_CRL(crl, &bytes);
    assert_int_equal(meta_trust_add_crl(t, bytes, (size_t)n, &err), 0);
    const struct meta_der chain[] = {der(&c.leaf), der(&c.ca)};
    check_refused(meta_trust_verify(t, META_ROLE_METADATA, chain, 2, &key, &err), &err,
                  "\"leaf\" is revoked");
    OPENSSL_free(bytes);
    X509_CRL_free(crl);
    BIO_free(bio);
    free(pem);
    free(root);
    meta_trust_free(t);
    tear_down(&c);
}

int main(void)
{
    static const struct CMUnitTest more[] = {
        cmocka_unit_test(wrong_root),      cmocka_unit_test(forged_issuer),
        cmocka_unit_test(roots_per_role),  cmocka_unit_test(bad_bytes),
        cmocka_unit_test(roots_and_lists), cmocka_unit_test(list_in_der),
    };
    struct CMUnitTest tests[ROWS(rows) + ROWS(more)];
    for (size_t i = 0; i < ROWS(rows); i++)
        tests[i] = (struct CMUnitTest){rows[i].name, run_row, NULL, NULL, &rows[i]};
    memcpy(tests + ROWS(rows), more, sizeof(more));
    return cmocka_run_group_tests_name("attest/meta/trust", tests, NULL, NULL);
}
