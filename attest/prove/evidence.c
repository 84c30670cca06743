/* SPDX-License-Identifier: Apache-2.0 */
/* attest/prove/evidence.c -- quotes, and the values that they are of. */
#include <string.h>
#include <time.h>

#include "attest/prove/parts.h"

enum { TRIES = 8, WAIT_US = 2000, FIRST_PCRS = 0xffff, BOOT_PCRS = 0xff };

uint32_t prove_selection(const struct prove *p)
{
    /* sw: those that each quote has; of a firmware it knows nothing */
    const uint32_t first = p->driver->software ? BOOT_PCRS : FIRST_PCRS & ~p->cfg.exclude;
    return first | 1u << p->cfg.pcr;
}

bool prove_evidence_fits(const struct prove_evidence *e)
{
    uint8_t digest[CMC_SHA256_LEN];
    struct cmc_sha256_ctx c;
    cmc_sha256_init(&c);
    for (unsigned i = 0; i < TPM_PCRS; i++)
        if (e->ask.pcrs & 1u << i)
            cmc_sha256_add(&c, e->quote.value[i], cmc_hash_size(e->ask.bank));
    cmc_sha256_end(&c, digest);
    return memcmp(digest, e->quote.digest, sizeof(digest)) == 0;
}

/* Finds the register's value at the time of the quote: the one that was read, else the last one in
 * the log that gives the quoted digest. */
static bool find_value(const struct prove *p, struct prove_evidence *e, const struct prove_log *log)
{
    if (prove_evidence_fits(e))
        return true;
    for (size_t i = log->count; i--;) {
        memcpy(e->quote.value[p->cfg.pcr], log->event[i].value, cmc_hash_size(e->ask.bank));
        if (prove_evidence_fits(e))
            return true;
    }
    return false;
}

static int quote_tpm(struct prove *p, struct prove_evidence *e, struct prove_log *log,
                     struct cmc_err *err)
{
    for (int i = 0; i < TRIES; i++) {
        CMC_CLEANUP(prove_log_done) struct prove_log now = {0};
        if (p->driver->quote(p, &e->ask, &e->quote, err) < 0 ||
            prove_log_read(p->cfg.runtime_dir, e->ask.bank, &now, err) < 0)
            return -(int)err->code;
        if (find_value(p, e, &now)) {
            *log = now;
            now = (struct prove_log){0};
            return 0;
        }
        const struct timespec ts = {.tv_nsec = WAIT_US * 1000L << i};
        (void)nanosleep(&ts, NULL); /* another PCR changed: the next quote is of what it is now */
    }
    return cmc_fail(err, CMC_E_TPM,
                    "quote: of %d quotes none is of the PCR values that were read behind it: does "
                    "something extend a PCR of 0x%06x all the time? Exclude it",
                    TRIES, e->ask.pcrs);
}

/* sw: what the log replays to. */
static int quote_log(struct prove *p, struct prove_evidence *e, struct prove_log *log,
                     struct cmc_err *err)
{
    CMC_CLEANUP(prove_log_done) struct prove_log now = {0};
    struct measure_replay replay;
    if (prove_log_read(p->cfg.runtime_dir, e->ask.bank, &now, err) < 0 ||
        prove_log_replay(&now, &replay, err) < 0)
        return -(int)err->code;
    for (size_t i = 0; i < replay.last.count; i++)
        if (replay.last.bank[i].alg == e->ask.bank)
            memcpy(e->quote.value[p->cfg.pcr], replay.last.bank[i].value,
                   cmc_hash_size(e->ask.bank));
    e->quote.reset_count = replay.reset_count;
    if (p->driver->quote(p, &e->ask, &e->quote, err) < 0)
        return -(int)err->code;
    *log = now;
    now = (struct prove_log){0};
    return 0;
}

int prove_evidence_exact(struct prove *p, const uint8_t nonce[static CMC_SHA256_LEN],
                         struct prove_evidence *out, struct prove_log *log, struct cmc_err *err)
{
    struct prove_evidence e = {.ask = {.bank = p->cfg.bank, .pcrs = prove_selection(p)}};
    memcpy(e.ask.nonce, nonce, CMC_SHA256_LEN);
    int rc = p->driver->software ? quote_log(p, &e, log, err) : quote_tpm(p, &e, log, err);
    if (rc == 0)
        *out = e;
    return rc;
}
