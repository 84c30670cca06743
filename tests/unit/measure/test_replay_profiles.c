/* SPDX-License-Identifier: Apache-2.0 */
/* tests/unit/measure/test_replay_profiles.c -- what each profile extends, and from which values a
 * register may begin. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "base/hex.h"
#include "tests/lib/rows.h"
#include "tests/tools/logs.h"

static int replay(const struct logs *l, struct measure_replay *out, struct cmc_err *err)
{
    *err = (struct cmc_err){0};
    return measure_replay(l->bytes.data, l->bytes.len, &l->starts, NULL, NULL, out, err);
}

static void must_say(const struct logs *l, const char *says)
{
    struct measure_replay r = {.events = 77};
    struct cmc_err err;
    assert_int_equal(replay(l, &r, &err), -CMC_E_VERIFY);
    assert_string_equal(err.msg, says);
    assert_int_equal(r.events, 77);
}

static void must_replay(const struct logs *l, struct measure_replay *out)
{
    struct cmc_err err;
    if (replay(l, out, &err) < 0)
        fail_msg("%s", err.msg);
    assert_true(measure_banks_equal(&out->last, &l->pcr));
}

enum digest { NONE, CONTENT, TEMPLATE };

static const struct row {
    enum measure_event_type type;
    enum digest exact, cmc;
} rows[] = {
    {MEASURE_RECORDER_START, CONTENT, NONE},
    {MEASURE_CONTAINER_CREATE, CONTENT, TEMPLATE},
    {MEASURE_CONTAINER_DELETE, CONTENT, NONE},
    {MEASURE_EXEC, CONTENT, NONE},
    {MEASURE_UPDATE, CONTENT, NONE},
    {MEASURE_RESTORE, CONTENT, NONE},
    {MEASURE_FAILED, CONTENT, CONTENT},
    {MEASURE_POLICY_CHANGE, CONTENT, NONE},
    {MEASURE_UNMEASURED, CONTENT, NONE},
    {MEASURE_LAYER_CHANGED, CONTENT, NONE},
    {MEASURE_DISCONTINUITY, CONTENT, NONE},
    {(enum measure_event_type)0, CONTENT, NONE}, /* of a newer version */
};

static void check_digests(const struct row *t, enum measure_profile profile, enum digest want)
{
    static const uint8_t content[] = "content";
    const struct measure_frame f = {.content = content, .content_len = 7};
    struct measure_event ev = logs_least_event(MEASURE_CONTAINER_CREATE);
    struct measure_banks got;
    struct cmc_err err = {0};
    struct logs l;
    uint8_t pair[64], sum[CMC_HASH_MAX];
    logs_init(&l, 4);
    ev.type = t->type;
    memcpy(pair, ev.config, 32);
    memcpy(pair + 32, ev.rootfs, 32);
    memset(&got, 0xaa, sizeof(got));
    assert_int_equal(measure_replay_digests(profile, &ev, &f, &l.start, &got, &err), 0);
    assert_int_equal(got.count, want == NONE ? 0 : 4);
    for (size_t i = 0; i < got.count; i++) {
        const uint16_t alg = l.start.bank[i].alg;
        assert_int_equal(got.bank[i].alg, alg);
        assert_int_equal(want == TEMPLATE ? cmc_hash2(alg, pair, 64, NULL, 0, sum, &err)
                                          : cmc_hash2(alg, content, 7, NULL, 0, sum, &err),
                         0);
        assert_memory_equal(got.bank[i].value, sum, cmc_hash_size(alg));
    }
    logs_done(&l);
}

static void what_is_extended(void **state)
{
    (void)state;
    for (size_t i = 0; i < ROWS(rows); i++) {
        check_digests(&rows[i], MEASURE_PROFILE_EXACT, rows[i].exact);
        check_digests(&rows[i], MEASURE_PROFILE_CMC, rows[i].cmc);
    }
}

/* The worked example of docs/formats/event.md. */
static void page_example(void **state)
{
    (void)state;
    static const char want[] = "a4cccafd8403a8bd912496bf94a8a9b7b3066d8d4d027150be76a4368fadb9c6";
    const struct measure_event ev = logs_event(MEASURE_CONTAINER_CREATE);
    const struct measure_frame f = {.content = (const uint8_t *)"x", .content_len = 1};
    const struct measure_banks like = {.count = 1, .bank = {{.alg = CMC_ALG_SHA256}}};
    struct measure_banks got;
    struct cmc_err err = {0};
    char hex[65];
    assert_int_equal(measure_replay_digests(MEASURE_PROFILE_CMC, &ev, &f, &like, &got, &err), 0);
    cmc_hex(got.bank[0].value, 32, hex);
    assert_string_equal(hex, want);
}

