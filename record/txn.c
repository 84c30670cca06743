/* SPDX-License-Identifier: Apache-2.0 */
/* record/txn.c -- intent, sync, extend, read back, mark: in this order, whoever dies in between. */
#include "record/txn.h"

#include <stdio.h>
#include <string.h>
#include <time.h>

#include "base/cleanup.h"
#include "record/boot.h"
#include "record/hint.h"
#include "record/missed.h"

enum {
    MISSED_NAMED_MAX = 64, /* missing events that one recording names, at a few ms each */
    MARK_MAX = 1024,       /* bytes of a mark's frame: four values and its head */
    SETTLE_TRIES = 4       /* while somebody else extends the register */
};

static uint64_t now_us(void)
{
    struct timespec ts;
    (void)clock_gettime(CLOCK_MONOTONIC, &ts);
    return (uint64_t)ts.tv_sec * 1000000 + (uint64_t)ts.tv_nsec / 1000;
}

/* The clock last: a reset that came before the value was read, or after, is seen. */
static int see(struct record_txn *t)
{
    int rc = record_register_read(t->reg, &t->seen.value, t->err);
    return rc < 0 ? rc : record_register_clock(t->reg, &t->seen.clock, t->err);
}

/* What the register may begin with, from the firmware's log: read only when nothing was recorded
 * since the TPM's reset, or all that was is replayed. */
static void learn_starts(struct record_txn *t)
{
    if (t->starts.values.count == 0)
        record_firmware_starts(t->cfg->firmware_log, t->cfg->pcr, &t->reg->zero, &t->starts);
    t->seen.starts = t->starts.values;
    t->seen.no_firmware = t->starts.unread ? t->starts.note : NULL;
}

static int load(struct record_txn *t)
{
    if (record_state_hint(t->dirfd, &t->log, &t->seen, &t->state))
        return 0;
    learn_starts(t);
    return record_state_load(&t->log, &t->seen, &t->state, t->err);
}

static const char *profile_name(enum measure_profile profile)
{
    return profile == MEASURE_PROFILE_CMC ? "cmc" : "exact";
}

/* A register of one number and kind from one TPM reset to the next: its value is of one kind. */
static int check_same(const struct record_txn *t)
{
    const struct measure_replay *log = &t->state.log;
    if (record_state_is_fresh(&t->state, &t->seen))
        return 0;
    if (log->pcr != t->cfg->pcr)
        return cmc_fail(t->err, CMC_E_VERIFY,
                        "this boot records in PCR %u, PCR %u is asked for: reboot to change it",
                        log->pcr, t->cfg->pcr);
    if (log->profile != t->cfg->profile)
        return cmc_fail(t->err, CMC_E_VERIFY,
                        "this boot records in profile %s, %s is asked for: reboot to change it",
                        profile_name(log->profile), profile_name(t->cfg->profile));
    return 0;
}

int record_txn_begin(struct record_txn *t)
{
    const uint64_t begin = now_us();
    t->log.fd = -1;
    int rc = record_boot_id(t->seen.boot_id, t->err);
    if (rc == 0)
        rc = record_log_open(t->dirfd, &t->log, t->err);
    if (rc == 0)
        rc = see(t);
    if (rc == 0)
        rc = load(t);
    if (rc == 0)
        rc = check_same(t);
    t->receipt.log_us += (uint32_t)(now_us() - begin);
    return rc;
}

void record_txn_end(struct record_txn *t, bool settled)
{
    if (settled)
        record_hint_put(t->dirfd, t->log.size, &t->state);
    record_log_close(&t->log);
}

static int append(struct record_txn *t, const struct measure_frame *f)
{
    cmc_autobuf struct cmc_buf b = cmc_buf_of(MEASURE_FRAME_MAX);
    const uint64_t begin = now_us(), before = t->log.size;
    int rc = measure_frame_encode(f, &b, t->err);
    if (rc == 0)
        rc = record_log_append(&t->log, b.data, b.len, t->err);
    t->whole = b.len > 0 && t->log.size == before + b.len;
    t->receipt.log_us += (uint32_t)(now_us() - begin);
    return rc;
}

