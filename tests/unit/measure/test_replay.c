/* SPDX-License-Identifier: Apache-2.0 */
/* tests/unit/measure/test_replay.c -- what a log implies, and a must-fail twin for each rule. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "tests/lib/rows.h"
#include "tests/tools/logs.h"

enum { RECORDS = 32 };
static struct logs_record rec[RECORDS]; /* one test at a time */

static int replay(const struct cmc_buf *log, const struct measure_starts *starts,
                  struct measure_replay *out, struct cmc_err *err)
{
    *err = (struct cmc_err){0};
    return measure_replay(log->data, log->len, starts, NULL, NULL, out, err);
}

static void usual_log_replays(void **state)
{
    (void)state;
    static const size_t banks[] = {1, 2, 4};
    for (size_t i = 0; i < ROWS(banks); i++) {
        struct logs l;
        struct measure_replay r;
        struct cmc_err err;
        logs_init(&l, banks[i]);
        logs_usual(&l);
        assert_int_equal(replay(&l.bytes, &l.starts, &r, &err), 0);
        assert_true(measure_banks_equal(&r.last, &l.pcr));
        assert_int_equal(r.events, 5);
        assert_int_equal(r.next_seq, 5);
        assert_int_equal(r.segments, 1);
        assert_int_equal(r.pcr, 13);
        assert_int_equal(r.end, l.bytes.len);
        assert_false(r.open || r.lost || r.empty);
        logs_done(&l);
    }
}

static void empty_log(void **state)
{
    (void)state;
    struct logs l;
    struct measure_replay r;
    struct cmc_err err;
    logs_init(&l, 1);
    assert_int_equal(replay(&l.bytes, &l.starts, &r, &err), 0);
    assert_true(r.empty && r.segments == 0 && measure_banks_equal(&r.last, &l.start));
    logs_done(&l);
}

static int count(void *ctx, const struct measure_frame *intent, const struct measure_event *ev,
                 const struct measure_frame *mark, struct cmc_err *err)
{
    unsigned *seen = ctx;
    (void)err;
    assert_int_equal(intent->recnum, ev->seq);
    assert_int_equal(ev->seq, seen[0]);
    seen[0]++;
    seen[1] += !mark;
    return 0;
}

static int stop(void *ctx, const struct measure_frame *intent, const struct measure_event *ev,
                const struct measure_frame *mark, struct cmc_err *err)
{
    (void)ctx;
    (void)intent;
    (void)mark;
    return ev->seq == 2 ? cmc_fail(err, CMC_E_LIMIT, "enough") : 0;
}

static void open_record_is_told(void **state)
{
    (void)state;
    struct logs l;
    struct measure_replay r;
    struct cmc_err err = {0};
    unsigned seen[2] = {0};
    logs_init(&l, 2);
    logs_usual(&l);
    struct measure_event ev = logs_event(MEASURE_CONTAINER_CREATE);
    logs_intent(&l, &ev);
    assert_int_equal(measure_replay(l.bytes.data, l.bytes.len, &l.starts, count, seen, &r, &err),
                     0);
    assert_int_equal(seen[0], 6);
    assert_int_equal(seen[1], 1);
    assert_true(r.open && measure_banks_equal(&r.last, &l.pcr));
    assert_int_equal(measure_replay_extend(&r.last, &r.open_digests, &err), 0);
    logs_mark(&l, MEASURE_MARK_DONE);
    assert_true(measure_banks_equal(&r.last, &l.pcr));
    logs_done(&l);
}

static void callback_ends_it(void **state)
{
    (void)state;
    struct logs l;
    struct measure_replay r = {.events = 77};
    struct cmc_err err = {0};
    logs_init(&l, 1);
    logs_usual(&l);
    assert_int_equal(measure_replay(l.bytes.data, l.bytes.len, &l.starts, stop, NULL, &r, &err),
                     -CMC_E_LIMIT);
    assert_string_equal(err.msg, "enough");
    assert_int_equal(r.events, 77);
    logs_done(&l);
}

