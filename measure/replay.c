/* SPDX-License-Identifier: Apache-2.0 */
/* measure/replay.c -- the rules of docs/formats/eventlog.md: a log implies one PCR value. */
#include "measure/replay.h"

#include <stdlib.h>
#include <string.h>

bool measure_banks_equal(const struct measure_banks *a, const struct measure_banks *b)
{
    if (a->count != b->count)
        return false;
    for (size_t i = 0; i < a->count; i++) {
        const struct measure_bank *x = &a->bank[i], *y = &b->bank[i];
        if (x->alg != y->alg || memcmp(x->value, y->value, cmc_hash_size(x->alg)) != 0)
            return false;
    }
    return true;
}

static bool same_banks(const struct measure_banks *a, const struct measure_banks *b)
{
    if (a->count != b->count)
        return false;
    for (size_t i = 0; i < a->count; i++)
        if (a->bank[i].alg != b->bank[i].alg)
            return false;
    return true;
}

int measure_replay_extend(struct measure_banks *pcr, const struct measure_banks *digests,
                          struct cmc_err *err)
{
    struct measure_banks next = *pcr;
    if (!same_banks(pcr, digests))
        return cmc_fail(err, CMC_E_USAGE, "extend: PCR and digests have different banks");
    for (size_t i = 0; i < pcr->count; i++) {
        const uint16_t alg = pcr->bank[i].alg;
        const size_t size = cmc_hash_size(alg);
        const int rc = cmc_hash2(alg, pcr->bank[i].value, size, digests->bank[i].value, size,
                                 next.bank[i].value, err);
        if (rc < 0)
            return rc;
    }
    *pcr = next;
    return 0;
}

int measure_replay_digests(const uint8_t *content, size_t len, const struct measure_banks *like,
                           struct measure_banks *out, struct cmc_err *err)
{
    struct measure_banks got = *like;
    for (size_t i = 0; i < got.count; i++) {
        const int rc = cmc_hash2(got.bank[i].alg, content, len, NULL, 0, got.bank[i].value, err);
        if (rc < 0)
            return rc;
    }
    *out = got;
    return 0;
}

struct replay {
    struct measure_replay s; /* what the caller gets */
    const struct measure_banks *policy;
    bool started;                /* this segment has its recorder-start */
    struct measure_frame intent; /* open, while s.open */
    struct measure_event ev;     /* of the open intent */
    char *text;                  /* storage of ev */
    uint64_t at;                 /* the record that is judged */
    measure_replay_fn *each;
    void *ctx;
    struct cmc_err *err;
};

/* The record's number stands before every refusal: cmc_wrap() puts it there. */
#define REFUSE(r, ...)                                                                             \
    (cmc_fail((r)->err, CMC_E_VERIFY, __VA_ARGS__),                                                \
     cmc_wrap((r)->err, "record %llu", (unsigned long long)(r)->at))

static void segment(struct replay *r, const struct measure_banks *start)
{
    r->s.segments++;
    r->s.start = *start;
    r->s.last = *start;
    r->s.lost = false;
    r->started = false;
}

/* The TPM was reset since, or nothing was recorded before: the PCR is at its start value. */
static bool fresh(const struct replay *r)
{
    return r->s.events == 0 || r->ev.reset_count != r->s.reset_count;
}

static int on_start(struct replay *r)
{
    if (fresh(r))
        segment(r, r->policy);
    else if (r->started)
        return REFUSE(r, "a second recorder-start without a TPM reset");
    if (!measure_banks_equal(&r->ev.found, &r->s.last))
        return REFUSE(r, "recorder-start found another PCR value than the start value");
    r->started = true;
    return 0;
}

/* Nothing before it is trusted any more: what was found is where the register goes on from. */
static int on_discontinuity(struct replay *r)
{
    const struct measure_banks *expected = &r->ev.expected;
    if (!measure_banks_equal(expected, &r->s.last) &&
        !(fresh(r) && measure_banks_equal(expected, r->policy)))
        return REFUSE(r, "discontinuity expected another PCR value than the log implies");
    if (!same_banks(&r->ev.found, r->policy))
        return REFUSE(r, "discontinuity found other banks than the register's");
    segment(r, &r->ev.found);
    return 0;
}

static int on_register_event(struct replay *r, const struct measure_frame *f)
{
    if (r->ev.profile != MEASURE_PROFILE_EXACT)
        return REFUSE(r, "profile %u: only \"exact\" can be replayed", (unsigned)r->ev.profile);
    if (r->ev.pcr != f->pcr)
        return REFUSE(r, "its content names PCR %u, its record PCR %u", r->ev.pcr, f->pcr);
    const int rc = r->ev.type == MEASURE_RECORDER_START ? on_start(r) : on_discontinuity(r);
    if (rc < 0)
        return rc;
    r->s.pcr = r->ev.pcr;
    r->s.profile = r->ev.profile;
    r->s.reset_count = r->ev.reset_count;
    memcpy(r->s.boot_id, r->ev.boot_id, sizeof(r->s.boot_id));
    return 0;
}

