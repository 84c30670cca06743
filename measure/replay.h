/* SPDX-License-Identifier: Apache-2.0 */
/* measure/replay.h -- from log bytes to the PCR value that they imply. Pure. */
#ifndef MEASURE_REPLAY_H
#define MEASURE_REPLAY_H
#include "measure/eventlog.h"

/* out = H(out || digest) in each bank of both, as TPM2_PCR_Extend does (TPM 2.0 Part 1, 17.4).
 * digests without banks are those of an event that is not extended: pcr stays as it is.
 * Errors: -CMC_E_USAGE (other banks). */
CMC_MUST_CHECK int measure_replay_extend(struct measure_banks *pcr,
                                         const struct measure_banks *digests, struct cmc_err *err);
/* What is extended for ev, whose bytes are f's content, in each bank of like: the table of
 * docs/formats/event.md, Digests. out->count 0: the profile only logs such events. */
CMC_MUST_CHECK int measure_replay_digests(enum measure_profile profile,
                                          const struct measure_event *ev,
                                          const struct measure_frame *f,
                                          const struct measure_banks *like,
                                          struct measure_banks *out, struct cmc_err *err);
bool measure_banks_equal(const struct measure_banks *a, const struct measure_banks *b);
/* The banks of like, with value zero. */
struct measure_banks measure_banks_zero(const struct measure_banks *like);

/* What the register may hold before the first event: the caller's policy. All have the same banks.
 * value[0]: zeros; value[1], when there: what the firmware's event log gives. */
struct measure_starts {
    size_t count;
    struct measure_banks value[2];
};
/* Zeros in the banks of like, and nothing else. */
struct measure_starts measure_starts_zero(const struct measure_banks *like);
/* value is one of them. */
bool measure_starts_have(const struct measure_starts *s, const struct measure_banks *value);

/* How a log begins, as it says itself. */
struct measure_begin {
    enum measure_event_type type; /* of the first record; 0: it is no event that is known */
    uint32_t pcr;
    struct measure_banks found; /* what recorder-start or discontinuity found; its banks are the
                                   register's. Of others: digests or values, for their banks */
};
/* Reads the first record. Returns 1, or 0: there is none, *out is untouched.
 * Errors: -CMC_E_FORMAT, -CMC_E_LIMIT. */
CMC_MUST_CHECK int measure_replay_begin(const uint8_t *log, size_t len, struct measure_begin *out,
                                        struct cmc_err *err);
/* The log begins with a value that is none of these: another policy might replay it. */
bool measure_begin_is_strange(const struct measure_begin *b, const struct measure_starts *starts);

struct measure_replay {
    uint64_t events;   /* intents seen */
    uint64_t extended; /* of them, those that the profile extends: the PCR vouches for no others */
    uint64_t next_seq; /* the next event's number */
    uint64_t segments; /* runs of events from one start value; 0: empty */
    bool empty;        /* no event at all */
    bool open;         /* the last intent has no mark */
    bool lost;         /* the last mark is LOST: a new segment must follow, and last may be wrong */
    size_t torn;       /* bytes of torn frames, a torn tail included */
    size_t end;        /* bytes up to the last whole frame */
    struct measure_banks start; /* what the present segment began from */
    bool claimed; /* start is what a discontinuity says that is not extended: whoever writes the
                     log can say so of any value, and leave out what was extended before */
    struct measure_banks last;         /* L: after the last marked event; what an open intent is
                                          extended to (the value found, of a discontinuity) */
    struct measure_banks open_digests; /* d: digests of the open intent; none: not extended */
    uint32_t pcr, reset_count;         /* of the last recorder-start or discontinuity */
    uint8_t boot_id[16];
    enum measure_profile profile;
};

/* Called per event, in order; a result below 0 ends the replay with it. mark: NULL while open. */
typedef int measure_replay_fn(void *ctx, const struct measure_frame *intent,
                              const struct measure_event *ev, const struct measure_frame *mark,
                              struct cmc_err *err);

/* Replays a whole log: every digest is recomputed from its content, every mark's values from
 * the value before. The start values come from the caller's policy, never from the log, save behind
 * a discontinuity, where nothing before is trusted any more. Their banks are the register's. The
 * rules, one message each: docs/formats/eventlog.md, Replay.
 * A torn tail is not an error (out->torn). Errors: -CMC_E_VERIFY (a digest, number or mark does not
 * fit; says which record), -CMC_E_FORMAT, -CMC_E_LIMIT; *out untouched. */
CMC_MUST_CHECK int measure_replay(const uint8_t *log, size_t len,
                                  const struct measure_starts *starts, measure_replay_fn *each,
                                  void *ctx, struct measure_replay *out, struct cmc_err *err);
#endif
