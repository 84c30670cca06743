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
    if (digests->count == 0)
        return 0;
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

struct measure_banks measure_banks_zero(const struct measure_banks *like)
{
    struct measure_banks zero = {.count = like->count};
    for (size_t i = 0; i < like->count; i++)
        zero.bank[i].alg = like->bank[i].alg;
    return zero;
}

struct measure_starts measure_starts_zero(const struct measure_banks *like)
{
    return (struct measure_starts){.count = 1, .value = {measure_banks_zero(like)}};
}

bool measure_starts_have(const struct measure_starts *s, const struct measure_banks *value)
{
    bool have = false;
    for (size_t i = 0; i < s->count; i++)
        have |= measure_banks_equal(&s->value[i], value);
    return have;
}

/* a || b in each bank of like */
static int hash(const struct cmc_reader *a, const struct cmc_reader *b,
                const struct measure_banks *like, struct measure_banks *out, struct cmc_err *err)
{
    struct measure_banks got = measure_banks_zero(like);
    for (size_t i = 0; i < got.count; i++) {
        const int rc =
            cmc_hash2(got.bank[i].alg, a->p, a->left, b->p, b->left, got.bank[i].value, err);
        if (rc < 0)
            return rc;
    }
    *out = got;
    return 0;
}

int measure_replay_digests(enum measure_profile profile, const struct measure_event *ev,
                           const struct measure_frame *f, const struct measure_banks *like,
                           struct measure_banks *out, struct cmc_err *err)
{
    const struct cmc_reader content = cmc_reader_of(f->content, f->content_len), none = {0};
    if (profile == MEASURE_PROFILE_EXACT || ev->type == MEASURE_FAILED)
        return hash(&content, &none, like, out, err);
    if (ev->type == MEASURE_CONTAINER_CREATE) { /* CMC's template hash */
        const struct cmc_reader config = cmc_reader_of(ev->config, sizeof(ev->config));
        const struct cmc_reader rootfs = cmc_reader_of(ev->rootfs, sizeof(ev->rootfs));
        return hash(&config, &rootfs, like, out, err);
    }
    *out = (struct measure_banks){0};
    return 0;
}

int measure_replay_begin(const uint8_t *log, size_t len, struct measure_begin *out,
                         struct cmc_err *err)
{
    struct measure_event ev = {0};
    struct measure_frame f;
    size_t at = 0, torn = 0;
    char *text = NULL;
    const int rc = measure_frame_next(log, len, &at, &f, &torn, err);
    if (rc == 0 || rc == -CMC_E_LIMIT) { /* a torn frame alone: nothing was recorded */
        *err = (struct cmc_err){0};
        return 0;
    }
    if (rc < 0)
        return rc;
    if (f.type == MEASURE_FRAME_INTENT &&
        measure_event_decode(f.content, f.content_len, &ev, &text, err) < 0)
        return cmc_wrap(err, "record %llu", (unsigned long long)f.recnum);
    free(text);
    *out = (struct measure_begin){.type = ev.type, .pcr = f.pcr, .found = ev.found};
    if (!ev.found.count)
        out->found = f.type == MEASURE_FRAME_MARK ? f.values : f.digests;
    return 1;
}

bool measure_begin_is_strange(const struct measure_begin *b, const struct measure_starts *starts)
{
    return b->type == MEASURE_RECORDER_START && !measure_starts_have(starts, &b->found);
}

struct replay {
    struct measure_replay s; /* what the caller gets */
    const struct measure_starts *starts;
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
    r->s.claimed = false;
    r->started = false;
}

static bool begins(const struct measure_event *ev)
{
    return ev->type == MEASURE_RECORDER_START || ev->type == MEASURE_DISCONTINUITY;
}

/* The TPM was reset since, or nothing was recorded before: the PCR is at its start value, and
 * register and profile may be others. */
static bool is_fresh(const struct replay *r, const struct measure_event *ev)
{
    return begins(ev) && (r->s.events == 0 || ev->reset_count != r->s.reset_count);
}

static int on_start(struct replay *r, const struct measure_event *ev)
{
    if (is_fresh(r, ev)) {
        if (!measure_starts_have(r->starts, &ev->found))
            return REFUSE(r, "recorder-start found another PCR value than the start value");
        segment(r, &ev->found);
    } else if (r->started) {
        return REFUSE(r, "a second recorder-start without a TPM reset");
    } else if (!measure_banks_equal(&ev->found, &r->s.last)) {
        return REFUSE(r, "recorder-start found another PCR value than the discontinuity");
    }
    r->started = true;
    return 0;
}

