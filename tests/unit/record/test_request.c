/* SPDX-License-Identifier: Apache-2.0 */
/* tests/unit/record/test_request.c -- packets of the recorder's socket. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "base/hex.h"
#include "record/request.h"
#include "tests/lib/rows.h"

#define HEAD "006e636d632d7265636f726465722f3101"
#define UNM  HEAD "6a756e6d65617375726564"
#define D32  "5820000102030405060708090a0b0c0d0e0f000102030405060708090a0b0c0d0e0f"

static struct row {
    const char *name, *hex;
    int want;
    const char *says;
} rows[] = {
    {"the page's pause",
     "a3" HEAD "65706175736502"
     "1901f4",
     0, NULL},
    {"the least report", "a4" UNM "02010360", 0, NULL},
    {"all of a report",
     "a7" UNM "021affffffff0363616263"
     "04" D32 "05" D32 "06" D32,
     0, NULL},
    {"a report with one digest",
     "a5" UNM "0201036178"
     "06" D32,
     0, NULL},
    {"nothing", "", -CMC_E_FORMAT, NULL},
    {"no map", "80", -CMC_E_FORMAT, NULL},
    {"an empty map", "a0", -CMC_E_FORMAT, NULL},
    {"another version",
     "a3006e636d632d7265636f726465722f320165706175736502"
     "01",
     -CMC_E_FORMAT, "version is not cmc-recorder/1"},
    {"another type of event", "a4" HEAD "70636f6e7461696e65722d63726561746502010360", -CMC_E_LIMIT,
     "kind is longer"},
    {"another kind", "a3" HEAD "64726561640201", -CMC_E_FORMAT,
     "only \"unmeasured\" and \"pause\""},
    {"a pause of 0", "a3" HEAD "6570617573650200", -CMC_E_FORMAT, "pause: 0 ms"},
    {"a pause of 1001 ms",
     "a3" HEAD "65706175736502"
     "1903e9",
     -CMC_E_FORMAT, "pause: 1001 ms"},
    {"a pause with more", "a4" HEAD "65706175736502010360", -CMC_E_FORMAT, "4 members, expected 3"},
    {"process 0", "a4" UNM "02000360", -CMC_E_FORMAT, "process 0"},
    {"a number of 33 bits", "a4" UNM "021b00000001000000000360", -CMC_E_FORMAT, "out of bounds"},
    {"a negative number", "a4" UNM "02200360", -CMC_E_FORMAT, NULL},
    {"no name", "a3" UNM "0201", -CMC_E_FORMAT, "3 members, expected 4 to 7"},
    {"a NUL in the name",
     "a4" UNM "020103636100"
     "62",
     -CMC_E_FORMAT, "name contains a NUL"},
    {"a name that is not UTF-8", "a4" UNM "02010361ff", -CMC_E_FORMAT, NULL},
    {"digests in the wrong order",
     "a6" UNM "0201036178"
     "06" D32 "05" D32,
     -CMC_E_FORMAT, "key 5"},
    {"a digest twice",
     "a6" UNM "0201036178"
     "05" D32 "05" D32,
     -CMC_E_FORMAT, "key 5"},
    {"a digest that is none",
     "a5" UNM "0201036178"
     "07" D32,
     -CMC_E_FORMAT, "key 7"},
    {"a short digest",
     "a5" UNM "0201036178"
     "044100",
     -CMC_E_FORMAT, "key 4"},
    {"something behind it",
     "a3" HEAD "6570617573650201"
     "00",
     -CMC_E_FORMAT, "1 bytes behind"},
    {"a longer form",
     "a3" HEAD "65706175736502"
     "1801",
     -CMC_E_FORMAT, NULL},
};

static void check_row(void **state)
{
    const struct row *t = *state;
    uint8_t data[512];
    struct record_request r = {.number = 77};
    struct cmc_err err = {0};
    cmc_autobuf struct cmc_buf again = cmc_buf_of(RECORD_PACKET_MAX);
    const size_t len = strlen(t->hex) / 2;
    assert_int_equal(cmc_unhex(t->hex, strlen(t->hex), data, len, &err), 0);
    assert_int_equal(record_request_decode(data, len, &r, &err), t->want);
    if (t->says && !strstr(err.msg, t->says))
        fail_msg("%s", err.msg);
    if (t->want < 0) {
        assert_int_equal(r.number, 77);
        return;
    }
    assert_int_equal(record_request_encode(&r, &again, &err), 0);
    assert_int_equal(again.len, len);
    assert_memory_equal(again.data, data, len);
}

static void names(void **state)
{
    (void)state;
    uint8_t packet[512] = {0};
    struct record_request r = {.kind = RECORD_REQUEST_UNMEASURED, .number = 1};
    struct cmc_err err = {0};
    cmc_autobuf struct cmc_buf b = cmc_buf_of(RECORD_PACKET_MAX);
    memset(r.name, 'x', RECORD_NAME_MAX);
    assert_int_equal(record_request_encode(&r, &b, &err), 0);
    assert_int_equal(record_request_decode(b.data, b.len, &r, &err), 0);
    assert_int_equal(strlen(r.name), RECORD_NAME_MAX);
    memcpy(packet, b.data, b.len); /* one byte longer */
    packet[b.len - RECORD_NAME_MAX - 1]++;
    packet[b.len] = 'x';
    assert_int_equal(record_request_decode(packet, b.len + 1, &r, &err), -CMC_E_LIMIT);
    r.name[0] = '\xff';
    assert_int_equal(record_request_encode(&r, &b, &err), -CMC_E_USAGE);
    r = (struct record_request){.kind = RECORD_REQUEST_PAUSE, .number = 1001};
    assert_int_equal(record_request_encode(&r, &b, &err), -CMC_E_USAGE);
    r = (struct record_request){.kind = RECORD_REQUEST_UNMEASURED};
    assert_int_equal(record_request_encode(&r, &b, &err), -CMC_E_USAGE);
}

