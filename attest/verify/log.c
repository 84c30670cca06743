/* SPDX-License-Identifier: Apache-2.0 */
/* attest/verify/log.c -- the prefix of a log that replays to the quoted value of its register. */
#include "attest/verify/log.h"

#include <string.h>

#include "attest/verify/log_parts.h"
#include "measure/replay.h"

CMC_DEFINE_CLEANUP(verify_log_freep, struct verify_log *, verify_log_free)

struct content { /* of one event; borrowed from the report */
    const uint8_t *data;
    size_t len;
};
struct verify_log {
    uint32_t pcr;
    struct measure_banks start; /* of the last segment */
    struct content *event;      /* owned; of the last segment */
    size_t count, cap;
};

void verify_log_free(struct verify_log *l)
{
    if (l)
        free(l->event);
    free(l);
}

uint32_t verify_log_pcr(const struct verify_log *l)
{
    return l->pcr;
}

bool verify_log_from_zeros(const struct verify_log *l)
{
    const struct measure_banks zeros = measure_banks_zero(&l->start);
    return measure_banks_equal(&l->start, &zeros);
}

const uint8_t *verify_log_start(const struct verify_log *l)
{
    for (size_t i = 0; i < l->start.count; i++)
        if (l->start.bank[i].alg == CMC_ALG_SHA256)
            return l->start.bank[i].value;
    return NULL;
}

int verify_log_each(const struct verify_log *l, verify_log_fn *each, void *ctx, struct cmc_err *err)
{
    for (size_t i = 0; i < l->count; i++) {
        struct measure_event ev;
        cmc_autofree char *text = NULL;
        int rc = measure_event_decode(l->event[i].data, l->event[i].len, &ev, &text, err);
        if (rc == 0)
            rc = each(ctx, &ev, err);
        if (rc != 0)
            return rc;
    }
    return 0;
}

/* How the search for the prefix ended. */
enum found { NOT_YET, FITS, OTHER_PROFILE, NO_MEMORY };

struct search {
    const struct verify_pcrs *pcrs;
    const struct verify_quote *q;
    struct verify_log *log;
    enum found found;
    struct measure_banks value;    /* of the register behind the event before */
    enum measure_event_type first; /* what the present segment began with */
    uint32_t reset_count;          /* of that event */
    bool broken;                   /* a segment began with a discontinuity */
};

static bool begins(const struct measure_event *ev)
{
    return ev->type == MEASURE_RECORDER_START || ev->type == MEASURE_DISCONTINUITY;
}

/* value has what the quote says, in every quoted bank. */
static bool fits(const struct search *s, const struct measure_banks *value)
{
    const struct verify_selected *b;
    for (size_t i = 0; (b = verify_quote_bank(s->q, i)); i++)
        if (!verify_log_bank_is(value, b->alg, verify_pcrs_value(s->pcrs, b->alg, s->log->pcr)))
            return false;
    return true;
}

static bool keep(struct verify_log *l, const struct measure_frame *f)
{
    if (l->count == l->cap) {
        const size_t cap = l->cap ? 2 * l->cap : 64;
        struct content *more = reallocarray(l->event, cap, sizeof(*more));
        if (!more)
            return false;
        l->event = more;
        l->cap = cap;
    }
    l->event[l->count++] = (struct content){.data = f->content, .len = f->content_len};
    return true;
}

/* measure_replay() has judged found, expected and counters. A recorder-start behind a
 * discontinuity, without a reset in between, begins no segment of its own. */
static void begin_segment(struct search *s, const struct measure_event *ev)
{
    s->value = ev->found;
    if (ev->type == MEASURE_RECORDER_START && s->first == MEASURE_DISCONTINUITY &&
        s->reset_count == ev->reset_count)
        return;
    s->log->count = 0;
    s->log->start = ev->found;
    s->first = ev->type;
    s->reset_count = ev->reset_count;
    s->broken |= ev->type == MEASURE_DISCONTINUITY;
}

static int stop(struct search *s, enum found found, struct cmc_err *err)
{
    s->found = found;
    return cmc_fail(err, CMC_E_USAGE, "the rest is not read");
}

/* The register holds H(L, d) behind an event, or H(H(L, d), d) when two writers extended it; the
 * log may not say so yet (an open record), or never (a lost one). */
static int on_event(void *ctx, const struct measure_frame *intent, const struct measure_event *ev,
                    const struct measure_frame *mark, struct cmc_err *err)
{
    struct search *s = ctx;
    if (begins(ev))
        begin_segment(s, ev);
    if (begins(ev) && ev->profile != MEASURE_PROFILE_EXACT)
        return stop(s, OTHER_PROFILE, err);
    if (!keep(s->log, intent))
        return stop(s, NO_MEMORY, err);
    const bool maybe_twice = !mark || mark->how != MEASURE_MARK_DONE;
    for (int i = 0; i < (maybe_twice ? 2 : 1); i++) {
        if (measure_replay_extend(&s->value, &intent->digests, err) < 0)
            return -(int)err->code;
        if (fits(s, &s->value))
            return stop(s, FITS, err);
    }
    if (mark)
        s->value = mark->values;
    return 0;
}

