/* SPDX-License-Identifier: Apache-2.0 */
/* tests/unit/attest/prove/test_log.c -- the log as a prover sees it, whole, growing or damaged. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <string.h>
#include <sys/stat.h>

#include "tests/lib/rows.h"
#include "tests/unit/attest/prove/bed.h"

static struct bed bed;

static int set_up(void **state)
{
    (void)state;
    bed_init(&bed, MEASURE_PROFILE_EXACT);
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    bed_done(&bed);
    return 0;
}

static void read_log(struct prove_log *l)
{
    struct cmc_err err = {0};
    if (prove_log_read(bed.run, CMC_ALG_SHA256, l, &err) < 0)
        fail_msg("%s", err.msg);
}

static const uint8_t *sha256_of(const struct measure_banks *b)
{
    for (size_t i = 0; i < b->count; i++)
        if (b->bank[i].alg == CMC_ALG_SHA256)
            return b->bank[i].value;
    return NULL;
}

static void events_and_values(void **state)
{
    static const enum measure_event_type types[] = {
        MEASURE_RECORDER_START, MEASURE_CONTAINER_CREATE, MEASURE_CONTAINER_DELETE, MEASURE_FAILED,
        MEASURE_CONTAINER_CREATE};
    struct prove_log l = {0};
    struct measure_replay r;
    struct cmc_err err = {0};
    (void)state;
    bed_write(&bed);
    read_log(&l);
    assert_int_equal(l.count, ROWS(types));
    for (size_t i = 0; i < l.count; i++) {
        assert_int_equal(l.event[i].type, types[i]);
        assert_int_equal(l.event[i].how, MEASURE_MARK_DONE);
        assert_true(l.event[i].extended);
        assert_int_equal(l.event[i].begins, i == 0);
    }
    assert_int_equal(l.profile, MEASURE_PROFILE_EXACT);
    assert_memory_equal(l.event[4].value, sha256_of(&bed.log.pcr), 32);
    assert_int_equal(prove_log_replay(&l, &r, &err), 0);
    assert_memory_equal(sha256_of(&r.last), sha256_of(&bed.log.pcr), 32);
    prove_log_done(&l);
}

/* An extend may have happened, and its mark be missing. */
static void an_open_record_has_the_value_to_come(void **state)
{
    struct measure_event ev = logs_least_event(MEASURE_CONTAINER_DELETE);
    struct prove_log l = {0};
    (void)state;
    logs_intent(&bed.log, &ev);
    bed_write(&bed);
    read_log(&l);
    assert_int_equal(l.count, 6);
    assert_int_equal(l.event[5].how, 0);
    logs_mark(&bed.log, MEASURE_MARK_DONE);
    assert_memory_equal(l.event[5].value, sha256_of(&bed.log.pcr), 32);
    prove_log_done(&l);
}

static void segments_begin(void **state)
{
    struct prove_log l = {0};
    (void)state;
    logs_break(&bed.log);
    logs_put(&bed.log, MEASURE_CONTAINER_DELETE, MEASURE_MARK_DONE);
    logs_reset(&bed.log);
    bed_write(&bed);
    read_log(&l);
    for (size_t i = 0; i < l.count; i++) {
        const bool start =
            l.event[i].type == MEASURE_RECORDER_START || l.event[i].type == MEASURE_DISCONTINUITY;
        assert_int_equal(l.event[i].begins, start);
    }
    prove_log_done(&l);
}

static void damage_ends_the_events(void **state)
{
    struct prove_log l = {0};
    (void)state;
    for (size_t len = 0; len <= bed.log.bytes.len; len++) {
        bed_save(bed.run, "log", bed.log.bytes.data, len, 0640);
        read_log(&l);
        assert_int_equal(l.bytes.len, len);
        assert_in_range(l.count, 0, 5);
        prove_log_done(&l);
    }
    for (size_t i = 0; i < bed.log.bytes.len; i += 7) {
        bed.log.bytes.data[i] ^= 0x11;
        bed_write(&bed);
        read_log(&l);
        assert_int_equal(l.bytes.len, bed.log.bytes.len);
        assert_in_range(l.count, 0, 5);
        prove_log_done(&l);
        bed.log.bytes.data[i] ^= 0x11;
    }
}

static void nothing_was_recorded(void **state)
{
    struct prove_log l = {0};
    struct measure_replay r;
    struct cmc_err err = {0};
    (void)state;
    read_log(&l);
    assert_int_equal(l.count, 0);
    assert_int_equal(l.bytes.len, 0);
    assert_int_equal(prove_log_replay(&l, &r, &err), 0);
    assert_true(r.empty);
    assert_int_equal(r.last.count, 1);
    assert_int_equal(prove_log_read("/nowhere", CMC_ALG_SHA256, &l, &err), 0);
    prove_log_done(&l);
}

static void other_files_are_errors(void **state)
{
    struct prove_log l = {.count = 7};
    struct measure_replay r;
    struct cmc_err err = {0};
    char path[64];
    (void)state;
    (void)snprintf(path, sizeof(path), "%s/log", bed.run);
    assert_int_equal(mkdir(path, 0700), 0);
    assert_int_equal(prove_log_read(bed.run, CMC_ALG_SHA256, &l, &err), -CMC_E_FORMAT);
    assert_int_equal(rmdir(path), 0);
    assert_int_equal(symlink("/etc/passwd", path), 0);
    assert_int_equal(prove_log_read(bed.run, CMC_ALG_SHA256, &l, &err), -CMC_E_SYS);
    assert_int_equal(l.count, 7);
    bed_write(&bed);
    assert_int_equal(prove_log_read(bed.run, CMC_ALG_SHA384, &l, &err), 0);
    assert_int_equal(prove_log_replay(&l, &r, &err), -CMC_E_FORMAT);
    assert_string_equal(err.msg, "log: no bank 0x000c");
    prove_log_done(&l);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(events_and_values, set_up, tear_down),
        cmocka_unit_test_setup_teardown(an_open_record_has_the_value_to_come, set_up, tear_down),
        cmocka_unit_test_setup_teardown(segments_begin, set_up, tear_down),
        cmocka_unit_test_setup_teardown(damage_ends_the_events, set_up, tear_down),
        cmocka_unit_test_setup_teardown(nothing_was_recorded, set_up, tear_down),
        cmocka_unit_test_setup_teardown(other_files_are_errors, set_up, tear_down),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
