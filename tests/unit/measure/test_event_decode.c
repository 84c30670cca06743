/* SPDX-License-Identifier: Apache-2.0 */
/* tests/unit/measure/test_event_decode.c -- contents that are refused, and those of other versions.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "measure/cbor.h"
#include "tests/lib/rows.h"
#include "tests/tools/logs.h"

static const enum measure_event_type written[] = {
    MEASURE_RECORDER_START, MEASURE_CONTAINER_CREATE, MEASURE_CONTAINER_DELETE,
    MEASURE_FAILED,         MEASURE_DISCONTINUITY,    MEASURE_UNMEASURED};

static const char many[MEASURE_TEXT_MAX + 2] = {[0 ... MEASURE_TEXT_MAX] = 'x'};

static struct cmc_buf encode(const struct measure_event *ev)
{
    struct cmc_err err = {0};
    struct cmc_buf b = cmc_buf_of(MEASURE_EVENT_MAX);
    if (measure_event_encode(ev, &b, &err) < 0)
        fail_msg("%s", err.msg);
    return b;
}

static void check_round_trip(const struct cmc_buf *b)
{
    struct cmc_err err = {0};
    struct measure_event ev;
    char *text = NULL;
    if (measure_event_decode(b->data, b->len, &ev, &text, &err) < 0)
        fail_msg("%s", err.msg);
    cmc_autobuf struct cmc_buf again = encode(&ev);
    assert_int_equal(again.len, b->len);
    assert_memory_equal(again.data, b->data, b->len);
    free(text);
}

#define HEAD                                                                                       \
    "\x00\x6b"                                                                                     \
    "cmc-event/1"                                                                                  \
    "\x01\x70"                                                                                     \
    "container-delete"                                                                             \
    "\x02\x02"
#define MINIMAL                                                                                    \
    HEAD "\x03\x61"                                                                                \
         "c"                                                                                       \
         "\x05\x61"                                                                                \
         "n"
#define BYTES(s) s, sizeof(s) - 1

static struct bad {
    const char *name, *in;
    size_t len;
    int want;
} bad[] = {
    {"as it should be", BYTES("\xa5" MINIMAL), 0},
    {"nothing", BYTES(""), -CMC_E_FORMAT},
    {"not a map", BYTES("\x80"), -CMC_E_FORMAT},
    {"a count that is too small", BYTES("\xa4" MINIMAL), -CMC_E_FORMAT},
    {"a count that is too large", BYTES("\xa6" MINIMAL), -CMC_E_FORMAT},
    {"two members",
     BYTES("\xa2\x00\x6b"
           "cmc-event/1"
           "\x01\x70"
           "container-delete"),
     -CMC_E_FORMAT},
    {"a byte behind", BYTES("\xa5" MINIMAL "\x00"), -CMC_E_FORMAT},
    {"indefinite map", BYTES("\xbf" MINIMAL "\xff"), -CMC_E_FORMAT},
    {"another version",
     BYTES("\xa5\x00\x6b"
           "cmc-event/2"
           "\x01\x70"
           "container-delete"
           "\x02\x02"
           "\x03\x61"
           "c"
           "\x05\x61"
           "n"),
     -CMC_E_FORMAT},
    {"a version with a NUL",
     BYTES("\xa5\x00\x6c"
           "cmc-event/1\0"
           "\x01\x70"
           "container-delete"
           "\x02\x02\x03\x61"
           "c"
           "\x05\x61"
           "n"),
     -CMC_E_FORMAT},
    {"seq not shortest",
     BYTES("\xa5\x00\x6b"
           "cmc-event/1"
           "\x01\x70"
           "container-delete"
           "\x02\x18\x02\x03\x61"
           "c"
           "\x05\x61"
           "n"),
     -CMC_E_FORMAT},
    {"ns is missing",
     BYTES("\xa4" HEAD "\x03\x61"
           "c"),
     -CMC_E_FORMAT},
    {"container twice",
     BYTES("\xa6" HEAD "\x03\x61"
           "c"
           "\x03\x61"
           "c"
           "\x05\x61"
           "n"),
     -CMC_E_FORMAT},
    {"members out of order",
     BYTES("\xa5" HEAD "\x05\x61"
           "n"
           "\x03\x61"
           "c"),
     -CMC_E_FORMAT},
    {"a member of another type",
     BYTES("\xa6" MINIMAL "\x16\x61"
           "r"),
     -CMC_E_FORMAT},
    {"an unknown member", BYTES("\xa6" MINIMAL "\x18\x63\x00"), -CMC_E_FORMAT},
    {"a text as key",
     BYTES("\xa6" MINIMAL "\x61"
           "x"
           "\x00"),
     -CMC_E_FORMAT},
    {"a number for a text",
     BYTES("\xa5" HEAD "\x03\x01\x05\x61"
           "n"),
     -CMC_E_FORMAT},
    {"a NUL in a text",
     BYTES("\xa5" HEAD "\x03\x61\0\x05\x61"
           "n"),
     -CMC_E_FORMAT},
    {"exit status of 33 bits", BYTES("\xa6" MINIMAL "\x17\x1b\x00\x00\x00\x01\x00\x00\x00\x00"),
     -CMC_E_FORMAT},
    {"exit status of 32 bits", BYTES("\xa6" MINIMAL "\x17\x1a\xff\xff\xff\xff"), 0},
};

static void decode_refuses(void **state)
{
    const struct bad *t = *state;
    struct cmc_err err = {0};
    struct measure_event ev = {.seq = 77};
    char *text = NULL;
    uint8_t *exact = malloc(t->len + !t->len);
    assert_non_null(exact);
    memcpy(exact, t->in, t->len);
    assert_int_equal(measure_event_decode(exact, t->len, &ev, &text, &err), t->want);
    if (t->want < 0) {
        assert_int_equal(ev.seq, 77);
        assert_null(text);
    }
    free(text);
    free(exact);
}

/* Contents that only a hand can write: a builder each, valid but for one member. */
static void begin(struct cmc_buf *b, const char *type, uint64_t pairs)
{
    measure_cbor_put_map(b, pairs);
    measure_cbor_put_uint(b, 0);
    measure_cbor_put_text(b, "cmc-event/1");
    measure_cbor_put_uint(b, 1);
    measure_cbor_put_text(b, type);
    measure_cbor_put_uint(b, 2);
    measure_cbor_put_uint(b, 7);
}
static void put_names(struct cmc_buf *b, const char *container)
{
    measure_cbor_put_uint(b, 3);
    measure_cbor_put_text(b, container);
    measure_cbor_put_uint(b, 5);
    measure_cbor_put_text(b, "n");
}
static const uint8_t zeros[64];
static void put_bytes(struct cmc_buf *b, uint64_t key, size_t len)
{
    measure_cbor_put_uint(b, key);
    measure_cbor_put_bytes(b, zeros, len);
}
static void put_uint(struct cmc_buf *b, uint64_t key, uint64_t v)
{
    measure_cbor_put_uint(b, key);
    measure_cbor_put_uint(b, v);
}
static void build_text(struct cmc_buf *b, unsigned what)
{
    begin(b, "container-delete", 5);
    put_names(b, what ? many : many + 1);
}
static void build_failed(struct cmc_buf *b, unsigned what)
{
    begin(b, "measurement-failed", 11);
    put_names(b, "c");
    put_bytes(b, 11, what == 1 ? 31 : 32);
    put_bytes(b, 14, 8);
    put_bytes(b, 15, 32);
    measure_cbor_put_uint(b, 16);
    if (what == 2)
        cmc_put_u8(b, 0xf6); /* null */
    else
        measure_cbor_put_bool(b, true);
    put_uint(b, 20, 1);
    measure_cbor_put_uint(b, 22);
    measure_cbor_put_text(b, "r");
}
static void build_programs(struct cmc_buf *b, unsigned what)
{
    begin(b, "measurement-failed", 9);
    put_names(b, "c");
    measure_cbor_put_uint(b, 16);
    measure_cbor_put_bool(b, false);
    put_uint(b, 20, 1);
    measure_cbor_put_uint(b, 21);
    measure_cbor_put_array(b, what);
    for (unsigned i = 0; i < what; i++) {
        measure_cbor_put_array(b, 3);
        measure_cbor_put_text(b, "runc");
        measure_cbor_put_text(b, "/");
        measure_cbor_put_bytes(b, zeros, 32);
    }
    measure_cbor_put_uint(b, 22);
    measure_cbor_put_text(b, "r");
}
static void build_start(struct cmc_buf *b, unsigned what)
{
    static const struct {
        unsigned count, alg[5];
    } banks[] = {{1, {11}},        {0, {0}},      {1, {18}},
                 {2, {11, 4}},     {2, {11, 11}}, {5, {4, 11, 12, 13, 14}},
                 {1, {65536 + 11}}};
    begin(b, "recorder-start", 9);
    put_bytes(b, 24, 16);
    put_uint(b, 25, 1);
    put_uint(b, 26, 0);
    put_uint(b, 27, 1);
    put_uint(b, 28, 13);
    measure_cbor_put_uint(b, 30);
    measure_cbor_put_map(b, banks[what].count);
    for (unsigned i = 0; i < banks[what].count; i++) {
        measure_cbor_put_uint(b, banks[what].alg[i]);
        const size_t size = cmc_hash_size((uint16_t)banks[what].alg[i]);
        measure_cbor_put_bytes(b, zeros, size ? size : 32);
    }
}
static void build_members(struct cmc_buf *b, unsigned what)
{
    begin(b, "snow", what);
    for (unsigned i = 3; i < what; i++)
        put_uint(b, i, 0);
}

