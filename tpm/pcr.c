/* SPDX-License-Identifier: Apache-2.0 */
/* tpm/pcr.c -- PCR read and extend, and the clock: the only file that names Tss2_Sys_PCR_*. */
#include "tpm/pcr.h"

#include <inttypes.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <tss2/tss2_rc.h>
#include <tss2/tss2_sys.h>
#include <tss2/tss2_tctildr.h>

enum {
    TRIES = 20,           /* of one command, together less than 2 s */
    FIRST_WAIT_US = 1000, /* before the second try; doubles up to LAST_WAIT_US */
    LAST_WAIT_US = 100000,
    SELECT_BYTES = TPM_PCRS / 8,
    CLOCK_BYTES = 25, /* TPMS_TIME_INFO */
    READS = 8         /* of all banks, while others extend in between */
};

struct tpm_pcr_ctx {
    TSS2_TCTI_CONTEXT *tcti;
    TSS2_SYS_CONTEXT *sys;
};

_Static_assert(TPM_BANKS_MAX >= TPM2_NUM_PCR_BANKS, "every bank that tss2 can name fits");
_Static_assert(TPM_DIGEST_MAX == sizeof(TPMU_HA), "every digest that tss2 can hold fits");

static int fail_tpm(struct cmc_err *err, TSS2_RC rc, const char *what)
{
    (void)cmc_fail(err, CMC_E_TPM, "%s: %s (0x%08" PRIx32 ")", what, Tss2_RC_Decode(rc), rc);
    err->tpm_rc = rc;
    return -CMC_E_TPM;
}

typedef TSS2_RC prepare_fn(TSS2_SYS_CONTEXT *sys, const void *arg);

static TSS2_RC run_once(TSS2_SYS_CONTEXT *sys, prepare_fn *prepare, const void *arg)
{
    TSS2_RC rc = prepare(sys, arg);
    if (rc == TSS2_RC_SUCCESS)
        rc = Tss2_Sys_ExecuteAsync(sys);
    if (rc == TSS2_RC_SUCCESS)
        rc = Tss2_Sys_ExecuteFinish(sys, TSS2_TCTI_TIMEOUT_BLOCK);
    for (int i = 0; rc == TSS2_TCTI_RC_TRY_AGAIN && i < TRIES; i++) /* sent: only wait on */
        rc = Tss2_Sys_ExecuteFinish(sys, TSS2_TCTI_TIMEOUT_BLOCK);
    return rc;
}

/* The one place that repeats a command. Only these two answers mean that nothing was done (TPM 2.0
 * Part 2, 6.6.3): an extend of which the outcome is unknown must not be sent twice. */
static TSS2_RC run(TSS2_SYS_CONTEXT *sys, prepare_fn *prepare, const void *arg)
{
    long wait_us = FIRST_WAIT_US;
    for (int i = 1;; i++) {
        TSS2_RC rc = run_once(sys, prepare, arg); /* prepares: the answer overwrote the command */
        TSS2_RC code = rc & ~TSS2_RC_LAYER_MASK;
        if ((code != TPM2_RC_RETRY && code != TPM2_RC_YIELDED) || i == TRIES)
            return rc;
        const struct timespec ts = {.tv_nsec = wait_us * 1000};
        (void)nanosleep(&ts, NULL);
        wait_us = wait_us * 2 > LAST_WAIT_US ? LAST_WAIT_US : wait_us * 2;
    }
}

/* tss2 unmarshals from a buffer of fixed size: an answer that was cut off would be read on into
 * what an earlier one left there. want: bytes of the parameters that were unmarshalled. */
static TSS2_RC check_size(TSS2_SYS_CONTEXT *sys, size_t want)
{
    const uint8_t *at = NULL;
    size_t size = 0;
    TSS2_RC rc = Tss2_Sys_GetRpBuffer(sys, &size, &at);
    if (rc != TSS2_RC_SUCCESS)
        return rc;
    return size == want ? TSS2_RC_SUCCESS : TSS2_SYS_RC_MALFORMED_RESPONSE;
}

static int fail_pcr(struct cmc_err *err, TSS2_RC rc, const char *command, unsigned pcr)
{
    (void)fail_tpm(err, rc, command);
    return cmc_wrap(err, "PCR %u", pcr);
}

