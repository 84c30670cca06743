/* SPDX-License-Identifier: Apache-2.0 */
/* tests/unit/measure/test_eventlog.c -- frames: written, read, torn at every byte. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/hex.h"
#include "tests/lib/rows.h"
#include "tests/tools/logs.h"

static int next(const struct cmc_buf *log, size_t len, size_t *at, struct measure_frame *f,
                size_t *torn)
{
    struct cmc_err err = {0};
    uint8_t *exact = malloc(len + !len); /* so that ASan sees a read behind the end */
    assert_non_null(exact);
    if (len)
        memcpy(exact, log->data, len);
    const int rc = measure_frame_next(exact, len, at, f, torn, &err);
    assert_int_equal(err.code, rc < 0 ? -rc : CMC_OK);
    free(exact);
    return rc;
}

static void check_example(enum measure_profile profile, const char *want)
{
    char got[1024];
    struct logs l;
    logs_init(&l, 1);
    l.profile = profile;
    struct measure_event ev = logs_least_event(MEASURE_CONTAINER_DELETE);
    ev.has_exit = true;
    ev.exit_status = 137;
    l.seq = 2;
    logs_intent(&l, &ev);
    logs_mark(&l, MEASURE_MARK_DONE);
    assert_in_range(l.bytes.len, 1, sizeof(got) / 2 - 1);
    cmc_hex(l.bytes.data, l.bytes.len, got);
    assert_string_equal(got, want);
    logs_done(&l);
}

/* The examples of docs/formats/eventlog.md. */
static void page_example(void **state)
{
    (void)state;
    static const char exact[] =
        "c34d434c010100000000007793f871390000000008000000000000000201000000010d03000000250b00000020"
        "742f241ccd6b38bdb081b917926b95854ff39058430ba36cfe8b1484ed1e5422cc00000035a6006b636d632d65"
        "76656e742f310170636f6e7461696e65722d64656c657465020203657765622d31056764656661756c74171889"
        "c34d434c010200000000002ce5ffad9300000000000000020101000b064d9045ca3da0676030d72d3d8ad722ee"
        "9563507da8e4e7a2429351a3978c01";
    static const char cmc[] =
        "c34d434c0101000000000052b3495e470000000008000000000000000201000000010d0300000000cc00000035"
        "a6006b636d632d6576656e742f310170636f6e7461696e65722d64656c657465020203657765622d3105676465"
        "6661756c74171889c34d434c010200000000002c858d738300000000000000020101000b000000000000000000"
        "0000000000000000000000000000000000000000000000";
    check_example(MEASURE_PROFILE_EXACT, exact);
    check_example(MEASURE_PROFILE_CMC, cmc);
}

static void round_trip(void **state)
{
    (void)state;
    static struct logs_record records[64];
    static const size_t banks[] = {1, 2, 4};
    for (size_t i = 0; i < ROWS(banks); i++) {
        struct logs l;
        cmc_autobuf struct cmc_buf again = cmc_buf_of(1 << 20);
        logs_init(&l, banks[i]);
        logs_usual(&l);
        const size_t n = logs_split(&l, records, ROWS(records));
        assert_int_equal(n, 10);
        assert_int_equal(records[2].frame.recnum, 1);
        assert_int_equal(records[2].frame.digests.count, banks[i]);
        assert_int_equal(records[9].frame.how, MEASURE_MARK_DONE);
        logs_join(records, n, &again);
        assert_int_equal(again.len, l.bytes.len);
        assert_memory_equal(again.data, l.bytes.data, again.len);
        logs_done(&l);
    }
}

/* Cut at every byte: whole frames first, then the clean end or a torn tail, never a refusal. */
static void cut_at_every_byte(void **state)
{
    (void)state;
    struct logs l;
    logs_init(&l, 2);
    logs_put(&l, MEASURE_RECORDER_START, MEASURE_MARK_DONE);
    logs_put(&l, MEASURE_CONTAINER_DELETE, MEASURE_MARK_DONE);
    for (size_t len = 0; len <= l.bytes.len; len++) {
        struct measure_frame f;
        size_t at = 0, torn = 0;
        int rc;
        do {
            rc = next(&l.bytes, len, &at, &f, &torn);
        } while (rc == 1);
        assert_int_equal(rc, at == len ? 0 : -CMC_E_LIMIT);
        assert_int_equal(torn, 0);
    }
    logs_done(&l);
}