static void cmc_log(struct logs *l, size_t banks)
{
    logs_init(l, banks);
    l->profile = MEASURE_PROFILE_CMC;
    logs_usual(l);
}

static void cmc_log_replays(void **state)
{
    (void)state;
    static const size_t banks[] = {1, 2, 4};
    for (size_t i = 0; i < ROWS(banks); i++) {
        struct logs l;
        struct measure_replay r;
        cmc_log(&l, banks[i]);
        must_replay(&l, &r);
        assert_int_equal(r.events, 5);
        assert_int_equal(r.extended, 3); /* create, failed, create */
        assert_int_equal(r.profile, MEASURE_PROFILE_CMC);
        struct measure_event ev = logs_event(MEASURE_CONTAINER_DELETE);
        logs_intent(&l, &ev);
        must_replay(&l, &r);
        assert_true(r.open && r.open_digests.count == 0);
        logs_mark(&l, MEASURE_MARK_RECOVERED);
        must_replay(&l, &r);
        assert_int_equal(r.extended, 3);
        logs_done(&l);
    }
}

static void exact_extends_all(void **state)
{
    (void)state;
    struct logs l;
    struct measure_replay r;
    logs_init(&l, 2);
    logs_usual(&l);
    must_replay(&l, &r);
    assert_int_equal(r.extended, r.events);
    logs_done(&l);
}

/* The price of profile cmc: what it does not extend can be left out without a trace in the PCR. */
static void unverified_events_can_be_left_out(void **state)
{
    (void)state;
    struct logs l;
    struct measure_replay with, without;
    logs_init(&l, 2);
    l.profile = MEASURE_PROFILE_CMC;
    logs_put(&l, MEASURE_RECORDER_START, MEASURE_MARK_DONE);
    logs_put(&l, MEASURE_CONTAINER_CREATE, MEASURE_MARK_DONE);
    must_replay(&l, &without);
    logs_put(&l, MEASURE_CONTAINER_DELETE, MEASURE_MARK_DONE);
    must_replay(&l, &with);
    assert_true(measure_banks_equal(&with.last, &without.last));
    logs_put(&l, MEASURE_FAILED, MEASURE_MARK_DONE); /* this one not */
    must_replay(&l, &with);
    assert_false(measure_banks_equal(&with.last, &without.last));
    logs_done(&l);
}

static void marks_of_what_is_not_extended(void **state)
{
    (void)state;
    static const struct {
        enum measure_mark_how how;
        bool ok;
    } marks[] = {{MEASURE_MARK_DONE, true},
                 {MEASURE_MARK_RECOVERED, true},
                 {MEASURE_MARK_FOUND, false},
                 {MEASURE_MARK_TWICE, false},
                 {MEASURE_MARK_LOST, true}};
    for (size_t i = 0; i < ROWS(marks); i++) {
        struct logs l;
        struct measure_replay r;
        cmc_log(&l, 2);
        logs_put(&l, MEASURE_CONTAINER_DELETE, marks[i].how);
        if (marks[i].ok)
            must_replay(&l, &r);
        else
            must_say(&l, "record 5: its mark says that it was found extended, but it never is");
        logs_done(&l);
    }
}

/* Record 2 of the usual log with other digests; the rest as it was. */
static void with_digests(enum measure_profile profile, enum measure_event_type type,
                         const struct measure_banks *digests, struct logs *l)
{
    struct cmc_err err = {0};
    cmc_autobuf struct cmc_buf content = cmc_buf_of(MEASURE_EVENT_MAX);
    logs_init(l, 2);
    l->profile = profile;
    logs_put(l, MEASURE_RECORDER_START, MEASURE_MARK_DONE);
    struct measure_event ev = logs_event(type);
    ev.seq = 1;
    assert_int_equal(measure_event_encode(&ev, &content, &err), 0);
    struct measure_frame f = {.type = MEASURE_FRAME_INTENT,
                              .recnum = 1,
                              .pcr = 13,
                              .content = content.data,
                              .content_len = content.len};
    if (digests)
        f.digests = *digests;
    else /* those of profile exact */
        assert_int_equal(
            measure_replay_digests(MEASURE_PROFILE_EXACT, &ev, &f, &l->start, &f.digests, &err), 0);
    assert_int_equal(measure_frame_encode(&f, &l->bytes, &err), 0);
}

