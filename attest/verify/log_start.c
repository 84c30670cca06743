/* SPDX-License-Identifier: Apache-2.0 */
/* attest/verify/log_start.c -- before the replay: which register, in which banks, from where. */
#include <string.h>

#include "attest/verify/log_parts.h"
#include "measure/fwlog.h"

enum { BOOT_PCRS = 8, BOOT_MASK = (1 << BOOT_PCRS) - 1 };

bool verify_log_bank_is(const struct measure_banks *value, uint16_t alg, const uint8_t *bytes)
{
    for (size_t i = 0; bytes && i < value->count; i++)
        if (value->bank[i].alg == alg)
            return memcmp(value->bank[i].value, bytes, cmc_hash_size(alg)) == 0;
    return false;
}

static bool has_bank(const struct measure_banks *banks, uint16_t alg)
{
    bool has = false;
    for (size_t i = 0; i < banks->count; i++)
        has |= banks->bank[i].alg == alg;
    return has;
}

/* TCG PC Client Platform TPM Profile, 4.6: 16 and 23 reset at will, 17 to 22 by locality. What such
 * a register holds can be undone and replayed. */
static bool resettable(uint32_t pcr)
{
    return pcr >= 16;
}

static bool check_bank(const struct verify_selected *b, const struct measure_begin *begin,
                       struct verify_tree *t, struct verify_claim *up)
{
    const char *name = cmc_hash_name(b->alg);
    if (!(b->mask >> begin->pcr & 1))
        (void)verify_claim_add(t, up, VERIFY_BAD, "log.register",
                               "the quote does not cover PCR %u of bank %s, which the log is about",
                               begin->pcr, name);
    else if ((b->mask & BOOT_MASK) != BOOT_MASK)
        (void)verify_claim_add(t, up, VERIFY_BAD, "log.boot",
                               "the quote does not cover PCR 0 to 7 of bank %s", name);
    else if (!has_bank(&begin->found, b->alg))
        (void)verify_claim_add(t, up, VERIFY_BAD, "log.banks",
                               "bank %s is quoted, but the log has no digests for it", name);
    else
        return true;
    return false;
}

static bool check_register(const struct verify_log_quoted *l, struct verify_tree *t,
                           struct verify_claim *up)
{
    const struct verify_selected *b;
    if (resettable(l->begin.pcr)) {
        (void)verify_claim_add(t, up, VERIFY_BAD, "log.register",
                               "PCR %u can be reset while the host runs, so it vouches for nothing",
                               l->begin.pcr);
        return false;
    }
    for (size_t i = 0; (b = verify_quote_bank(l->q, i)); i++)
        if (!check_bank(b, &l->begin, t, up))
            return false;
    return true;
}

bool verify_log_register(struct verify_log_quoted *l, struct verify_tree *t,
                         struct verify_claim *up)
{
    struct cmc_err err = {0};
    const int rc = measure_replay_begin(l->in->log.data, l->in->log.len, &l->begin, &err);
    if (rc < 0) {
        (void)verify_claim_result(t, up, "log.format", rc, &err, "the log");
        return false;
    }
    if (rc == 0) {
        (void)verify_claim_add(t, up, VERIFY_BAD, "log.recorded",
                               "the log is empty: this boot was not recorded");
        return false;
    }
    return check_register(l, t, up);
}

/* The boot log gives the quoted value of a PCR, in all quoted banks. */
static int boot_pcr_fits(const struct verify_log_quoted *l, uint32_t pcr, struct cmc_err *err)
{
    const struct meta_bytes *log = &l->in->boot_log;
    const struct verify_selected *b;
    for (size_t i = 0; (b = verify_quote_bank(l->q, i)); i++) {
        const struct measure_banks like = {.count = 1, .bank = {{.alg = b->alg}}};
        struct measure_banks got;
        uint64_t events;
        const int rc = measure_fwlog_replay(log->data, log->len, pcr, &like, &got, &events, err);
        if (rc < 0)
            return rc;
        if (!verify_log_bank_is(&got, b->alg, verify_pcrs_value(l->pcrs, b->alg, pcr)))
            return cmc_fail(err, CMC_E_VERIFY, "it does not give the quoted value of PCR %u", pcr);
    }
    return 0;
}

static int start_of_boot_log(const struct verify_log_quoted *l, struct measure_banks *out,
                             struct cmc_err *err)
{
    const struct meta_bytes *log = &l->in->boot_log;
    uint64_t events;
    for (uint32_t pcr = 0; pcr < BOOT_PCRS; pcr++) {
        const int rc = boot_pcr_fits(l, pcr, err);
        if (rc < 0)
            return rc;
    }
    return measure_fwlog_replay(log->data, log->len, l->begin.pcr, &l->begin.found, out, &events,
                                err);
}

void verify_log_starts(const struct verify_log_quoted *l, struct measure_starts *out,
                       struct verify_tree *t, struct verify_claim *up)
{
    struct cmc_err err = {0};
    *out = measure_starts_zero(&l->begin.found);
    if (!l->in->boot_log.data)
        return;
    if (start_of_boot_log(l, &out->value[1], &err) < 0) {
        (void)verify_claim_add(t, up, VERIFY_NOTE, "log.boot-log",
                               "the firmware's log is not used: %s", err.msg);
        return;
    }
    out->count = 2;
    (void)verify_claim_add(t, up, VERIFY_GOOD, "log.boot-log",
                           "the firmware's log gives the quoted values of PCR 0 to 7");
}
