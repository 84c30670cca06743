/* SPDX-License-Identifier: Apache-2.0 */
/* tpm/ak.h -- the attestation key of this host: made in the TPM, kept outside as a blob that only
 * this TPM can use, checked, and used to sign. */
#ifndef TPM_AK_H
#define TPM_AK_H
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"

enum {
    TPM_BLOB_MAX = 1024,         /* bytes of each part */
    TPM_SIGN_MAX = 1024,         /* bytes to sign: one TPM2_Hash */
    TPM_AK_PARENT = 0x81018f00u, /* the key above an AK; in the endorsement hierarchy */
    TPM_AK_FIRST = 0x81008f00u, /* where an AK becomes persistent if there is no resource manager */
    TPM_AK_LAST = 0x81008f0fu
};

enum tpm_ak_alg { TPM_AK_ECDSA_P256 = 1, TPM_AK_RSA_2048 }; /* both with SHA-256 */

struct tpm_blob {
    size_t len;
    uint8_t data[TPM_BLOB_MAX];
};
/* What is stored; without sizes in front. The last three say how the key was made: the TPM tells
 * that only once, and a CA that activates credentials asks for it. */
struct tpm_ak {
    struct tpm_blob pub;       /* TPMT_PUBLIC */
    struct tpm_blob priv;      /* of TPM2B_PRIVATE */
    struct tpm_blob creation;  /* TPMS_CREATION_DATA */
    struct tpm_blob attest;    /* TPMS_ATTEST: the AK certifies its own creation */
    struct tpm_blob signature; /* TPMT_SIGNATURE over that */
    uint32_t handle;           /* where it is persistent; 0: it is loaded for each use */
};
struct tpm_ak_key { /* its public part; big-endian */
    enum tpm_ak_alg alg;
    uint8_t x[32], y[32]; /* ECDSA */
    uint8_t n[256];       /* RSA */
    uint32_t e;
};
struct tpm_signature { /* r || s, or the RSA signature */
    size_t len;
    uint8_t data[256];
};

/* Makes a key below TPM_AK_PARENT, which is made where it is absent. It is in the endorsement
 * hierarchy, because a TPM obfuscates resetCount in what keys of the storage hierarchy sign
 * (TPM 2.0 Part 1, 36.7), and a quote would not say any more which boot it is of. Without a
 * resource manager the key becomes persistent at the first free handle of the range: slots for
 * loaded keys are shared there. Errors: -CMC_E_TPM, -CMC_E_USAGE (TCTI, alg), -CMC_E_LIMIT (no free
 * handle). */
CMC_MUST_CHECK int tpm_ak_create(const char *tcti, enum tpm_ak_alg alg, struct tpm_ak *out,
                                 struct cmc_err *err);
/* Reads the public part. Errors: -CMC_E_FORMAT, -CMC_E_VERIFY (not a restricted signing key of the
 * TPM's own, or of another algorithm). */
CMC_MUST_CHECK int tpm_ak_public(const struct tpm_ak *ak, struct tpm_ak_key *out,
                                 struct cmc_err *err);
/* The key can be used in this TPM. Errors: -CMC_E_TPM, -CMC_E_USAGE (TCTI), -CMC_E_VERIFY (another
 * key is where it should be). */
CMC_MUST_CHECK int tpm_ak_check(const char *tcti, const struct tpm_ak *ak, struct cmc_err *err);
/* Signs data, which the TPM hashes itself: a restricted key signs nothing else (TPM 2.0 Part 1,
 * 25.2). Errors: as above, -CMC_E_LIMIT (more than TPM_SIGN_MAX bytes). */
CMC_MUST_CHECK int tpm_ak_sign(const char *tcti, const struct tpm_ak *ak, const void *data,
                               size_t len, struct tpm_signature *out, struct cmc_err *err);
#endif
