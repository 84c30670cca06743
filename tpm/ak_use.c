/* SPDX-License-Identifier: Apache-2.0 */
/* tpm/ak_use.c -- the TPM is open only while the key is used: others wait for it. */
#include "tpm/ak_use.h"

#include <inttypes.h>
#include <string.h>
#include <time.h>

#include <tss2/tss2_mu.h>
#include <tss2/tss2_rc.h>
#include <tss2/tss2_tctildr.h>

enum {
    TRIES = 12,           /* of one use, with pauses of less than 2 s together */
    FIRST_WAIT_US = 2000, /* before the second try; doubles up to LAST_WAIT_US */
    LAST_WAIT_US = 250000
};

int tpm_esys_fail(struct cmc_err *err, TSS2_RC rc, const char *what)
{
    (void)cmc_fail(err, CMC_E_TPM, "%s: %s (0x%08" PRIx32 ")", what, Tss2_RC_Decode(rc), rc);
    err->tpm_rc = rc;
    return -CMC_E_TPM;
}

void tpm_esys_close(struct tpm_esys *t)
{
    if (t->esys)
        Esys_Finalize(&t->esys);
    if (t->tcti)
        Tss2_TctiLdr_Finalize(&t->tcti);
}

int tpm_esys_open(const char *tcti, struct tpm_esys *out, struct cmc_err *err)
{
    struct tpm_esys t = {0};
    if (!tcti || !*tcti)
        return cmc_fail(err, CMC_E_USAGE, "no TCTI given: try device:/dev/tpmrm0");
    TSS2_RC rc = Tss2_TctiLdr_Initialize(tcti, &t.tcti);
    if (rc == TSS2_RC_SUCCESS)
        rc = Esys_Initialize(&t.esys, t.tcti, NULL);
    if (rc == TSS2_RC_SUCCESS) {
        *out = t;
        return 0;
    }
    tpm_esys_close(&t);
    (void)cmc_fail(err, CMC_E_TPM,
                   "TPM %s cannot be opened: %s (0x%08" PRIx32 "); is it there, and are we in the "
                   "group that may use it?",
                   tcti, Tss2_RC_Decode(rc), rc);
    err->tpm_rc = rc;
    return -CMC_E_TPM;
}

bool tpm_esys_managed(const char *tcti)
{
    static const char device[] = "device:";
    if (strcmp(tcti, "device") == 0 || strncmp(tcti, "tabrmd", 6) == 0)
        return true;
    return strncmp(tcti, device, strlen(device)) == 0 && strstr(tcti, "tpmrm");
}

bool tpm_esys_is_passing(TSS2_RC rc)
{
    switch (rc & ~TSS2_RC_LAYER_MASK) { /* TPM 2.0 Part 2, 6.6.3 */
    case TPM2_RC_RETRY:
    case TPM2_RC_YIELDED:
    case TPM2_RC_OBJECT_MEMORY:
    case TPM2_RC_REFERENCE_H0:
    case TPM2_RC_HANDLE + TPM2_RC_H + TPM2_RC_1:
        return true;
    default:
        return false;
    }
}

struct use {
    const struct tpm_ak *ak;
    tpm_ak_use_fn *use;
    void *arg;
    bool other; /* another key was found at the handle */
};

static bool is_public(const TPM2B_PUBLIC *pub, const struct tpm_blob *want)
{
    uint8_t got[sizeof(TPMT_PUBLIC)];
    size_t len = 0;
    return Tss2_MU_TPMT_PUBLIC_Marshal(&pub->publicArea, got, sizeof(got), &len) ==
               TSS2_RC_SUCCESS &&
           len == want->len && memcmp(got, want->data, len) == 0;
}

