/* SPDX-License-Identifier: Apache-2.0 */
/* tpm/ak.c -- what an attestation key is, and what it signs besides quotes. */
#include "tpm/ak.h"

#include <string.h>

#include <tss2/tss2_mu.h>

#include "tpm/ak_use.h"

/* Restricted: it signs only what the TPM itself made or hashed (TPM 2.0 Part 1, 25.2). */
enum {
    ATTRIBUTES = TPMA_OBJECT_RESTRICTED | TPMA_OBJECT_SIGN_ENCRYPT | TPMA_OBJECT_FIXEDTPM |
                 TPMA_OBJECT_FIXEDPARENT | TPMA_OBJECT_SENSITIVEDATAORIGIN
};

static int check_kind(const TPMT_PUBLIC *p, struct cmc_err *err)
{
    const uint32_t mask = ATTRIBUTES | TPMA_OBJECT_DECRYPT;
    if ((p->objectAttributes & mask) != ATTRIBUTES)
        return cmc_fail(err, CMC_E_VERIFY,
                        "attestation key: attributes 0x%08x: not a restricted signing key of the "
                        "TPM's own",
                        p->objectAttributes);
    return 0;
}

static int take_ecc(const TPMT_PUBLIC *p, struct tpm_ak_key *out, struct cmc_err *err)
{
    const TPMS_ECC_PARMS *how = &p->parameters.eccDetail;
    const TPM2B_ECC_PARAMETER *x = &p->unique.ecc.x, *y = &p->unique.ecc.y;
    if (how->curveID != TPM2_ECC_NIST_P256 || how->scheme.scheme != TPM2_ALG_ECDSA ||
        how->scheme.details.ecdsa.hashAlg != TPM2_ALG_SHA256)
        return cmc_fail(err, CMC_E_VERIFY,
                        "attestation key: curve 0x%04x, scheme 0x%04x: expected P-256 and ECDSA "
                        "with SHA-256",
                        how->curveID, how->scheme.scheme);
    if (x->size > sizeof(out->x) || y->size > sizeof(out->y))
        return cmc_fail(err, CMC_E_FORMAT, "attestation key: a point of %u and %u bytes", x->size,
                        y->size);
    *out = (struct tpm_ak_key){.alg = TPM_AK_ECDSA_P256};
    memcpy(out->x + sizeof(out->x) - x->size, x->buffer, x->size);
    memcpy(out->y + sizeof(out->y) - y->size, y->buffer, y->size);
    return 0;
}

static int take_rsa(const TPMT_PUBLIC *p, struct tpm_ak_key *out, struct cmc_err *err)
{
    const TPMS_RSA_PARMS *how = &p->parameters.rsaDetail;
    const TPM2B_PUBLIC_KEY_RSA *n = &p->unique.rsa;
    if (how->scheme.scheme != TPM2_ALG_RSASSA ||
        how->scheme.details.rsassa.hashAlg != TPM2_ALG_SHA256 || n->size != sizeof(out->n))
        return cmc_fail(err, CMC_E_VERIFY,
                        "attestation key: RSA of %u bytes, scheme 0x%04x: expected 256 and RSASSA "
                        "with SHA-256",
                        n->size, how->scheme.scheme);
    *out = (struct tpm_ak_key){.alg = TPM_AK_RSA_2048, .e = how->exponent ? how->exponent : 65537};
    memcpy(out->n, n->buffer, n->size);
    return 0;
}

int tpm_ak_public(const struct tpm_ak *ak, struct tpm_ak_key *out, struct cmc_err *err)
{
    TPMT_PUBLIC p = {0};
    size_t at = 0;
    if (ak->pub.len > sizeof(ak->pub.data) ||
        Tss2_MU_TPMT_PUBLIC_Unmarshal(ak->pub.data, ak->pub.len, &at, &p) != TSS2_RC_SUCCESS ||
        at != ak->pub.len)
        return cmc_fail(err, CMC_E_FORMAT, "attestation key: %zu bytes are no TPMT_PUBLIC",
                        ak->pub.len);
    if (check_kind(&p, err) < 0)
        return -(int)err->code;
    switch (p.type) {
    case TPM2_ALG_ECC:
        return take_ecc(&p, out, err);
    case TPM2_ALG_RSA:
        return take_rsa(&p, out, err);
    default:
        return cmc_fail(err, CMC_E_VERIFY, "attestation key: type 0x%04x: expected ECC or RSA",
                        p.type);
    }
}