static int check_pcr(unsigned pcr, struct cmc_err *err)
{
    return pcr < TPM_PCRS ? 0 : cmc_fail(err, CMC_E_USAGE, "PCR %u: the last is 23", pcr);
}

int tpm_pcr_open(const char *tcti, struct tpm_pcr_ctx **out, struct cmc_err *err)
{
    if (!tcti || !*tcti)
        return cmc_fail(err, CMC_E_USAGE, "no TCTI given: try device:/dev/tpmrm0");
    size_t size = Tss2_Sys_GetContextSize(0);
    struct tpm_pcr_ctx *t = calloc(1, sizeof(*t));
    TSS2_SYS_CONTEXT *sys = calloc(1, size);
    TSS2_RC rc = t && sys ? Tss2_TctiLdr_Initialize(tcti, &t->tcti) : TSS2_BASE_RC_MEMORY;
    if (rc == TSS2_RC_SUCCESS)
        rc = Tss2_Sys_Initialize(sys, size, t->tcti, NULL);
    if (rc == TSS2_RC_SUCCESS) {
        t->sys = sys;
        *out = t;
        return 0;
    }
    if (t && t->tcti)
        Tss2_TctiLdr_Finalize(&t->tcti);
    free(sys);
    free(t);
    (void)cmc_fail(err, CMC_E_TPM,
                   "TPM %s cannot be opened: %s (0x%08" PRIx32 "); is it there? Another one is "
                   "named by \"tcti\" in the configuration, or by CMC_TCTI",
                   tcti, Tss2_RC_Decode(rc), rc);
    err->tpm_rc = rc;
    return -CMC_E_TPM;
}

void tpm_pcr_close(struct tpm_pcr_ctx *t)
{
    if (!t)
        return;
    Tss2_Sys_Finalize(t->sys);
    free(t->sys);
    Tss2_TctiLdr_Finalize(&t->tcti);
    free(t);
}

/* Inserts by alg; a TPM that lists a bank twice is not believed. */
static int add_bank(struct tpm_banks *b, uint16_t alg, struct cmc_err *err)
{
    size_t at = b->count;
    if (at == TPM_BANKS_MAX)
        return cmc_fail(err, CMC_E_TPM, "TPM lists more than %d PCR banks", TPM_BANKS_MAX);
    while (at > 0 && b->bank[at - 1].alg >= alg)
        at--;
    if (at < b->count && b->bank[at].alg == alg)
        return cmc_fail(err, CMC_E_TPM, "TPM lists PCR bank 0x%04x twice", alg);
    memmove(&b->bank[at + 1], &b->bank[at], (b->count - at) * sizeof(b->bank[0]));
    b->bank[at] = (struct tpm_bank){.alg = alg};
    b->count++;
    return 0;
}

/* Bytes of a TPML_PCR_SELECTION and of a TPML_DIGEST on the wire. */
static size_t selection_size(const TPML_PCR_SELECTION *l)
{
    size_t n = 4;
    for (size_t i = 0; i < l->count && i < TPM2_NUM_PCR_BANKS; i++)
        n += 2 + 1 + (size_t)l->pcrSelections[i].sizeofSelect;
    return n;
}

static size_t digests_size(const TPML_DIGEST *l)
{
    size_t n = 4;
    for (size_t i = 0; i < l->count && i < sizeof(l->digests) / sizeof(l->digests[0]); i++)
        n += 2 + (size_t)l->digests[i].size;
    return n;
}

static bool is_selected(const TPMS_PCR_SELECTION *s, unsigned pcr)
{
    return pcr / 8 < s->sizeofSelect && (s->pcrSelect[pcr / 8] >> (pcr % 8) & 1);
}

static TSS2_RC prepare_banks(TSS2_SYS_CONTEXT *sys, const void *arg)
{
    (void)arg;
    return Tss2_Sys_GetCapability_Prepare(sys, TPM2_CAP_PCRS, 0, 1);
}

