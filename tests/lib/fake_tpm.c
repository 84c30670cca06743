/* SPDX-License-Identifier: Apache-2.0 */
/* tests/lib/fake_tpm.c -- TPM 2.0 Part 3: GetCapability, PCR_Read, PCR_Extend, ReadClock. */
#include "tests/lib/fake_tpm.h"

#include <stdlib.h>
#include <string.h>

#include <tss2/tss2_tpm2_types.h>

#include "base/buf.h"
#include "base/hash.h"

static uint8_t values[TPM_PCRS][FAKE_BANKS_MAX]
                     [TPM_DIGEST_MAX]; /* too large for the frames of tests */

static size_t size_of(uint16_t alg)
{
    return cmc_hash_size(alg) ? cmc_hash_size(alg) : 32; /* SM3, SHA3-256 */
}

static void extend(struct fake_tpm *t, unsigned pcr, size_t bank, const uint8_t *digest)
{
    struct cmc_err err;
    const uint16_t alg = t->bank.bank[bank].alg;
    uint8_t *v = t->value[pcr][bank], old[TPM_DIGEST_MAX];
    memcpy(old, v, sizeof(old));
    if (cmc_hash2(alg, old, size_of(alg), digest, size_of(alg), v, &err) < 0)
        abort();
}

void fake_tpm_foreign(struct fake_tpm *t, unsigned pcr, uint8_t byte)
{
    uint8_t digest[TPM_DIGEST_MAX];
    memset(digest, byte, sizeof(digest));
    for (size_t i = 0; i < t->bank.count; i++)
        extend(t, pcr, i, digest);
    t->update_counter++;
}

void fake_tpm_reset(struct fake_tpm *t)
{
    memset(values, 0, sizeof(values));
    t->reset_count++;
    if (t->firmware)
        fake_tpm_foreign(t, 13, t->firmware);
}

static void put_selection(struct cmc_buf *b, uint16_t alg, const uint8_t select[static 3])
{
    cmc_put_be16(b, alg);
    cmc_put_u8(b, 3);
    cmc_put(b, select, 3);
}

static void capability(const struct fake_tpm *t, struct cmc_buf *b)
{
    const uint8_t all[3] = {0xff, 0xff, 0xff}, none[3] = {0};
    cmc_put_u8(b, 0);
    cmc_put_be32(b, TPM2_CAP_PCRS);
    cmc_put_be32(b, (uint32_t)(t->bank.count + t->listed_count));
    for (size_t i = 0; i < t->listed_count; i++)
        put_selection(b, t->listed[i], none);
    for (size_t i = t->bank.count; i > 0; i--) /* not sorted: a TPM need not */
        put_selection(b, t->bank.bank[i - 1].alg, all);
}

static size_t find_bank(const struct fake_tpm *t, uint16_t alg)
{
    size_t i = 0;
    while (i < t->bank.count && t->bank.bank[i].alg != alg)
        i++;
    return i;
}

static unsigned selected(const uint8_t *select)
{
    for (unsigned i = 0; i < TPM_PCRS; i++)
        if (select[i / 8] >> (i % 8) & 1)
            return i;
    return TPM_PCRS;
}

static void pcr_read(struct fake_tpm *t, struct cmc_reader *r, struct cmc_buf *b)
{
    cmc_autobuf struct cmc_buf sel = cmc_buf_of(FAKE_TCTI_BYTES);
    cmc_autobuf struct cmc_buf out = cmc_buf_of(FAKE_TCTI_BYTES);
    const size_t at_most = t->read_at_most ? t->read_at_most : 8;
    uint32_t n = cmc_read_be32(r), got = 0;
    for (uint32_t i = 0; i < n && got < at_most; i++) {
        const uint16_t alg = cmc_read_be16(r);
        const uint8_t *select = cmc_read_bytes(r, cmc_read_u8(r));
        const size_t bank = find_bank(t, alg);
        const unsigned pcr = select ? selected(select) : TPM_PCRS;
        if (bank == t->bank.count || pcr == TPM_PCRS)
            continue;
        put_selection(&sel, alg, select);
        cmc_put_be16(&out, (uint16_t)size_of(alg));
        cmc_put(&out, t->value[pcr][bank], size_of(alg));
        got++;
    }
    cmc_put_be32(b, t->update_counter);
    cmc_put_be32(b, got);
    cmc_put(b, sel.data, sel.len);
    cmc_put_be32(b, got);
    cmc_put(b, out.data, out.len);
}

