/* SPDX-License-Identifier: Apache-2.0 */
/* tests/lib/pki.h -- keys and certificates of any kind, made by a test for itself. */
#ifndef TESTS_LIB_PKI_H
#define TESTS_LIB_PKI_H
#include <stddef.h>
#include <stdint.h>

#include <openssl/evp.h>
#include <openssl/x509.h>

enum { PKI_NOW = 1800000000 }; /* the time of tests: January 2027 */

struct pki_spec {
    const char *name;   /* common name */
    const char *key;    /* "P-256" (NULL), "P-384", "P-521", "P-224", "RSA-2048", "ED25519", ...
                           the same text with another digit behind '#' gives another key */
    const char *digest; /* "SHA256" (NULL), "SHA1", ...: what the issuer signs */
    const char *ext;  /* openssl's configuration: lines of [ext], then other sections; NULL: none */
    int64_t from, to; /* seconds from PKI_NOW; both 0: a day before to a day after */
    long serial;      /* 0: one of its own */
    int version;      /* 0: 3 */
};

struct pki_cert {
    EVP_PKEY *key; /* borrowed from the cache of keys */
    X509 *cert;    /* owned */
    uint8_t *der;  /* owned */
    size_t len;
};

/* issuer NULL: signed by itself. Ends the test when it cannot be made. */
void pki_make(struct pki_cert *out, const struct pki_spec *spec, const struct pki_cert *issuer);
void pki_done(struct pki_cert *c);
/* The key of that kind; the same one each time. */
EVP_PKEY *pki_key(const char *kind);
/* PEM texts; free() them. */
char *pki_pem(const struct pki_cert *c);
char *pki_key_pem(EVP_PKEY *key);
char *pki_public_pem(EVP_PKEY *key);
/* A revocation list in PEM with one serial number (0: empty), from PKI_NOW + from to PKI_NOW + to
 * (to 0: without end). */
struct pki_crl {
    const struct pki_cert *issuer;
    const char *digest; /* NULL: SHA256 */
    long revoked;
    int64_t from, to;
    const char *ext;
};
char *pki_crl_pem(const struct pki_crl *spec);
/* Signs data; returns the signature (free() it): r || s for curves, PSS when asked. */
uint8_t *pki_sign(EVP_PKEY *key, const char *digest, int pss_salt, const void *data, size_t len,
                  size_t *sig_len);
enum { PKI_NO_PSS = -100 };

/* What a CA and leaves of our roles carry. */
#define PKI_CA       "[ext]\nbasicConstraints=critical,CA:TRUE\nkeyUsage=critical,keyCertSign,cRLSign\n"
#define PKI_LEAF     "[ext]\nbasicConstraints=critical,CA:FALSE\nkeyUsage=critical,digitalSignature\n"
#define PKI_METADATA PKI_LEAF "extendedKeyUsage=1.3.6.1.5.5.7.3.36\n"
#define PKI_AK       PKI_LEAF "extendedKeyUsage=2.23.133.8.3\n"
/* An AK certificate for a host, with the TPM named by the TCG's attributes. */
#define PKI_TPM_AK(host, model)                                                                    \
    PKI_AK "subjectAltName=critical,dirName:tpm,DNS:" host "\n"                                    \
           "[tpm]\na.2.23.133.2.1=id:00001014\na.2.23.133.2.2=" model                              \
           "\na.2.23.133.2.3=id:20191023\n"
#endif