static int mark(struct record_txn *t, enum measure_mark_how how, const struct measure_banks *values)
{
    struct measure_replay *log = &t->state.log;
    const struct measure_frame f = {
        .type = MEASURE_FRAME_MARK, .recnum = log->next_seq - 1, .how = how, .values = *values};
    if (append(t, &f) < 0)
        return cmc_wrap(t->err, "event %llu: mark, which the next writer adds",
                        (unsigned long long)f.recnum);
    log->open = false;
    log->lost = how == MEASURE_MARK_LOST;
    log->last = *values;
    if (t->state.open_is_start && log->lost)
        t->state.has_start = false;
    t->state.open_is_start = false;
    return 0;
}

/* Extends the open intent, where the profile extends it at all, and reads back. RECORD_MOVED: the
 * PCR has another value than next. */
static int extend(struct record_txn *t, const struct measure_banks *next)
{
    const struct measure_banks *digests = &t->state.log.open_digests;
    const uint32_t reset_count = t->seen.clock.reset_count;
    int rc = digests->count ? record_register_extend(t->reg, digests, t->err) : 0;
    if (rc == 0)
        rc = see(t);
    if (rc < 0)
        return cmc_wrap(t->err,
                        "event %llu is logged but may not be in the PCR, which the next "
                        "writer settles",
                        (unsigned long long)t->state.log.next_seq - 1);
    const bool same = t->seen.clock.reset_count == reset_count; /* else the value is a new one's */
    return same && measure_banks_equal(&t->seen.value, next) ? RECORD_DONE : RECORD_MOVED;
}

static int complete(struct record_txn *t, enum measure_mark_how how)
{
    struct measure_banks next = t->state.log.last;
    int rc = measure_replay_extend(&next, &t->state.log.open_digests, t->err);
    if (rc == 0)
        rc = extend(t, &next);
    return rc == RECORD_DONE ? mark(t, how, &next) : rc;
}

/* Writes the intent; after it, whatever happens, the event is in the log. */
static int intend(struct record_txn *t, struct measure_event *ev, enum record_log_use use)
{
    struct measure_replay *log = &t->state.log;
    cmc_autobuf struct cmc_buf content = cmc_buf_of(MEASURE_EVENT_MAX);
    struct measure_frame f = {
        .type = MEASURE_FRAME_INTENT, .recnum = log->next_seq, .pcr = t->cfg->pcr};

    t->whole = false;
    ev->seq = log->next_seq;
    int rc = measure_event_encode(ev, &content, t->err);
    if (rc == 0)
        rc = record_log_room(&t->log, MEASURE_FRAME_MAX + MARK_MAX, use, t->err);
    f.content = content.data;
    f.content_len = content.len;
    if (rc == 0)
        rc = measure_replay_digests(t->cfg->profile, ev, &f, &t->reg->zero, &f.digests, t->err);
    if (rc == 0)
        rc = append(t, &f);
    if (rc < 0)
        return cmc_wrap(t->err, "event %llu", (unsigned long long)f.recnum);
    log->next_seq++;
    log->empty = false;
    log->open = true;
    log->open_digests = f.digests;
    return 0;
}

int record_txn_commit(struct record_txn *t, struct measure_event *ev, enum record_log_use use)
{
    int rc = intend(t, ev, use);
    return rc < 0 ? rc : complete(t, MEASURE_MARK_DONE);
}

static int settle_open(struct record_txn *t, const struct record_verdict *v)
{
    static const enum measure_mark_how how[] = {[RECORD_OPEN_FOUND] = MEASURE_MARK_FOUND,
                                                [RECORD_OPEN_TWICE] = MEASURE_MARK_TWICE,
                                                [RECORD_OPEN_LOST] = MEASURE_MARK_LOST};
    if (v->open == RECORD_OPEN_NONE)
        return RECORD_DONE;
    if (record_log_room(&t->log, MARK_MAX, RECORD_LOG_USE_RESERVE, t->err) < 0)
        return -(int)t->err->code;
    t->receipt.recovered = v->open != RECORD_OPEN_LOST;
    return v->open == RECORD_OPEN_EXTEND ? complete(t, MEASURE_MARK_RECOVERED)
                                         : mark(t, how[v->open], &v->settled);
}

