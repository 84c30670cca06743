/* SPDX-License-Identifier: Apache-2.0 */
/* record/recorder.c -- log and PCR as one transaction: docs/recorder.md. */
#include "record/recorder.h"

#include <stdlib.h>
#include <time.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "record/dir.h"
#include "record/lock.h"
#include "record/missed.h"
#include "record/txn.h"

enum { LOCK_TIMEOUT_MS = 30000, COMMIT_TRIES = 4 };

struct record {
    struct record_config cfg;
    int dirfd;
    struct record_register reg; /* opened by first use: an event that meets no TPM is noted */
};

static uint64_t now_us(void)
{
    struct timespec ts;
    (void)clock_gettime(CLOCK_MONOTONIC, &ts);
    return (uint64_t)ts.tv_sec * 1000000 + (uint64_t)ts.tv_nsec / 1000;
}

int record_open(const struct record_config *cfg, struct record **out, struct cmc_err *err)
{
    if (record_register_check(cfg->pcr, cfg->insecure_pcr, err) < 0)
        return -CMC_E_USAGE;
    if (cfg->profile != MEASURE_PROFILE_EXACT && cfg->profile != MEASURE_PROFILE_CMC)
        return cmc_fail(err, CMC_E_USAGE, "profile %d: take exact (1) or cmc (2)",
                        (int)cfg->profile);
    if (cfg->program_count > MEASURE_PROGRAMS_MAX)
        return cmc_fail(err, CMC_E_USAGE, "%zu programs, at most %d", cfg->program_count,
                        MEASURE_PROGRAMS_MAX);
    cmc_autofd int dirfd = record_dir_open(cfg->runtime_dir, true, err);
    if (dirfd < 0)
        return -(int)err->code;
    struct record *r = calloc(1, sizeof(*r));
    if (!r)
        return cmc_fail(err, CMC_E_LIMIT, "recorder: out of memory");
    r->cfg = *cfg;
    r->dirfd = cmc_take_fd(&dirfd);
    *out = r;
    return 0;
}

void record_close(struct record *r)
{
    if (!r)
        return;
    record_register_close(&r->reg);
    cmc_closep(&r->dirfd);
    free(r);
}

/* With the space gone, the reserve still holds the fact that an event is missing. */
static int put_no_space(struct record_txn *t, const struct measure_event *ev)
{
    const struct cmc_err why = *t->err;
    struct measure_event failed = {.type = MEASURE_FAILED,
                                   .container = ev->container,
                                   .ns = ev->ns,
                                   .sandbox = ev->sandbox,
                                   .decision = MEASURE_DECISION_AUDIT,
                                   .reason = why.msg};
    int rc = record_txn_commit(t, &failed, RECORD_LOG_USE_RESERVE);
    t->logged = rc == RECORD_DONE; /* it need not be noted a second time */
    *t->err = why;
    return -(int)why.code;
}

static int record_once(struct record_txn *t, struct measure_event *ev)
{
    const enum record_log_use use =
        ev->type == MEASURE_FAILED ? RECORD_LOG_USE_RESERVE : RECORD_LOG_KEEP;
    int rc = record_txn_settle(t);
    if (rc < 0)
        return rc;
    const uint64_t before = t->state.log.next_seq;
    rc = record_txn_commit(t, ev, use);
    t->logged = t->state.log.next_seq > before || t->whole;
    return rc == -CMC_E_LIMIT && use == RECORD_LOG_KEEP ? put_no_space(t, ev) : rc;
}

static int run_locked(struct record_txn *t, struct measure_event *ev)
{
    int rc = record_txn_begin(t);
    if (rc == 0 && !ev)
        rc = record_txn_settle(t);
    if (rc < 0 || !ev)
        return rc;
    for (int i = 0; i < COMMIT_TRIES; i++) {
        rc = record_once(t, ev);
        if (rc != RECORD_MOVED) /* moved: given up in the log, recorded again in a new segment */
            return rc;
    }
    return cmc_fail(t->err, CMC_E_TPM, "PCR %u: somebody else extends it all the time",
                    t->cfg->pcr);
}

static int run(struct record *r, struct measure_event *ev, struct record_txn *t)
{
    const unsigned timeout_ms = r->cfg.lock_timeout_ms ? r->cfg.lock_timeout_ms : LOCK_TIMEOUT_MS;
    const uint64_t begin = now_us();
    cmc_autofd int lock = record_lock_take(r->dirfd, timeout_ms, t->err);
    if (lock < 0)
        return -(int)t->err->code;
    t->receipt.lock_us = (uint32_t)(now_us() - begin);
    if (!r->reg.tpm && record_register_open(&r->cfg, &r->reg, t->err) < 0)
        return -(int)t->err->code;
    int rc = run_locked(t, ev);
    record_txn_end(t, rc == RECORD_DONE);
    return rc;
}

static int transact(struct record *r, struct measure_event *ev, struct record_receipt *out,
                    struct cmc_err *err)
{
    struct record_txn t = {
        .cfg = &r->cfg, .reg = &r->reg, .dirfd = r->dirfd, .log.fd = -1, .err = err};
    r->reg.tpm_us = 0;
    int rc = run(r, ev, &t);
    if (rc < 0 && ev && !t.logged)
        record_missed_note(r->dirfd, ev, err);
    if (rc < 0)
        return rc;
    t.receipt.tpm_us = r->reg.tpm_us;
    t.receipt.pcr = t.state.log.last;
    t.receipt.seq = t.state.log.next_seq - 1;
    *out = t.receipt;
    return 0;
}

int record_event(struct record *r, struct measure_event *ev, struct record_receipt *out,
                 struct cmc_err *err)
{
    cmc_autobuf struct cmc_buf probe = cmc_buf_of(MEASURE_EVENT_MAX);
    if (ev->type == MEASURE_RECORDER_START || ev->type == MEASURE_DISCONTINUITY)
        return cmc_fail(err, CMC_E_USAGE, "event %s: only the recorder itself writes it",
                        measure_event_name(ev->type));
    ev->seq = UINT64_MAX; /* the longest: what fits now fits under its number */
    if (measure_event_encode(ev, &probe, err) < 0)
        return -(int)err->code;
    return transact(r, ev, out, err);
}

int record_init(struct record *r, struct record_receipt *out, struct cmc_err *err)
{
    return transact(r, NULL, out, err);
}
