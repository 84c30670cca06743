/* SPDX-License-Identifier: Apache-2.0 */
/* tests/unit/record/test_state.c -- the decision alone: log x PCR x counters, one row per cell,
 * with each start value that policy may allow. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <string.h>

#include "record/state.h"
#include "tests/lib/rows.h"

enum log { EMPTY, TAIL, OPEN, OPEN_QUIET, OPEN_START, LOST, NO_START }; /* quiet: not extended */
enum pcr { START, L, ONCE, TWICE, OTHER, DISAGREE };
enum { SAME = 0, RESET = 1, BOOT = 2 };

struct row {
    const char *name;
    enum log log;
    enum pcr pcr;
    int changed;
    enum record_open_intent open;
    bool discontinuity, start;
};

static const struct row rows[] = {
    {"empty, start", EMPTY, START, SAME, RECORD_OPEN_NONE, false, true},
    {"empty, other", EMPTY, OTHER, SAME, RECORD_OPEN_NONE, true, true},
    {"empty, banks disagree", EMPTY, DISAGREE, SAME, RECORD_OPEN_NONE, true, true},
    {"tail, L", TAIL, L, SAME, RECORD_OPEN_NONE, false, false},
    {"tail, start", TAIL, START, SAME, RECORD_OPEN_NONE, true, false},
    {"tail, H(L,d)", TAIL, ONCE, SAME, RECORD_OPEN_NONE, true, false},
    {"tail, other", TAIL, OTHER, SAME, RECORD_OPEN_NONE, true, false},
    {"tail, banks disagree", TAIL, DISAGREE, SAME, RECORD_OPEN_NONE, true, false},
    {"open, L", OPEN, L, SAME, RECORD_OPEN_EXTEND, false, false},
    {"open, H(L,d)", OPEN, ONCE, SAME, RECORD_OPEN_FOUND, false, false},
    {"open, H(H(L,d),d)", OPEN, TWICE, SAME, RECORD_OPEN_TWICE, false, false},
    {"open, start", OPEN, START, SAME, RECORD_OPEN_LOST, true, false},
    {"open, other", OPEN, OTHER, SAME, RECORD_OPEN_LOST, true, false},
    {"open, banks disagree", OPEN, DISAGREE, SAME, RECORD_OPEN_LOST, true, false},
    {"tail, start, reset", TAIL, START, RESET, RECORD_OPEN_NONE, false, true},
    {"tail, L, reset", TAIL, L, RESET, RECORD_OPEN_NONE, true, true},
    {"tail, other, reset", TAIL, OTHER, RESET, RECORD_OPEN_NONE, true, true},
    {"tail, banks disagree, reset", TAIL, DISAGREE, RESET, RECORD_OPEN_NONE, true, true},
    {"open, start, reset", OPEN, START, RESET, RECORD_OPEN_LOST, false, true},
    {"open, L, reset", OPEN, L, RESET, RECORD_OPEN_LOST, true, true},
    {"open, H(L,d), reset", OPEN, ONCE, RESET, RECORD_OPEN_LOST, true, true},
    {"open, H(H(L,d),d), reset", OPEN, TWICE, RESET, RECORD_OPEN_LOST, true, true},
    {"open, other, reset", OPEN, OTHER, RESET, RECORD_OPEN_LOST, true, true},
    {"open, banks disagree, reset", OPEN, DISAGREE, RESET, RECORD_OPEN_LOST, true, true},
    {"open and not extended, L", OPEN_QUIET, L, SAME, RECORD_OPEN_EXTEND, false, false},
    {"open and not extended, start", OPEN_QUIET, START, SAME, RECORD_OPEN_LOST, true, false},
    {"open and not extended, other", OPEN_QUIET, OTHER, SAME, RECORD_OPEN_LOST, true, false},
    {"open and not extended, banks disagree", OPEN_QUIET, DISAGREE, SAME, RECORD_OPEN_LOST, true,
     false},
    {"open and not extended, start, reset", OPEN_QUIET, START, RESET, RECORD_OPEN_LOST, false,
     true},
    {"open and not extended, L, reset", OPEN_QUIET, L, RESET, RECORD_OPEN_LOST, true, true},
    {"open and not extended, other, reset", OPEN_QUIET, OTHER, RESET, RECORD_OPEN_LOST, true, true},
    {"open recorder-start, L", OPEN_START, L, SAME, RECORD_OPEN_EXTEND, false, false},
    {"open recorder-start, H(L,d)", OPEN_START, ONCE, SAME, RECORD_OPEN_FOUND, false, false},
    {"open recorder-start, other", OPEN_START, OTHER, SAME, RECORD_OPEN_LOST, true, true},
    {"lost before, L", LOST, L, SAME, RECORD_OPEN_NONE, true, false},
    {"lost before, other", LOST, OTHER, SAME, RECORD_OPEN_NONE, true, false},
    {"lost before, start, reset", LOST, START, RESET, RECORD_OPEN_NONE, false, true},
    {"no recorder-start yet, L", NO_START, L, SAME, RECORD_OPEN_NONE, false, true},
    {"another boot, L", TAIL, L, BOOT, RECORD_OPEN_NONE, true, true},
    {"another boot and reset, start", TAIL, START, BOOT | RESET, RECORD_OPEN_NONE, false, true},
};

