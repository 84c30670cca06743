/* SPDX-License-Identifier: Apache-2.0 */
/* record/register.c -- which banks count, and their values in the terms of measure/. */
#include "record/register.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

enum { DEBUG_PCR = 16, APPLICATION_PCR = 23, DRTM_FIRST = 17, DRTM_LAST = 22 };

int record_register_check(unsigned pcr, bool insecure, struct cmc_err *err)
{
    if (pcr >= TPM_PCRS)
        return cmc_fail(err, CMC_E_USAGE, "PCR %u: the last is 23", pcr);
    if (pcr >= DRTM_FIRST && pcr <= DRTM_LAST)
        return cmc_fail(err, CMC_E_USAGE, "PCR %u: belongs to a dynamic launch, take 13", pcr);
    if ((pcr == DEBUG_PCR || pcr == APPLICATION_PCR) && !insecure)
        return cmc_fail(err, CMC_E_USAGE,
                        "PCR %u: anyone can reset it; take 13, or set insecure_pcr for a test",
                        pcr);
    return 0;
}

static uint64_t now_us(void)
{
    struct timespec ts;
    (void)clock_gettime(CLOCK_MONOTONIC, &ts);
    return (uint64_t)ts.tv_sec * 1000000 + (uint64_t)ts.tv_nsec / 1000;
}

static bool is_ignored(const struct record_config *cfg, uint16_t alg)
{
    for (size_t i = 0; i < cfg->ignore_count; i++)
        if (cfg->ignore_banks[i] == alg)
            return true;
    return false;
}

static int sort_banks(const struct record_config *cfg, const struct tpm_banks *all,
                      struct record_register *r, struct cmc_err *err)
{
    for (size_t i = 0; i < all->count; i++) {
        const uint16_t alg = all->bank[i].alg;
        const size_t n = strlen(r->ignored);
        if (cmc_hash_size(alg)) /* at most MEASURE_BANKS_MAX: tpm_pcr_banks() names none twice */
            r->zero.bank[r->zero.count++] = (struct measure_bank){.alg = alg};
        else if (is_ignored(cfg, alg))
            (void)snprintf(r->ignored + n, sizeof(r->ignored) - n, "%s0x%04x", n ? "," : "", alg);
        else
            return cmc_fail(err, CMC_E_USAGE,
                            "PCR %u: bank 0x%04x cannot be computed here: disable it in the "
                            "firmware, or name it in ignore_banks",
                            cfg->pcr, alg);
    }
    if (r->zero.count == 0)
        return cmc_fail(err, CMC_E_USAGE, "PCR %u: not allocated in any bank that we can compute",
                        cfg->pcr);
    return 0;
}

int record_register_open(const struct record_config *cfg, struct record_register *out,
                         struct cmc_err *err)
{
    struct record_register r = {.pcr = cfg->pcr};
    struct tpm_banks all = {0};
    const uint64_t begin = now_us();
    int rc = tpm_pcr_open(cfg->tcti, &r.tpm, err);
    if (rc == 0)
        rc = tpm_pcr_banks(r.tpm, cfg->pcr, &all, err);
    if (rc == 0)
        rc = sort_banks(cfg, &all, &r, err);
    r.tpm_us = (uint32_t)(now_us() - begin);
    if (rc < 0)
        record_register_close(&r);
    else
        *out = r;
    return rc;
}

void record_register_close(struct record_register *reg)
{
    tpm_pcr_close(reg->tpm);
    *reg = (struct record_register){0};
}

static void to_tpm(const struct measure_banks *from, struct tpm_banks *to)
{
    *to = (struct tpm_banks){.count = from->count};
    for (size_t i = 0; i < from->count; i++) {
        to->bank[i].alg = from->bank[i].alg;
        to->bank[i].len = (uint8_t)cmc_hash_size(from->bank[i].alg);
        memcpy(to->bank[i].value, from->bank[i].value, to->bank[i].len);
    }
}

int record_register_read(struct record_register *reg, struct measure_banks *out,
                         struct cmc_err *err)
{
    struct tpm_banks b;
    struct measure_banks m = reg->zero;
    const uint64_t begin = now_us();
    to_tpm(&reg->zero, &b);
    int rc = tpm_pcr_read(reg->tpm, reg->pcr, &b, err);
    reg->tpm_us += (uint32_t)(now_us() - begin);
    if (rc < 0)
        return rc;
    for (size_t i = 0; i < m.count; i++) {
        if (b.bank[i].len != cmc_hash_size(m.bank[i].alg))
            return cmc_fail(err, CMC_E_TPM, "PCR %u: bank %s has %u bytes", reg->pcr,
                            cmc_hash_name(m.bank[i].alg), b.bank[i].len);
        memcpy(m.bank[i].value, b.bank[i].value, b.bank[i].len);
    }
    *out = m;
    return 0;
}

int record_register_extend(struct record_register *reg, const struct measure_banks *digests,
                           struct cmc_err *err)
{
    struct tpm_banks b;
    const uint64_t begin = now_us();
    to_tpm(digests, &b);
    int rc = tpm_pcr_extend(reg->tpm, reg->pcr, &b, err);
    reg->tpm_us += (uint32_t)(now_us() - begin);
    return rc;
}

int record_register_clock(struct record_register *reg, struct tpm_clock *out, struct cmc_err *err)
{
    const uint64_t begin = now_us();
    int rc = tpm_pcr_clock(reg->tpm, out, err);
    reg->tpm_us += (uint32_t)(now_us() - begin);
    return rc;
}