static struct built {
    const char *name;
    void (*build)(struct cmc_buf *b, unsigned what);
    unsigned what;
    int want;
} built[] = {
    {"text of 1024 bytes", build_text, 0, 0},
    {"text of 1025 bytes", build_text, 1, -CMC_E_LIMIT},
    {"measurement-failed with a config", build_failed, 0, 0},
    {"digest of 31 bytes", build_failed, 1, -CMC_E_FORMAT},
    {"null for a bool", build_failed, 2, -CMC_E_FORMAT},
    {"no programs in their array", build_programs, 0, -CMC_E_FORMAT},
    {"eight programs", build_programs, 8, 0},
    {"nine programs in their array", build_programs, 9, -CMC_E_FORMAT},
    {"one bank", build_start, 0, 0},
    {"no bank", build_start, 1, -CMC_E_FORMAT},
    {"bank of an unknown algorithm", build_start, 2, -CMC_E_FORMAT},
    {"banks that descend", build_start, 3, -CMC_E_FORMAT},
    {"bank twice", build_start, 4, -CMC_E_FORMAT},
    {"five banks", build_start, 5, -CMC_E_FORMAT},
    {"bank above 16 bits", build_start, 6, -CMC_E_FORMAT},
    {"64 members", build_members, 64, 0},
    {"65 members", build_members, 65, -CMC_E_FORMAT},
};