static struct measure_banks of(uint8_t byte)
{
    struct measure_banks b = {.count = 2, .bank = {{.alg = CMC_ALG_SHA1}, {.alg = CMC_ALG_SHA256}}};
    memset(b.bank[0].value, byte, 20);
    memset(b.bank[1].value, byte, 32);
    return b;
}

static struct measure_banks extended_by(struct measure_banks b, const struct measure_banks *d,
                                        int times)
{
    struct cmc_err err;
    while (times-- > 0)
        assert_int_equal(measure_replay_extend(&b, d, &err), 0);
    return b;
}

static struct measure_banks extended(struct measure_banks b, int times)
{
    const struct measure_banks d = of(0xdd);
    return extended_by(b, &d, times);
}

/* start: the byte of the start value that the register is at. */
static struct measure_banks value_of(const struct row *t, uint8_t start)
{
    struct measure_banks v = extended(of(0x11), t->pcr == ONCE ? 1 : t->pcr == TWICE ? 2 : 0);
    if (t->pcr == START)
        return of(start);
    if (t->pcr == OTHER)
        return of(0x77);
    if (t->pcr == DISAGREE) /* one bank at L (or start), the other a step ahead */
        v.bank[0] = t->log == EMPTY ? of(start).bank[0] : extended(of(0x11), 1).bank[0];
    return v;
}

/* firmware: the byte of the value that the firmware's log gives, 0: none. */
static void decide(const struct row *t, uint8_t firmware, uint8_t start)
{
    struct cmc_err err = {0};
    const struct measure_banks quiet = {0};
    struct record_state s = {
        .has_start = t->log != EMPTY && t->log != NO_START,
        .open_is_start = t->log == OPEN_START,
        .log = {.empty = t->log == EMPTY,
                .open = t->log == OPEN || t->log == OPEN_QUIET || t->log == OPEN_START,
                .lost = t->log == LOST,
                .last = t->log == EMPTY ? of(0) : of(0x11),
                .open_digests = t->log == OPEN_QUIET ? quiet : of(0xdd),
                .reset_count = 5,
                .boot_id = {1}}};
    const struct record_seen seen = {
        .starts = {.count = firmware ? 2 : 1, .value = {of(0), of(firmware)}},
        .value = value_of(t, start),
        .clock.reset_count = 5 + (uint32_t)(t->changed & RESET),
        .boot_id = {(uint8_t)(1 + (t->changed & BOOT))}};
    struct record_verdict v;
    memset(&v, 0xaa, sizeof(v));
    assert_int_equal(record_state_decide(&s, &seen, &v, &err), 0);
    assert_int_equal(v.open, t->open);
    assert_int_equal(v.discontinuity != NULL, t->discontinuity);
    assert_int_equal(v.start, t->start);
    const int steps = v.open == RECORD_OPEN_EXTEND || v.open == RECORD_OPEN_FOUND ? 1
                      : v.open == RECORD_OPEN_TWICE                               ? 2
                                                                                  : 0;
    const struct measure_banks settled = extended_by(s.log.last, &s.log.open_digests, steps);
    assert_true(measure_banks_equal(&v.settled, &settled));
    const bool fresh = t->log == EMPTY || (t->changed & RESET);
    const struct measure_banks begun = of(t->pcr == START ? start : firmware);
    assert_true(measure_banks_equal(&v.expected, fresh ? &begun : &settled));
    assert_int_equal(record_state_is_fresh(&s, &seen), fresh);
}

static void run_row(void **state)
{
    decide(*state, 0, 0);
    decide(*state, 0x55, 0x55);
    decide(*state, 0x55, 0);
}

/* A value that the firmware's log does not explain is no start value. */
static void unexplained(void **state)
{
    static const struct row absent = {"", EMPTY, START, SAME, RECORD_OPEN_NONE, true, true};
    static const struct row reset = {"", TAIL, START, RESET, RECORD_OPEN_NONE, true, true};
    (void)state;
    struct measure_banks none = of(0);
    for (int i = 0; i < 2; i++) {
        struct cmc_err err = {0};
        const struct row *t = i ? &reset : &absent;
        const struct record_state s = {.has_start = true,
                                       .log = {.empty = !i, .last = of(0x11), .reset_count = 5}};
        struct record_seen seen = {.starts = measure_starts_zero(&none),
                                   .value = value_of(t, 0x55),
                                   .clock.reset_count = 6};
        struct record_verdict v;
        assert_int_equal(record_state_decide(&s, &seen, &v, &err), 0);
        assert_non_null(v.discontinuity);
        assert_true(v.start);
        assert_true(measure_banks_equal(&v.expected, &none));
        seen.starts.value[seen.starts.count++] = of(0x56);
        assert_int_equal(record_state_decide(&s, &seen, &v, &err), 0);
        assert_non_null(v.discontinuity);
        assert_true(measure_banks_equal(&v.expected, &seen.starts.value[1]));
    }
}

int main(void)
{
    struct CMUnitTest tests[ROWS(rows) + 1];
    tests[ROWS(rows)] = (struct CMUnitTest)cmocka_unit_test(unexplained);
    for (size_t i = 0; i < ROWS(rows); i++)
        tests[i] =
            (struct CMUnitTest){rows[i].name, run_row, NULL, NULL, (void *)(uintptr_t)&rows[i]};
    return cmocka_run_group_tests_name("record/state", tests, NULL, NULL);
}
