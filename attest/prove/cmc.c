/* SPDX-License-Identifier: Apache-2.0 */
/* attest/prove/cmc.c -- a report of CMC 3.3.0: the nonce of its quote is the hash of the log, among
 * others, so the log must be read first, and hold just what the quote then sees. */
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <time.h>

#include "attest/prove/cmc_context.h"
#include "base/hex.h"
#include "record/ask.h"

enum {
    TRIES = 8,
    TRY_MS = 150,   /* for all: a slow TPM's next quote would see an event too */
    HELD_TRIES = 2, /* while nobody records; another PCR may still change */
    WAIT_US = 2000, /* before each other one */
    HOLD_MS = 1000,
    HOLDS = 4,           /* where they end before the quote is there */
    HOLD_WAIT_MS = 5000, /* for an answer */
    HOLD_TRIES = 40,     /* after a pause there must be as long without one */
    HOLD_PAUSE_MS = 100,
    JWS_MAX = 4096
};

struct run {
    struct prove *p;
    const struct prove_request *q;
    struct prove_cmc_fixed fixed;
    struct prove_cmc_context context;
    struct tpm_quote quote;
};

static void run_done(struct run *r)
{
    prove_cmc_fixed_done(&r->fixed);
    prove_cmc_context_done(&r->context);
}

static void wait_us(long us)
{
    const struct timespec ts = {.tv_sec = us / 1000000, .tv_nsec = us % 1000000 * 1000};
    (void)nanosleep(&ts, NULL);
}

/* Returns 1: the quote is of what the context says; 0: something changed in between. */
static int try_once(struct run *r, struct cmc_err *err)
{
    struct tpm_quote_ask ask = {.bank = CMC_ALG_SHA256, .pcrs = prove_selection(r->p)};
    prove_cmc_context_done(&r->context);
    if (prove_cmc_context_of(r->p, r->q, &r->fixed, &r->context, err) < 0)
        return -(int)err->code;
    memcpy(ask.nonce, r->context.nonce, sizeof(ask.nonce));
    if (r->p->driver->quote(r->p, &ask, &r->quote, err) < 0)
        return -(int)err->code;
    return memcmp(r->quote.digest, r->context.digest, sizeof(r->quote.digest)) == 0;
}

static int64_t now_ms(void)
{
    struct timespec ts;
    (void)clock_gettime(CLOCK_MONOTONIC, &ts);
    return (int64_t)ts.tv_sec * 1000 + ts.tv_nsec / 1000000;
}

/* Behind ms no further one begins. */
static int try_often(struct run *r, int tries, int64_t ms, struct cmc_err *err)
{
    const int64_t end_ms = now_ms() + ms;
    int rc = 0;
    for (int i = 0; i < tries && rc == 0 && (i == 0 || now_ms() < end_ms); i++) {
        if (i > 0)
            wait_us(WAIT_US);
        rc = try_once(r, err);
    }
    return rc;
}

/* Returns what holds the recorder back. */
static int hold(const struct run *r, struct cmc_err *err)
{
    int fd = -1;
    for (int i = 0; i < HOLD_TRIES; i++) {
        fd = record_ask_pause(r->p->cfg.recorder_socket, HOLD_MS, HOLD_WAIT_MS, err);
        if (fd >= 0 || err->code != CMC_E_VERIFY)
            break;
        wait_us(HOLD_PAUSE_MS * 1000L);
    }
    return fd;
}

static bool has_ended(int pause)
{
    struct pollfd p = {.fd = pause, .events = POLLIN};
    return poll(&p, 1, 0) != 0;
}

/* Pauses are few, and who asks for them again and again may never be the one who gets it: those
 * who share a key wait in line. Returns what is to be closed behind the pause. */