/* Cut at every byte, and a writer that goes on: the cut frame is skipped and counted. */
static void goes_on_behind_each_cut(void **state)
{
    (void)state;
    struct logs l, more;
    logs_init(&l, 1);
    logs_init(&more, 1);
    struct measure_event ev = logs_least_event(MEASURE_CONTAINER_DELETE);
    logs_intent(&l, &ev);
    logs_intent(&more, &ev);
    for (size_t cut = 1; cut < l.bytes.len; cut++) {
        struct measure_frame f;
        size_t at = 0, torn = 0;
        cmc_autobuf struct cmc_buf b = cmc_buf_of(1 << 20);
        cmc_put(&b, l.bytes.data, cut);
        cmc_put(&b, more.bytes.data, more.bytes.len);
        assert_int_equal(next(&b, b.len, &at, &f, &torn), 1);
        assert_int_equal(torn, cut);
        assert_int_equal(at, b.len);
        assert_int_equal(next(&b, b.len, &at, &f, &torn), 0);
    }
    logs_done(&l);
    logs_done(&more);
}

/* A changed byte of the only frame: a torn tail, or no frame at all; never the frame. */
static void every_flip_is_seen(void **state)
{
    (void)state;
    struct logs l;
    logs_init(&l, 1);
    struct measure_event ev = logs_least_event(MEASURE_CONTAINER_DELETE);
    logs_intent(&l, &ev);
    for (size_t bit = 0; bit < 8 * l.bytes.len; bit++) {
        struct measure_frame f;
        size_t at = 0, torn = 0;
        l.bytes.data[bit / 8] ^= (uint8_t)(1 << bit % 8);
        assert_int_equal(next(&l.bytes, l.bytes.len, &at, &f, &torn),
                         bit < 8 ? -CMC_E_FORMAT : -CMC_E_LIMIT);
        assert_int_equal(at, 0);
        l.bytes.data[bit / 8] ^= (uint8_t)(1 << bit % 8);
    }
    logs_done(&l);
}

static uint32_t crc32c(const uint8_t *p, size_t n, uint32_t crc)
{
    for (crc = ~crc; n--; p++) {
        crc ^= *p;
        for (int i = 0; i < 8; i++)
            crc = crc & 1 ? crc >> 1 ^ 0x82f63b78 : crc >> 1;
    }
    return ~crc;
}

/* Bodies that have a right checksum and are wrong all the same. */
static struct wrong {
    const char *name;
    size_t at;    /* offset in the record's or mark's frame */
    uint8_t with; /* its new value */
    bool mark;
    int want;
} wrong[] = {
    {"unchanged record", 5, 1, false, 1},
    {"frame type 3", 5, 3, false, -CMC_E_FORMAT},
    {"a record read as a mark", 5, 2, false, -CMC_E_FORMAT},
    {"frame version 2", 4, 2, false, -CMC_E_LIMIT},
    {"reserved bytes", 7, 1, false, -CMC_E_LIMIT},
    {"RECNUM of another type", 16, 9, false, -CMC_E_FORMAT},
    {"RECNUM of another length", 20, 7, false, -CMC_E_FORMAT},
    {"PCR of another type (an NV index)", 29, 2, false, -CMC_E_FORMAT},
    {"DIGESTS of another type", 35, 4, false, -CMC_E_FORMAT},
    {"no digests", 39, 0, false, -CMC_E_FORMAT},
    {"DIGESTS longer than the body", 36, 1, false, -CMC_E_FORMAT},
    {"a digest of an unknown algorithm", 40, 18, false, -CMC_E_FORMAT},
    {"a digest of another length", 44, 31, false, -CMC_E_FORMAT},
    {"content of another type", 77, 9, false, -CMC_E_FORMAT},
    {"content shorter than the body", 81, 1, false, -CMC_E_FORMAT},
    {"unchanged mark", 24, 1, true, 1},
    {"mark how 0", 24, 0, true, -CMC_E_FORMAT},
    {"mark how 6", 24, 6, true, -CMC_E_FORMAT},
    {"mark without banks", 25, 0, true, -CMC_E_FORMAT},
    {"mark with two banks of one", 25, 2, true, -CMC_E_FORMAT},
    {"mark of an unknown bank", 27, 18, true, -CMC_E_FORMAT},
};

static void wrong_body(void **state)
{
    const struct wrong *t = *state;
    struct measure_frame f = {.recnum = 77};
    size_t at = 0, torn = 0;
    struct logs l, m;
    logs_init(&l, 1);
    struct measure_event ev = logs_least_event(MEASURE_CONTAINER_DELETE);
    logs_intent(&l, &ev);
    m = l;
    m.bytes = cmc_buf_of(1 << 20);
    cmc_put(&m.bytes, l.bytes.data, l.bytes.len);
    logs_mark(&m, MEASURE_MARK_DONE);
    const size_t skip = t->mark ? l.bytes.len : 0;
    cmc_autobuf struct cmc_buf b = cmc_buf_of(1 << 20);
    cmc_put(&b, m.bytes.data + skip, t->mark ? m.bytes.len - skip : l.bytes.len);
    b.data[t->at] = t->with;
    const uint32_t crc = crc32c(b.data + 16, b.len - 16, crc32c(b.data, 12, 0));
    for (size_t i = 0; i < 4; i++)
        b.data[12 + i] = (uint8_t)(crc >> (24 - 8 * i));
    assert_int_equal(next(&b, b.len, &at, &f, &torn), t->want);
    if (t->want < 0) {
        assert_int_equal(at, 0);
        assert_int_equal(f.recnum, 77);
    }
    logs_done(&l);
    logs_done(&m);
}

