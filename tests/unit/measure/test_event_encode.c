/* SPDX-License-Identifier: Apache-2.0 */
/* tests/unit/measure/test_event_encode.c -- what cannot be written as an event: one row each. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "tests/lib/rows.h"
#include "tests/tools/logs.h"

static const char many[MEASURE_TEXT_MAX + 2] = {[0 ... MEASURE_TEXT_MAX] = 'x'};

static void no_container(struct measure_event *ev)
{
    ev->container = NULL;
}
static void no_rootfs(struct measure_event *ev)
{
    ev->has_rootfs = false;
}
static void no_decision(struct measure_event *ev)
{
    ev->decision = (enum measure_decision)0;
}
static void no_found(struct measure_event *ev)
{
    ev->type = MEASURE_RECORDER_START;
    *ev = logs_least_event(MEASURE_RECORDER_START);
    ev->found.count = 0;
}
static void foreign_member(struct measure_event *ev)
{
    ev->has_exit = true;
}
static void foreign_number(struct measure_event *ev)
{
    ev->reset_count = 1;
}
static void other_decision(struct measure_event *ev)
{
    ev->decision = (enum measure_decision)2;
}
static void not_written_type(struct measure_event *ev)
{
    ev->type = MEASURE_EXEC;
}
static void no_type(struct measure_event *ev)
{
    ev->type = (enum measure_event_type)0;
}
static void huge_type(struct measure_event *ev)
{
    ev->type = (enum measure_event_type)40;
}
static void opaque(struct measure_event *ev)
{
    ev->opaque = true;
}
static void long_text(struct measure_event *ev)
{
    ev->image = many;
}
static void not_utf8(struct measure_event *ev)
{
    ev->image = "\xc3";
}
static void many_programs(struct measure_event *ev)
{
    ev->program_count = MEASURE_PROGRAMS_MAX + 1;
    for (size_t i = 0; i < MEASURE_PROGRAMS_MAX; i++)
        ev->programs[i] = (struct measure_program){.role = "runc", .path = "/"};
}
static void program_without_path(struct measure_event *ev)
{
    ev->program_count = 1;
    ev->programs[0] = (struct measure_program){.role = "runc"};
}
static void unknown_bank(struct measure_event *ev)
{
    *ev = logs_least_event(MEASURE_RECORDER_START);
    ev->found.bank[0].alg = 0x0012;
}
static void five_banks(struct measure_event *ev)
{
    *ev = logs_least_event(MEASURE_RECORDER_START);
    ev->found.count = MEASURE_BANKS_MAX + 1;
}
static void banks_out_of_order(struct measure_event *ev)
{
    *ev = logs_least_event(MEASURE_RECORDER_START);
    ev->found.count = 2;
    ev->found.bank[1].alg = CMC_ALG_SHA1;
}

static struct refused {
    const char *name;
    void (*change)(struct measure_event *ev);
    int want;
} refused[] = {
    {"container is missing", no_container, -CMC_E_USAGE},
    {"rootfs is missing", no_rootfs, -CMC_E_USAGE},
    {"decision is missing", no_decision, -CMC_E_USAGE},
    {"found is missing", no_found, -CMC_E_USAGE},
    {"a member that the type has not", foreign_member, -CMC_E_USAGE},
    {"a number that the type has not", foreign_number, -CMC_E_USAGE},
    {"an unknown decision", other_decision, -CMC_E_USAGE},
    {"a type that is not written", not_written_type, -CMC_E_USAGE},
    {"type 0", no_type, -CMC_E_USAGE},
    {"type 40", huge_type, -CMC_E_USAGE},
    {"an opaque event", opaque, -CMC_E_USAGE},
    {"a text of 1025 bytes", long_text, -CMC_E_LIMIT},
    {"a text that is not UTF-8", not_utf8, -CMC_E_FORMAT},
    {"nine programs", many_programs, -CMC_E_LIMIT},
    {"a program without path", program_without_path, -CMC_E_USAGE},
    {"an unknown bank", unknown_bank, -CMC_E_USAGE},
    {"five banks", five_banks, -CMC_E_LIMIT},
    {"banks out of order", banks_out_of_order, -CMC_E_USAGE},
};

static void encode_refuses(void **state)
{
    const struct refused *t = *state;
    struct cmc_err err = {0};
    struct measure_event ev = logs_least_event(MEASURE_CONTAINER_CREATE);
    cmc_autobuf struct cmc_buf b = cmc_buf_of(MEASURE_EVENT_MAX);
    cmc_put_u8(&b, 77);
    t->change(&ev);
    assert_int_equal(measure_event_encode(&ev, &b, &err), t->want);
    assert_int_equal(b.len, 1); /* out is left alone */
    assert_false(b.bad);
}

static void full_buffer_is_left_alone(void **state)
{
    (void)state;
    struct cmc_err err = {0};
    const struct measure_event ev = logs_least_event(MEASURE_CONTAINER_CREATE);
    cmc_autobuf struct cmc_buf b = cmc_buf_of(20);
    cmc_put_u8(&b, 77);
    assert_int_equal(measure_event_encode(&ev, &b, &err), -CMC_E_LIMIT);
    assert_int_equal(b.len, 1);
}

int main(void)
{
    struct CMUnitTest tests[1 + ROWS(refused)] = {cmocka_unit_test(full_buffer_is_left_alone)};
    for (size_t i = 0; i < ROWS(refused); i++)
        tests[1 + i] =
            (struct CMUnitTest){refused[i].name, encode_refuses, NULL, NULL, &refused[i]};
    return cmocka_run_group_tests_name("measure/event_encode", tests, NULL, NULL);
}