/* Nothing before it is trusted any more: what was found is where the register goes on from. */
static int on_discontinuity(struct replay *r, const struct measure_event *ev, bool extended)
{
    if (!measure_banks_equal(&ev->expected, &r->s.last) &&
        !(is_fresh(r, ev) && measure_starts_have(r->starts, &ev->expected)))
        return REFUSE(r, "discontinuity expected another PCR value than the log implies");
    if (!same_banks(&ev->found, &r->s.last))
        return REFUSE(r, "discontinuity found other banks than the register's");
    const bool same = !r->s.claimed && measure_banks_equal(&ev->found, &ev->expected);
    const bool claimed = !extended && !same && !measure_starts_have(r->starts, &ev->found);
    segment(r, &ev->found);
    r->s.claimed = claimed;
    return 0;
}

/* A register of one kind and number from one TPM reset to the next. */
static int check_register(struct replay *r, const struct measure_frame *f,
                          const struct measure_event *ev)
{
    if (!begins(ev) && !r->s.segments)
        return REFUSE(r, "the log begins neither with recorder-start nor with discontinuity");
    if (begins(ev) && ev->pcr != f->pcr)
        return REFUSE(r, "its content names PCR %u, its record PCR %u", ev->pcr, f->pcr);
    if (is_fresh(r, ev))
        return 0;
    if (f->pcr != r->s.pcr)
        return REFUSE(r, "extends PCR %u, the log began with PCR %u", f->pcr, r->s.pcr);
    if (begins(ev) && ev->profile != r->s.profile)
        return REFUSE(r, "changes the profile without a TPM reset");
    return 0;
}

static int check_digests(struct replay *r, const struct measure_frame *f,
                         const struct measure_event *ev)
{
    struct measure_banks want;
    const enum measure_profile profile = begins(ev) ? ev->profile : r->s.profile;
    if (measure_replay_digests(profile, ev, f, &r->s.last, &want, r->err) < 0)
        return -(int)r->err->code;
    if (!want.count && f->digests.count)
        return REFUSE(r, "has digests, but its profile does not extend such events");
    if (!same_banks(&f->digests, &want))
        return REFUSE(r, "has digests for other banks than the register's");
    if (!measure_banks_equal(&want, &f->digests))
        return REFUSE(r, "its digests are not those of its content");
    return 0;
}

static int on_event(struct replay *r, const struct measure_event *ev, bool extended)
{
    int rc = 0;
    if (ev->type == MEASURE_RECORDER_START)
        rc = on_start(r, ev);
    else if (ev->type == MEASURE_DISCONTINUITY)
        rc = on_discontinuity(r, ev, extended);
    if (rc == 0 && r->s.lost) /* still: ev began no segment */
        rc = REFUSE(r, "follows a lost record, where a discontinuity is due");
    if (rc < 0 || !begins(ev))
        return rc;
    r->s.pcr = ev->pcr;
    r->s.profile = ev->profile;
    r->s.reset_count = ev->reset_count;
    memcpy(r->s.boot_id, ev->boot_id, sizeof(r->s.boot_id));
    return 0;
}

static int check_number(struct replay *r, const struct measure_frame *f)
{
    if (r->s.open)
        return REFUSE(r, "begins while record %llu has no mark",
                      (unsigned long long)r->intent.recnum);
    if (f->recnum != r->s.next_seq)
        return REFUSE(r, "expected record %llu: one is %s", (unsigned long long)r->s.next_seq,
                      f->recnum > r->s.next_seq ? "missing" : "repeated or moved");
    return 0;
}

static int judge(struct replay *r, const struct measure_frame *f, const struct measure_event *ev)
{
    if (ev->seq != f->recnum)
        return REFUSE(r, "its content says that it is event %llu", (unsigned long long)ev->seq);
    int rc = check_register(r, f, ev);
    if (rc == 0)
        rc = check_digests(r, f, ev);
    return rc < 0 ? rc : on_event(r, ev, f->digests.count > 0);
}

static int on_intent(struct replay *r, const struct measure_frame *f)
{
    struct measure_event ev;
    r->at = f->recnum;
    int rc = check_number(r, f);
    if (rc < 0)
        return rc;
    char *text = NULL;
    if (measure_event_decode(f->content, f->content_len, &ev, &text, r->err) < 0)
        return cmc_wrap(r->err, "record %llu", (unsigned long long)r->at);
    free(r->text);
    r->text = text;
    rc = judge(r, f, &ev);
    if (rc < 0)
        return rc;
    r->ev = ev;
    r->intent = *f;
    r->s.open = true;
    r->s.open_digests = f->digests;
    r->s.events++;
    r->s.extended += f->digests.count > 0;
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
    if (!r->s.open_digests.count && (f->how == MEASURE_MARK_FOUND || f->how == MEASURE_MARK_TWICE))
        return REFUSE(r, "its mark says that it was found extended, but it never is");
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
int measure_replay(const uint8_t *log, size_t len, const struct measure_starts *starts,
                   measure_replay_fn *each, void *ctx, struct measure_replay *out,
                   struct cmc_err *err)
{
    struct replay r = {.s = {.start = starts->value[0], .last = starts->value[0]},
                       .starts = starts,
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
