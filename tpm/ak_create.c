/* SPDX-License-Identifier: Apache-2.0 */
/* tpm/ak_create.c -- makes an attestation key, and the key above it. */
#include <inttypes.h>
#include <string.h>

#include <tss2/tss2_mu.h>

#include "tpm/ak_use.h"

/* TCG TPM v2.0 Provisioning Guidance, 7.5.1; EK Credential Profile, B.3 without a policy. */
static const TPM2B_PUBLIC parent_template = {
    .publicArea = {
        .type = TPM2_ALG_RSA,
        .nameAlg = TPM2_ALG_SHA256,
        .objectAttributes = TPMA_OBJECT_FIXEDTPM | TPMA_OBJECT_FIXEDPARENT |
                            TPMA_OBJECT_SENSITIVEDATAORIGIN | TPMA_OBJECT_USERWITHAUTH |
                            TPMA_OBJECT_NODA | TPMA_OBJECT_RESTRICTED | TPMA_OBJECT_DECRYPT,
        .parameters.rsaDetail = {.symmetric = {.algorithm = TPM2_ALG_AES,
                                               .keyBits.aes = 128,
                                               .mode.aes = TPM2_ALG_CFB},
                                 .scheme.scheme = TPM2_ALG_NULL,
                                 .keyBits = 2048},
        .unique.rsa.size = 256,
    }};

static TPM2B_PUBLIC template_of(enum tpm_ak_alg alg)
{
    TPM2B_PUBLIC t = {
        .publicArea = {.nameAlg = TPM2_ALG_SHA256,
                       .objectAttributes = TPMA_OBJECT_RESTRICTED | TPMA_OBJECT_SIGN_ENCRYPT |
                                           TPMA_OBJECT_FIXEDTPM | TPMA_OBJECT_FIXEDPARENT |
                                           TPMA_OBJECT_SENSITIVEDATAORIGIN |
                                           TPMA_OBJECT_USERWITHAUTH | TPMA_OBJECT_NODA}};
    TPMT_PUBLIC *p = &t.publicArea;
    if (alg == TPM_AK_RSA_2048) {
        p->type = TPM2_ALG_RSA;
        p->parameters.rsaDetail = (TPMS_RSA_PARMS){
            .symmetric.algorithm = TPM2_ALG_NULL,
            .scheme = {.scheme = TPM2_ALG_RSASSA, .details.rsassa.hashAlg = TPM2_ALG_SHA256},
            .keyBits = 2048};
        return t;
    }
    p->type = TPM2_ALG_ECC;
    p->parameters.eccDetail = (TPMS_ECC_PARMS){
        .symmetric.algorithm = TPM2_ALG_NULL,
        .scheme = {.scheme = TPM2_ALG_ECDSA, .details.ecdsa.hashAlg = TPM2_ALG_SHA256},
        .curveID = TPM2_ECC_NIST_P256,
        .kdf.scheme = TPM2_ALG_NULL};
    return t;
}

struct creator {
    ESYS_CONTEXT *esys;
    ESYS_TR parent, key; /* key: loaded, ours to flush */
    struct cmc_err *err;
};

static void creator_done(struct creator *c)
{
    if (c->key != ESYS_TR_NONE)
        (void)Esys_FlushContext(c->esys, c->key);
}

static int make_parent(struct creator *c)
{
    static const TPM2B_SENSITIVE_CREATE sensitive;
    static const TPM2B_DATA outside;
    static const TPML_PCR_SELECTION none;
    ESYS_TR primary = ESYS_TR_NONE;
    TSS2_RC rc = Esys_CreatePrimary(c->esys, ESYS_TR_RH_ENDORSEMENT, ESYS_TR_PASSWORD, ESYS_TR_NONE,
                                    ESYS_TR_NONE, &sensitive, &parent_template, &outside, &none,
                                    &primary, NULL, NULL, NULL, NULL);
    if (rc != TSS2_RC_SUCCESS)
        return tpm_esys_fail(c->err, rc, "make the key above attestation keys");
    rc = Esys_EvictControl(c->esys, ESYS_TR_RH_OWNER, primary, ESYS_TR_PASSWORD, ESYS_TR_NONE,
                           ESYS_TR_NONE, TPM_AK_PARENT, &c->parent);
    (void)Esys_FlushContext(c->esys, primary);
    if (rc != TSS2_RC_SUCCESS)
        return tpm_esys_fail(c->err, rc, "keep the key above attestation keys");
    return 0;
}

