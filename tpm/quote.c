/* SPDX-License-Identifier: Apache-2.0 */
/* tpm/quote.c -- TPM2_Quote (TPM 2.0 Part 3, 18.4), its answer judged, and the values read. */
#include "tpm/quote.h"

#include <string.h>

#include <tss2/tss2_mu.h>

#include "tpm/ak_use.h"

enum { ALL = (1u << TPM_PCRS) - 1, SELECT_BYTES = TPM_PCRS / 8 };

static TPML_PCR_SELECTION select_of(uint16_t bank, uint32_t pcrs)
{
    TPML_PCR_SELECTION s = {.count = 1,
                            .pcrSelections = {{.hash = bank, .sizeofSelect = SELECT_BYTES}}};
    for (unsigned i = 0; i < SELECT_BYTES; i++)
        s.pcrSelections[0].pcrSelect[i] = (BYTE)(pcrs >> (8 * i));
    return s;
}

/* The PCRs of the one bank that is selected, or 0. */
static uint32_t selected(const TPML_PCR_SELECTION *s, uint16_t bank)
{
    const TPMS_PCR_SELECTION *one = &s->pcrSelections[0];
    uint32_t pcrs = 0;
    if (s->count != 1 || one->hash != bank || one->sizeofSelect > sizeof(one->pcrSelect))
        return 0;
    for (unsigned i = 0; i < one->sizeofSelect; i++)
        pcrs |= (uint32_t)one->pcrSelect[i] << (8 * i);
    return pcrs;
}

struct work {
    const struct tpm_quote_ask *ask;
    struct tpm_quote *out;
    bool missing; /* a PCR has no value in the bank */
};

static TSS2_RC take_values(struct work *w, const TPML_PCR_SELECTION *got, const TPML_DIGEST *values,
                           uint32_t *left)
{
    const uint32_t pcrs = selected(got, w->ask->bank);
    const size_t size = cmc_hash_size(w->ask->bank);
    size_t n = 0;
    for (unsigned i = 0; i < TPM_PCRS && n < values->count; i++) {
        if (!(pcrs & *left & 1u << i))
            continue;
        if (values->digests[n].size != size)
            return TSS2_SYS_RC_MALFORMED_RESPONSE;
        memcpy(w->out->value[i], values->digests[n].buffer, size);
        *left &= ~(1u << i);
        n++;
    }
    w->missing = n == 0;
    return TSS2_RC_SUCCESS;
}

static TSS2_RC read_values(ESYS_CONTEXT *esys, struct work *w)
{
    uint32_t left = w->ask->pcrs;
    while (left && !w->missing) { /* an answer has eight values at most */
        const TPML_PCR_SELECTION want = select_of(w->ask->bank, left);
        CMC_CLEANUP(tpm_esys_freep) TPML_PCR_SELECTION *got = NULL;
        CMC_CLEANUP(tpm_esys_freep) TPML_DIGEST *values = NULL;
        TSS2_RC rc = Esys_PCR_Read(esys, ESYS_TR_NONE, ESYS_TR_NONE, ESYS_TR_NONE, &want, NULL,
                                   &got, &values);
        if (rc == TSS2_RC_SUCCESS)
            rc = take_values(w, got, values, &left);
        if (rc != TSS2_RC_SUCCESS)
            return rc;
    }
    return TSS2_RC_SUCCESS;
}

/* What we hand on must be what we asked for: no verifier would believe anything else. */
static TSS2_RC judge(struct work *w, const TPM2B_ATTEST *attest)
{
    TPMS_ATTEST a = {0};
    size_t at = 0;
    const uint8_t *nonce = w->ask->nonce;
    TSS2_RC rc = Tss2_MU_TPMS_ATTEST_Unmarshal(attest->attestationData, attest->size, &at, &a);
    if (rc != TSS2_RC_SUCCESS)
        return rc;
    const TPMS_QUOTE_INFO *q = &a.attested.quote;
    if (at != attest->size || a.magic != TPM2_GENERATED_VALUE || a.type != TPM2_ST_ATTEST_QUOTE ||
        attest->size > TPM_BLOB_MAX || a.extraData.size != CMC_SHA256_LEN ||
        memcmp(a.extraData.buffer, nonce, CMC_SHA256_LEN) != 0 ||
        q->pcrDigest.size != sizeof(w->out->digest))
        return TSS2_SYS_RC_MALFORMED_RESPONSE;
    w->out->attest.len = attest->size;
    memcpy(w->out->attest.data, attest->attestationData, attest->size);
    memcpy(w->out->digest, q->pcrDigest.buffer, q->pcrDigest.size);
    w->out->reset_count = a.clockInfo.resetCount;
    w->missing = selected(&q->pcrSelect, w->ask->bank) != w->ask->pcrs;
    return TSS2_RC_SUCCESS;
}