static void decode_built(void **state)
{
    const struct built *t = *state;
    struct cmc_err err = {0};
    struct measure_event ev;
    char *text = NULL;
    cmc_autobuf struct cmc_buf b = cmc_buf_of(MEASURE_EVENT_MAX);
    t->build(&b, t->what);
    assert_int_equal(measure_event_decode(b.data, b.len, &ev, &text, &err), t->want);
    if (t->want == 0 && !ev.opaque)
        check_round_trip(&b);
    free(text);
}

/* Every prefix of a valid content is refused, and so is every changed byte or it is another event.
 */
static void prefixes_and_flips(void **state)
{
    (void)state;
    for (size_t t = 0; t < ROWS(written); t++) {
        struct measure_event ev = logs_event(written[t]);
        cmc_autobuf struct cmc_buf b = encode(&ev);
        for (size_t n = 0; n < b.len; n++) {
            struct cmc_err err = {0};
            struct measure_event got;
            char *text = NULL;
            assert_true(measure_event_decode(b.data, n, &got, &text, &err) < 0);
        }
        for (size_t bit = 0; bit < 8 * b.len; bit++) {
            struct cmc_err err = {0};
            struct measure_event got;
            char *text = NULL;
            b.data[bit / 8] ^= (uint8_t)(1 << bit % 8);
            if (measure_event_decode(b.data, b.len, &got, &text, &err) == 0 && !got.opaque)
                check_round_trip(&b);
            free(text);
            b.data[bit / 8] ^= (uint8_t)(1 << bit % 8);
        }
    }
}