static int find_parent(struct creator *c)
{
    TSS2_RC rc = Esys_TR_FromTPMPublic(c->esys, TPM_AK_PARENT, ESYS_TR_NONE, ESYS_TR_NONE,
                                       ESYS_TR_NONE, &c->parent);
    if (rc == TSS2_RC_SUCCESS)
        return 0;
    if ((rc & ~TSS2_RC_LAYER_MASK) == TPM2_RC_HANDLE + TPM2_RC_H + TPM2_RC_1)
        return make_parent(c);
    return tpm_esys_fail(c->err, rc, "find the key above attestation keys");
}

struct certified {
    TPM2B_DIGEST *hash;
    TPMT_TK_CREATION *ticket;
};

static void certified_done(struct certified *c)
{
    Esys_Free(c->hash);
    Esys_Free(c->ticket);
}

static TSS2_RC keep_public(const TPM2B_PUBLIC *pub, const TPM2B_PRIVATE *priv,
                           const TPM2B_CREATION_DATA *creation, struct tpm_ak *out)
{
    if (priv->size > sizeof(out->priv.data))
        return TSS2_BASE_RC_BAD_SIZE;
    out->priv.len = priv->size;
    memcpy(out->priv.data, priv->buffer, priv->size);
    TSS2_RC rc = Tss2_MU_TPMT_PUBLIC_Marshal(&pub->publicArea, out->pub.data, sizeof(out->pub.data),
                                             &out->pub.len);
    if (rc == TSS2_RC_SUCCESS)
        rc = Tss2_MU_TPMS_CREATION_DATA_Marshal(&creation->creationData, out->creation.data,
                                                sizeof(out->creation.data), &out->creation.len);
    return rc;
}

static int make_key(struct creator *c, enum tpm_ak_alg alg, struct certified *how,
                    struct tpm_ak *out)
{
    static const TPM2B_SENSITIVE_CREATE sensitive;
    static const TPM2B_DATA outside;
    static const TPML_PCR_SELECTION none;
    const TPM2B_PUBLIC want = template_of(alg);
    CMC_CLEANUP(tpm_esys_freep) TPM2B_PRIVATE *priv = NULL;
    CMC_CLEANUP(tpm_esys_freep) TPM2B_PUBLIC *pub = NULL;
    CMC_CLEANUP(tpm_esys_freep) TPM2B_CREATION_DATA *creation = NULL;
    TSS2_RC rc =
        Esys_Create(c->esys, c->parent, ESYS_TR_PASSWORD, ESYS_TR_NONE, ESYS_TR_NONE, &sensitive,
                    &want, &outside, &none, &priv, &pub, &creation, &how->hash, &how->ticket);
    if (rc == TSS2_RC_SUCCESS)
        rc = Esys_Load(c->esys, c->parent, ESYS_TR_PASSWORD, ESYS_TR_NONE, ESYS_TR_NONE, priv, pub,
                       &c->key);
    if (rc == TSS2_RC_SUCCESS)
        rc = keep_public(pub, priv, creation, out);
    return rc == TSS2_RC_SUCCESS ? 0 : tpm_esys_fail(c->err, rc, "make the attestation key");
}