static TSS2_RC quote(ESYS_CONTEXT *esys, ESYS_TR key, void *arg)
{
    const TPMT_SIG_SCHEME own = {.scheme = TPM2_ALG_NULL}; /* the key's own */
    struct work *w = arg;
    const TPML_PCR_SELECTION want = select_of(w->ask->bank, w->ask->pcrs);
    TPM2B_DATA nonce = {.size = sizeof(w->ask->nonce)};
    CMC_CLEANUP(tpm_esys_freep) TPM2B_ATTEST *attest = NULL;
    CMC_CLEANUP(tpm_esys_freep) TPMT_SIGNATURE *signature = NULL;
    memcpy(nonce.buffer, w->ask->nonce, sizeof(w->ask->nonce));
    TSS2_RC rc = Esys_Quote(esys, key, ESYS_TR_PASSWORD, ESYS_TR_NONE, ESYS_TR_NONE, &nonce, &own,
                            &want, &attest, &signature);
    if (rc == TSS2_RC_SUCCESS)
        rc = judge(w, attest);
    w->out->signature.len = 0;
    if (rc == TSS2_RC_SUCCESS)
        rc = Tss2_MU_TPMT_SIGNATURE_Marshal(signature, w->out->signature.data,
                                            sizeof(w->out->signature.data), &w->out->signature.len);
    return rc == TSS2_RC_SUCCESS ? read_values(esys, w) : rc;
}

static int check_ask(const struct tpm_quote_ask *ask, struct cmc_err *err)
{
    if (cmc_hash_size(ask->bank) == 0 || ask->pcrs == 0 || ask->pcrs & ~(uint32_t)ALL)
        return cmc_fail(err, CMC_E_USAGE, "quote: bank 0x%04x, PCRs 0x%x", ask->bank, ask->pcrs);
    return 0;
}

static int check_values(const struct work *w, struct cmc_err *err)
{
    if (!w->missing)
        return 0;
    return cmc_fail(err, CMC_E_TPM, "not all of the PCRs 0x%06x are allocated in bank 0x%04x",
                    w->ask->pcrs, w->ask->bank);
}

int tpm_quote(const char *tcti, const struct tpm_ak *ak, const struct tpm_quote_ask *ask,
              struct tpm_quote *out, struct cmc_err *err)
{
    struct tpm_quote got = {0};
    struct work w = {.ask = ask, .out = &got};
    if (check_ask(ask, err) < 0 || tpm_ak_use(tcti, ak, "quote", quote, &w, err) < 0 ||
        check_values(&w, err) < 0)
        return -(int)err->code;
    *out = got;
    return 0;
}

int tpm_quote_read(const char *tcti, uint16_t bank, uint32_t pcrs,
                   uint8_t value[static TPM_PCRS][TPM_DIGEST_MAX], struct cmc_err *err)
{
    const struct tpm_quote_ask ask = {.bank = bank, .pcrs = pcrs};
    struct tpm_quote got = {0};
    struct work w = {.ask = &ask, .out = &got};
    CMC_CLEANUP(tpm_esys_close) struct tpm_esys t = {0};
    if (check_ask(&ask, err) < 0 || tpm_esys_open(tcti, &t, err) < 0)
        return -(int)err->code;
    TSS2_RC rc = read_values(t.esys, &w);
    if (rc != TSS2_RC_SUCCESS)
        return tpm_esys_fail(err, rc, "read PCRs");
    if (check_values(&w, err) < 0)
        return -(int)err->code;
    memcpy(value, got.value, sizeof(got.value));
    return 0;
}