static int on_event(struct replay *r, const struct measure_frame *f)
{
    if (r->s.events && f->pcr != r->s.pcr)
        return REFUSE(r, "extends PCR %u, the log began with PCR %u", f->pcr, r->s.pcr);
    if (r->ev.type == MEASURE_RECORDER_START || r->ev.type == MEASURE_DISCONTINUITY)
        return on_register_event(r, f);
    if (!r->s.segments)
        return REFUSE(r, "the log begins neither with recorder-start nor with discontinuity");
    if (r->s.lost)
        return REFUSE(r, "follows a lost record, where a discontinuity is due");
    return 0;
}

static int check_record(struct replay *r, const struct measure_frame *f)
{
    struct measure_banks digests;
    if (r->s.open)
        return REFUSE(r, "begins while record %llu has no mark",
                      (unsigned long long)r->intent.recnum);
    if (f->recnum != r->s.next_seq)
        return REFUSE(r, "expected record %llu: one is %s", (unsigned long long)r->s.next_seq,
                      f->recnum > r->s.next_seq ? "missing" : "repeated or moved");
    if (!same_banks(&f->digests, r->policy))
        return REFUSE(r, "has digests for other banks than the register's");
    const int rc =
        measure_replay_digests(f->content, f->content_len, &f->digests, &digests, r->err);
    if (rc < 0)
        return rc;
    if (!measure_banks_equal(&digests, &f->digests))
        return REFUSE(r, "its digests are not those of its content");
    return 0;
}

static int on_intent(struct replay *r, const struct measure_frame *f)
{
    r->at = f->recnum;
    int rc = check_record(r, f);
    if (rc < 0)
        return rc;
    struct measure_event ev;
    char *text = NULL;
    if (measure_event_decode(f->content, f->content_len, &ev, &text, r->err) < 0)
        return cmc_wrap(r->err, "record %llu", (unsigned long long)r->at);
    free(r->text);
    r->text = text;
    r->ev = ev;
    if (ev.seq != f->recnum)
        return REFUSE(r, "its content says that it is event %llu", (unsigned long long)ev.seq);
    rc = on_event(r, f);
    if (rc < 0)
        return rc;
    r->intent = *f;
    r->s.open = true;
    r->s.open_digests = f->digests;
    r->s.events++;
    r->s.next_seq++;
    return 0;
}

static int report(struct replay *r, const struct measure_frame *mark)
{
    return r->each ? r->each(r->ctx, &r->intent, &r->ev, mark, r->err) : 0;
}

static int on_mark(struct replay *r, const struct measure_frame *f)
{
    r->at = f->recnum;
    if (!r->s.open)
        return REFUSE(r, "has a mark, but no record is open");
    if (f->recnum != r->intent.recnum)
        return REFUSE(r, "has a mark while record %llu is open",
                      (unsigned long long)r->intent.recnum);
    struct measure_banks next = r->s.last;
    const int extends = f->how == MEASURE_MARK_LOST ? 0 : f->how == MEASURE_MARK_TWICE ? 2 : 1;
    for (int i = 0; i < extends; i++) {
        const int rc = measure_replay_extend(&next, &r->s.open_digests, r->err);
        if (rc < 0)
            return rc;
    }
    if (!measure_banks_equal(&next, &f->values))
        return REFUSE(r, "its mark holds another PCR value than the replay gives");
    r->s.last = next;
    r->s.open = false;
    r->s.lost = f->how == MEASURE_MARK_LOST;
    return report(r, f);
}

/* 1: go on, 0: the end */
static int step(struct replay *r, const uint8_t *log, size_t len)
{
    struct measure_frame f;
    struct cmc_err why = {0}; /* a torn tail is no fault of this call */
    const int rc = measure_frame_next(log, len, &r->s.end, &f, &r->s.torn, &why);
    if (rc == -CMC_E_LIMIT) {
        r->s.torn += len - r->s.end;
        return 0;
    }
    if (rc < 0)
        *r->err = why;
    if (rc <= 0)
        return rc;
    const int done = f.type == MEASURE_FRAME_INTENT ? on_intent(r, &f) : on_mark(r, &f);
    return done < 0 ? done : 1;
}

/* NOLINTNEXTLINE(readability-function-size): seven parameters, none of them idle */
int measure_replay(const uint8_t *log, size_t len, const struct measure_banks *start,
                   measure_replay_fn *each, void *ctx, struct measure_replay *out,
                   struct cmc_err *err)
{
    struct replay r = {.s = {.start = *start, .last = *start},
                       .policy = start,
                       .each = each,
                       .ctx = ctx,
                       .err = err};
    int rc;
    do {
        rc = step(&r, log, len);
    } while (rc > 0);
    if (rc == 0 && r.s.open)
        rc = report(&r, NULL);
    free(r.text);
    if (rc < 0)
        return rc;
    r.s.empty = r.s.events == 0;
    *out = r.s;
    return 0;
}