static void digests_of_another_profile(void **state)
{
    (void)state;
    static const struct measure_banks none;
    static const char other_banks[] = "record 1: has digests for other banks than the register's";
    struct logs l;
    with_digests(MEASURE_PROFILE_CMC, MEASURE_CONTAINER_DELETE, NULL, &l);
    must_say(&l, "record 1: has digests, but its profile does not extend such events");
    logs_done(&l);
    with_digests(MEASURE_PROFILE_CMC, MEASURE_CONTAINER_CREATE, NULL, &l);
    must_say(&l, "record 1: its digests are not those of its content");
    logs_done(&l);
    with_digests(MEASURE_PROFILE_CMC, MEASURE_CONTAINER_CREATE, &none, &l);
    must_say(&l, other_banks);
    logs_done(&l);
    with_digests(MEASURE_PROFILE_CMC, MEASURE_FAILED, &none, &l);
    must_say(&l, other_banks);
    logs_done(&l);
    with_digests(MEASURE_PROFILE_EXACT, MEASURE_CONTAINER_DELETE, &none, &l);
    must_say(&l, other_banks);
    logs_done(&l);
}

static void profile_changes_with_a_reset(void **state)
{
    (void)state;
    struct logs l;
    struct measure_replay r;
    logs_init(&l, 2);
    logs_usual(&l);
    l.profile = MEASURE_PROFILE_CMC;
    logs_reset(&l);
    logs_put(&l, MEASURE_CONTAINER_CREATE, MEASURE_MARK_DONE);
    must_replay(&l, &r);
    assert_int_equal(r.profile, MEASURE_PROFILE_CMC);
    assert_int_equal(r.extended, 6);
    l.profile = MEASURE_PROFILE_EXACT;
    logs_break(&l); /* the same reset */
    must_say(&l, "record 7: changes the profile without a TPM reset");
    logs_done(&l);
}

/* Another register's recorder-start, or discontinuity without a reset, behind the first event. */
static void change_register(struct logs *l, bool reset)
{
    static struct logs_record rec[8];
    logs_init(l, 2);
    logs_put(l, MEASURE_RECORDER_START, MEASURE_MARK_DONE);
    l->reset_count += reset;
    l->pcr = reset ? l->start : l->pcr;
    struct measure_event ev = logs_event(reset ? MEASURE_RECORDER_START : MEASURE_DISCONTINUITY);
    ev.pcr = 14;
    ev.found = l->pcr;
    ev.expected = reset ? ev.expected : l->pcr;
    logs_intent(l, &ev);
    const size_t n = logs_split(l, rec, ROWS(rec));
    rec[n - 1].frame.pcr = 14;
    l->bytes.len = 0;
    logs_join(rec, n, &l->bytes);
}

static void register_changes_with_a_reset(void **state)
{
    (void)state;
    struct logs l;
    struct measure_replay r;
    change_register(&l, true);
    must_replay(&l, &r);
    assert_int_equal(r.pcr, 14);
    logs_done(&l);
    change_register(&l, false);
    must_say(&l, "record 1: extends PCR 14, the log began with PCR 13");
    logs_done(&l);
}

static void begins_with_the_firmwares_value(void **state)
{
    (void)state;
    for (int profile = MEASURE_PROFILE_EXACT; profile <= MEASURE_PROFILE_CMC; profile++) {
        struct logs l;
        struct measure_replay r;
        logs_init(&l, 2);
        l.profile = (enum measure_profile)profile;
        logs_firmware(&l, 0x40);
        logs_usual(&l);
        must_replay(&l, &r);
        assert_true(measure_banks_equal(&r.start, &l.start));
        logs_reset(&l);
        must_replay(&l, &r);
        assert_int_equal(r.segments, 2);
        /* zeros count as well: the next boot had no extensions */
        l.start = measure_banks_zero(&l.start);
        logs_reset(&l);
        must_replay(&l, &r);
        assert_true(measure_banks_equal(&r.start, &l.start));
        /* without the firmware's log only zeros do */
        l.starts.count = 1;
        must_say(&l, "record 0: recorder-start found another PCR value than the start value");
        logs_done(&l);
    }
}