int tpm_pcr_banks(struct tpm_pcr_ctx *t, unsigned pcr, struct tpm_banks *out, struct cmc_err *err)
{
    TPMS_CAPABILITY_DATA cap = {0};
    TPMI_YES_NO more = TPM2_NO;
    struct tpm_banks found = {0};

    if (check_pcr(pcr, err) < 0)
        return -CMC_E_USAGE;
    TSS2_RC rc = run(t->sys, prepare_banks, NULL);
    if (rc == TSS2_RC_SUCCESS)
        rc = Tss2_Sys_GetCapability_Complete(t->sys, &more, &cap);
    if (rc == TSS2_RC_SUCCESS)
        rc = check_size(t->sys, 1 + 4 + selection_size(&cap.data.assignedPCR));
    if (rc != TSS2_RC_SUCCESS)
        return fail_tpm(err, rc, "read which PCR banks are allocated");
    const TPML_PCR_SELECTION *sel = &cap.data.assignedPCR;
    if (cap.capability != TPM2_CAP_PCRS || sel->count > TPM2_NUM_PCR_BANKS)
        return cmc_fail(err, CMC_E_TPM, "TPM answered with capability 0x%08" PRIx32 " of %u banks",
                        cap.capability, sel->count);
    for (size_t i = 0; i < sel->count; i++)
        if (is_selected(&sel->pcrSelections[i], pcr) &&
            add_bank(&found, sel->pcrSelections[i].hash, err) < 0)
            return -CMC_E_TPM;
    *out = found;
    return 0;
}

static TSS2_RC prepare_read(TSS2_SYS_CONTEXT *sys, const void *want)
{
    return Tss2_Sys_PCR_Read_Prepare(sys, want);
}

/* Takes the values that one answer holds for the banks from at on, in their order. Returns how
 * many; the TPM may answer with fewer than were asked for (TPM 2.0 Part 3, 22.4). */
static size_t take_values(struct tpm_banks *b, size_t at, unsigned pcr,
                          const TPML_PCR_SELECTION *got, const TPML_DIGEST *values)
{
    size_t n = 0;
    for (size_t i = 0; i < got->count && i < TPM2_NUM_PCR_BANKS && at + n < b->count; i++) {
        const TPMS_PCR_SELECTION *s = &got->pcrSelections[i];
        if (!is_selected(s, pcr))
            continue;
        struct tpm_bank *to = &b->bank[at + n];
        if (s->hash != to->alg || n >= values->count || values->digests[n].size > TPM_DIGEST_MAX)
            return 0;
        to->len = (uint8_t)values->digests[n].size;
        memcpy(to->value, values->digests[n].buffer, to->len);
        n++;
    }
    return n == values->count ? n : 0;
}

/* Reads all banks; *same: nothing was extended in between. */
static int read_once(struct tpm_pcr_ctx *t, unsigned pcr, struct tpm_banks *b, bool *same,
                     struct cmc_err *err)
{
    uint32_t first = 0;
    *same = true;
    for (size_t at = 0; at < b->count;) {
        TPML_PCR_SELECTION want = {0}, got = {0};
        TPML_DIGEST values = {0};
        uint32_t counter = 0;
        for (size_t i = at; i < b->count; i++) {
            TPMS_PCR_SELECTION *s = &want.pcrSelections[want.count++];
            *s = (TPMS_PCR_SELECTION){.hash = b->bank[i].alg, .sizeofSelect = SELECT_BYTES};
            s->pcrSelect[pcr / 8] = (BYTE)(1U << (pcr % 8));
        }
        TSS2_RC rc = run(t->sys, prepare_read, &want);
        if (rc == TSS2_RC_SUCCESS)
            rc = Tss2_Sys_PCR_Read_Complete(t->sys, &counter, &got, &values);
        if (rc == TSS2_RC_SUCCESS)
            rc = check_size(t->sys, 4 + selection_size(&got) + digests_size(&values));
        if (rc != TSS2_RC_SUCCESS)
            return fail_pcr(err, rc, "read", pcr);
        size_t n = take_values(b, at, pcr, &got, &values);
        if (n == 0)
            return cmc_fail(err, CMC_E_TPM, "PCR %u: read: no value for bank 0x%04x", pcr,
                            b->bank[at].alg);
        *same = *same && (at == 0 || counter == first);
        first = at == 0 ? counter : first;
        at += n;
    }
    return 0;
}

