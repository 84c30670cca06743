/* SPDX-License-Identifier: Apache-2.0 */
/* tests/lib/meta_bed.h -- a small PKI, and what it signs: metadata, evidence. */
#ifndef TESTS_LIB_META_BED_H
#define TESTS_LIB_META_BED_H
#include "attest/meta/trust.h"
#include "attest/verify/claims.h"
#include "tests/lib/pki.h"

enum bed_cert {
    BED_META_CA,  /* root for metadata */
    BED_AK_CA,    /* root for attestation keys */
    BED_OTHER_CA, /* no root at all */
    BED_SIGNER,   /* "metadata signer" */
    BED_SECOND,   /* "second signer" */
    BED_OLD,      /* expired */
    BED_REVOKED,  /* on the list of BED_META_CA when that is used */
    BED_STRANGER, /* below BED_OTHER_CA */
    BED_AK,       /* a TPM's, for host.example */
    BED_AK_META,  /* an attestation key's certificate from the metadata CA */
    BED_SW_AK,    /* a key in a file, for host.example */
    BED_CERTS
};

struct bed {
    struct pki_cert cert[BED_CERTS];
    struct meta_trust *trust;
};
void bed_open(struct bed *b, bool with_crl);
void bed_close(struct bed *b);

/* A flattened JWS of payload by these certificates (more than one: a general one), ended with
 * BED_CERTS. free() it. */
char *bed_sign(const struct bed *b, const char *payload, const enum bed_cert *by);
/* A flattened JWS by a key, with no certificate. free() it. */
char *bed_sign_bare(EVP_PKEY *key, const char *payload);
/* Base64 (url: RFC 4648 section 5 without padding). free() it. */
char *bed_base64(const void *data, size_t len, bool url);

/* The first refused claim, deepest first, is this one: its id, and words in its text. id NULL:
 * nothing was refused. */
void bed_expect(const struct verify_claim *top, const char *id, const char *words);
#endif