static void expected_may_be_either(void **state)
{
    (void)state;
    for (int which = 0; which < 3; which++) {
        struct logs l;
        struct measure_replay r;
        logs_init(&l, 2);
        logs_firmware(&l, 0x40);
        l.pcr = which < 2 ? l.starts.value[which] : l.pcr;
        l.pcr.bank[0].value[0] ^= which == 2;
        logs_break(&l);
        logs_put(&l, MEASURE_RECORDER_START, MEASURE_MARK_DONE);
        if (which < 2)
            must_replay(&l, &r);
        else
            must_say(&l, "record 0: discontinuity expected another PCR value than the log implies");
        logs_done(&l);
    }
}

static void recorder_start_behind_a_discontinuity(void **state)
{
    (void)state;
    struct logs l;
    logs_init(&l, 2);
    logs_firmware(&l, 0x40);
    logs_break(&l);
    l.pcr = l.start; /* a start value, but not what the discontinuity found */
    logs_put(&l, MEASURE_RECORDER_START, MEASURE_MARK_DONE);
    must_say(&l, "record 1: recorder-start found another PCR value than the discontinuity");
    logs_done(&l);
}

static void recorder_start_is_no_way_out_of_lost(void **state)
{
    (void)state;
    struct logs l;
    logs_init(&l, 2);
    logs_break(&l);
    logs_put(&l, MEASURE_CONTAINER_CREATE, MEASURE_MARK_LOST);
    logs_put(&l, MEASURE_RECORDER_START, MEASURE_MARK_DONE);
    must_say(&l, "record 2: follows a lost record, where a discontinuity is due");
    logs_done(&l);
}

/* The value that a discontinuity found is its word alone where it is not extended. */
static void claimed_until_the_next_reset(void **state)
{
    (void)state;
    for (int profile = MEASURE_PROFILE_EXACT; profile <= MEASURE_PROFILE_CMC; profile++) {
        const bool cmc = profile == MEASURE_PROFILE_CMC;
        struct logs l;
        struct measure_replay r;
        logs_init(&l, 2);
        l.profile = (enum measure_profile)profile;
        logs_usual(&l);
        logs_put(&l, MEASURE_DISCONTINUITY, MEASURE_MARK_DONE); /* found what was expected */
        must_replay(&l, &r);
        assert_false(r.claimed);
        logs_break(&l);
        must_replay(&l, &r);
        assert_int_equal(r.claimed, cmc);
        logs_put(&l, MEASURE_CONTAINER_CREATE, MEASURE_MARK_DONE);
        logs_put(&l, MEASURE_DISCONTINUITY, MEASURE_MARK_DONE);
        must_replay(&l, &r);
        assert_int_equal(r.claimed, cmc);
        struct measure_event ev = logs_event(MEASURE_DISCONTINUITY);
        ev.expected = l.pcr;
        ev.found = l.pcr = l.start; /* which needs nobody's word */
        logs_intent(&l, &ev);
        logs_mark(&l, MEASURE_MARK_DONE);
        must_replay(&l, &r);
        assert_false(r.claimed);
        logs_break(&l);
        logs_reset(&l);
        must_replay(&l, &r);
        assert_false(r.claimed);
        logs_done(&l);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(claimed_until_the_next_reset),
        cmocka_unit_test(what_is_extended),
        cmocka_unit_test(page_example),
        cmocka_unit_test(cmc_log_replays),
        cmocka_unit_test(exact_extends_all),
        cmocka_unit_test(unverified_events_can_be_left_out),
        cmocka_unit_test(marks_of_what_is_not_extended),
        cmocka_unit_test(digests_of_another_profile),
        cmocka_unit_test(profile_changes_with_a_reset),
        cmocka_unit_test(register_changes_with_a_reset),
        cmocka_unit_test(begins_with_the_firmwares_value),
        cmocka_unit_test(expected_may_be_either),
        cmocka_unit_test(recorder_start_behind_a_discontinuity),
        cmocka_unit_test(recorder_start_is_no_way_out_of_lost),
    };
    return cmocka_run_group_tests_name("measure/replay profiles", tests, NULL, NULL);
}