static void each_mark(void **state)
{
    (void)state;
    static const enum measure_mark_how how[] = {MEASURE_MARK_DONE, MEASURE_MARK_RECOVERED,
                                                MEASURE_MARK_FOUND, MEASURE_MARK_TWICE};
    for (size_t i = 0; i < ROWS(how); i++) {
        struct logs l;
        struct measure_replay r;
        struct cmc_err err;
        logs_init(&l, 2);
        logs_put(&l, MEASURE_RECORDER_START, how[i]);
        logs_put(&l, MEASURE_CONTAINER_CREATE, how[i]);
        assert_int_equal(replay(&l.bytes, &l.starts, &r, &err), 0);
        assert_true(measure_banks_equal(&r.last, &l.pcr));
        logs_done(&l);
    }
}

static void segments(void **state)
{
    (void)state;
    struct logs l;
    struct measure_replay r;
    struct cmc_err err;
    logs_init(&l, 2);
    logs_usual(&l);
    logs_break(&l);
    logs_put(&l, MEASURE_CONTAINER_CREATE, MEASURE_MARK_DONE);
    assert_int_equal(replay(&l.bytes, &l.starts, &r, &err), 0);
    assert_int_equal(r.segments, 2);
    assert_true(measure_banks_equal(&r.last, &l.pcr));
    logs_reset(&l);
    assert_int_equal(replay(&l.bytes, &l.starts, &r, &err), 0);
    assert_int_equal(r.segments, 3);
    assert_int_equal(r.reset_count, 8);
    assert_true(measure_banks_equal(&r.last, &l.pcr));
    assert_true(measure_banks_equal(&r.start, &l.start));
    logs_done(&l);
}

/* No log, but the PCR was extended: discontinuity first, then recorder-start of the same reset. */
static void begins_with_discontinuity(void **state)
{
    (void)state;
    struct logs l;
    struct measure_replay r;
    struct cmc_err err;
    logs_init(&l, 1);
    logs_break(&l);
    logs_put(&l, MEASURE_RECORDER_START, MEASURE_MARK_DONE);
    logs_put(&l, MEASURE_CONTAINER_CREATE, MEASURE_MARK_DONE);
    assert_int_equal(replay(&l.bytes, &l.starts, &r, &err), 0);
    assert_int_equal(r.segments, 1);
    assert_true(measure_banks_equal(&r.last, &l.pcr));
    logs_put(&l, MEASURE_RECORDER_START, MEASURE_MARK_DONE);
    assert_int_equal(replay(&l.bytes, &l.starts, &r, &err), -CMC_E_VERIFY);
    assert_string_equal(err.msg, "record 3: a second recorder-start without a TPM reset");
    logs_done(&l);
}

static void lost_needs_a_new_segment(void **state)
{
    (void)state;
    struct logs l;
    struct measure_replay r;
    struct cmc_err err;
    logs_init(&l, 1);
    logs_usual(&l);
    logs_put(&l, MEASURE_CONTAINER_CREATE, MEASURE_MARK_LOST);
    assert_int_equal(replay(&l.bytes, &l.starts, &r, &err), 0);
    assert_true(r.lost);
    const size_t len = l.bytes.len;
    const uint64_t seq = l.seq;
    const struct measure_banks pcr = l.pcr;
    logs_put(&l, MEASURE_CONTAINER_CREATE, MEASURE_MARK_DONE);
    assert_int_equal(replay(&l.bytes, &l.starts, &r, &err), -CMC_E_VERIFY);
    assert_string_equal(err.msg, "record 6: follows a lost record, where a discontinuity is due");
    l.bytes.len = len;
    l.seq = seq;
    l.pcr = pcr;
    logs_break(&l);
    assert_int_equal(replay(&l.bytes, &l.starts, &r, &err), 0);
    assert_false(r.lost);
    logs_done(&l);
}

/* Cut at every byte of the last frame: the same log without it, and the torn bytes are told. */
static void torn_tail(void **state)
{
    (void)state;
    struct logs l;
    struct measure_replay r;
    struct cmc_err err;
    logs_init(&l, 2);
    logs_usual(&l);
    for (int frame = 0; frame < 2; frame++) {
        const size_t before = l.bytes.len;
        struct measure_event ev = logs_event(MEASURE_CONTAINER_CREATE);
        if (frame == 0)
            logs_intent(&l, &ev);
        else
            logs_mark(&l, MEASURE_MARK_DONE);
        for (size_t len = before; len < l.bytes.len; len++) {
            const struct cmc_buf cut = {.data = l.bytes.data, .len = len};
            assert_int_equal(replay(&cut, &l.starts, &r, &err), 0);
            assert_int_equal(err.code, CMC_OK);
            assert_int_equal(r.torn, len - before);
            assert_int_equal(r.end, before);
            assert_int_equal(r.open, frame == 1);
        }
    }
    logs_done(&l);
}