static int take_turn(const struct run *r, struct cmc_err *err)
{
    cmc_autofd int fd = open(r->p->cfg.storage, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (fd < 0 || flock(fd, LOCK_EX) != 0)
        return cmc_fail(err, CMC_E_SYS, "lock %.200s", r->p->cfg.storage);
    return cmc_take_fd(&fd);
}

/* While nobody records. What comes too late for one pause has another. */
static int quote_held(struct run *r, struct cmc_err *err)
{
    cmc_autofd int turn = take_turn(r, err);
    if (turn < 0)
        return -(int)err->code;
    for (int i = 0; i < HOLDS; i++) {
        cmc_autofd int fd = hold(r, err);
        if (fd < 0)
            return cmc_wrap(err, "the log grew during each quote; asking for a pause");
        const int rc = try_often(r, HELD_TRIES, HOLD_MS, err);
        if (rc != 0)
            return rc < 0 ? rc : 0;
        if (!has_ended(fd))
            return cmc_fail(err, CMC_E_TPM,
                            "the quoted PCRs are not those of the log, even while nobody records: "
                            "does something else extend PCR %u, or another of 0x%06x?",
                            r->p->cfg.pcr, prove_selection(r->p));
    }
    return cmc_fail(err, CMC_E_TPM,
                    "the log grew during each quote, and in each of %d pauses that were over too "
                    "soon: ask again, or use profile exact",
                    HOLDS);
}

static int quote_tpm(struct run *r, struct cmc_err *err)
{
    const bool may_hold = r->p->cfg.recorder_socket != NULL;
    int rc = try_often(r, TRIES, may_hold ? TRY_MS : INT64_MAX / 2, err);
    if (rc != 0)
        return rc < 0 ? rc : 0;
    if (may_hold)
        return quote_held(r, err);
    return cmc_fail(err, CMC_E_TPM,
                    "the log grew during each of %d quotes, and the recorder cannot be asked to "
                    "pause: ask again, or use profile exact",
                    TRIES);
}

static int put_report(const struct run *r, const struct meta_evidence *evidence,
                      struct cmc_buf *out, struct cmc_err *err)
{
    const struct meta_report report = {.version = "3.3.0",
                                       .type = "Attestation Report",
                                       .name = r->p->cfg.host,
                                       .evidence = evidence,
                                       .evidence_count = 1};
    return meta_report_encode(&report, r->q->json ? META_JSON : META_CBOR, r->context.bytes.data,
                              r->context.bytes.len, out, err);
}

static int report_tpm(struct run *r, struct cmc_buf *out, struct cmc_err *err)
{
    if (quote_tpm(r, err) < 0)
        return -(int)err->code;
    const struct tpm_quote *q = &r->quote;
    const struct meta_evidence evidence = {
        .type = "TPM Evidence",
        .evidence = {.data = q->attest.data, .len = q->attest.len},
        .signature = {.data = q->signature.data, .len = q->signature.len},
    };
    return put_report(r, &evidence, out, err);
}

/* {"payload": ..., "protected": ..., "signature": ...}: a JWS without certificates (RFC
 * 7515, 7.2.2), whatever the report is encoded in. */
static int put_jws(struct run *r, struct cmc_buf *out, struct cmc_err *err)
{
    static const char protected[] = "{\"alg\":\"ES256\"}";
    cmc_autobuf struct cmc_buf payload = cmc_buf_of(JWS_MAX);
    cmc_autobuf struct cmc_buf input = cmc_buf_of(JWS_MAX); /* protected.payload */
    struct tpm_signature raw;
    cmc_put_text(&payload, "{\"nonce\":\"");
    cmc_put_base64(&payload, r->context.nonce, sizeof(r->context.nonce));
    cmc_put_text(&payload, "\",\"sha256\":\"");
    cmc_put_base64(&payload, r->context.digest, sizeof(r->context.digest));
    cmc_put_text(&payload, "\"}");
    cmc_put_base64url(&input, (const uint8_t *)protected, strlen(protected));
    const size_t head = input.len;
    cmc_put_u8(&input, '.');
    cmc_put_base64url(&input, payload.data, payload.len);
    if (cmc_buf_check(&payload, "software evidence", err) < 0 ||
        cmc_buf_check(&input, "software evidence", err) < 0 ||
        r->p->driver->sign(r->p, input.data, input.len, &raw, err) < 0)
        return -(int)err->code;
    cmc_put_text(out, "{\"payload\":\"");
    cmc_put(out, input.data + head + 1, input.len - head - 1);
    cmc_put_text(out, "\",\"protected\":\"");
    cmc_put(out, input.data, head);
    cmc_put_text(out, "\",\"signature\":\"");
    cmc_put_base64url(out, raw.data, raw.len);
    cmc_put_text(out, "\"}");
    return cmc_buf_check(out, "software evidence", err);
}

static int report_sw(struct run *r, struct cmc_buf *out, struct cmc_err *err)
{
    cmc_autobuf struct cmc_buf jws = cmc_buf_of(JWS_MAX);
    if (prove_cmc_context_of(r->p, r->q, &r->fixed, &r->context, err) < 0 ||
        put_jws(r, &jws, err) < 0)
        return -(int)err->code;
    const struct meta_evidence evidence = {.type = "SW Evidence",
                                           .evidence = {.data = jws.data, .len = jws.len}};
    return put_report(r, &evidence, out, err);
}

int prove_cmc(struct prove *p, const struct prove_request *q, struct cmc_buf *out,
              struct cmc_err *err)
{
    CMC_CLEANUP(run_done) struct run r = {.p = p, .q = q};
    if (p->cfg.bank != CMC_ALG_SHA256)
        return cmc_fail(err, CMC_E_USAGE, "bank 0x%04x: verifiers of CMC read SHA-256",
                        p->cfg.bank);
    if (prove_cmc_fix(p, q, &r.fixed, err) < 0)
        return -(int)err->code;
    return p->driver->software ? report_sw(&r, out, err) : report_tpm(&r, out, err);
}
