/* SPDX-License-Identifier: Apache-2.0 */
/* attest/meta/trust.h -- certificate chains: which roots may vouch for which role, and when
 * (RFC 5280). */
#ifndef ATTEST_META_TRUST_H
#define ATTEST_META_TRUST_H
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "base/hash.h"

enum {
    META_CERTS_MAX = 8, /* of a chain */
    META_CERT_BYTES_MAX = 8192,
    META_TRUST_ROOTS_MAX = 64,
    META_TRUST_CRLS_MAX = 64,
    META_TRUST_BYTES_MAX = 4 << 20, /* of a file of roots or revocation lists */
    META_KEY_HOSTS_MAX = 32         /* names in a certificate */
};

enum meta_role { /* what a key may do; its certificate must carry the extended key usage */
                 META_ROLE_METADATA = 1, /* id-kp-documentSigning, 1.3.6.1.5.5.7.3.36 (RFC 9336) */
                 META_ROLE_AK,           /* tcg-kp-AIKCertificate, 2.23.133.8.3; names a TPM */
                 META_ROLE_SOFTWARE_AK,  /* the same; the certificate names no TPM */
                 META_ROLE_ANY           /* no extended key usage is asked: vectors of others */
};

struct meta_der { /* borrowed */
    const uint8_t *data;
    size_t len;
};

struct meta_trust;
/* now: seconds since 1970, at which chains must be valid. */
CMC_MUST_CHECK int meta_trust_new(int64_t now, struct meta_trust **out, struct cmc_err *err);
void meta_trust_free(struct meta_trust *t);
/* Adds all certificates of a PEM file's bytes as roots for the role (0: for every role; roots for
 * META_ROLE_AK are good for META_ROLE_SOFTWARE_AK too).
 * Errors: -CMC_E_FORMAT (none, or one that is no root of ours: not self-signed, no CA, a weak
 * key), -CMC_E_LIMIT; none is added then. */
CMC_MUST_CHECK int meta_trust_add_roots(struct meta_trust *t, int role, const void *pem, size_t len,
                                        struct cmc_err *err);
/* Adds revocation lists (PEM, one or more; or one in DER). Once there is one for an issuer, the
 * certificates of that issuer need a valid list. Errors: -CMC_E_FORMAT (none; one that never
 * expires, or with a weak digest), -CMC_E_LIMIT; none is added then. */
CMC_MUST_CHECK int meta_trust_add_crl(struct meta_trust *t, const void *data, size_t len,
                                      struct cmc_err *err);
int64_t meta_trust_now(const struct meta_trust *t);

struct meta_key; /* a public key whose chain was verified; with what its certificate says */
/* Verifies a chain, leaf first, each certificate issued by the next, up to a root for the role; the
 * root itself may be the last one, or absent. *out: free with meta_key_free().
 * Errors: -CMC_E_VERIFY, one message per fault (issuer unknown, expired, not yet valid, revoked,
 * usage, path length, not a CA, weak key or digest, unknown critical extension, a TPM for
 * META_ROLE_SOFTWARE_AK, none for META_ROLE_AK); -CMC_E_FORMAT (not a certificate);
 * -CMC_E_LIMIT. */
CMC_MUST_CHECK int meta_trust_verify(const struct meta_trust *t, enum meta_role role,
                                     const struct meta_der *chain, size_t count,
                                     struct meta_key **out, struct cmc_err *err);
/* A bare public key (SubjectPublicKeyInfo, PEM or DER) that the caller trusts for reasons of its
 * own: no certificate, so no host, subject or TPM. *out: free with meta_key_free().
 * Errors: -CMC_E_FORMAT, -CMC_E_VERIFY (weak, or of a kind that is not used here). */
CMC_MUST_CHECK int meta_key_bare(const void *spki, size_t len, struct meta_key **out,
                                 struct cmc_err *err);
void meta_key_free(struct meta_key *k);
/* The names in the subjectAltName (dNSName), NULL at the end of the list. */
const char *meta_key_host(const struct meta_key *k, size_t i);
/* Whether the certificate names host (RFC 6125, no wildcards). */
bool meta_key_names(const struct meta_key *k, const char *host);
/* One line: the subject's common name; safe for terminals, never NULL. */
const char *meta_key_subject(const struct meta_key *k);
/* TPM manufacturer ("id:" and eight digits) and model of the TCG's subjectAltName (directoryName),
 * safe for terminals, or NULL. The model of a software TPM is "swtpm". */
const char *meta_key_tpm_manufacturer(const struct meta_key *k);
const char *meta_key_tpm_model(const struct meta_key *k);
/* SHA-256 of the SubjectPublicKeyInfo. */
const uint8_t *meta_key_spki(const struct meta_key *k);
/* Bytes of r and of s in its signatures; 0: not an elliptic curve. */
size_t meta_key_half(const struct meta_key *k);

struct meta_signature { /* borrowed */
    uint16_t alg;  /* TPM_ALG_RSASSA (0x0014), TPM_ALG_RSAPSS (0x0016), TPM_ALG_ECDSA (0x0018) */
    uint16_t hash; /* TPM_ALG_ID; SHA-256, SHA-384, SHA-512 */
    const uint8_t *data; /* raw (RSA), or r || s of equal length (ECDSA) */
    size_t len;
    bool salt_as_hash; /* RSAPSS: the salt must be as long as the hash (RFC 7518); TPMs differ */
};
/* Verifies a signature over data by the key. Errors: -CMC_E_VERIFY (it does not hold; an
 * algorithm that does not fit the key, or is not used here). */
CMC_MUST_CHECK int meta_key_verify(const struct meta_key *k, const struct meta_signature *sig,
                                   const void *data, size_t len, struct cmc_err *err);
#endif