static int certify(struct creator *c, const struct certified *how, struct tpm_ak *out)
{
    static const TPM2B_DATA qualifying;
    const TPMT_SIG_SCHEME own = {.scheme = TPM2_ALG_NULL};
    CMC_CLEANUP(tpm_esys_freep) TPM2B_ATTEST *attest = NULL;
    CMC_CLEANUP(tpm_esys_freep) TPMT_SIGNATURE *signature = NULL;
    TSS2_RC rc =
        Esys_CertifyCreation(c->esys, c->key, c->key, ESYS_TR_PASSWORD, ESYS_TR_NONE, ESYS_TR_NONE,
                             &qualifying, how->hash, &own, how->ticket, &attest, &signature);
    if (rc == TSS2_RC_SUCCESS)
        rc = attest->size > sizeof(out->attest.data) ? TSS2_BASE_RC_BAD_SIZE : TSS2_RC_SUCCESS;
    if (rc == TSS2_RC_SUCCESS) {
        out->attest.len = attest->size;
        memcpy(out->attest.data, attest->attestationData, attest->size);
        rc = Tss2_MU_TPMT_SIGNATURE_Marshal(signature, out->signature.data,
                                            sizeof(out->signature.data), &out->signature.len);
    }
    return rc == TSS2_RC_SUCCESS ? 0 : tpm_esys_fail(c->err, rc, "certify the attestation key");
}

/* The first handle of the range that is free; what others keep there stays. */
static int free_handle(struct creator *c, uint32_t *out)
{
    CMC_CLEANUP(tpm_esys_freep) TPMS_CAPABILITY_DATA *cap = NULL;
    uint32_t handle = TPM_AK_FIRST;
    TPMI_YES_NO more = TPM2_NO;
    TSS2_RC rc =
        Esys_GetCapability(c->esys, ESYS_TR_NONE, ESYS_TR_NONE, ESYS_TR_NONE, TPM2_CAP_HANDLES,
                           TPM_AK_FIRST, TPM_AK_LAST - TPM_AK_FIRST + 1, &more, &cap);
    if (rc != TSS2_RC_SUCCESS)
        return tpm_esys_fail(c->err, rc, "list persistent keys");
    const TPML_HANDLE *list = &cap->data.handles; /* ascending (Part 3, 30.2) */
    for (size_t i = 0; i < list->count && i < TPM2_MAX_CAP_HANDLES; i++)
        handle += list->handle[i] == handle;
    if (handle > TPM_AK_LAST)
        return cmc_fail(c->err, CMC_E_LIMIT,
                        "no free persistent handle from 0x%08x to 0x%08x: remove one with "
                        "tpm2_evictcontrol",
                        TPM_AK_FIRST, TPM_AK_LAST);
    *out = handle;
    return 0;
}

static int persist(struct creator *c, struct tpm_ak *out)
{
    ESYS_TR kept = ESYS_TR_NONE;
    uint32_t handle = 0;
    if (free_handle(c, &handle) < 0)
        return -(int)c->err->code;
    TSS2_RC rc = Esys_EvictControl(c->esys, ESYS_TR_RH_OWNER, c->key, ESYS_TR_PASSWORD,
                                   ESYS_TR_NONE, ESYS_TR_NONE, handle, &kept);
    if (rc != TSS2_RC_SUCCESS)
        return tpm_esys_fail(c->err, rc, "keep the attestation key in the TPM");
    out->handle = handle;
    return 0;
}

int tpm_ak_create(const char *tcti, enum tpm_ak_alg alg, struct tpm_ak *out, struct cmc_err *err)
{
    struct tpm_ak ak = {0};
    if (alg != TPM_AK_ECDSA_P256 && alg != TPM_AK_RSA_2048)
        return cmc_fail(err, CMC_E_USAGE, "attestation key: algorithm %d", (int)alg);
    CMC_CLEANUP(tpm_esys_close) struct tpm_esys t = {0};
    if (tpm_esys_open(tcti, &t, err) < 0)
        return -(int)err->code;
    CMC_CLEANUP(certified_done) struct certified how = {0};
    CMC_CLEANUP(creator_done)
    struct creator c = {.esys = t.esys, .parent = ESYS_TR_NONE, .key = ESYS_TR_NONE, .err = err};
    if (find_parent(&c) < 0 || make_key(&c, alg, &how, &ak) < 0 || certify(&c, &how, &ak) < 0 ||
        (!tpm_esys_managed(tcti) && persist(&c, &ak) < 0))
        return -(int)err->code;
    *out = ak;
    return 0;
}