static void config_comes_with_its_key(void **state)
{
    (void)state;
    struct cmc_err err = {0};
    struct measure_event ev = logs_least_event(MEASURE_FAILED), got;
    char *text = NULL;
    ev.has_config = true;
    cmc_autobuf struct cmc_buf b = encode(&ev);
    /* drop key_id, key 14 (0e 48 and 8 bytes), and count one less */
    uint8_t *at = memmem(b.data, b.len, "\x0e\x48", 2);
    assert_non_null(at);
    memmove(at, at + 10, b.len - (size_t)(at + 10 - b.data));
    b.data[0]--;
    assert_int_equal(measure_event_decode(b.data, b.len - 10, &got, &text, &err), -CMC_E_FORMAT);
    assert_string_equal(err.msg, "event measurement-failed: key_id is missing");
}

/* Types of other versions: known by name, or not at all. */
static void opaque_types(void **state)
{
    (void)state;
    static const struct {
        const char *in;
        size_t len;
        int want;
        enum measure_event_type type;
    } t[] = {
        {BYTES("\xa4\x00\x6b"
               "cmc-event/1"
               "\x01\x64"
               "exec"
               "\x02\x07\x03\x61"
               "c"),
         0, MEASURE_EXEC},
        {BYTES("\xa4\x00\x6b"
               "cmc-event/1"
               "\x01\x64"
               "snow"
               "\x02\x07\x18\xff\xa1\x20\xf6"),
         0, 0},
        {BYTES("\xa3\x00\x6b"
               "cmc-event/1"
               "\x01\x64"
               "snow"
               "\x02\x07"),
         0, 0},
        {BYTES("\xa4\x00\x6b"
               "cmc-event/1"
               "\x01\x64"
               "snow"
               "\x02\x07\x03\xf9\x00\x00"),
         -CMC_E_FORMAT, 0},
        {BYTES("\xa4\x00\x6b"
               "cmc-event/1"
               "\x01\x64"
               "snow"
               "\x02\x07\x02\x01"),
         -CMC_E_FORMAT, 0},
        {BYTES("\xa3\x00\x6b"
               "cmc-event/1"
               "\x01\x64"
               "snow"
               "\x02\x07\x03"),
         -CMC_E_FORMAT, 0},
    };
    for (size_t i = 0; i < ROWS(t); i++) {
        struct cmc_err err = {0};
        struct measure_event ev = {0};
        char *text = NULL;
        const uint8_t *in = (const uint8_t *)t[i].in;
        assert_int_equal(measure_event_decode(in, t[i].len, &ev, &text, &err), t[i].want);
        if (t[i].want == 0) {
            assert_true(ev.opaque);
            assert_int_equal(ev.seq, 7);
            assert_int_equal(ev.type, t[i].type);
            assert_string_equal(ev.type_name, t[i].type == MEASURE_EXEC ? "exec" : "snow");
        }
        free(text);
    }
}

static void content_limit(void **state)
{
    (void)state;
    static uint8_t big[MEASURE_EVENT_MAX + 1];
    struct cmc_err err = {0};
    struct measure_event ev;
    char *text = NULL;
    assert_int_equal(measure_event_decode(big, sizeof(big), &ev, &text, &err), -CMC_E_LIMIT);
}

int main(void)
{
    struct CMUnitTest tests[4 + ROWS(bad) + ROWS(built)] = {
        cmocka_unit_test(prefixes_and_flips),
        cmocka_unit_test(config_comes_with_its_key),
        cmocka_unit_test(opaque_types),
        cmocka_unit_test(content_limit),
    };
    for (size_t i = 0; i < ROWS(bad); i++)
        tests[4 + i] = (struct CMUnitTest){bad[i].name, decode_refuses, NULL, NULL, &bad[i]};
    for (size_t i = 0; i < ROWS(built); i++)
        tests[4 + ROWS(bad) + i] =
            (struct CMUnitTest){built[i].name, decode_built, NULL, NULL, &built[i]};
    return cmocka_run_group_tests_name("measure/event_decode", tests, NULL, NULL);
}