/* What the log has to be in order to count, once a prefix fits. */
static bool check_segment(const struct search *s, struct verify_tree *t, struct verify_claim *up)
{
    const uint32_t now = verify_quote_reset_count(s->q);
    if (s->first == MEASURE_DISCONTINUITY) {
        (void)verify_claim_add(t, up, VERIFY_BAD, "log.discontinuity",
                               "the register was found with a value that the log does not explain, "
                               "so nothing before that is known");
        return false;
    }
    if (s->broken)
        (void)verify_claim_add(t, up, VERIFY_NOTE, "log.discontinuity",
                               "a discontinuity is in the log, from before the TPM's last reset");
    const bool same = s->reset_count == now;
    (void)verify_claim_add(t, up, same ? VERIFY_GOOD : VERIFY_BAD, "log.start",
                           same ? "the record begins with the TPM's present reset, %u"
                                : "the record begins with TPM reset %u, the quote was made after "
                                  "reset %u: the log is an old one, or the key is not of "
                                  "the TPM's endorsement hierarchy",
                           s->reset_count, now);
    return same;
}

/* Nothing fits: why, with what the replay said of it. */
static void no_prefix(const struct search *s, const struct measure_starts *starts, const char *why,
                      struct verify_tree *t, struct verify_claim *up)
{
    for (size_t i = 0; i < starts->count; i++)
        if (fits(s, &starts->value[i])) {
            (void)verify_claim_add(t, up, VERIFY_BAD, "log.recorded",
                                   "PCR %u has its start value: nothing was recorded since the "
                                   "TPM's reset, or not yet",
                                   s->log->pcr);
            return;
        }
    (void)verify_claim_add(t, up, VERIFY_BAD, "log.prefix",
                           "no beginning of the log gives the quoted value of PCR %u%s%s",
                           s->log->pcr, *why ? ": " : "", why);
}

static bool judge(const struct search *s, const struct measure_starts *starts, const char *why,
                  struct verify_tree *t, struct verify_claim *up)
{
    switch (s->found) {
    case FITS: /* not before: until then nothing vouches for which register it is */
        (void)verify_claim_add(t, up, VERIFY_GOOD, "log.register",
                               "the quote covers the log's register, PCR %u, and PCR 0 to 7",
                               s->log->pcr);
        (void)verify_claim_add(t, up, VERIFY_GOOD, "log.prefix",
                               "%zu events since the TPM's reset give the quoted value of PCR %u",
                               s->log->count, s->log->pcr);
        return check_segment(s, t, up);
    case OTHER_PROFILE:
        (void)verify_claim_add(t, up, VERIFY_BAD, "log.profile",
                               "the log has events of profile cmc, in a report of profile exact");
        return false;
    case NO_MEMORY:
        (void)verify_claim_add(t, up, VERIFY_UNCHECKED, "log.prefix", "out of memory");
        return false;
    case NOT_YET:
        break;
    }
    no_prefix(s, starts, why, t, up);
    return false;
}

static struct verify_log *replay(const struct verify_log_input *in,
                                 const struct measure_starts *starts, struct search *s,
                                 struct verify_tree *t, struct verify_claim *up)
{
    struct measure_replay whole;
    struct cmc_err err = {0};
    CMC_CLEANUP(verify_log_freep) struct verify_log *l = s->log;
    s->value = starts->value[0];
    (void)!measure_replay(in->log.data, in->log.len, starts, on_event, s, &whole, &err);
    return judge(s, starts, err.msg, t, up) ? CMC_TAKE_PTR(l) : NULL;
}

enum verify_status verify_log_check(const struct verify_log_input *in, const struct verify_quote *q,
                                    const struct verify_pcrs *pcrs, struct verify_tree *t,
                                    struct verify_claim *parent, struct verify_log **out)
{
    struct verify_log_quoted quoted = {.in = in, .q = q, .pcrs = pcrs};
    struct measure_starts starts;
    struct verify_claim *up = verify_claim_add(t, parent, VERIFY_BAD, "log.events",
                                               "the events that the register vouches for");
    *out = NULL;
    if (verify_log_register(&quoted, t, up)) {
        struct search s = {.q = q, .pcrs = pcrs, .log = calloc(1, sizeof(*s.log))};
        if (!s.log) {
            up->status = VERIFY_UNCHECKED;
            return VERIFY_UNCHECKED;
        }
        verify_log_starts(&quoted, &starts, t, up);
        s.log->pcr = quoted.begin.pcr;
        *out = replay(in, &starts, &s, t, up);
    }
    up->status = verify_claim_worst(up);
    return up->status;
}