static TSS2_RC nothing(ESYS_CONTEXT *esys, ESYS_TR key, void *arg)
{
    (void)esys;
    (void)key;
    (void)arg;
    return TSS2_RC_SUCCESS;
}

int tpm_ak_check(const char *tcti, const struct tpm_ak *ak, struct cmc_err *err)
{
    return tpm_ak_use(tcti, ak, "attestation key", nothing, NULL, err);
}

struct sign {
    TPM2B_MAX_BUFFER data;
    TPMT_SIGNATURE signature;
};

static TSS2_RC hash_and_sign(ESYS_CONTEXT *esys, ESYS_TR key, void *arg)
{
    const TPMT_SIG_SCHEME own = {.scheme = TPM2_ALG_NULL}; /* the key's own */
    struct sign *s = arg;
    CMC_CLEANUP(tpm_esys_freep) TPM2B_DIGEST *digest = NULL;
    CMC_CLEANUP(tpm_esys_freep) TPMT_TK_HASHCHECK *ticket = NULL;
    CMC_CLEANUP(tpm_esys_freep) TPMT_SIGNATURE *signature = NULL;
    TSS2_RC rc = Esys_Hash(esys, ESYS_TR_NONE, ESYS_TR_NONE, ESYS_TR_NONE, &s->data,
                           TPM2_ALG_SHA256, ESYS_TR_RH_OWNER, &digest, &ticket);
    if (rc == TSS2_RC_SUCCESS)
        rc = Esys_Sign(esys, key, ESYS_TR_PASSWORD, ESYS_TR_NONE, ESYS_TR_NONE, digest, &own,
                       ticket, &signature);
    if (rc == TSS2_RC_SUCCESS)
        s->signature = *signature;
    return rc;
}

static int take_signature(const TPMT_SIGNATURE *s, struct tpm_signature *out, struct cmc_err *err)
{
    const size_t half = 32;
    if (s->sigAlg == TPM2_ALG_ECDSA) {
        const TPM2B_ECC_PARAMETER *r = &s->signature.ecdsa.signatureR,
                                  *v = &s->signature.ecdsa.signatureS;
        if (r->size > half || v->size > half)
            return cmc_fail(err, CMC_E_TPM, "sign: the TPM's signature is too long");
        *out = (struct tpm_signature){.len = 2 * half};
        memcpy(out->data + half - r->size, r->buffer, r->size);
        memcpy(out->data + out->len - v->size, v->buffer, v->size);
        return 0;
    }
    const TPM2B_PUBLIC_KEY_RSA *v = &s->signature.rsassa.sig;
    if (s->sigAlg != TPM2_ALG_RSASSA || v->size > sizeof(out->data))
        return cmc_fail(err, CMC_E_TPM, "sign: the TPM's signature is of scheme 0x%04x", s->sigAlg);
    out->len = v->size;
    memcpy(out->data, v->buffer, v->size);
    return 0;
}

int tpm_ak_sign(const char *tcti, const struct tpm_ak *ak, const void *data, size_t len,
                struct tpm_signature *out, struct cmc_err *err)
{
    struct sign s = {0};
    if (len > TPM_SIGN_MAX)
        return cmc_fail(err, CMC_E_LIMIT, "sign: %zu bytes, at most %d", len, TPM_SIGN_MAX);
    s.data.size = (UINT16)len;
    memcpy(s.data.buffer, data, len);
    if (tpm_ak_use(tcti, ak, "sign with the attestation key", hash_and_sign, &s, err) < 0)
        return -(int)err->code;
    return take_signature(&s.signature, out, err);
}
