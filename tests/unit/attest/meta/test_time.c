/* SPDX-License-Identifier: Apache-2.0 */
/* tests/unit/attest/meta/test_time.c -- RFC 3339 times, and texts that some readers take for them.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include <cmocka.h>

#include "attest/meta/types.h"
#include "tests/lib/rows.h"

static const struct {
    const char *text;
    int64_t want;
} good[] = {
    {"1970-01-01T00:00:00Z", 0},
    {"1970-01-01T00:00:01+00:00", 1},
    {"1970-01-01T01:00:00+01:00", 0},
    {"1969-12-31T23:59:59Z", -1},
    {"2000-02-29T12:34:56Z", 951827696},
    {"2026-11-22T08:30:00-05:30", 1795356000},
    {"2026-11-22T08:30:00.123456789Z", 1795336200},
    {"2100-02-28T23:59:59Z", 4107542399},
    {"9999-12-31T23:59:59Z", 253402300799},
    {"0001-01-01T00:00:00Z", -62135596800},
    {"0000-03-01T00:00:00-23:59", -62161948860},
};

static void times_that_are(void **state)
{
    (void)state;
    for (size_t i = 0; i < ROWS(good); i++) {
        int64_t at = 77;
        struct cmc_err err = {0};
        assert_int_equal(meta_time(good[i].text, &at, &err), 0);
        if (at != good[i].want)
            fail_msg("%s: %lld", good[i].text, (long long)at);
    }
}

static const char *const bad[] = {
    "",
    "now",
    "2026-11-22",
    "2026-11-22 08:30:00Z",
    "2026-11-22t08:30:00Z",
    "2026-11-22T08:30:00z",
    "2026-11-22T08:30:00",
    "2026-11-22T08:30Z",
    "2026-11-22T08:30:00+0100",
    "2026-11-22T08:30:00+24:00",
    "2026-11-22T08:30:00+01:60",
    "2026-11-22T08:30:00+01:00 ",
    "2026-11-22T08:30:00x01:00",
    "2026-11-22T08:30:00Zx",
    "2026-11-22T08:30:00.Z",
    "2026-11-22T08:30:00.1234567890Z",
    "2026-11-22T08:30:60Z",
    "2026-11-22T08:60:00Z",
    "2026-11-22T24:00:00Z",
    "2026-11-31T08:30:00Z",
    "2026-11-00T08:30:00Z",
    "2026-00-22T08:30:00Z",
    "2026-13-22T08:30:00Z",
    "2026-02-29T08:30:00Z",
    "1900-02-29T08:30:00Z",
    "+026-11-22T08:30:00Z",
    "200:-11-22T08:30:00Z",
    "2026-1-22T08:30:00Z",
    "02026-11-22T08:30:00Z",
    "2026-11-22T08:30:00\x1b[Z",
};

static void times_that_are_none(void **state)
{
    (void)state;
    for (size_t i = 0; i < ROWS(bad); i++) {
        int64_t at = 77;
        struct cmc_err err = {0};
        if (meta_time(bad[i], &at, &err) != -CMC_E_FORMAT)
            fail_msg("%s", bad[i]);
        assert_int_equal(at, 77);
        assert_null(strchr(err.msg, 0x1b));
        assert_non_null(strstr(err.msg, "RFC 3339"));
    }
}

/* The C library's calendar as a second opinion: some time of each day for 400 years. */
static void every_day_is_where_it_should_be(void **state)
{
    (void)state;
    for (int64_t day = -36524; day < 146097 - 36524; day++) {
        const int64_t want = day * 86400 + (day * 7919 % 86400 + 86400) % 86400;
        const time_t t = want;
        struct tm tm;
        char text[64];
        int64_t at;
        struct cmc_err err = {0};
        assert_non_null(gmtime_r(&t, &tm));
        assert_true(strftime(text, sizeof(text), "%Y-%m-%dT%H:%M:%SZ", &tm) > 0);
        assert_int_equal(meta_time(text, &at, &err), 0);
        assert_int_equal(at, want);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(times_that_are),
        cmocka_unit_test(times_that_are_none),
        cmocka_unit_test(every_day_is_where_it_should_be),
    };
    return cmocka_run_group_tests_name("attest/meta/time", tests, NULL, NULL);
}