static struct measure_event register_event(const struct record_txn *t, enum measure_event_type type)
{
    struct measure_event ev = {.type = type,
                               .reset_count = t->seen.clock.reset_count,
                               .restart_count = t->seen.clock.restart_count,
                               .profile = t->cfg->profile,
                               .pcr = t->cfg->pcr,
                               .ignored_banks = t->reg->ignored[0] ? t->reg->ignored : NULL,
                               .found = t->seen.value,
                               .program_count = t->cfg->program_count};
    memcpy(ev.boot_id, t->seen.boot_id, sizeof(ev.boot_id));
    for (size_t i = 0; i < t->cfg->program_count && i < MEASURE_PROGRAMS_MAX; i++)
        ev.programs[i] = t->cfg->programs[i];
    return ev;
}

/* Both kinds begin a segment: what was found is what the log goes on from. */
static int begin_segment(struct record_txn *t, struct measure_event *ev, enum record_log_use use)
{
    struct measure_replay *log = &t->state.log;
    log->last = t->seen.value;
    log->lost = false;
    int rc = intend(t, ev, use);
    if (rc < 0)
        return rc;
    log->reset_count = ev->reset_count;
    log->pcr = ev->pcr;
    log->profile = ev->profile;
    memcpy(log->boot_id, ev->boot_id, sizeof(log->boot_id));
    return complete(t, MEASURE_MARK_DONE);
}

static int put_discontinuity(struct record_txn *t, const struct record_verdict *v)
{
    char reason[MEASURE_TEXT_MAX];
    struct measure_event ev = register_event(t, MEASURE_DISCONTINUITY);
    const bool told = record_state_is_fresh(&t->state, &t->seen) && t->starts.note[0];
    (void)snprintf(reason, sizeof(reason), "%.300s%s%s", v->discontinuity, told ? "; " : "",
                   told ? t->starts.note : "");
    ev.reason = reason;
    ev.expected = v->expected;
    t->receipt.discontinuity = true;
    if (v->start)
        t->state.has_start = false;
    return begin_segment(t, &ev, RECORD_LOG_USE_RESERVE);
}

static int put_start(struct record_txn *t)
{
    struct measure_event ev = register_event(t, MEASURE_RECORDER_START);
    t->receipt.started = true;
    t->state.has_start = true; /* unless it is lost */
    t->state.open_is_start = true;
    return begin_segment(t, &ev, RECORD_LOG_KEEP);
}

/* number: from 1, of all that are missing. */
static int put_missing(struct record_txn *t, const struct record_missed *m, uint64_t number)
{
    char reason[MEASURE_TEXT_MAX];
    (void)snprintf(reason, sizeof(reason), "missing event %llu of %llu: %.900s",
                   (unsigned long long)number, (unsigned long long)m->count, m->what);
    struct measure_event ev = {.type = MEASURE_FAILED,
                               .container = m->container,
                               .ns = m->ns,
                               .decision = MEASURE_DECISION_AUDIT,
                               .reason = reason};
    return record_txn_commit(t, &ev, RECORD_LOG_USE_RESERVE);
}

static int put_missed(struct record_txn *t)
{
    struct record_missed m;
    int rc = RECORD_DONE;
    record_missed_read(t->dirfd, &m);
    for (uint64_t i = 1; rc == RECORD_DONE && i <= MISSED_NAMED_MAX && record_missed_next(&m); i++)
        rc = put_missing(t, &m, i);
    if (rc == RECORD_DONE && m.count > 0)
        record_missed_clear(t->dirfd, &m);
    record_missed_done(&m);
    return rc;
}

static int settle_once(struct record_txn *t)
{
    struct record_verdict v;
    if (record_state_is_fresh(&t->state, &t->seen))
        learn_starts(t);
    int rc = record_state_decide(&t->state, &t->seen, &v, t->err);
    if (rc == 0)
        rc = settle_open(t, &v);
    if (rc == RECORD_DONE && v.discontinuity)
        rc = put_discontinuity(t, &v);
    if (rc == RECORD_DONE && v.start)
        rc = put_start(t);
    return rc == RECORD_DONE ? put_missed(t) : rc;
}

int record_txn_settle(struct record_txn *t)
{
    for (int i = 0; i < SETTLE_TRIES; i++) {
        int rc = settle_once(t);
        if (rc != RECORD_MOVED)
            return rc;
    }
    return cmc_fail(t->err, CMC_E_TPM, "PCR %u: somebody else extends it all the time",
                    t->cfg->pcr);
}