static void opaque_events_are_extended(void **state)
{
    (void)state;
    struct logs l;
    struct measure_replay r;
    struct cmc_err err;
    logs_init(&l, 1);
    logs_usual(&l);
    static const char snow[] = "\xa3\x00\x6b"
                               "cmc-event/1\x01\x64snow\x02\x05";
    struct measure_frame f = {.type = MEASURE_FRAME_INTENT,
                              .recnum = 5,
                              .pcr = 13,
                              .content = (const uint8_t *)snow,
                              .content_len = sizeof(snow) - 1};
    const struct measure_event opaque = {.opaque = true};
    assert_int_equal(measure_replay_digests(l.profile, &opaque, &f, &l.start, &f.digests, &err), 0);
    assert_int_equal(measure_frame_encode(&f, &l.bytes, &err), 0);
    logs_mark(&l, MEASURE_MARK_DONE);
    assert_int_equal(replay(&l.bytes, &l.starts, &r, &err), 0);
    assert_int_equal(r.events, 6);
    assert_true(measure_banks_equal(&r.last, &l.pcr));
    logs_done(&l);
}

static void tools_refuse_other_banks(void **state)
{
    (void)state;
    struct cmc_err err = {0};
    struct measure_banks a = {.count = 1, .bank = {{.alg = CMC_ALG_SHA256}}};
    struct measure_banks b = {.count = 1, .bank = {{.alg = CMC_ALG_SHA1}}};
    const struct measure_banks before = a;
    assert_int_equal(measure_replay_extend(&a, &b, &err), -CMC_E_USAGE);
    assert_memory_equal(&a, &before, sizeof(a));
    assert_false(measure_banks_equal(&a, &b));
}

/* --- Must-fail twins: the usual log with one change. Frames 2n, 2n + 1 are event n and its mark.
 */

static size_t frames;

static void drop(size_t at, size_t n)
{
    memmove(&rec[at], &rec[at + n], (frames - at - n) * sizeof(rec[0]));
    frames -= n;
}
static void double_pair(size_t at)
{
    memmove(&rec[at + 2], &rec[at], (frames - at) * sizeof(rec[0]));
    frames += 2;
}
static void swap(size_t a, size_t b)
{
    static struct logs_record tmp;
    tmp = rec[a];
    rec[a] = rec[b];
    rec[b] = tmp;
}
/* The content's first occurrence of a byte string is changed to another of the same length. */
static void relabel(size_t frame, const char *from, const char *to, size_t len)
{
    uint8_t *at = memmem(rec[frame].content, rec[frame].frame.content_len, from, len);
    assert_non_null(at);
    memcpy(at, to, len);
}