static void garbage_is_refused(void **state)
{
    (void)state;
    struct cmc_buf b = cmc_buf_of(100);
    struct measure_frame f;
    size_t at = 0, torn = 0;
    cmc_put_text(&b, "{\"recnum\":0}");
    assert_int_equal(next(&b, b.len, &at, &f, &torn), -CMC_E_FORMAT);
    cmc_buf_done(&b);
}

/* The search behind a torn frame is bounded. */
static void torn_bytes_are_limited(void **state)
{
    (void)state;
    struct cmc_buf b = cmc_buf_of(4 << 20);
    struct measure_frame f;
    size_t at = 0, torn = 0;
    static const uint8_t head[1024] = "\xc3MCL\1\1\0\0\0\0\x7f\xf0";
    while (b.len <= MEASURE_TORN_MAX)
        cmc_put(&b, head, sizeof(head));
    assert_int_equal(next(&b, b.len, &at, &f, &torn), -CMC_E_FORMAT);
    assert_int_equal(at, 0);
    cmc_buf_done(&b);
}

static void encode_refuses(void **state)
{
    (void)state;
    static const uint8_t content[MEASURE_EVENT_MAX + 1];
    const struct measure_banks one = {.count = 1, .bank = {{.alg = CMC_ALG_SHA256}}};
    const struct measure_banks none = {0}, five = {.count = 5};
    const struct measure_banks unknown = {.count = 1, .bank = {{.alg = 0x12}}};
    const struct measure_banks twice = {.count = 2,
                                        .bank = {{.alg = CMC_ALG_SHA256}, {.alg = CMC_ALG_SHA256}}};
    const struct {
        struct measure_frame f;
        int want;
    } t[] = {
        {{.type = MEASURE_FRAME_INTENT, .digests = one, .content = content}, 0},
        {{.type = MEASURE_FRAME_INTENT, .digests = one, .content = content, .content_len = 16385},
         -CMC_E_LIMIT},
        {{.type = MEASURE_FRAME_INTENT, .digests = one, .pcr = 256}, -CMC_E_LIMIT},
        {{.type = MEASURE_FRAME_INTENT, .digests = none, .content = content}, 0},
        {{.type = MEASURE_FRAME_INTENT, .digests = five}, -CMC_E_USAGE},
        {{.type = MEASURE_FRAME_INTENT, .digests = unknown}, -CMC_E_USAGE},
        {{.type = MEASURE_FRAME_INTENT, .digests = twice}, -CMC_E_USAGE},
        {{.type = MEASURE_FRAME_MARK, .values = one, .how = MEASURE_MARK_LOST}, 0},
        {{.type = MEASURE_FRAME_MARK, .values = one}, -CMC_E_USAGE},
        {{.type = MEASURE_FRAME_MARK, .values = none, .how = MEASURE_MARK_DONE}, -CMC_E_USAGE},
        {{.type = (enum measure_frame_type)0, .values = one}, -CMC_E_USAGE},
    };
    for (size_t i = 0; i < ROWS(t); i++) {
        struct cmc_err err = {0};
        cmc_autobuf struct cmc_buf b = cmc_buf_of(MEASURE_FRAME_MAX);
        cmc_put_u8(&b, 77);
        assert_int_equal(measure_frame_encode(&t[i].f, &b, &err), t[i].want);
        if (t[i].want < 0)
            assert_int_equal(b.len, 1);
    }
}

int main(void)
{
    struct CMUnitTest tests[8 + ROWS(wrong)] = {
        cmocka_unit_test(page_example),           cmocka_unit_test(round_trip),
        cmocka_unit_test(cut_at_every_byte),      cmocka_unit_test(goes_on_behind_each_cut),
        cmocka_unit_test(every_flip_is_seen),     cmocka_unit_test(garbage_is_refused),
        cmocka_unit_test(torn_bytes_are_limited), cmocka_unit_test(encode_refuses),
    };
    for (size_t i = 0; i < ROWS(wrong); i++)
        tests[8 + i] = (struct CMUnitTest){wrong[i].name, wrong_body, NULL, NULL, &wrong[i]};
    return cmocka_run_group_tests_name("measure/eventlog", tests, NULL, NULL);
}