static void reason(void **state)
{
    (void)state;
    struct record_request r = {
        .kind = RECORD_REQUEST_UNMEASURED, .number = 1, .name = "a\x1b[3m\xc3\xa9"};
    cmc_autobuf struct cmc_buf b = cmc_buf_of(1024);
    for (size_t i = 0; i < RECORD_CLAIMS; i++) {
        r.claim[i].set = i != 1;
        memset(r.claim[i].sha256, (int)(0x11 * (i + 1)), 32);
    }
    record_request_reason(&r, &b);
    cmc_put_u8(&b, '\0');
    assert_string_equal((char *)b.data,
                        "reported to cmcd, not measured here: name a\\x1b[3m\xc3\xa9, "
                        "config 1111111111111111111111111111111111111111111111111111111111111111, "
                        "hash 3333333333333333333333333333333333333333333333333333333333333333");
}

static void answers(void **state)
{
    (void)state;
    struct cmc_err err = {0};
    struct record_answer a = {.ok = true, .has_seq = true, .seq = UINT64_MAX}, got = {0};
    cmc_autobuf struct cmc_buf b = cmc_buf_of(RECORD_PACKET_MAX);
    assert_int_equal(record_answer_encode(&a, &b, &err), 0);
    assert_int_equal(record_answer_decode(b.data, b.len, &got, &err), 0);
    assert_true(got.ok && got.has_seq && got.seq == UINT64_MAX && !got.why[0]);
    b.len = 0;
    a = (struct record_answer){0};
    memset(a.why, 'x', RECORD_WHY_MAX);
    memcpy(a.why, "\xff\xc3\xa9", 3); /* what is no UTF-8 is a question mark */
    assert_int_equal(record_answer_encode(&a, &b, &err), 0);
    assert_int_equal(record_answer_decode(b.data, b.len, &got, &err), 0);
    assert_true(!got.ok && !got.has_seq);
    assert_int_equal(strlen(got.why), RECORD_WHY_MAX);
    assert_memory_equal(got.why, "?\xc3\xa9x", 4);
    assert_int_equal(record_answer_decode(b.data, b.len - 1, &got, &err), -CMC_E_FORMAT);
}

int main(void)
{
    struct CMUnitTest tests[ROWS(rows) + 3];
    size_t n = 0;
    for (size_t i = 0; i < ROWS(rows); i++)
        tests[n++] = (struct CMUnitTest){rows[i].name, check_row, NULL, NULL, &rows[i]};
    tests[n++] = (struct CMUnitTest)cmocka_unit_test(names);
    tests[n++] = (struct CMUnitTest)cmocka_unit_test(reason);
    tests[n++] = (struct CMUnitTest)cmocka_unit_test(answers);
    return cmocka_run_group_tests_name("record/request", tests, NULL, NULL);
}