static TSS2_RC use_persistent(ESYS_CONTEXT *esys, struct use *u)
{
    CMC_CLEANUP(tpm_esys_freep) TPM2B_PUBLIC *pub = NULL;
    ESYS_TR key = ESYS_TR_NONE;
    TSS2_RC rc =
        Esys_TR_FromTPMPublic(esys, u->ak->handle, ESYS_TR_NONE, ESYS_TR_NONE, ESYS_TR_NONE, &key);
    if (rc == TSS2_RC_SUCCESS)
        rc = Esys_ReadPublic(esys, key, ESYS_TR_NONE, ESYS_TR_NONE, ESYS_TR_NONE, &pub, NULL, NULL);
    if (rc != TSS2_RC_SUCCESS)
        return rc;
    u->other = !is_public(pub, &u->ak->pub);
    return u->other ? TSS2_RC_SUCCESS : u->use(esys, key, u->arg);
}

static TSS2_RC load(ESYS_CONTEXT *esys, const struct tpm_ak *ak, ESYS_TR *key)
{
    TPM2B_PUBLIC pub = {0};
    TPM2B_PRIVATE priv = {.size = (UINT16)ak->priv.len};
    ESYS_TR parent = ESYS_TR_NONE;
    size_t at = 0;
    if (ak->priv.len > sizeof(priv.buffer))
        return TSS2_BASE_RC_BAD_SIZE;
    memcpy(priv.buffer, ak->priv.data, ak->priv.len);
    TSS2_RC rc = Tss2_MU_TPMT_PUBLIC_Unmarshal(ak->pub.data, ak->pub.len, &at, &pub.publicArea);
    if (rc == TSS2_RC_SUCCESS)
        rc = Esys_TR_FromTPMPublic(esys, TPM_AK_PARENT, ESYS_TR_NONE, ESYS_TR_NONE, ESYS_TR_NONE,
                                   &parent);
    if (rc == TSS2_RC_SUCCESS)
        rc =
            Esys_Load(esys, parent, ESYS_TR_PASSWORD, ESYS_TR_NONE, ESYS_TR_NONE, &priv, &pub, key);
    return rc;
}

static TSS2_RC use_loaded(ESYS_CONTEXT *esys, const struct use *u)
{
    ESYS_TR key = ESYS_TR_NONE;
    TSS2_RC rc = load(esys, u->ak, &key);
    if (rc != TSS2_RC_SUCCESS)
        return rc;
    rc = u->use(esys, key, u->arg);
    (void)Esys_FlushContext(esys, key); /* gone already: others made room for themselves */
    return rc;
}

static int use_once(const char *tcti, struct use *u, TSS2_RC *rc, struct cmc_err *err)
{
    CMC_CLEANUP(tpm_esys_close) struct tpm_esys t = {0};
    if (tpm_esys_open(tcti, &t, err) < 0)
        return -(int)err->code;
    *rc = u->ak->handle ? use_persistent(t.esys, u) : use_loaded(t.esys, u);
    return 0;
}

int tpm_ak_use(const char *tcti, const struct tpm_ak *ak, const char *what, tpm_ak_use_fn *use,
               void *arg, struct cmc_err *err)
{
    struct use u = {.ak = ak, .use = use, .arg = arg};
    TSS2_RC rc = TSS2_RC_SUCCESS;
    long wait_us = FIRST_WAIT_US;
    for (int i = 1;; i++) {
        if (use_once(tcti, &u, &rc, err) < 0)
            return -(int)err->code;
        if (!tpm_esys_is_passing(rc) || i == TRIES)
            break;
        const struct timespec ts = {.tv_nsec = wait_us * 1000};
        (void)nanosleep(&ts, NULL);
        wait_us = wait_us * 2 > LAST_WAIT_US ? LAST_WAIT_US : wait_us * 2;
    }
    if (u.other)
        return cmc_fail(err, CMC_E_VERIFY,
                        "%s: handle 0x%08" PRIx32 " holds another key than the attestation key",
                        what, ak->handle);
    if (rc != TSS2_RC_SUCCESS)
        return tpm_esys_fail(err, rc, what);
    return 0;
}