static void drop_event(void)
{
    drop(4, 2);
}
static void drop_first(void)
{
    drop(0, 2);
}
static void drop_mark(void)
{
    drop(3, 1);
}
static void drop_intent(void)
{
    drop(2, 1);
}
static void double_event(void)
{
    double_pair(2);
}
static void double_mark(void)
{
    double_pair(3);
    rec[4] = rec[3];
    drop(5, 1);
}
static void swap_events(void)
{
    swap(2, 4);
    swap(3, 5);
}
static void swap_and_renumber(void)
{
    swap_events();
    rec[2].frame.recnum = rec[3].frame.recnum = 1;
    rec[4].frame.recnum = rec[5].frame.recnum = 2;
    logs_forge(rec, frames,
               &(struct measure_banks){.count = 2,
                                       .bank = {{.alg = CMC_ALG_SHA1}, {.alg = CMC_ALG_SHA256}}});
}
static void relabel_type(void)
{
    relabel(4, "container-delete", "container-remove", 16); /* one that no reader knows */
}
static void relabel_known_type(void)
{
    relabel(4, "container-delete", "container-create", 16);
}
static void relabel_container(void)
{
    relabel(2, "web-1", "web-2", 5);
}
static void relabel_seq(void)
{
    relabel(2, "\x02\x01\x03", "\x02\x07\x03", 3);
}
static void flip_content(void)
{
    rec[6].content[rec[6].frame.content_len - 1] ^= 1;
}
static void change_digest(void)
{
    rec[4].frame.digests.bank[1].value[31] ^= 1;
}
static void change_mark(void)
{
    rec[5].frame.values.bank[0].value[0] ^= 1;
}
static void relabel_mark(void)
{
    rec[5].frame.how = MEASURE_MARK_TWICE;
}
static void mark_lost(void)
{
    rec[5].frame.how = MEASURE_MARK_LOST;
}
static void mark_of_another(void)
{
    rec[5].frame.recnum = 3;
}
static void other_pcr(void)
{
    rec[4].frame.pcr = 14;
}
static void other_pcr_at_start(void)
{
    rec[0].frame.pcr = 14;
}
static void fewer_banks(void)
{
    rec[4].frame.digests.count = 1;
}
static void renumber(void)
{
    rec[4].frame.recnum = rec[5].frame.recnum = 9;
}
static void forge(void)
{
    const struct measure_banks start = {.count = 2,
                                        .bank = {{.alg = CMC_ALG_SHA1}, {.alg = CMC_ALG_SHA256}}};
    logs_forge(rec, frames, &start);
}
static void seq_forged(void)
{
    relabel_seq();
    forge();
}
/* recorder-start claims another start value, all else made to fit (D-01) */
static void start_forged(void)
{
    const uint8_t zeros[20] = {0};
    uint8_t *at = memmem(rec[0].content, rec[0].frame.content_len, zeros, sizeof(zeros));
    assert_non_null(at);
    at[0] = 1;
    forge();
}
static void create_first(void)
{
    drop(0, 2);
    for (size_t i = 0; i < frames; i++)
        rec[i].frame.recnum--;
    relabel(0, "\x02\x01\x03", "\x02\x00\x03", 3);
    forge();
}
static void garbage_content(void)
{
    rec[4].content[0] = 0x80;
    forge();
}

static struct twin {
    const char *name;
    void (*change)(void);
    const char *says;
    int want;
} twins[] = {
    {"event dropped", drop_event, "record 3: expected record 2: one is missing", -CMC_E_VERIFY},
    {"first event dropped", drop_first, "record 1: expected record 0: one is missing",
     -CMC_E_VERIFY},
    {"mark dropped", drop_mark, "record 2: begins while record 1 has no mark", -CMC_E_VERIFY},
    {"record of a mark dropped", drop_intent, "record 1: has a mark, but no record is open",
     -CMC_E_VERIFY},
    {"event doubled", double_event, "record 1: expected record 2: one is repeated or moved",
     -CMC_E_VERIFY},
    {"mark doubled", double_mark, "record 1: has a mark, but no record is open", -CMC_E_VERIFY},
    {"events swapped", swap_events, "record 2: expected record 1: one is missing", -CMC_E_VERIFY},
    {"events swapped and renumbered", swap_and_renumber,
     "record 1: its content says that it is event 2", -CMC_E_VERIFY},
    {"type relabelled", relabel_type, "record 2: its digests are not those of its content",
     -CMC_E_VERIFY},
    {"type relabelled to one with other members", relabel_known_type,
     "record 2: event container-create: key 23 is no member, out of order, or there twice",
     -CMC_E_FORMAT},
    {"container relabelled", relabel_container,
     "record 1: its digests are not those of its content", -CMC_E_VERIFY},
    {"seq relabelled", relabel_seq, "record 1: its content says that it is event 7", -CMC_E_VERIFY},
    {"seq relabelled, digests forged", seq_forged, "record 1: its content says that it is event 7",
     -CMC_E_VERIFY},
    {"content flipped", flip_content, "record 3: its digests are not those of its content",
     -CMC_E_VERIFY},
    {"digest changed", change_digest, "record 2: its digests are not those of its content",
     -CMC_E_VERIFY},
    {"mark changed", change_mark,
     "record 2: its mark holds another PCR value than the replay gives", -CMC_E_VERIFY},
    {"mark says twice", relabel_mark,
     "record 2: its mark holds another PCR value than the replay gives", -CMC_E_VERIFY},
    {"mark says lost", mark_lost,
     "record 2: its mark holds another PCR value than the replay gives", -CMC_E_VERIFY},
    {"mark of another record", mark_of_another, "record 3: has a mark while record 2 is open",
     -CMC_E_VERIFY},
    {"another PCR", other_pcr, "record 2: extends PCR 14, the log began with PCR 13",
     -CMC_E_VERIFY},
    {"another PCR at the start", other_pcr_at_start,
     "record 0: its content names PCR 13, its record PCR 14", -CMC_E_VERIFY},
    {"a bank left out", fewer_banks, "record 2: has digests for other banks than the register's",
     -CMC_E_VERIFY},
    {"renumbered", renumber, "record 9: expected record 2: one is missing", -CMC_E_VERIFY},
    {"start value forged", start_forged,
     "record 0: recorder-start found another PCR value than the start value", -CMC_E_VERIFY},
    {"begins with a container", create_first,
     "record 0: the log begins neither with recorder-start nor with discontinuity", -CMC_E_VERIFY},
    {"content is no event", garbage_content,
     "record 2: event: content: expected a map, found an array", -CMC_E_FORMAT},
};

