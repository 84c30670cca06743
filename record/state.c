/* SPDX-License-Identifier: Apache-2.0 */
/* record/state.c -- from log, PCR and counters to what is to be done. */
#include "record/state.h"

#include <string.h>

#include "record/hint.h"

static int settle_open(const struct record_state *s, const struct record_seen *seen, bool reset,
                       struct record_verdict *v, struct cmc_err *err)
{
    const struct measure_banks *d = &s->log.open_digests;
    struct measure_banks once = s->log.last, twice;

    v->settled = s->log.last;
    if (!s->log.open)
        return 0;
    if (measure_replay_extend(&once, d, err) < 0)
        return -(int)err->code;
    twice = once;
    if (measure_replay_extend(&twice, d, err) < 0)
        return -(int)err->code;
    v->open = RECORD_OPEN_LOST;
    if (reset) /* extended or not: that PCR value is gone */
        return 0;
    if (measure_banks_equal(&seen->value, &s->log.last))
        v->open = RECORD_OPEN_EXTEND;
    else if (measure_banks_equal(&seen->value, &once))
        v->open = RECORD_OPEN_FOUND;
    else if (measure_banks_equal(&seen->value, &twice))
        v->open = RECORD_OPEN_TWICE;
    if (v->open == RECORD_OPEN_TWICE)
        v->settled = twice;
    else if (v->open != RECORD_OPEN_LOST)
        v->settled = once;
    return 0;
}

static const char *why_discontinuity(const struct record_state *s, const struct record_seen *seen,
                                     bool fresh, const struct record_verdict *v)
{
    const struct measure_banks *value = v->open == RECORD_OPEN_EXTEND ? &v->settled : &seen->value;
    if (!measure_banks_equal(value, &v->expected))
        return fresh ? "the PCR does not have its start value: it was extended before recording "
                       "began, or the log was lost"
                     : "the PCR does not have the value that the log implies";
    if (fresh)
        return NULL;
    if (s->log.lost || v->open == RECORD_OPEN_LOST)
        return "it is not known whether the record before is in the PCR";
    if (memcmp(s->log.boot_id, seen->boot_id, sizeof(seen->boot_id)) != 0)
        return "another boot without a TPM reset";
    return NULL;
}

bool record_state_is_fresh(const struct record_state *s, const struct record_seen *seen)
{
    return s->log.empty || s->log.reset_count != seen->clock.reset_count;
}

/* Which one of the start values it is, or the one that the firmware's log calls for. */
static struct measure_banks start_of(const struct record_seen *seen)
{
    const struct measure_starts *starts = &seen->starts;
    return measure_starts_have(starts, &seen->value) ? seen->value
                                                     : starts->value[starts->count - 1];
}

int record_state_decide(const struct record_state *s, const struct record_seen *seen,
                        struct record_verdict *out, struct cmc_err *err)
{
    const bool fresh = record_state_is_fresh(s, seen);
    const bool reset = fresh && !s->log.empty;
    const bool boot =
        !s->log.empty && memcmp(s->log.boot_id, seen->boot_id, sizeof(seen->boot_id)) != 0;
    struct record_verdict v = {0};

    if (settle_open(s, seen, reset, &v, err) < 0)
        return -(int)err->code;
    v.expected = fresh ? start_of(seen) : v.settled;
    v.discontinuity = why_discontinuity(s, seen, fresh, &v);
    v.start = fresh || boot || !s->has_start || (s->open_is_start && v.open == RECORD_OPEN_LOST);
    *out = v;
    return 0;
}

static int watch_starts(void *ctx, const struct measure_frame *intent,
                        const struct measure_event *ev, const struct measure_frame *mark,
                        struct cmc_err *err)
{
    struct record_state *s = ctx;
    (void)intent;
    (void)err;
    const bool is_start = ev->type == MEASURE_RECORDER_START;
    s->open_is_start = is_start && !mark;
    if (!is_start && ev->type != MEASURE_DISCONTINUITY)
        return 0;
    if (is_start)
        s->has_start = !(mark && mark->how == MEASURE_MARK_LOST);
    else if (ev->reset_count != s->log.reset_count ||
             memcmp(ev->boot_id, s->log.boot_id, sizeof(ev->boot_id)) != 0)
        s->has_start = false;
    s->log.reset_count = ev->reset_count;
    memcpy(s->log.boot_id, ev->boot_id, sizeof(ev->boot_id));
    return 0;
}

bool record_state_hint(int dirfd, const struct record_log *log, const struct record_seen *seen,
                       struct record_state *out)
{
    struct record_state s = {0};
    if (!record_hint_get(dirfd, log->size, &s) || s.log.reset_count != seen->clock.reset_count ||
        memcmp(s.log.boot_id, seen->boot_id, sizeof(seen->boot_id)) != 0 ||
        !measure_banks_equal(&s.log.last, &seen->value))
        return false;
    *out = s;
    return true;
}

static int damaged(const struct cmc_buf *log, const struct record_seen *seen, struct cmc_err *err)
{
    struct measure_begin begin;
    struct cmc_err ignored;
    const bool strange = measure_replay_begin(log->data, log->len, &begin, &ignored) == 1 &&
                         measure_begin_is_strange(&begin, &seen->starts);
    if (strange && seen->no_firmware)
        (void)cmc_wrap(err, "%s", seen->no_firmware);
    return cmc_wrap(err, "log is damaged; move it away (the next event then records a "
                         "discontinuity) or reboot");
}

int record_state_load(const struct record_log *log, const struct record_seen *seen,
                      struct record_state *out, struct cmc_err *err)
{
    struct record_state s = {0};
    struct measure_replay replayed;
    cmc_autobuf struct cmc_buf data = cmc_buf_of(0);
    if (record_log_read(log, &data, err) < 0)
        return -(int)err->code;
    if (measure_replay(data.data, data.len, &seen->starts, watch_starts, &s, &replayed, err) < 0)
        return damaged(&data, seen, err);
    s.log = replayed;
    *out = s;
    return 0;
}