static void pcr_extend(struct fake_tpm *t, struct cmc_reader *r, struct cmc_buf *b)
{
    const uint32_t pcr = cmc_read_be32(r);
    const uint32_t auth = cmc_read_be32(r);
    (void)cmc_read_bytes(r, auth);
    const uint32_t n = cmc_read_be32(r);
    for (uint32_t i = 0; i < n; i++) {
        const uint16_t alg = cmc_read_be16(r);
        const uint8_t *digest = cmc_read_bytes(r, size_of(alg));
        const size_t bank = find_bank(t, alg);
        if (!digest || pcr >= TPM_PCRS)
            abort();              /* a malformed command: our marshalling is wrong */
        if (bank < t->bank.count) /* others: success, and nothing happens */
            extend(t, pcr, bank, digest);
    }
    t->extends++;
    t->update_counter++;
    cmc_put_be32(b, 0);                              /* parameter size */
    cmc_put(b, (const uint8_t[]){0, 0, 1, 0, 0}, 5); /* password session */
}

static void read_clock(const struct fake_tpm *t, struct cmc_buf *b)
{
    cmc_put_be64(b, 1000);
    cmc_put_be64(b, 2000);
    cmc_put_be32(b, t->reset_count);
    cmc_put_be32(b, t->restart_count);
    cmc_put_u8(b, 1);
}

static void execute(struct fake_tpm *t, struct cmc_reader *r, uint32_t code, struct cmc_buf *b)
{
    switch (code) {
    case TPM2_CC_GetCapability:
        capability(t, b);
        break;
    case TPM2_CC_PCR_Read:
        pcr_read(t, r, b);
        break;
    case TPM2_CC_PCR_Extend:
        pcr_extend(t, r, b);
        break;
    case TPM2_CC_ReadClock:
        read_clock(t, b);
        break;
    default:
        abort(); /* the recorder has no business with it */
    }
}

static TSS2_RC answer(void *ctx, const uint8_t *cmd, size_t cmd_len, uint8_t *rsp, size_t *len)
{
    struct fake_tpm *t = ctx;
    struct cmc_reader r = cmc_reader_of(cmd, cmd_len);
    cmc_autobuf struct cmc_buf b = cmc_buf_of(FAKE_TCTI_BYTES - 10);
    const uint16_t tag = cmc_read_be16(&r);
    (void)cmc_read_be32(&r);
    const uint32_t code = cmc_read_be32(&r);
    const unsigned n = ++t->commands;
    if (t->meanwhile)
        t->meanwhile(t, n);
    const enum fake_fault fault = n == t->fault_at ? t->fault : 0;
    if (t->gone || fault == FAKE_FAULT_BEFORE)
        return TSS2_TCTI_RC_IO_ERROR;
    if (fault != FAKE_FAULT_REFUSED)
        execute(t, &r, code, &b);
    if (fault == FAKE_FAULT_AFTER)
        return TSS2_TCTI_RC_IO_ERROR;
    const uint32_t rc = fault == FAKE_FAULT_REFUSED ? TPM2_RC_FAILURE : 0;
    cmc_autobuf struct cmc_buf out = cmc_buf_of(FAKE_TCTI_BYTES);
    cmc_put_be16(&out, rc ? TPM2_ST_NO_SESSIONS : tag);
    cmc_put_be32(&out, (uint32_t)(10 + b.len));
    cmc_put_be32(&out, rc);
    cmc_put(&out, b.data, b.len);
    memcpy(rsp, out.data, out.len);
    *len = out.len;
    return TSS2_RC_SUCCESS;
}

void fake_tpm_start(struct fake_tpm *t, const uint16_t *algs, size_t count)
{
    *t = (struct fake_tpm){
        .bank.count = count, .value = values, .reset_count = 7, .restart_count = 3};
    memset(values, 0, sizeof(values));
    for (size_t i = 0; i < count; i++)
        t->bank.bank[i].alg = algs[i];
    fake_tcti_use(answer, t);
}