static void must_fail(void **state)
{
    const struct twin *t = *state;
    struct logs l;
    struct measure_replay r = {.events = 77};
    struct cmc_err err;
    cmc_autobuf struct cmc_buf b = cmc_buf_of(1 << 20);
    logs_init(&l, 2);
    logs_usual(&l);
    frames = logs_split(&l, rec, RECORDS);
    t->change();
    logs_join(rec, frames, &b);
    assert_int_equal(replay(&b, &l.starts, &r, &err), t->want);
    assert_string_equal(err.msg, t->says);
    assert_int_equal(r.events, 77);
    logs_done(&l);
}

/* A forger with the log file alone can make a log that replays, but never to the PCR's value. */
static void a_forged_log_gives_another_value(void **state)
{
    (void)state;
    struct logs l;
    struct measure_replay r;
    struct cmc_err err;
    cmc_autobuf struct cmc_buf b = cmc_buf_of(1 << 20);
    logs_init(&l, 2);
    logs_usual(&l);
    frames = logs_split(&l, rec, RECORDS);
    relabel_container();
    forge();
    logs_join(rec, frames, &b);
    assert_int_equal(replay(&b, &l.starts, &r, &err), 0);
    assert_false(measure_banks_equal(&r.last, &l.pcr));
    logs_done(&l);
}

static void discontinuity_must_know_the_log(void **state)
{
    (void)state;
    struct logs l;
    struct measure_replay r;
    struct cmc_err err;
    logs_init(&l, 1);
    logs_usual(&l);
    l.pcr.bank[0].value[0] ^= 1; /* expected will be this, not what the log implies */
    logs_break(&l);
    assert_int_equal(replay(&l.bytes, &l.starts, &r, &err), -CMC_E_VERIFY);
    assert_string_equal(err.msg,
                        "record 5: discontinuity expected another PCR value than the log implies");
    logs_done(&l);
}

static void discontinuity_keeps_the_banks(void **state)
{
    (void)state;
    struct logs l;
    struct measure_replay r;
    struct cmc_err err;
    logs_init(&l, 2);
    logs_usual(&l);
    struct measure_event ev = logs_least_event(MEASURE_DISCONTINUITY);
    ev.expected = l.pcr; /* found: SHA-256 only */
    logs_intent(&l, &ev);
    assert_int_equal(replay(&l.bytes, &l.starts, &r, &err), -CMC_E_VERIFY);
    assert_string_equal(err.msg, "record 5: discontinuity found other banks than the register's");
    logs_done(&l);
}

int main(void)
{
    const struct CMUnitTest plain[] = {
        cmocka_unit_test(usual_log_replays),
        cmocka_unit_test(empty_log),
        cmocka_unit_test(open_record_is_told),
        cmocka_unit_test(callback_ends_it),
        cmocka_unit_test(each_mark),
        cmocka_unit_test(segments),
        cmocka_unit_test(begins_with_discontinuity),
        cmocka_unit_test(lost_needs_a_new_segment),
        cmocka_unit_test(torn_tail),
        cmocka_unit_test(opaque_events_are_extended),
        cmocka_unit_test(tools_refuse_other_banks),
        cmocka_unit_test(a_forged_log_gives_another_value),
        cmocka_unit_test(discontinuity_must_know_the_log),
        cmocka_unit_test(discontinuity_keeps_the_banks),
    };
    struct CMUnitTest tests[ROWS(plain) + ROWS(twins)];
    memcpy(tests, plain, sizeof(plain));
    for (size_t i = 0; i < ROWS(twins); i++)
        tests[ROWS(plain) + i] =
            (struct CMUnitTest){twins[i].name, must_fail, NULL, NULL, &twins[i]};
    return cmocka_run_group_tests_name("measure/replay", tests, NULL, NULL);
}
