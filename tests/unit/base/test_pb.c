/* SPDX-License-Identifier: Apache-2.0 */
/* tests/unit/base/test_pb.c -- single fields at their limits, and what the writer writes. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "base/pb.h"
#include "tests/lib/rows.h"

#define BYTES(s) (const uint8_t *)(s), sizeof(s) - 1

struct row {
    const char *name;
    const uint8_t *in;
    size_t len;
    int want; /* 1, 0 or -code */
    uint32_t number;
    uint64_t value;
    size_t used;
};

static struct row rows[] = {
    {"nothing left", BYTES(""), 0, 0, 0, 0},
    {"one-byte varint", BYTES("\x08\x03"), 1, 1, 3, 2},
    {"rest stays", BYTES("\x08\x03\x10\x01"), 1, 1, 3, 2},
    {"overlong varint is legal", BYTES("\x08\x83\x00"), 1, 1, 3, 3},
    {"largest varint", BYTES("\x08\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01"), 1, 1, UINT64_MAX, 11},
    {"varint of 65 bits", BYTES("\x08\xff\xff\xff\xff\xff\xff\xff\xff\xff\x02"), -CMC_E_FORMAT, 0,
     0, 0},
    {"varint of 11 bytes", BYTES("\x08\x80\x80\x80\x80\x80\x80\x80\x80\x80\x80\x00"), -CMC_E_FORMAT,
     0, 0, 0},
    {"varint cut short", BYTES("\x08\x83"), -CMC_E_FORMAT, 0, 0, 0},
    {"tag without a value", BYTES("\x08"), -CMC_E_FORMAT, 0, 0, 0},
    {"empty bytes", BYTES("\x12\x00"), 1, 2, 0, 2},
    {"bytes", BYTES("\x12\x02hi!"), 1, 2, 0, 4},
    {"bytes one short", BYTES("\x12\x03hi"), -CMC_E_FORMAT, 0, 0, 0},
    {"bytes of 2^63", BYTES("\x12\x80\x80\x80\x80\x80\x80\x80\x80\x80\x01hi"), -CMC_E_FORMAT, 0, 0,
     0},
    {"fixed64", BYTES("\x19\x01\x02\x03\x04\x05\x06\x07\x08"), 1, 3, 0x0807060504030201, 9},
    {"fixed64 one short", BYTES("\x19\x01\x02\x03\x04\x05\x06\x07"), -CMC_E_FORMAT, 0, 0, 0},
    {"fixed32", BYTES("\x25\xff\x00\x00\x80"), 1, 4, 0x800000ff, 5},
    {"fixed32 one short", BYTES("\x25\xff\x00\x00"), -CMC_E_FORMAT, 0, 0, 0},
    {"field number 0", BYTES("\x00\x00"), -CMC_E_FORMAT, 0, 0, 0},
    {"largest field number", BYTES("\xf8\xff\xff\xff\x0f\x01"), 1, (1 << 29) - 1, 1, 6},
    {"field number 2^29", BYTES("\x80\x80\x80\x80\x10\x01"), -CMC_E_FORMAT, 0, 0, 0},
    {"group", BYTES("\x0b\x0c"), -CMC_E_FORMAT, 0, 0, 0},
    {"wire type 6", BYTES("\x0e\x00"), -CMC_E_FORMAT, 0, 0, 0},
    {"wire type 7", BYTES("\x0f\x00"), -CMC_E_FORMAT, 0, 0, 0},
};

static void run_row(void **state)
{
    const struct row *t = *state;
    struct cmc_reader r = cmc_reader_of(t->in, t->len);
    struct cmc_pb_field f = {.number = 77};
    struct cmc_err err = {0};

    assert_int_equal(cmc_pb_next(&r, &f, &err), t->want);
    assert_int_equal(err.code, t->want < 0 ? -t->want : CMC_OK);
    if (t->want <= 0) {
        assert_int_equal(f.number, 77);
        return;
    }
    assert_int_equal(f.number, t->number);
    assert_int_equal(f.value, t->value);
    assert_ptr_equal(f.whole.p, t->in);
    assert_int_equal(f.whole.len, t->used);
    assert_int_equal(r.left, t->len - t->used);
    if (f.wire == CMC_PB_BYTES) /* even an empty value is present */
        assert_ptr_equal(f.bytes.p + f.bytes.len, t->in + t->used);
}

static void test_a_fault_sticks(void **state)
{
    (void)state;
    struct cmc_reader r = cmc_reader_of("\x00\x08\x01", 3);
    struct cmc_pb_field f;
    struct cmc_err err;
    assert_int_equal(cmc_pb_next(&r, &f, &err), -CMC_E_FORMAT);
    assert_int_equal(cmc_pb_next(&r, &f, &err), -CMC_E_FORMAT);
}

static void test_text(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        size_t len;
        bool want;
    } cases[] = {
        {"", 0, true},
        {"plain", 5, true},
        {"\xc3\xa9\xe2\x82\xac\xf0\x9f\x98\x80", 9, true},
        {"a\0b", 3, false},
        {"\xff", 1, false},
        {"\x80", 1, false},
        {"\xc0\x80", 2, false},         /* overlong NUL */
        {"\xe0\x80\xaf", 3, false},     /* overlong slash */
        {"\xed\xa0\x80", 3, false},     /* surrogate */
        {"\xf4\x90\x80\x80", 4, false}, /* above U+10FFFF */
        {"\xf0\x80\x80\xaf", 4, false},
        {"\xe2\x82", 2, false},
        {"\xe2\x82z", 3, false},
    };
    for (size_t i = 0; i < ROWS(cases); i++) {
        const struct cmc_span s = {(const uint8_t *)cases[i].text, cases[i].len};
        if (cmc_pb_is_text(&s) != cases[i].want)
            fail_msg("case %zu", i);
    }
}

static void test_written_is_read(void **state)
{
    (void)state;
    static const uint64_t values[] = {0, 1, 127, 128, 300, UINT32_MAX, UINT64_MAX};
    for (size_t i = 0; i < ROWS(values); i++) {
        cmc_autobuf struct cmc_buf b = cmc_buf_of(64);
        cmc_pb_put_uint(&b, 536870911, values[i]);
        cmc_pb_put_bytes(&b, 2, "abc", 3);
        struct cmc_reader r = cmc_reader_of(b.data, b.len);
        struct cmc_pb_field f;
        struct cmc_err err;
        assert_int_equal(cmc_pb_next(&r, &f, &err), 1);
        assert_int_equal(f.value, values[i]);
        assert_int_equal(cmc_pb_next(&r, &f, &err), 1);
        assert_int_equal(f.bytes.len, 3);
        assert_memory_equal(f.bytes.p, "abc", 3);
        assert_int_equal(cmc_pb_next(&r, &f, &err), 0);
    }
}

int main(void)
{
    struct CMUnitTest tests[ROWS(rows) + 3] = {
        cmocka_unit_test(test_a_fault_sticks),
        cmocka_unit_test(test_text),
        cmocka_unit_test(test_written_is_read),
    };
    for (size_t i = 0; i < ROWS(rows); i++)
        tests[3 + i] = (struct CMUnitTest){rows[i].name, run_row, NULL, NULL, &rows[i]};
    return cmocka_run_group_tests_name("base/pb", tests, NULL, NULL);
}