int tpm_pcr_read(struct tpm_pcr_ctx *t, unsigned pcr, struct tpm_banks *io, struct cmc_err *err)
{
    struct tpm_banks b = *io;
    bool same = false;
    if (check_pcr(pcr, err) < 0)
        return -CMC_E_USAGE;
    if (b.count == 0 || b.count > TPM_BANKS_MAX)
        return cmc_fail(err, CMC_E_USAGE, "PCR %u: read of %zu banks", pcr, b.count);
    for (int i = 0; i < READS && !same; i++)
        if (read_once(t, pcr, &b, &same, err) < 0)
            return -(int)err->code;
    if (!same)
        return cmc_fail(err, CMC_E_TPM, "PCR %u: read: PCRs change all the time", pcr);
    *io = b;
    return 0;
}

/* The length that tss2 sends for alg, 0 when it knows none. */
static size_t digest_size(uint16_t alg)
{
    switch (alg) {
    case TPM2_ALG_SHA1:
        return TPM2_SHA1_DIGEST_SIZE;
    case TPM2_ALG_SHA256:
        return TPM2_SHA256_DIGEST_SIZE;
    case TPM2_ALG_SHA384:
        return TPM2_SHA384_DIGEST_SIZE;
    case TPM2_ALG_SHA512:
        return TPM2_SHA512_DIGEST_SIZE;
    default:
        return 0;
    }
}

struct extend {
    TPMI_DH_PCR pcr;
    TPML_DIGEST_VALUES values;
};

static TSS2_RC prepare_extend(TSS2_SYS_CONTEXT *sys, const void *arg)
{
    /* An empty password: PCRs 0..23 have no other authorization on PC Client platforms. */
    const TSS2L_SYS_AUTH_COMMAND auth = {.count = 1, .auths = {{.sessionHandle = TPM2_RS_PW}}};
    const struct extend *e = arg;
    TSS2_RC rc = Tss2_Sys_PCR_Extend_Prepare(sys, e->pcr, &e->values);
    return rc == TSS2_RC_SUCCESS ? Tss2_Sys_SetCmdAuths(sys, &auth) : rc;
}

int tpm_pcr_extend(struct tpm_pcr_ctx *t, unsigned pcr, const struct tpm_banks *digests,
                   struct cmc_err *err)
{
    struct extend e = {.pcr = pcr, .values.count = (UINT32)digests->count};

    if (check_pcr(pcr, err) < 0)
        return -CMC_E_USAGE;
    if (digests->count == 0 || digests->count > TPM2_NUM_PCR_BANKS)
        return cmc_fail(err, CMC_E_USAGE, "PCR %u: extend of %zu banks", pcr, digests->count);
    for (size_t i = 0; i < digests->count; i++) {
        const struct tpm_bank *b = &digests->bank[i];
        if (digest_size(b->alg) == 0 || digest_size(b->alg) != b->len)
            return cmc_fail(err, CMC_E_USAGE, "PCR %u: extend: bank 0x%04x with %u bytes", pcr,
                            b->alg, b->len);
        e.values.digests[i].hashAlg = b->alg;
        memcpy(&e.values.digests[i].digest, b->value, b->len);
    }
    TSS2_RC rc = run(t->sys, prepare_extend, &e);
    if (rc == TSS2_RC_SUCCESS)
        rc = Tss2_Sys_PCR_Extend_Complete(t->sys);
    return rc == TSS2_RC_SUCCESS ? 0 : fail_pcr(err, rc, "extend", pcr);
}

static TSS2_RC prepare_clock(TSS2_SYS_CONTEXT *sys, const void *arg)
{
    (void)arg;
    return Tss2_Sys_ReadClock_Prepare(sys);
}

int tpm_pcr_clock(struct tpm_pcr_ctx *t, struct tpm_clock *out, struct cmc_err *err)
{
    TPMS_TIME_INFO now = {0};
    TSS2_RC rc = run(t->sys, prepare_clock, NULL);
    if (rc == TSS2_RC_SUCCESS)
        rc = Tss2_Sys_ReadClock_Complete(t->sys, &now);
    if (rc == TSS2_RC_SUCCESS)
        rc = check_size(t->sys, CLOCK_BYTES);
    if (rc != TSS2_RC_SUCCESS)
        return fail_tpm(err, rc, "read the TPM's clock");
    *out = (struct tpm_clock){.clock_ms = now.clockInfo.clock,
                              .reset_count = now.clockInfo.resetCount,
                              .restart_count = now.clockInfo.restartCount,
                              .safe = now.clockInfo.safe};
    return 0;
}
